"""The figures of rules as people read them: words, unit and bound, no names of the catalogue."""

import re

import pytest

from cases.detection import SPECS
from cases.queries.rules import figure_title


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("limit_fiat", "Limit, in USD"),
        ("min_fiat", "Amount, in USD, at least"),
        ("max_single_fiat", "Single amount, in USD, at most"),
        ("band_pct", "Band, in %"),
        ("window_minutes_max", "Window, in minutes, at most"),
        ("min_count", "Count, at least"),
        ("vasp_ratings", "VASP ratings"),
    ],
)
def test_a_figure_is_called_by_words_with_its_unit(name: str, title: str) -> None:
    assert figure_title(name) == title


def test_no_figure_of_the_catalogue_shows_a_short_form() -> None:
    names = {name for spec in SPECS.values() for name in spec.parameters}
    assert len(names) > 50
    for name in names:
        assert not re.search(r"\b(min|max|pct|bp|fiat)\b|_|^,", figure_title(name)), name
