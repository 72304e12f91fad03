"""`python -m tests.figures [PART ...] [--write]`: promises measured by one command each.

graphs     100,000 random ledgers: value is conserved, exact, and the same after any restart
answers    how long hidden and absent things, known and unknown names are answered
programs   2,000 calls of the API as each role
backups    how long 10 GB take to stand again (from 1 GB and 500,000 records)
broker     how soon a backlog goes on when Redis is back
scripts    texts of attackers in every field of the demo, read in a browser as each role

`--write` puts each figure into its row of docs/operate/trust.md, with the load of the machine
beside it. Ends with 1 when a target is not met.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.figures.figure import REPORT, Figure, with_rows
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("graphs", "answers", "programs", "backups", "broker", "scripts")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help="all where none is named")
    parser.add_argument("--graphs", default="100000")
    parser.add_argument("--calls", default="2000", help="of each role")
    parser.add_argument("--gigabytes", default="1")
    parser.add_argument("--records", default="500000", help="in the backup")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: {', '.join(PARTS)}")
    sizes = {
        "graphs": [options.graphs], "answers": [], "broker": [], "scripts": [],
        "programs": [options.calls], "backups": [options.gigabytes, options.records],
    }  # fmt: skip
    found = [each for part in options.parts or PARTS for each in measured(part, sizes[part])]
    for each in found:
        print(each.row(), flush=True)
    if options.write:
        REPORT.write_text(with_rows(REPORT.read_text(), found))
    return int(not all(each.is_met for each in found))


def measured(part: str, sizes: list[str]) -> list[Figure]:
    """One part in a process and an empty home of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    with tempfile.TemporaryDirectory(prefix="fiu-figures-") as folder:
        home = {
            "DJANGO_SETTINGS_MODULE": "fiu.settings", "FIU_HOME": f"{folder}/home",
            "FIU_LOG_LEVEL": "ERROR", "FIU_BROKER_URL": _redis() if part == "broker" else "",
        }  # fmt: skip
        told = Path(folder) / "figures"
        done = subprocess.run(
            [sys.executable, "-m", f"tests.figures.{part}", str(told), *sizes],
            cwd=ROOT, env={**clean, **home}, check=False,
        )  # fmt: skip
        if done.returncode or not told.exists():
            raise SystemExit(f"{part} was not measured")
        return [Figure(**each) for each in json.loads(told.read_text())]


def _redis() -> str:
    """Where this part's own Redis will be."""
    return f"redis://127.0.0.1:{free_port()}/0"


if __name__ == "__main__":
    sys.exit(main())
