"""The money flow: groups that keep every unit, key path, inspector, table and export."""

from typing import Any

import pytest
from django.urls import reverse

from cases.queries.cases import case_shell
from cases.queries.flow import CaseFlow, case_flow, key_pairs, thresholds, words_of
from cases.queries.flow_lanes import title_of
from cases.queries.flow_places import Place, shared
from tests.integration.web.conftest import DEPOSIT, FEE, Room

pytestmark = pytest.mark.django_db


def flow_of(room: Room) -> CaseFlow:
    case_run = room.run_trace()
    found = case_flow(room.case, case_run, case_shell(room.case, room.by).money)
    assert found is not None
    return found


def test_the_chain_is_one_group_and_the_account_stands_last(room: Room) -> None:
    found = flow_of(room)
    labels = {place.id.partition("-")[0]: place.label for place in found.places.values()}
    assert labels["wallet"] == "Market bank"
    assert labels["account"] == "Account ••4417"
    assert labels["chain"] == "Chain, 4 hops"
    assert len(found.places) == 4
    lanes = {node.id.partition("-")[0]: node.lane for node in found.flow.nodes}
    assert lanes["wallet"] < lanes["chain"] < lanes["account"]
    assert found.flow.lanes[-1].title == "Accounts here"


def test_no_unit_is_lost_between_groups(room: Room) -> None:
    found = flow_of(room)
    by_pair = {(m.source.label, m.target.label): m.amount for m in found.moves}
    assert by_pair["Chain, 4 hops", "Account ••4417"] == 2_000_000_000
    chain = next(place for place in found.places.values() if place.label.startswith("Chain"))
    assert chain.received == by_pair["Market bank", "Chain, 4 hops"]
    assert chain.received - chain.sent == 4 * FEE  # three inside the chain, one behind it


def test_the_key_path_leads_from_the_bank_to_the_account(room: Room) -> None:
    found = flow_of(room)
    key = [(m.source.label, m.target.label) for m in found.moves if m.is_key]
    assert set(key) == {
        ("Market bank", "Chain, 4 hops"),
        ("Chain, 4 hops", "Account ••4417"),
    }


def test_the_widest_way_is_chosen() -> None:
    sums = {("a", "b"): 10, ("b", "z"): 2, ("a", "c"): 5, ("c", "z"): 5}
    assert key_pairs(sums, ["a"], ["z"]) == {("a", "c"), ("c", "z")}
    assert key_pairs(sums, ["a"], ["nowhere"]) == set()


def test_a_lane_of_several_kinds_is_not_named_by_one_of_them() -> None:
    bank, order, swap, nobody = (Place(r, r, r) for r in ("bank", "swap", "service", "unknown"))
    assert title_of(1, [bank]) == "Market bank"
    assert title_of(1, [order, bank, swap]) == "Services, Market bank"
    assert title_of(1, [nobody, nobody, bank]) == "Layering, Market bank"
    assert title_of(0, [nobody, order, bank, nobody]) == "Start, others"
    assert title_of(1, []) == ""


def test_an_output_is_shared_among_inputs_to_the_last_unit() -> None:
    ins = [(Place(name, name, ""), part) for name, part in (("a", 1), ("b", 1), ("c", 1))]
    assert sum(part for _place, part in shared(100, ins)) == 100
    assert shared(100, [(ins[0][0], 0)]) == []


@pytest.mark.parametrize(
    ("units", "words"),
    [(2_000_000_000, "20.00 BTC"), (123_456_789, "1.235 BTC"), (1, "0.00000001 BTC"),
     (0, "0.00 BTC"), (123_456_789_012, "1,235 BTC")],
)  # fmt: skip
def test_card_amounts_show_four_digits(units: int, words: str) -> None:
    assert words_of(units, "bitcoin") == words


def test_graph_table_and_export_say_the_same(room: Room) -> None:
    found = flow_of(room)
    url = reverse("case_flow", args=[room.case.public_id])
    assert 'id="flow-data"' in room.client.get(url).content.decode()
    table = room.client.get(url, {"view": "table"})
    assert len(table.context["moves"]) == len(found.moves)
    args = [room.case.public_id, found.run.run]
    rows = room.client.get(reverse("flow_csv", args=args)).content.decode().splitlines()
    assert len(rows) == 1 + len(found.moves)
    picture = room.client.get(reverse("flow_svg", args=args))
    assert picture.content.startswith(b"<svg")
    assert "attachment" in picture.headers["Content-Disposition"]
    assert b"<svg" in room.client.get(reverse("flow_picture", args=args)).content
    for name in ("flow_csv", "flow_svg", "flow_inspector", "flow_picture"):
        assert room.outsider.get(reverse(name, args=args)).status_code == 404


def test_the_inspector_tells_one_card(room: Room) -> None:
    found = flow_of(room)
    url = reverse("flow_inspector", args=[room.case.public_id, found.run.run])
    account = next(name for name in found.places if name.startswith("account-"))
    page = room.client.get(url, {"node": account}).content.decode()
    assert "20.00 BTC" in page
    assert "Chain, 4 hops" in page
    assert room.client.get(url, {"node": "nothing"}).status_code == 404


def test_without_a_finished_trace_the_tab_says_what_to_do(room: Room) -> None:
    page = room.client.get(reverse("case_flow", args=[room.case.public_id])).content.decode()
    assert "Nothing to draw yet" in page
    assert room.client.get(
        reverse("case_flow", args=[room.case.public_id]), {"run": "nonsense"}
    ).status_code == 404  # fmt: skip


def test_small_movements_are_hidden_and_groups_stay_whole(room: Room) -> None:
    case_run = room.run_trace()
    money = case_shell(room.case, room.by).money
    whole = case_flow(room.case, case_run, money)
    assert whole is not None
    assert (whole.num_small, whole.shown) == (0, whole.moves)
    least = case_flow(room.case, case_run, money, least=whole.largest)
    assert least is not None
    assert 0 < least.num_small == len(whole.moves) - len(least.shown)
    assert all(move.is_key or move.amount >= whole.largest for move in least.shown)
    assert {place.amount for place in least.places.values()} == {
        place.amount for place in whole.places.values()
    }
    assert thresholds(4_999_990_000) == [4_000_000, 40_000_000, 400_000_000]
    assert thresholds(0) == []


def test_the_timeline_tells_every_transaction_in_its_order(room: Room) -> None:
    found = flow_of(room)
    moments = found.moments()
    assert sum(each.amount for each in moments) == sum(move.amount for move in found.moves)
    assert [each.at for each in moments] == sorted(each.at for each in moments)
    url = reverse("case_flow", args=[room.case.public_id])
    page = room.client.get(url, {"view": "timeline", "least": str(found.largest)}).content.decode()
    assert "Movements by time" in page
    assert "smaller movement" in page
    assert f"view=table&amp;least={found.largest}" in page
    assert (
        "Movements by time"
        in room.client.get(url, {"view": "timeline", "least": "x"}).content.decode()
    )


def test_the_flow_asks_thirteen_times_at_most(
    room: Room, django_assert_max_num_queries: Any
) -> None:
    case_run = room.run_trace()
    money = case_shell(room.case, room.by).money
    with django_assert_max_num_queries(13):
        case_flow(room.case, case_run, money)
    assert DEPOSIT
