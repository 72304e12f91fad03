"""One measured promise, and its row in docs/operate/trust.md."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

REPORT: Final = Path(__file__).resolve().parents[2] / "docs" / "operate" / "trust.md"
HEADING: Final = "## Figures by one command"


@dataclass(frozen=True)
class Figure:
    """What was promised, and what came out beside how much other work."""

    promise: str
    target: str
    measured: str
    is_met: bool
    by: str
    load: float

    def row(self) -> str:
        said = self.measured if self.is_met else f"{self.measured}: not met"
        return f"| {self.promise} | {self.target} | {said} | {self.load:.1f} | {self.by} |"


def load() -> float:
    """Of the last minute, as the machine tells it."""
    return os.getloadavg()[0]


def hand_over(place: str, found: list[Figure]) -> None:
    """To the command that started this part."""
    Path(place).write_text(json.dumps([asdict(each) for each in found]))


def with_rows(text: str, found: list[Figure]) -> str:
    """The page with these figures in their table: in the rows that they had, else at its end.

    Raises ValueError where the page has no such table.
    """
    before, heading, rest = text.partition(f"{HEADING}\n")
    start = rest.find("| --- |")
    if not heading or start < 0:
        raise ValueError(f"no table under {HEADING!r}")
    start = rest.index("\n", start) + 1
    lines = rest[start:].split("\n")
    num = next((n for n, line in enumerate(lines) if not line.startswith("|")), len(lines))
    rows = {line.split("|")[1].strip(): line for line in lines[:num]}
    rows |= {each.promise: each.row() for each in found}
    return "".join((before, heading, rest[:start], "\n".join([*rows.values(), *lines[num:]])))
