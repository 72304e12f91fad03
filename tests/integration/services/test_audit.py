"""The audit chain: what is written, what cannot be, and what is found when somebody changed it."""

# ruff: noqa: S608  # the SQL of an intruder, made of constants

import json
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve
from hypothesis import given
from hypothesis import strategies as st

from cases.guards import install_guards, remove_guards
from cases.models import AuditEvent, Case, ReadEvent
from cases.policy import SYSTEM, PermissionDenied
from cases.services.audit import (
    FIRST_PREVIOUS,
    canonical,
    event_hash,
    keyed,
    record_event,
    record_read,
    record_refusal,
    verify_chains,
)
from cases.services.cases import edit_case
from fiu.middleware import DomainErrors
from tests.casework import make_approved_finding, make_case, person

pytestmark = [pytest.mark.django_db, pytest.mark.owner]


@pytest.fixture
def unguarded() -> Iterator[None]:
    """The database as somebody with full rights would use it."""
    remove_guards()
    yield
    install_guards()


def test_each_event_continues_the_one_before() -> None:
    by = person("analyst")
    case = make_case(by)
    edit_case(case, version=1, title="Obelisk", by=by)
    first, second = case.events.order_by("seq")
    assert (first.seq, first.prev_hash, first.action) == (1, FIRST_PREVIOUS, "open_case")
    assert (second.seq, second.prev_hash, second.action) == (2, first.hash, "edit_case")
    assert second.at.microsecond % 1000 == 0
    assert verify_chains().is_whole


def test_the_hash_is_the_published_formula() -> None:
    case = make_case()
    event = case.events.get()
    assert event.hash == event_hash(
        "0" * 64,
        case=str(case.public_id),
        seq=1,
        at=event.at,
        actor=event.actor_id,
        actor_ip="127.0.0.1",
        action="open_case",
        object=case.reference,
        reason="",
        data='{"case_type":"darknet","priority":"P2","visibility":"unit"}',
    )


@given(st.text(), st.text(), st.integers(1, 2**31), st.none() | st.integers(1, 2**53 - 1))
def test_the_hashed_form_is_canonical(reason: str, data: str, seq: int, actor: int | None) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    event = {
        "case": None, "seq": seq, "at": "2026-01-02T03:04:05.678Z", "actor": actor,
        "actor_ip": "::1", "action": "x", "object": "y", "reason": reason, "data": data,
    }  # fmt: skip
    assert event_hash(
        "0" * 64, case=None, seq=seq, at=at, actor=actor, actor_ip="::1", action="x", object="y",
        reason=reason, data=data,
    ) == sha256(b"tracehold-audit-v1\0" + b"0" * 64 + canonical(event)).hexdigest()  # fmt: skip


def test_the_system_has_a_chain_of_its_own() -> None:
    make_case()
    for number in range(3):
        record_event(None, "sign_in", f"user:{number}", by=SYSTEM)
    assert list(
        AuditEvent.objects.filter(case=None).order_by("seq").values_list("seq", flat=True)
    ) == [1, 2, 3]
    report = verify_chains()
    assert (report.num_chains, report.num_events, report.is_whole) == (2, 4, True)


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_refused() -> None:
    with pytest.raises(TransactionManagementError):
        record_event(None, "sign_in", "user:1", by=SYSTEM)


@pytest.mark.django_db(transaction=True)
def test_a_rollback_takes_its_event_with_it() -> None:
    case = make_case()
    with transaction.atomic():
        record_event(case, "edit_case", "x", by=SYSTEM)
        transaction.set_rollback(True)
    assert case.events.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_kept_after_the_rollback_and_never_inside() -> None:
    by = person("analyst")
    event = record_refusal(by=by, action="approve_freeze", object="FRZ-1", reason="No right.")
    assert (event.case_id, event.actor_id, event.action) == (None, by.user_id, "permission_refused")
    with pytest.raises(RuntimeError), transaction.atomic():
        record_refusal(by=by, action="approve_freeze", object="FRZ-1", reason="No right.")


def test_a_read_keeps_its_purpose() -> None:
    by = person("analyst")
    case = make_case(by)
    record_read(case, "reveal_customer", "account:1", by=by, purpose="Request of the court")
    assert ReadEvent.objects.get().purpose == "Request of the court"
    with pytest.raises(ValueError):
        record_read(case, "reveal_customer", "account:1", by=SYSTEM)


def test_a_personal_value_enters_as_keyed_hash() -> None:
    assert keyed("Ada") == keyed("Ada") != keyed("ada")


def _world() -> list[Case]:
    by = person("analyst")
    cases = [make_case(by) for _ in range(4)]
    for case in cases:
        for number in range(24):
            record_event(
                case, "edit_case", case.reference, by=by, reason="Why not.",
                data={"fields": ["title"], "number": number, "amount": str(10**20 + number)},
            )  # fmt: skip
    return cases


def _shift(text: str, at: int) -> str:
    return text[:at] + chr((ord(text[at]) - 32 + 1) % 95 + 32) + text[at + 1 :]


def _damage(rng: random.Random, rows: list[dict[str, Any]]) -> tuple[str, list[Any], int]:
    """One random change as SQL with its arguments, and the first number it may be found at."""
    row = rng.choice(rows)
    last = row["seq"] == 25
    kind = rng.choice(["text", "text", "at", "actor", "number", "delete", "move"])
    where = "WHERE id = %s"
    if kind == "delete" and not last:
        return f"DELETE FROM cases_auditevent {where}", [row["id"]], row["seq"]
    if kind == "number":
        seq = row["seq"] + rng.choice([40, 80])
        return f"UPDATE cases_auditevent SET seq = %s {where}", [seq, row["id"]], row["seq"]
    if kind == "move" and not last:
        other = rng.choice([each for each in rows if each["case_id"] != row["case_id"]])
        return (
            f"UPDATE cases_auditevent SET case_id = %s, seq = 26 {where}",
            [other["case_id"], row["id"]], row["seq"],
        )  # fmt: skip
    if kind == "at":
        at = row["at"] + timedelta(milliseconds=rng.choice([-1, 1, 1000]))
        return f"UPDATE cases_auditevent SET at = %s {where}", [at, row["id"]], row["seq"]
    if kind in ("actor", "delete", "move"):
        return f"UPDATE cases_auditevent SET actor_id = NULL {where}", [row["id"]], row["seq"]
    column = rng.choice(["actor_ip", "action", "object", "reason", "data", "prev_hash", "hash"])
    text = row[column] or " "
    new = _shift(text, rng.randrange(len(text)))
    return f"UPDATE cases_auditevent SET {column} = %s {where}", [new, row["id"]], row["seq"]


@pytest.mark.parametrize("seed", range(4))
def test_random_changes_are_all_found(unguarded: None, seed: int) -> None:
    """T3: 200 changes in all, or four times $FIU_TEST_CHANGES, each found in its own case."""
    cases = {case.pk: case.reference for case in _world()}
    rows = list(AuditEvent.objects.filter(case__in=cases).values())
    rng = random.Random(seed)
    for _ in range(int(os.environ.get("FIU_TEST_CHANGES", "50"))):
        sql, arguments, seq = _damage(rng, rows)
        case_id = next(row["case_id"] for row in rows if row["id"] == arguments[-1])
        mark = transaction.savepoint()
        with connection.cursor() as cursor:
            cursor.execute(sql, arguments)
        breaks = {each.case: each.seq for each in verify_chains().breaks}
        transaction.savepoint_rollback(mark)
        assert breaks.get(cases[case_id]) in {seq, seq + 1}, (sql, arguments)
    assert verify_chains().is_whole


def test_a_case_without_its_chain_is_found(unguarded: None) -> None:
    case = make_case()
    AuditEvent.objects.filter(case=case).delete()
    assert [(b.case, b.reason) for b in verify_chains().breaks] == [
        (case.reference, "the case has no event")
    ]


def test_the_command_says_where_the_first_break_is(unguarded: None) -> None:
    case, other = make_case(), make_case()
    AuditEvent.objects.filter(case=other).update(reason="Nobody said this.")
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("audit_verify", "--json", stdout=out)
    assert ended.value.code == 1
    report = json.loads(out.getvalue())
    assert report["ok"] is False
    assert report["breaks"] == [{"case": other.reference, "seq": 1, "reason": "it was changed"}]
    assert case.reference not in out.getvalue()


def test_the_command_is_content_with_a_whole_chain() -> None:
    make_approved_finding(make_case(by := person("analyst")), by)
    out = StringIO()
    call_command("audit_verify", stdout=out)
    assert "all whole" in out.getvalue()


def test_the_command_finds_an_approved_content_that_changed(unguarded: None) -> None:
    by = person("analyst")
    finding = make_approved_finding(make_case(by), by)
    finding.amounts.update(base=1)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("audit_verify", stdout=out)
    assert finding.reference in out.getvalue()


def test_verifying_keeps_its_pace(unguarded: None) -> None:
    """A floor far under the aim of 50,000 rows a second, of processor time: others work here."""
    _world()
    verify_chains()
    started = time.process_time()
    report = verify_chains()
    assert report.num_events / (time.process_time() - started) > 3_000


def test_times_are_read_back_as_written() -> None:
    event = make_case().events.get()
    assert isinstance(event.at, datetime)
    assert event.at.utcoffset() == timedelta(0)


def test_sqlite_has_the_functions_we_need() -> None:
    assert sqlite3.sqlite_version_info >= (3, 35)


def test_a_refused_permission_is_kept_by_the_doors(rf: RequestFactory) -> None:
    by = person("analyst")
    request = rf.post("/")
    request.actor = by
    request.resolver_match = resolve("/")
    answer = DomainErrors(lambda _request: HttpResponse()).process_exception(
        request, PermissionDenied("The role analyst may not approve freeze.")
    )
    assert answer is not None
    assert answer.status_code == 403
    event = AuditEvent.objects.get(case=None)
    assert (event.action, event.actor_id) == ("permission_refused", by.user_id)
    assert "approve freeze" in event.reason
    assert verify_chains().is_whole
