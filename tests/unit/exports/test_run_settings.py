"""What a reader is told of a run's parameters: all of it, but not every seed."""

import json
from dataclasses import replace

from cases.exports import html
from tests.packs import RUN


def test_a_run_with_thousands_of_seeds_takes_one_line_of_the_page() -> None:
    """Thirty kilobytes in a cell of a table kept the printer of the PDF busy for minutes."""
    parameters = {"max_hops": 8, "seeds": ["ab" * 32 + ":0"] * 5000, "until_height": None}
    told = html.settings_of(replace(RUN, parameters=json.dumps(parameters)))
    assert told == "max_hops 8, seeds 5000"
