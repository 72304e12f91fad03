"""The figures of the pages on accuracy as data: `python -m tests.heuristic_figures`.

It writes cases/heuristics.json: of each labelled set of docs/accuracy.md how many were looked at
and how many were judged wrongly, and what docs/accuracy-tracing.md says of change at demo scale.
Sets whose labels say neither are left out; they measure no error.
"""

import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs/accuracy.md"
TRACING = ROOT / "docs/accuracy-tracing.md"
CHANGE = re.compile(
    r"spread over the ledger, ([0-9,]+) have one output that fits; \*\*([0-9,]+)\*\* of these"
)
WRITTEN = ROOT / "cases/heuristics.json"


def figures() -> str:
    """The file as it must be."""
    text = DOCUMENT.read_text("utf-8")
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if len(cells) != 10 or cells[1] not in ("mixes", "no mix"):
            continue
        looked_at, verdict = int(cells[2].replace(",", "")), cells[9].split()
        is_recall = cells[1] == "mixes"
        wrong = looked_at - int(verdict[0]) if is_recall else int(verdict[0])
        figure = {
            "heuristic": "CoinJoin detection",
            "measured_on": cells[0],
            "looked_at": looked_at,
            "wrong": wrong,
            "error": "missed" if is_recall else "false hits",
        }
        rows.append({"id": "coinjoin", "figure": figure})
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    rows.append(change())
    return json.dumps({"version": version, "rows": rows}, indent=1) + "\n"


def change() -> dict[str, object]:
    """The measured error of the probable layer; its version is that of the sentence it stands in,
    as the rest of that page tells of other things.
    """
    found = CHANGE.search(TRACING.read_text("utf-8"))
    assert found is not None, "docs/accuracy-tracing.md says nothing of change"
    guessed, wrong = (int(number.replace(",", "")) for number in found.groups())
    figure = {
        "version": hashlib.sha256(found[0].encode()).hexdigest()[:12],
        "heuristic": "Change of payments",
        "measured_on": "payments of ordinary people in the demo world",
        "looked_at": guessed,
        "wrong": wrong,
        "error": "wrong guesses",
    }
    return {"id": "change", "figure": figure}


if __name__ == "__main__":
    WRITTEN.write_text(figures(), "utf-8")
