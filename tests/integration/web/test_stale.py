"""Screens and the audit chain after a reorganisation: what rests on a stale run says so."""

import json

import pytest
from django.urls import reverse

from cases.models import AuditEvent, CaseRun, Finding
from cases.policy import Actor
from cases.services.cases import grant_access
from cases.services.errors import CaseworkError
from cases.services.findings import approve_finding, submit_finding
from cases.services.referrals import draft_referral
from cases.services.traces import note_stale_traces, queue_trace
from tests.casework import LEDGER, make_actor, make_agency, make_user, see_all
from tests.conftest import client_of
from tests.integration.web.conftest import BANK, DEPOSIT, REST, Room
from tracing.engine.spec import TraceParameters
from tracing.models import FollowedNode, StaleRun, TraceRun

pytestmark = pytest.mark.django_db


def marked_stale(room: Room, case_run: CaseRun, txids: list[str], gone: int) -> None:
    run = TraceRun.objects.get(public_id=case_run.run)
    StaleRun.objects.create(run=run, fork_height=6, num_blocks=2, txids=txids, num_gone=gone)


def reviewer(room: Room) -> Actor:
    """The supervisor, let into the case."""
    grant_access(room.case, room.supervisor.pk, "write", by=make_actor(make_user("compliance")))
    return make_actor(room.supervisor)


@pytest.fixture
def stale_finding(room: Room) -> Finding:
    """A finding drafted from a run whose one deposit lies in an orphaned block."""
    case_run = room.run_trace()
    finding: Finding = Finding.objects.get(amounts__run=case_run.run)
    amount = finding.amounts.get()
    marked_stale(room, case_run, [amount.outpoint.partition(":")[0]], 1)
    return finding


def test_trace_list_and_finding_say_that_it_is_stale(room: Room, stale_finding: Finding) -> None:
    run = stale_finding.amounts.get().run
    for name, arguments, words in (
        ("trace_detail", [room.case.public_id, run], "Stale: the chain reorganised."),
        ("case_traces", [room.case.public_id], "Stale"),
        ("case_flow", [room.case.public_id], "Drawn from a stale trace"),
        ("finding_detail", [stale_finding.public_id], "1 of 1 coin lies in blocks that left"),
    ):
        page = room.client.get(reverse(name, args=arguments))
        assert words in page.content.decode()
        assert room.outsider.get(reverse(name, args=arguments)).status_code in (200, 404)
    other = room.run_trace(policy="lifo")
    page = room.client.get(reverse("trace_detail", args=[room.case.public_id, other.run]))
    assert "Stale" not in page.content.decode()


def test_a_finding_on_orphaned_coins_cannot_be_approved(room: Room, stale_finding: Finding) -> None:
    second = reviewer(room)
    submitted = submit_finding(stale_finding, by=room.by)
    see_all(submitted, second)
    with pytest.raises(CaseworkError, match="The chain reorganised"):
        approve_finding(
            submitted, content_hash=submitted.content_hash, reason="Checked.", by=second
        )


def test_the_preview_of_a_release_names_findings_on_a_stale_run(room: Room) -> None:
    case_run = room.run_trace()
    finding = Finding.objects.get(amounts__run=case_run.run)
    second = reviewer(room)
    submitted = submit_finding(finding, by=room.by)
    see_all(submitted, second)
    approve_finding(submitted, content_hash=submitted.content_hash, reason="Checked.", by=second)
    referral = draft_referral(
        room.case, agency_id=make_agency().pk, kind="spontaneous", subject="Proceeds",
        summary="Cashed out here.", purpose="Criminal proceedings", legal_gateway="Art. 1",
        caveats="Do not contact the holder.", tlp="AMBER", handling_code="H1",
        findings=[finding], freezes=[], by=room.by,
    )  # fmt: skip
    url = reverse("referral_detail", args=[referral.public_id])
    assert "stale" not in room.client.get(url).content.decode().lower()
    marked_stale(room, case_run, [], 0)
    text = room.client.get(url).content.decode()
    assert f"{finding.reference}: Rests on a stale trace" in text
    assert "Its coins are in no orphaned block" in text


def test_the_event_stands_in_the_chain_of_the_case(room: Room) -> None:
    case_run = queue_trace(
        room.case, TraceParameters(ledger=LEDGER, seeds=(BANK, DEPOSIT, REST)), by=room.by
    )
    marked_stale(room, case_run, ["ab" * 32], 1)
    assert note_stale_traces() == 1
    assert note_stale_traces() == 0
    event = AuditEvent.objects.get(action="stale_trace")
    assert (event.case_id, event.object) == (room.case.pk, f"run:{case_run.run}")
    assert json.loads(event.data) == {
        "ledger": LEDGER, "fork_height": 6, "num_blocks": 2, "num_transactions": 1, "num_gone": 1,
    }  # fmt: skip
    page = room.client.get(reverse("case_timeline", args=[room.case.public_id]))
    assert "Trace turned stale" in page.content.decode()


def test_the_form_of_a_trace_says_how_far_ledger_and_node_are(room: Room) -> None:
    url = reverse("trace_new", args=[room.case.public_id])
    assert "ledger at block" not in room.client.get(url).content.decode()
    FollowedNode.objects.create(
        name="office", ledger=LEDGER, ledger_height=8, node_height=11,
        asked_at="2026-01-01T00:00:00Z", problem="the node office does not answer",
    )  # fmt: skip
    text = client_of(room.analyst).get(url).content.decode()
    assert "bitcoin-regtest: ledger at block 8, node office at 11, never level yet" in " ".join(
        text.replace("\n", " ").split()
    )
    assert "The last try failed: the node office does not answer" in text
