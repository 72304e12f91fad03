"""docs/asvs.md: each row is of one requirement and names what is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (.+) \| (met|not met) \| (.+) \|$", flags=re.MULTILINE)
PLACE = re.compile(r"`([^`:]+)(?:::(\w+))?`")


def test_each_requirement_names_a_file_or_a_test_that_is_there() -> None:
    rows = ROW.findall(TEXT)
    assert len(rows) == len(re.findall(r"^\| \d", TEXT, flags=re.MULTILINE)) > 100
    assert len({number for number, *_ in rows}) == len(rows), "one row each"
    for number, _holds, _state, places in rows:
        found = PLACE.findall(places)
        assert found, number
        for file, test in found:
            text = (ROOT / file).read_text(encoding="utf-8")
            assert not test or f"def {test}(" in text, (number, file, test)


def test_the_sum_of_the_rows_is_right() -> None:
    rows = ROW.findall(TEXT)
    num_met = sum(state == "met" for *_, state, _places in rows)
    assert f"{num_met} of {len(rows)} rows are met." in TEXT
