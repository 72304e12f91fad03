"""Traces: form, estimate, live progress, result, seal, cancel, and who may see them."""

from typing import Any

import pytest
from django.urls import reverse

from cases.models import CaseRun
from cases.queries.traces import case_runs, live_runs, report_of, run_row, trace_list
from cases.services.traces import queue_trace
from tests.casework import LEDGER
from tests.integration.web.conftest import BANK, DEPOSIT, REST, Room
from tracing.jobs import TraceParameters
from tracing.models import TraceResult, TraceRun

pytestmark = pytest.mark.django_db
POLL = {"HX-Request": "true", "X-Fiu-Poll": "1"}


def fields(room: Room, **changed: Any) -> dict[str, Any]:
    return {
        "mode": "destination", "ledger": LEDGER, "seed_wallets": [str(room.bank.public_id)],
        "policy": "fifo", "max_hops": 8, "min_value": 0, "coinjoin": "stop",
    } | changed  # fmt: skip


def queued(room: Room) -> CaseRun:
    parameters = TraceParameters(ledger=LEDGER, seeds=(BANK,))
    return queue_trace(room.case, parameters, by=room.by)


def test_the_cost_is_told_before_anything_starts(room: Room) -> None:
    url = reverse("trace_new", args=[room.case.public_id])
    page = room.client.post(url, fields(room, action="estimate"))
    assert page.status_code == 200
    assert page.context["estimate"].num_seeds == 1
    assert not CaseRun.objects.exists()


def test_a_trace_starts_from_wallets_and_typed_seeds(room: Room) -> None:
    url = reverse("trace_new", args=[room.case.public_id])
    page = room.client.post(url, fields(room, seeds=REST, action="start"))
    case_run = CaseRun.objects.get()
    assert page.url == reverse("trace_detail", args=[room.case.public_id, case_run.run])
    asked = TraceRun.objects.get(public_id=case_run.run).parameters
    assert asked["seeds"] == sorted([BANK, REST])
    assert (asked["max_hops"], asked["policy"], asked["coinjoin"]) == (8, "fifo", "stop")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"seed_wallets": []}, "seed_wallets"),
        ({"max_hops": 33}, "max_hops"),
        ({"mode": "paths"}, "target_wallets"),
        ({"ledger": "bitcoin-test"}, "ledger"),
        ({"seeds": "11" * 32 + ":0"}, "__all__"),
        ({"stops": "x:y"}, "__all__"),
        ({"stops": "junk"}, "__all__"),
        ({"min_value": 10**17}, "min_value"),
    ],
)
def test_what_cannot_be_asked_comes_back_at_its_field(
    room: Room, wrong: dict[str, Any], field: str
) -> None:
    page = room.client.post(reverse("trace_new", args=[room.case.public_id]), fields(room, **wrong))
    assert page.status_code == 422
    assert field in page.context["form"].errors
    assert ">min_value must" not in page.content.decode()
    assert not CaseRun.objects.exists()


def test_wallets_of_another_case_are_no_seeds(room: Room) -> None:
    url = reverse("trace_new", args=[room.case.public_id])
    page = room.client.post(url, fields(room, seed_wallets=[str(room.case.public_id)]))
    assert page.status_code == 422


def test_the_panel_polls_until_run_and_collection_are_over(room: Room) -> None:
    case_run = queued(room)
    url = reverse("trace_detail", args=[room.case.public_id, case_run.run])
    panel = room.client.get(url, headers=POLL)
    assert panel.status_code == 200
    assert "every 1s" in panel.content.decode()
    assert "<html" not in panel.content.decode()
    assert room.outsider.get(url, headers=POLL).status_code == 404
    done = room.run_trace(policy="lifo")
    url = reverse("trace_detail", args=[room.case.public_id, done.run])
    last = room.client.get(url, headers=POLL)
    assert (last.status_code, last.headers["HX-Refresh"]) == (286, "true")


def test_the_result_tells_where_the_money_rests_to_the_unit(room: Room) -> None:
    case_run = room.run_trace()
    report = report_of(case_run)
    assert report is not None
    assert report.difference == 0
    assert sum(group.amount for group in report.groups) == dict(report.balance)["ends"]
    account, rest = sorted(report.groups, key=lambda group: group.account is None)
    assert (account.account, account.address, account.amount) == (
        room.account, DEPOSIT, 2_000_000_000,
    )  # fmt: skip
    assert (rest.address, rest.status) == (REST, "unspent")
    page = room.client.get(reverse("trace_detail", args=[room.case.public_id, case_run.run]))
    assert "20.00 BTC" in page.content.decode()
    ends = room.client.get(reverse("trace_ends", args=[room.case.public_id, case_run.run, 1]))
    assert ends.context["group"].amount == report.groups[0].amount
    for wrong in (0, 99):
        url = reverse("trace_ends", args=[room.case.public_id, case_run.run, wrong])
        assert room.client.get(url).status_code == 404


def test_paths_are_ranked_and_a_limit_is_told(room: Room) -> None:
    paths = room.run_trace(mode="paths", targets=(REST,), policy="haircut")
    page = room.client.get(reverse("trace_detail", args=[room.case.public_id, paths.run]))
    assert page.context["report"].paths[0]["hops"] == 5
    short = room.run_trace(max_hops=1)
    page = room.client.get(reverse("trace_detail", args=[room.case.public_id, short.run]))
    assert [reason for reason, _amount in page.context["report"].limits] == ["hop_limit"]
    assert "Not everything was followed" in page.content.decode()


def test_verify_tells_a_changed_result(room: Room) -> None:
    case_run = room.run_trace()
    url = reverse("trace_verify", args=[room.case.public_id, case_run.run])
    assert "Identical" in room.client.post(url, follow=True).content.decode()
    stored = TraceResult.objects.get()
    other = room.run_trace(policy="lifo")
    changed = TraceResult.objects.get(run__public_id=other.run)
    assert stored.result != changed.result
    assert room.client.get(url).status_code == 405


def test_a_queued_run_is_cancelled_once(room: Room) -> None:
    case_run = queued(room)
    url = reverse("trace_cancel", args=[room.case.public_id, case_run.run])
    assert room.outsider.post(url).status_code == 404
    assert room.client.post(url).status_code == 302
    assert room.client.post(url).status_code == 409
    row = run_row(room.case, case_run.run)
    assert row is not None
    assert row.is_over


def test_a_run_leads_only_when_it_can(room: Room) -> None:
    first, second = room.run_trace(), room.run_trace(policy="lifo")
    assert (first.is_lead, second.is_lead) == (True, False)
    url = reverse("trace_lead", args=[room.case.public_id, second.run])
    assert room.client.post(url).status_code == 302
    second.refresh_from_db()
    assert second.is_lead
    backward = room.run_trace(mode="source", seeds=(REST,))
    url = reverse("trace_lead", args=[room.case.public_id, backward.run])
    assert room.client.post(url).status_code == 409


def test_a_run_of_another_case_is_not_there(room: Room) -> None:
    case_run = queued(room)
    other = room.client.post(
        reverse("case_new"),
        {"title": "Other", "case_type": "fraud", "priority": "P3", "visibility": "unit"},
    ).url
    assert room.client.get(f"{other}traces/{case_run.run}/").status_code == 404


def test_lists_ask_the_same_number_of_times(room: Room, django_assert_max_num_queries: Any) -> None:
    for policy in ("fifo", "lifo", "haircut"):
        queue_trace(
            room.case, TraceParameters(ledger=LEDGER, seeds=(BANK,), policy=policy), by=room.by
        )
    with django_assert_max_num_queries(2):
        assert len(case_runs(room.case)) == 3
    with django_assert_max_num_queries(2):
        assert len(trace_list(room.by).rows) == 3
    with django_assert_max_num_queries(2):
        assert len(live_runs(room.by)) == 3
    shown = room.client.get(reverse("trace_list")).content.decode()
    assert shown.count(room.case.reference) == 3
    assert room.case.reference not in room.outsider.get(reverse("trace_list")).content.decode()
