"""The layout of the money flow (G1 to G8): pure, the same bytes for the same input, sums kept."""

import random
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.exports.svg import path_of, render
from cases.flow import (
    CARD_HEIGHT,
    CARD_WIDTH,
    LANE_PITCH,
    PORT_SPAN,
    Edge,
    Flow,
    FlowError,
    Group,
    edge_width,
    layout,
)
from cases.flow_groups import Words, merged, summarise


@st.composite
def flows(draw, most=40):
    lanes = draw(st.integers(1, 5))
    count = draw(st.integers(1, most))
    roles = st.sampled_from(["", "bank", "mixer", "account", "frozen"])
    groups = [
        Group(
            id=f"g{number}",
            label=f"Group {number}",
            role=draw(roles),
            lane=draw(st.integers(0, lanes - 1)),
            amount=draw(st.integers(0, 10**12)),
            fiat=draw(st.none() | st.integers(0, 10**8).map(Decimal)),
            key=draw(st.booleans()) if number < 3 else False,
        )
        for number in range(count)
    ]
    pairs = draw(
        st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=60)
    )
    edges = [
        Edge(f"g{source}", f"g{target}", draw(st.integers(1, 10**12)))
        for source, target in sorted(pairs)
        if source != target
    ]
    return groups, edges


@settings(max_examples=30)
@given(flows(), st.randoms(use_true_random=False))
def test_same_flow_in_any_order_gives_the_same_bytes(flow, shuffler: random.Random):
    groups, edges = flow
    again, edges_again = list(groups), list(edges)
    shuffler.shuffle(again)
    shuffler.shuffle(edges_again)
    first = layout(groups, edges)
    assert first.to_bytes() == layout(again, edges_again).to_bytes()
    assert render(first) == render(layout(again, edges_again))


@settings(max_examples=30)
@given(flows())
def test_cards_of_a_lane_never_overlap_and_stand_on_its_middle(flow):
    drawn = layout(*flow)
    lanes: dict[int, list[float]] = {}
    for node in drawn.nodes:
        assert node.x == node.lane * LANE_PITCH + CARD_WIDTH / 2
        lanes.setdefault(node.lane, []).append(node.y)
    for column in lanes.values():
        column.sort()
        assert all(low + CARD_HEIGHT < high for low, high in pairwise(column))


@settings(max_examples=30)
@given(flows())
def test_edges_leave_right_and_enter_left_inside_the_card(flow):
    drawn = layout(*flow)
    at = {node.id: node for node in drawn.nodes}
    for edge in drawn.edges:
        (x, y), (end_x, end_y) = edge.points[0], edge.points[-1]
        assert x == at[edge.source].x + CARD_WIDTH / 2
        assert end_x == at[edge.target].x - CARD_WIDTH / 2
        assert abs(y - at[edge.source].y) <= PORT_SPAN / 2 + 0.1
        assert abs(end_y - at[edge.target].y) <= PORT_SPAN / 2 + 0.1
        assert edge.back == (at[edge.source].lane >= at[edge.target].lane)


@settings(max_examples=30)
@given(flows())
def test_flow_survives_the_way_through_json(flow):
    drawn = layout(*flow)
    assert Flow.from_json(drawn.to_json()) == drawn


def test_ports_are_thirteen_pixels_apart_and_in_the_order_of_the_other_ends():
    groups = [Group("a", "A"), *(Group(f"b{n}", "B", lane=1) for n in range(3))]
    drawn = layout(groups, [Edge("a", f"b{n}", 1) for n in range(3)])
    at = {node.id: node for node in drawn.nodes}
    by_end = sorted(drawn.edges, key=lambda edge: at[edge.target].y)
    starts = [edge.points[0][1] for edge in by_end]
    assert starts[1] - starts[0] == starts[2] - starts[1] == 13


def test_long_edge_keeps_clear_of_the_cards_between():
    groups = [
        Group("a", "A"), Group("b", "B", lane=1), Group("c", "C", lane=1), Group("d", "D", lane=2)
    ]  # fmt: skip
    drawn = layout(
        groups, [Edge("a", "b", 5), Edge("a", "d", 9), Edge("b", "d", 5), Edge("c", "d", 1)]
    )
    at = {node.id: node for node in drawn.nodes}
    (long,) = (edge for edge in drawn.edges if (edge.source, edge.target) == ("a", "d"))
    assert len(long.points) == 6
    level = long.points[2][1]
    assert long.points[3][1] == level
    for name in ("b", "c"):
        assert abs(at[name].y - level) > CARD_HEIGHT / 2


def test_crossed_pairs_are_uncrossed():
    groups = [Group("a", "A"), Group("b", "B"), Group("x", "X", lane=1), Group("y", "Y", lane=1)]
    drawn = layout(groups, [Edge("a", "y", 1), Edge("b", "x", 1)])
    at = {node.id: node.y for node in drawn.nodes}
    assert (at["a"] < at["b"]) == (at["y"] < at["x"])


def test_s_curve_leaves_and_enters_level():
    drawn = layout([Group("a", "A"), Group("b", "B", lane=1), Group("c", "C", lane=1)],
                   [Edge("a", "b", 1), Edge("a", "c", 1)])  # fmt: skip
    for edge in drawn.edges:
        start, first, last, end = edge.points
        assert first == (start[0] + 53, start[1])
        assert last == (end[0] - 53, end[1])
        assert path_of(edge.points).startswith(f"M{start[0]:g} {start[1]:g}Q")


@pytest.mark.parametrize(
    ("fiat", "width"),
    [(None, 1.0), (Decimal(0), 1.0), (Decimal(100_000), 1.0), (Decimal(1_000_000), 3.1),
     (Decimal(100_000_000), 7.3)],
)  # fmt: skip
def test_width_grows_with_the_logarithm_of_the_value(fiat, width):
    assert edge_width(fiat) == width


@pytest.mark.parametrize(
    ("groups", "edges"),
    [
        ([Group("a", "A"), Group("a", "A")], []),
        ([Group("a", "A")], [Edge("a", "b", 1)]),
        ([Group("a", "A")], [Edge("a", "a", 1)]),
        ([Group("a", "A"), Group("b", "B")], [Edge("a", "b", 1), Edge("a", "b", 2)]),
        ([Group(str(number), "") for number in range(1501)], []),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_sentence(groups, edges):
    with pytest.raises(FlowError):
        layout(groups, edges)


def test_nothing_is_drawn_from_nothing():
    assert layout([], []).nodes == ()


@given(flows(), st.integers(1, 12))
@settings(max_examples=30)
def test_folding_keeps_every_sum(flow, most):
    groups, edges = flow
    cards, links = summarise(groups, edges, most)
    assert sum(card.amount for card in cards) == sum(group.amount for group in groups)
    assert sum(card.num_addresses for card in cards) == len(groups)
    flowed = sum(link.amount for link in links) + sum(card.inside for card in cards)
    assert flowed == sum(edge.amount for edge in edges)
    assert {card.id for card in cards} >= {group.id for group in groups if group.key}
    layout(cards, links)


@given(flows(), st.integers(1, 12))
@settings(max_examples=30)
def test_folding_twice_changes_nothing(flow, most):
    cards, links = summarise(*flow, most)
    again, links_again = summarise(cards, links, max(most, len(cards)))
    assert (again, links_again) == (cards, links)


def test_small_payers_of_one_wallet_become_one_card():
    groups = [Group("bank", "Bank", lane=1, amount=10**9, key=True)]
    groups += [Group(f"buyer{n:04}", "", amount=n + 1) for n in range(1204)]
    edges = [Edge(f"buyer{n:04}", "bank", n + 1) for n in range(1204)]
    words = Words(count=lambda count: f"{count:,} buyer deposits")
    cards, links = summarise(groups, edges, 2, words)
    (fold,) = (card for card in cards if card.members)
    assert fold.label == "1,204 buyer deposits"
    assert [link.amount for link in links] == [sum(range(1, 1205))]


def test_expanded_groups_stay_open():
    groups = [Group(f"g{n}", "", amount=n) for n in range(10)]
    cards, _ = summarise(groups, [], 4, expanded=["g0", "g1"])
    assert {"g0", "g1"} <= {card.id for card in cards}
    assert len(cards) <= 4


def test_unknown_price_of_one_part_is_unknown_in_the_sum():
    (edge,) = merged([Edge("a", "b", 1, Decimal(5)), Edge("a", "b", 2, None)])
    assert (edge.amount, edge.fiat) == (3, None)


def test_two_thousand_groups_fold_to_what_can_be_read():
    source = random.Random(7)
    groups = [Group(f"g{n}", "", lane=n % 6, amount=source.randrange(10**9)) for n in range(2000)]
    edges = [
        Edge(f"g{n}", f"g{m}", source.randrange(1, 10**6))
        for n in range(2000)
        if (m := source.randrange(2000)) != n
    ]
    cards, links = summarise(groups, merged(edges))
    assert len(cards) <= 150
    assert len(layout(cards, links).nodes) == len(cards)


def test_five_thousand_groups_are_at_most_300_cards_and_open_in_place():
    source = random.Random(3)
    groups = [Group(f"g{n}", "", lane=n % 5, amount=source.randrange(10**9)) for n in range(5000)]
    edges = merged(
        Edge(f"g{n}", f"g{m}", source.randrange(1, 10**6))
        for n in range(5000)
        for m in (source.randrange(5000), source.randrange(5000))
        if m != n
    )
    cards, links = summarise(groups, edges)
    fold = max(cards, key=lambda card: len(card.members))
    opened, links_opened = summarise(groups, edges, opened=[fold.id, "fold-of-nobody"])
    assert len(cards) < len(opened) <= 300
    still = {card.id for card in cards} - {fold.id}
    assert still <= {card.id for card in opened}  # nothing else moved
    [rest] = {card for card in opened if card.members} - set(cards)
    shown = [card for card in opened if card.id in fold.members]
    assert min(card.amount for card in shown) >= max(
        group.amount for group in groups if group.id in rest.members
    )
    assert len(shown) + len(rest.members) == len(fold.members)
    whole = sum(edge.amount for edge in edges)
    for found, lines in ((cards, links), (opened, links_opened)):
        assert sum(card.inside for card in found) + sum(line.amount for line in lines) == whole


def test_a_folded_card_of_few_opens_whole():
    groups = [Group(f"g{n}", "", amount=n) for n in range(40)]
    cards, _ = summarise(groups, [], 30)
    (fold,) = (card for card in cards if card.members)
    opened, _ = summarise(groups, [], 30, opened=[fold.id])
    assert [card.id for card in opened] == sorted(group.id for group in groups)


def test_svg_is_well_formed_and_escapes_what_it_shows():
    drawn = layout(
        [Group("a", '<b>"x"</b>', "5 & 6"), Group("b", "B", lane=1, role="frozen", note="<limit>")],
        [Edge("a", "b", 5, Decimal(10**6), key=True, label="<1M>")],
        ["From", "To & <fro>"],
    )
    picture = render(drawn)
    ElementTree.fromstring(picture)  # noqa: S314  our own bytes
    assert b"<b>" not in picture
    assert b"style=" not in picture
