"""Related cases, and a merge: said by one, done by another, nothing lost."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, CaseRelation, CaseRun, Evidence
from cases.policy import Actor, PermissionDenied
from cases.queries.relations import relatives_of
from cases.services.audit import verify_chains
from cases.services.cases import (
    block_user,
    decide_case,
    edit_case,
    reopen_case,
    submit_case,
)
from cases.services.errors import CaseworkError, NotFound
from cases.services.evidence import acquire_evidence
from cases.services.findings import collect_findings
from cases.services.instruments import UploadedBytes
from cases.services.relations import end_relation, merge_case, relate_case
from cases.services.tasks import add_task, finish_task
from cases.services.traces import queue_trace
from cases.states import InvalidTransition
from tests.casework import (
    LEDGER,
    finish_run,
    make_actor,
    make_case,
    make_user,
    person,
    trace_result,
)
from tests.conftest import client_of
from tests.held import make_held
from tracing.jobs import TraceParameters

pytestmark = pytest.mark.django_db


@pytest.fixture
def mei() -> Actor:
    return person("analyst")


@pytest.fixture
def tomas() -> Actor:
    return person("supervisor")


@pytest.fixture
def pair(mei: Actor) -> tuple[Case, Case]:
    return make_case(mei), make_case(mei)


def said(pair: tuple[Case, Case], by: Actor, kind: str = "duplicate") -> CaseRelation:
    return relate_case(*pair, kind=kind, reason="The same wallets.", by=by)


def merged(pair: tuple[Case, Case], by: Actor) -> Case:
    return merge_case(pair[0], into=pair[1].public_id, reason="Yes.", by=by)


def test_a_second_person_merges_and_nothing_is_lost(
    pair: tuple[Case, Case], mei: Actor, tomas: Actor
) -> None:
    first, second = pair
    with pytest.raises(CaseworkError, match="Somebody says first"):
        merged(pair, tomas)
    said(pair, tomas)
    with pytest.raises(PermissionDenied):
        merged(pair, mei)
    with pytest.raises(PermissionDenied, match="second person"):
        merged(pair, tomas)
    events = first.events.count()
    nora = person("compliance")
    done = merged(pair, nora)
    assert (done.state, done.merged_into_id, done.closure_reason) == ("merged", second.pk, "merged")
    assert done.retention_until is not None
    assert first.events.count() == events + 1
    assert second.events.filter(action="take_in_case").exists()
    assert verify_chains().breaks == []
    assert [each.pk for each in relatives_of(second, mei).taken_in] == [first.pk]
    into = relatives_of(done, mei).into
    assert into is not None
    assert into.pk == second.pk
    with pytest.raises(InvalidTransition):
        merge_case(done, into=second.public_id, reason="Again.", by=person("compliance"))


def test_a_merged_case_takes_no_more_work_and_keeps_its_evidence(
    pair: tuple[Case, Case], mei: Actor, tomas: Actor
) -> None:
    first, _second = pair
    exhibit = acquire_evidence(
        first, document=UploadedBytes("a.pdf", b"%PDF-1.4 paper"), kind="document", title="A",
        source="Mail", source_grade="A", information_grade="1", by=mei,
    )  # fmt: skip
    said(pair, mei)
    done = merged(pair, tomas)
    kept = Evidence.objects.get(pk=exhibit.pk)
    assert (kept.case_id, kept.sha256) == (first.pk, exhibit.sha256)
    assert kept.custody.count() >= 1
    for act in (
        lambda: add_task(done, title="T", by=mei),
        lambda: edit_case(done, version=done.version, title="New", by=mei),
        lambda: reopen_case(done, reason="R.", by=tomas),
    ):
        with pytest.raises(InvalidTransition, match="merged into another"):
            act()


def test_nothing_open_goes_under_with_a_merge(mei: Actor, tomas: Actor) -> None:
    held = make_held()
    pair = (held.case, make_case(mei))
    said(pair, held.analyst)
    with pytest.raises(CaseworkError, match="freeze of this case still lives"):
        merged(pair, tomas)
    pair = (make_case(mei), make_case(mei))
    said(pair, mei)
    task = add_task(pair[0], title="Call", by=mei)
    with pytest.raises(CaseworkError, match="A task is open"):
        merged(pair, tomas)
    finish_task(task, by=mei)
    assert merged(pair, tomas).state == "merged"


def test_a_merged_case_can_still_be_sealed(pair: tuple[Case, Case], mei: Actor) -> None:
    said(pair, mei)
    nora = person("compliance")
    done = merged(pair, nora)
    sealed = edit_case(done, version=done.version, visibility="sealed", by=nora)
    assert (sealed.state, sealed.visibility) == ("merged", "sealed")
    assert not Case.objects.visible_to(person("analyst")).filter(pk=done.pk).exists()
    with pytest.raises(PermissionDenied):
        edit_case(sealed, version=sealed.version, visibility="unit", by=mei)


def test_no_trace_is_lost_to_a_merge(pair: tuple[Case, Case], mei: Actor, tomas: Actor) -> None:
    run = queue_trace(pair[0], TraceParameters(ledger=LEDGER, seeds=("11" * 32 + ":0",)), by=mei)
    said(pair, mei)
    with pytest.raises(CaseworkError, match="A trace of this case"):
        merged(pair, tomas)
    finish_run(run.run, trace_result([]))
    with pytest.raises(CaseworkError, match="not taken yet"):
        merged(pair, tomas)
    collect_findings(run.run)
    done = merged(pair, tomas)
    CaseRun.objects.filter(pk=run.pk).update(collected_at=None)  # as one merged before was left
    assert collect_findings(run.run) == 0
    left = done.events.get(action="leave_findings")
    assert "merged into another" in left.reason
    assert CaseRun.objects.get(pk=run.pk).collected_at is not None


def test_a_merge_ends_a_case_by_whom_closing_would(mei: Actor, tomas: Actor) -> None:
    nora, pair = person("compliance"), (make_case(mei, started=True), make_case(mei))
    submit_case(pair[0], reason="Ripe.", by=tomas)
    said(pair, mei)
    with pytest.raises(PermissionDenied, match="second person"):
        merged(pair, tomas)
    values = {"state": "merged", "merged_into": pair[1].pk, "closed_at": timezone.now()}
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(pk=pair[0].pk).update(merged_by=tomas.user_id, **values)
    decide_case(pair[0], decisions=["refer"], reason="Refer.", by=nora)
    with pytest.raises(PermissionDenied, match="Only compliance"):
        merged(pair, person("supervisor"))
    assert merged(pair, nora).state == "merged"


def test_a_relation_is_seen_only_by_who_sees_both(
    pair: tuple[Case, Case], mei: Actor, tomas: Actor
) -> None:
    relation = said(pair, mei, "related")
    with pytest.raises(CaseworkError, match="stands there already"):
        said(pair, mei, "related")
    walled = person("analyst")
    assert walled.user_id is not None
    block_user(pair[0], walled.user_id, "Related.", by=person("compliance"))
    assert not relatives_of(pair[1], walled)
    assert relatives_of(pair[1], tomas).related[0].points_here
    with pytest.raises(NotFound):
        relate_case(pair[1], pair[0], kind="related", reason="R.", by=walled)
    relation = end_relation(relation, reason="Wrong.", by=mei)
    assert relation.ended_reason == "Wrong."
    assert not relatives_of(pair[1], tomas)
    with pytest.raises(CaseworkError, match="taken back already"):
        end_relation(relation, reason="Wrong.", by=mei)
    with pytest.raises(CaseworkError, match="itself"):
        relate_case(pair[0], pair[0], kind="related", reason="R.", by=mei)


def test_the_chain_of_neither_case_tells_of_the_other(
    pair: tuple[Case, Case], mei: Actor, tomas: Actor
) -> None:
    end_relation(said(pair, mei, "related"), reason="Wrong of CANARY.", by=mei)
    relate_case(*pair, kind="duplicate", reason="CANARY's wallets.", by=mei)
    merge_case(pair[0], into=pair[1].public_id, reason="CANARY it is.", by=tomas)
    assert CaseRelation.objects.get(kind="duplicate").merge_reason == "CANARY it is."
    for mine, theirs in (pair, pair[::-1]):
        events = list(mine.events.exclude(action="open_case").order_by("seq"))
        assert len(events) == 4
        for each in events:
            said_there = f"{each.object} {each.reason} {each.data}"
            for name in (str(theirs.public_id), theirs.reference, "CANARY", "wallets"):
                assert name not in said_there


def test_the_database_merges_by_a_second_person_alone(
    pair: tuple[Case, Case], mei: Actor, tomas: Actor
) -> None:
    first, second = pair
    relation = said(pair, tomas)
    values = {"state": "merged", "merged_into": second.pk, "closed_at": timezone.now()}
    for by in (tomas.user_id, None):
        with pytest.raises(IntegrityError), transaction.atomic():
            Case.objects.filter(pk=first.pk).update(merged_by=by, **values)
    with pytest.raises(IntegrityError), transaction.atomic():
        CaseRelation.objects.filter(pk=relation.pk).update(related_by=mei.user_id)
    merged(pair, person("supervisor"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(pk=first.pk).update(merged_into=make_case(mei).pk)


def test_the_pages_relate_and_merge(pair: tuple[Case, Case]) -> None:
    analyst, boss = make_user("analyst"), make_user("supervisor")
    client: Any = client_of(analyst)
    address = reverse("case_relate", args=[pair[0].public_id])
    asked = {"reference": "CASE-1999-000001", "kind": "duplicate", "reason": "Same."}
    assert "no case of this number" in client.post(address, asked).content.decode()
    client.post(address, asked | {"reference": pair[1].reference.lower()})
    page = client_of(boss).get(reverse("case_detail", args=[pair[0].public_id])).content.decode()
    merge = reverse("case_merge", args=[pair[0].public_id, pair[1].public_id])
    assert merge in page
    asks = client_of(boss).get(merge).content.decode()
    assert f"Merge this case into {pair[1].reference}, {pair[1].title}?" in asks
    answer = client_of(boss).post(merge, {"reason": "Yes."}, follow=True).content.decode()
    assert "its evidence and its trail stay there" in answer
    assert make_actor(analyst).user_id != make_actor(boss).user_id
