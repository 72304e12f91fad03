"""The report on paper: a run's parameters in a line, a long way in windows one can read."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from cases.exports import html, svg
from cases.flow import CARD_HEIGHT, LANE_PITCH, Edge, Group, layout
from tests.packs import RUN


def test_a_run_with_thousands_of_seeds_takes_one_line_of_the_page() -> None:
    seeds = {"count": 5000, "sha256": "ab" * 32}
    parameters = {"max_hops": 8, "seeds": seeds, "until_height": None}
    told = html.settings_of(replace(RUN, parameters=json.dumps(parameters)))
    assert told == "max_hops 8, seeds 5000"


@pytest.mark.parametrize(("num_lanes", "num_windows"), [(3, 1), (4, 1), (5, 2), (14, 4)])
def test_a_long_way_is_drawn_in_windows_that_leave_nothing_out(num_lanes, num_windows) -> None:
    cards = [Group(id=f"a{n}", label=f"A{n}", lane=n) for n in range(num_lanes)]
    flow = layout(cards, [Edge(f"a{n}", f"a{n + 1}", 1) for n in range(num_lanes - 1)])
    windows = [each.decode() for each in svg.render_bands(flow, 4)]
    assert len(windows) == num_windows
    places = [
        [float(number) for number in re.findall(r'viewBox="([\d.]+) 0 ([\d.]+) ', each)[0]]
        for each in windows
    ]
    assert places[0][0] == 0
    for (left, width), (following, _width) in pairwise(places):
        assert following == left + width
    assert sum(places[-1]) >= flow.width


def drawn(picture: bytes) -> tuple[float, float, float, float]:
    """Height of a picture, top and bottom of its cards in it, and its width."""
    text = picture.decode()
    [(width, height)] = re.findall(r'viewBox="[\d.]+ 0 ([\d.]+) ([\d.]+)"', text)
    down = float(re.findall(r'<g transform="translate\(\d+ (-?[\d.]+)\)">', text)[0])
    [left] = [float(each) for each in re.findall(r'viewBox="([\d.]+) ', text)]
    tops = [
        float(y) + down
        for x, y in re.findall(r'class="fl-card[^"]*" x="(-?[\d.]+)" y="(-?[\d.]+)"', text)
        if left <= float(x) + svg.MARGIN < left + float(width)
    ]
    return float(height), min(tops), max(tops) + CARD_HEIGHT, float(width)


def test_a_picture_is_as_high_as_what_stands_in_it() -> None:
    cards = [Group(id=f"a{n}", label=f"A{n}", lane=n) for n in range(2)]
    height, top, bottom, _width = drawn(svg.render(layout(cards, [Edge("a0", "a1", 1)])))
    assert (top, bottom) == (svg.MARGIN, height - svg.MARGIN)
    assert height == CARD_HEIGHT + 2 * svg.MARGIN
    titled = svg.render(layout(cards, [Edge("a0", "a1", 1)], ("Bank", "Account")))
    assert drawn(titled)[0] == height + svg.TITLE_HEIGHT


def test_each_window_of_a_long_way_is_as_high_as_its_own_cards() -> None:
    """One tall lane at the end leaves no empty paper around the single cards before it."""
    cards = [Group(id=f"a{n}", label=f"A{n}", lane=n) for n in range(9)]
    cards += [Group(id=f"z{n}", label=f"Z{n}", lane=8) for n in range(6)]
    links = [Edge(f"a{n}", f"a{n + 1}", 1) for n in range(8)]
    links += [Edge("a7", f"z{n}", 1) for n in range(6)]
    first, *_between, last = (drawn(each) for each in svg.render_bands(layout(cards, links), 3))
    assert first[0] == CARD_HEIGHT + 2 * svg.MARGIN
    assert last[0] > 6 * CARD_HEIGHT
    for height, top, bottom, width in (first, last):
        assert (top, bottom) == (svg.MARGIN, height - svg.MARGIN)
        assert width == 3 * LANE_PITCH


def test_only_a_wide_picture_fills_the_column() -> None:
    def of(num_lanes: int) -> bytes:
        cards = [Group(id=f"a{n}", label=f"A{n}", lane=n) for n in range(num_lanes)]
        return svg.render(
            layout(cards, [Edge(f"a{n}", f"a{n + 1}", 1) for n in range(num_lanes - 1)])
        )

    assert b'class="flow-svg small"' in of(2)
    assert b'class="flow-svg"' in of(3)
