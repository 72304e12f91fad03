"""The figures of docs/accuracy.md as data: `python -m tests.heuristic_figures`.

It writes cases/heuristics.json: of each labelled set how many were looked at and how many were
judged wrongly. Sets whose labels say neither are left out; they measure no error.
"""

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs/accuracy.md"
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
    return json.dumps({"version": version, "rows": rows}, indent=1) + "\n"


if __name__ == "__main__":
    WRITTEN.write_text(figures(), "utf-8")
