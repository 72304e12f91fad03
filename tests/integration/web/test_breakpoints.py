"""The page of break points: what fits a payment into a swap service, and when nothing can."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from cases.models import CaseRun, ExchangeAccount, ExchangeRecord, Price
from cases.queries.breakpoints import Matcher, break_points
from cases.queries.cases import case_shell
from cases.queries.flow import case_flow
from cases.services.attribution import import_tags
from tests.casework import LEDGER, make_account, make_asset, make_price
from tests.integration.web.conftest import HOPS, Room
from tracing import reads
from tracing.jobs import BoundaryRow, set_boundaries

pytestmark = pytest.mark.django_db
XMR = "monero:418015bb9ae982a1975da7d79277c270/slip44:128"
PACK = """
title: Sample pack
creator: Sample desk
source: https://packs.sample.example/x
currency: BTC
network: BTC
lastmod: 2025-01-01
tags:
- address: {address}
  label: Ferryswap
  category: coinswap_exchange
"""


@pytest.fixture
def swapped(room: Room, tmp_path: Path) -> CaseRun:
    """A trace that ends at a swap service on its second hop."""
    pack = tmp_path / "pack.yaml"
    pack.write_text(PACK.format(address=HOPS[1]))
    import_tags(pack)
    set_boundaries("tags", [BoundaryRow(LEDGER, HOPS[1], "service", "Ferryswap")])
    return room.run_trace()


def address_of(room: Room, run: CaseRun, query: str = "") -> str:
    return reverse("trace_breaks", args=[room.case.public_id, run.run]) + query


def deposit(run: CaseRun, minutes: int, xmr: str, name: str) -> None:
    result = reads.result(run.run)
    assert result is not None
    [end] = [each for each in result["ends"] if each["status"] == "service"]
    ExchangeRecord.objects.create(
        ref=f"D-{name}", kind="deposit", account=make_account(name), asset_id=XMR,
        base=int(float(xmr) * 10**12), status="credited",
        at=datetime.fromisoformat(end["at"]) + timedelta(minutes=minutes),
    )  # fmt: skip


def test_a_trace_without_a_swap_says_so(room: Room) -> None:
    run = room.run_trace()
    page = room.client.get(address_of(room, run)).content.decode()
    assert "No swap service in this trace" in page
    assert room.outsider.get(address_of(room, run)).status_code == 404


def test_without_prices_nothing_is_compared(room: Room, swapped: CaseRun) -> None:
    page = room.client.get(address_of(room, swapped)).content.decode()
    assert "nothing can be compared" in page
    detail = reverse("trace_detail", args=[room.case.public_id, swapped.run])
    assert "Break points" in room.client.get(detail).content.decode()


def test_deposits_in_window_and_band_are_listed_masked(room: Room, swapped: CaseRun) -> None:
    # 49.99997 BTC at 100,000, XMR at 200: 24,999.985 XMR less a fee.
    make_asset(XMR, "XMR", 12)
    make_price(XMR, "200")
    Price.objects.update(at=datetime(2009, 1, 1, tzinfo=UTC))
    deposit(swapped, 30, "24850", "NQ-0000001")
    deposit(swapped, 30, "24985", "NQ-0000002")  # less than 0.2 % fee
    deposit(swapped, 5, "24850", "NQ-0000003")  # too early
    page = room.client.get(address_of(room, swapped)).content.decode()
    assert "1 deposit fits." in page
    assert "fit on average" in page
    assert "D-NQ-0000001" in page
    assert "D-NQ-0000002" not in page
    assert "D-NQ-0000003" not in page
    assert ">NQ-0000001<" not in page
    assert "2 came within the window." in page
    assert_drawn(room, swapped)
    wider = room.client.get(
        address_of(room, swapped, "?from_minutes=0&to_minutes=60&least_fee=0&most_fee=2")
    )
    assert "3 deposits fit." in wider.content.decode()
    assert "1/3" in wider.content.decode()


@pytest.mark.parametrize(
    ("category", "words"),
    [
        ("instant_exchanger", "swap"), ("swap", "swap"), ("bridge", "bridge"),
        ("defi_bridge", "bridge"), ("privacy_coin", "privacy coin"),
        ("shielded_pool", "privacy coin"), ("exchange", ""),
    ],
)  # fmt: skip
def test_a_break_point_says_of_which_type_it_is(
    room: Room, tmp_path: Path, category: str, words: str
) -> None:
    """A service that gives the same asset back breaks nothing: there the trace just ends."""
    pack = tmp_path / "pack.yaml"
    pack.write_text(PACK.format(address=HOPS[1]).replace("coinswap_exchange", category))
    import_tags(pack)
    set_boundaries("tags", [BoundaryRow(LEDGER, HOPS[1], "service", "Ferryswap")])
    found = break_points(room.run_trace().run, Matcher())
    assert found is not None
    assert [point.kind_words for point in found.points] == ([words] if words else [])


def assert_drawn(room: Room, run: CaseRun) -> None:
    """The flow says the same: graph, table, inspector, picture; and no amount rests on it."""
    money = case_shell(room.case, room.by).money
    plain = case_flow(room.case, run, money)
    assert plain is not None
    assert not any(edge.possible for edge in plain.flow.edges)  # many cards and no path
    found = case_flow(room.case, run, money, with_possible=True)
    assert found is not None
    [broken] = [node for node in found.flow.nodes if node.note.startswith("Break point")]
    assert (broken.role, broken.note) == ("swap", "Break point, swap: 1 of 2 fit")
    [line] = [edge for edge in found.flow.edges if edge.possible]
    assert (line.source, line.amount, line.label, line.key) == (broken.id, "0", "1", False)
    account = ExchangeAccount.objects.get(uid="NQ-0000001")
    assert line.target == f"candidate-{account.public_id}"
    assert {move.target.id for move in found.moves}.isdisjoint({line.target})
    url = reverse("case_flow", args=[room.case.public_id])
    page = room.client.get(url, {"run": run.run}).content.decode()
    assert "1 place it may go on" in page
    assert "Dotted lines" not in page
    asked = {"run": run.run, "possible": "1"}
    assert "Dotted lines" in room.client.get(url, asked).content.decode()
    table = room.client.get(url, {"run": run.run, "view": "table"}).content.decode()
    for told in ("Ferryswap", "1 of 2", "1/1", account.masked):
        assert told in table
    args = [room.case.public_id, run.run]
    told = room.client.get(reverse("flow_inspector", args=args), {"node": line.target})
    assert "Possible, not a path" in told.content.decode()
    assert "24,850.00" in told.content.decode()
    picture = reverse("flow_svg", args=args)
    assert b'stroke-dasharray="2 4"' in room.client.get(picture, {"possible": "1"}).content
    assert b'stroke-dasharray="2 4"' not in room.client.get(picture).content


@pytest.mark.parametrize(
    "query", ["?from_minutes=9&to_minutes=3&least_fee=0&most_fee=2", "?from_minutes=x"]
)
def test_a_window_that_cannot_be_is_said(room: Room, swapped: CaseRun, query: str) -> None:
    answer: Any = room.client.get(address_of(room, swapped, query))
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
