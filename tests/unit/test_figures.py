"""The table of figures on the page about trust, and the check of ledgers that it is filled by."""

import pytest

from tests.figures import graphs
from tests.figures.figure import HEADING, REPORT, Figure, with_rows

pytestmark = pytest.mark.once


def figure(promise: str, measured: str, *, is_met: bool = True) -> Figure:
    return Figure(promise, "0 of 3", measured, is_met, "`this`", 0.25)


def test_a_figure_takes_its_own_row_and_a_new_one_the_end() -> None:
    page = f"# Page\n\n{HEADING}\n\nWords.\n\n| a | b |\n| --- | --- |\n| one | old |\n\nMore.\n"
    found = with_rows(page, [figure("two", "5"), figure("one", "7", is_met=False)])
    assert found.endswith(
        "| --- | --- |\n| one | 0 of 3 | 7: not met | 0.2 | `this` |\n"
        "| two | 0 of 3 | 5 | 0.2 | `this` |\n\nMore.\n"
    )
    assert with_rows(found, [figure("two", "6")]).count("| two |") == 1


def test_the_page_has_the_table() -> None:
    assert "| new | 0 of 3 | 1 |" in with_rows(REPORT.read_text(), [figure("new", "1")])
    with pytest.raises(ValueError, match="no table"):
        with_rows("# Nothing\n", [])


def test_a_ledger_where_money_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [graphs.check(seed) for seed in range(8)] == [""] * 8
    monkeypatch.setattr(graphs, "amounts", lambda *_: {})
    assert any("units go another way" in graphs.check(seed) for seed in range(8))
