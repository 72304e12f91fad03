"""Closing with nothing open, legal holds that beat deletion, disposal by two people."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import TestCase
from django.utils import timezone

from cases.files import FileDamaged, load_bytes
from cases.models import Case, Evidence, LegalHold
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.retention import kept_until
from cases.services.cases import (
    close_case,
    decide_case,
    reopen_case,
    start_case,
    submit_case,
)
from cases.services.disposal import dispose_evidence, keep_evidence, request_disposal
from cases.services.errors import CaseworkError
from cases.services.evidence import acquire_evidence, open_evidence, verify_store
from cases.services.holds import clear_legal_hold, set_legal_hold
from cases.services.instruments import UploadedBytes
from cases.services.relations import merge_case, relate_case
from cases.services.tasks import add_note, add_task, finish_task
from cases.services.wallets import add_wallet
from cases.states import InvalidTransition
from tests.blockmaker import address
from tests.casework import make_case, person, stale

pytestmark = pytest.mark.django_db
ENDS = {"closure_reason": "no_suspicion", "reason": "Nothing found."}


def decided(by: Actor, decisions: list[str] | None = None, **fields: Any) -> Case:
    case = submit_case(make_case(by, started=True, **fields), reason="Ready.", by=by)
    return decide_case(
        case, decisions=decisions or ["no_action"], reason="Yes.", by=person("supervisor")
    )


def exhibit(case: Case, by: Actor, words: bytes = b"letter") -> Evidence:
    return acquire_evidence(
        case, document=UploadedBytes("a.txt", words), kind="document", title="A", source="S",
        source_grade="A", information_grade="1", by=by,
    )  # fmt: skip


def over(case: Case) -> None:
    """Its time is over since yesterday."""
    yesterday = timezone.now().date() - timedelta(days=1)
    Case.objects.filter(pk=case.pk).update(retention_until=yesterday)
    case.refresh_from_db()


def refused_by_the_database(words: str) -> None:
    # On PostgreSQL the role of the house may not even ask for some of it.
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(words)


def test_a_case_with_an_open_deadline_stays_open() -> None:
    by, boss = person("analyst"), person("compliance")
    case = decided(by)
    add_task(case, title="Someday", by=by)  # without a time it is no deadline
    task = add_task(case, title="Answer", due_at=timezone.now() + timedelta(days=1), by=by)
    with pytest.raises(CaseworkError, match="deadline is open: Answer"):
        close_case(case, **ENDS, by=boss)
    finish_task(task, by=by)
    closed = close_case(case, **ENDS, by=boss)
    assert closed.retention_until == kept_until("darknet", timezone.now().date())
    assert reopen_case(closed, reason="New facts.", by=boss).retention_until is None


def test_a_case_decided_for_a_report_is_closed_once_that_is_filed() -> None:
    case = decided(person("analyst"), ["report"])
    with pytest.raises(CaseworkError, match="decided for a report"):
        close_case(case, **ENDS, by=person("compliance"))
    with pytest.raises(PermissionDenied, match="Only compliance closes"):
        close_case(case, **ENDS, by=person("supervisor"))  # and no word of the report


def test_kinds_of_cases_are_kept_for_their_time() -> None:
    assert kept_until("fraud", date(2024, 2, 29)) == date(2029, 2, 28)
    assert kept_until("sanctions", date(2024, 3, 1)) == date(2034, 3, 1)


def test_a_hold_is_set_by_one_and_lifted_by_another_of_compliance() -> None:
    case, first, second = make_case(), person("compliance"), person("compliance")
    for role in ("analyst", "supervisor"):
        with pytest.raises(PermissionDenied):
            set_legal_hold(case, reason="Suit.", by=person(role))
    assert set_legal_hold(case, reason="Suit.", by=first).legal_hold
    with pytest.raises(InvalidTransition):
        set_legal_hold(case, reason="Again.", by=second)
    with pytest.raises(PermissionDenied):
        clear_legal_hold(case, reason="Over.", by=first)
    with pytest.raises(StepUpRequired):
        clear_legal_hold(case, reason="Over.", by=stale(second))
    assert not clear_legal_hold(case, reason="Over.", by=second).legal_hold
    with pytest.raises(InvalidTransition):
        clear_legal_hold(case, reason="Over.", by=second)
    hold = LegalHold.objects.get()
    assert (hold.set_by_id, hold.cleared_by_id) == (first.user_id, second.user_id)


def test_a_hold_beats_deletion_in_the_database() -> None:
    by = person("analyst")
    case = make_case(by)
    wallet = add_wallet(
        case, address=address(7), role="bank", label="L", provenance="analyst",
        provenance_note="N", by=by,
    )  # fmt: skip
    add_note(case, text="N", by=by)
    set_legal_hold(case, reason="Suit.", by=person("compliance"))
    for words in (
        "DELETE FROM cases_wallet",
        "DELETE FROM cases_note",
        "DELETE FROM cases_case",
        "DELETE FROM cases_legalhold",
        "UPDATE cases_case SET legal_hold = (1 = 0)",
        "UPDATE cases_legalhold SET cleared_at = set_at, cleared_by_id = set_by_id",
    ):
        refused_by_the_database(words)
    clear_legal_hold(case, reason="Over.", by=person("compliance"))
    assert wallet.delete()[0] == 1


def test_an_exhibit_is_disposed_of_by_two_people_after_its_time() -> None:
    by, boss, head = person("analyst"), person("supervisor"), person("compliance")
    case = decided(by)
    letter = exhibit(case, by)
    with pytest.raises(CaseworkError, match="closed case"):
        request_disposal(letter, reason="Over.", by=boss)
    case = close_case(case, **ENDS, by=head)
    with pytest.raises(CaseworkError, match="is kept until"):
        request_disposal(letter, reason="Over.", by=boss)
    over(case)
    with pytest.raises(PermissionDenied):
        request_disposal(letter, reason="Over.", by=by)
    request_disposal(letter, reason="Five years.", by=boss)
    for who in (boss, person("analyst")):
        with pytest.raises(PermissionDenied):
            dispose_evidence(letter, reason="Yes.", by=who)
    with pytest.raises(StepUpRequired):
        dispose_evidence(letter, reason="Yes.", by=stale(head))
    keep_evidence(letter, reason="Needed.", by=head)
    request_disposal(letter, reason="Five years.", by=head)
    for decide in (dispose_evidence, keep_evidence):
        with pytest.raises(PermissionDenied, match="second person"):
            decide(letter, reason="Yes.", by=head)
    with TestCase.captureOnCommitCallbacks(execute=True):
        dispose_evidence(letter, reason="Yes.", by=person("compliance"))
    with pytest.raises(FileDamaged):
        load_bytes(letter.sha256)
    with pytest.raises(CaseworkError, match="was disposed of on"):
        open_evidence(letter, by=by)
    assert [each.action for each in letter.custody.order_by("seq")][-1] == "dispose"
    assert verify_store().breaks == []


def test_a_hold_beats_disposal_and_so_does_another_case_with_the_same_file() -> None:
    by, boss, head = person("analyst"), person("supervisor"), person("compliance")
    case = decided(by)
    letter = exhibit(case, by, b"another letter")
    exhibit(make_case(by), by, b"another letter")
    case = close_case(case, **ENDS, by=head)
    over(case)
    request_disposal(letter, reason="Over.", by=boss)
    set_legal_hold(case, reason="Suit.", by=head)
    with pytest.raises(CaseworkError, match="legal hold"):
        dispose_evidence(letter, reason="Yes.", by=head)
    refused_by_the_database(
        "UPDATE cases_evidence SET state = 'disposed', disposed_at = acquired_at,"  # noqa: S608
        f" disposed_by_id = {head.user_id} WHERE id = {letter.pk}"
    )
    clear_legal_hold(case, reason="Over.", by=person("compliance"))
    with TestCase.captureOnCommitCallbacks(execute=True):
        dispose_evidence(letter, reason="Yes.", by=head)
    assert load_bytes(letter.sha256) == b"another letter"  # the other case rests on it
    assert verify_store().breaks == []


def test_what_was_merged_is_kept_as_long_as_where_it_went() -> None:
    by, boss, head = person("analyst"), person("supervisor"), person("compliance")
    case, into = make_case(by), make_case(by)
    letter = exhibit(case, by)
    relate_case(case, into, kind="duplicate", reason="Same.", by=by)
    case = merge_case(case, into=into.public_id, reason="Yes.", by=boss)
    over(case)
    with pytest.raises(CaseworkError, match="as long as the case that it went into"):
        request_disposal(letter, reason="Over.", by=boss)
    relate_case(into, last := make_case(by), kind="duplicate", reason="Same.", by=by)
    over(merge_case(into, into=last.public_id, reason="Yes.", by=boss))
    submit_case(start_case(last, by=by), reason="Ready.", by=by)
    decide_case(last, decisions=["no_action"], reason="Yes.", by=boss)
    over(close_case(last, **ENDS, by=head))
    request_disposal(letter, reason="Five years.", by=boss)
    set_legal_hold(last, reason="Suit.", by=head)
    with pytest.raises(CaseworkError, match="as long as the case that it went into"):
        dispose_evidence(letter, reason="Yes.", by=head)
    with pytest.raises(DatabaseError, match="legal hold stands"), transaction.atomic():
        Evidence.objects.filter(pk=letter.pk).update(
            state="disposed", disposed_by=head.user_id, disposed_at=timezone.now()
        )
    clear_legal_hold(last, reason="Over.", by=person("compliance"))
    dispose_evidence(letter, reason="Yes.", by=head)
