"""The measured error of each heuristic, as data: what the method chapter of a release cites.

The figures are those of docs/accuracy.md and carry the hash of that document as their version, but
for change, which stands in docs/accuracy-tracing.md and no release relies on.
`python -m tests.heuristic_figures` writes them again after a new measurement, and a test holds both
equal. No Django and no I/O but the shipped file.
"""

import json
from functools import lru_cache
from pathlib import Path

from cases.dossier import DossierMethod, DossierRun

SHIPPED = Path(__file__).with_name("heuristics.json")


@lru_cache(maxsize=1)
def measured() -> tuple[tuple[str, DossierMethod], ...]:
    """(heuristic, figure) of every measurement, in the order of the document."""
    table = json.loads(SHIPPED.read_text("utf-8"))
    return tuple(
        (row["id"], DossierMethod(**{"version": table["version"], **row["figure"]}))
        for row in table["rows"]
    )


def methods_behind(runs: tuple[DossierRun, ...]) -> tuple[DossierMethod, ...]:
    """The figures of the heuristics that these runs relied on, each once."""
    used = set()
    for run in runs:
        parameters = json.loads(run.parameters)
        if parameters.get("coinjoin", "off") != "off":
            used.add("coinjoin")
    return tuple(figure for heuristic, figure in measured() if heuristic in used)


def error_of(heuristic: str) -> tuple[DossierMethod, ...]:
    """What was measured of one heuristic, such as `change`."""
    return tuple(figure for name, figure in measured() if name == heuristic)
