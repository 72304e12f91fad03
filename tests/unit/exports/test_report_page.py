"""The report on paper: a run's parameters in a line, a long way in windows one can read."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from cases.exports import html, svg
from cases.flow import Edge, Group, layout
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
