"""The page of benchmarks: each size has a section, and no run takes another's."""

import pytest

from tests.bench.__main__ import SIZES, asked, with_section
from tests.bench.rows import Row

OLD = "# Benchmarks\n\na table of an older form\n\n## Pages under load\n\nloads\n"


def row(size: int, ours: float) -> Row:
    return Row("haircut", size, "2 ends", "plain", ours, "a peer", 1.0, 0.5, ">= 5x")


def test_sections_stand_by_size_before_what_others_write() -> None:
    text = with_section(OLD, 1_000_000, [row(1_000_000, 0.25)])
    text = with_section(text, 100_000, [row(100_000, 0.05)])
    text = with_section(text, 20_000_000, [row(20_000_000, 4)])
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## With 100,000 transactions", "## With 1,000,000 transactions",
        "## With 20,000,000 transactions", "## Pages under load",
    ]  # fmt: skip
    assert text.startswith("# Benchmarks\n")
    assert "older form" not in text
    assert text.endswith("## Pages under load\n\nloads\n")


def test_a_size_measured_again_replaces_its_section_alone() -> None:
    text = with_section(OLD, 100_000, [row(100_000, 0.05)])
    both = with_section(text, 1_000_000, [row(1_000_000, 0.25)])
    again = with_section(both, 100_000, [row(100_000, 0.1)])
    assert "| haircut | plain | 100 ms | a peer | 1.00 s | 500 ms | 15.0x | 5.0x | >= 5x |" in again
    assert "| 50 ms |" not in again
    assert "| haircut | plain | 250 ms |" in again


def test_a_target_in_time_needs_no_peer() -> None:
    alone = Row("ingest", 5, "8 MB/s", "numpy", 0.00012, target=">= 4 MB/s")
    text = with_section(OLD, 100_000, [alone])
    assert "| ingest | numpy | 120 µs |  |  |  |  |  | >= 4 MB/s | 8 MB/s |" in text


def test_options_are_understood_or_refused_in_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert asked([]).sizes == SIZES
    assert asked(["--sizes", "5,20000"]).sizes == (5, 20_000)
    assert asked(["--twins", "600"]).twins == 600
    for words, said in (
        (["--wrong"], "unrecognized arguments: --wrong; --help tells the options\n"),
        (["--twins", "0"], "argument --twins: 0 is no whole number above zero; --help "),
        (["--sizes", "5,"], "argument --sizes:  is no whole number above zero; --help "),
    ):
        with pytest.raises(SystemExit, match="2"):
            asked(words)
        assert capsys.readouterr().err.startswith(said)
    with pytest.raises(SystemExit, match="0"):
        asked(["--help"])
    assert "every size writes a section of its own" in capsys.readouterr().out
