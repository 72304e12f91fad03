"""`python -m tests.ledger_trial --every 1`: a freeze ledger that dies at every statement.

One story from the approval to the transfer out: hold of two lines, one filled in part, release of
a part, seizure by two keys, transfer. While orders go out the worker dies at SQL statement k, the
exchange loses questions and answers as the seed says, and somebody begins again; then k + 1, up to
the 240th. After each the books must stand to the base unit, on our side and on that of the
exchange, and be what they are without any fault. Both databases.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests import servers

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="die at each so many-th statement")
    parser.add_argument("--seed", type=int, default=7, help="of what the exchange loses")
    asked = parser.parse_args()
    good = _run("SQLite", asked.every, asked.seed, {})
    try:
        with servers.postgresql() as server:
            there = {"FIU_DATABASE_URL": server.url, "FIU_TEST_DATABASE_URL": server.url}
            good &= _run(server.origin, asked.every, asked.seed, there)
    except servers.NoServer as missing:
        print(f"not run: {missing}")
        return 1
    return int(not good)


def _run(database: str, every: int, seed: int, variables: dict[str, str]) -> bool:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    print(f"=== {database} ===", flush=True)
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:xdist", "-p", "no:logging",
            "tests/integration/services/test_ledger_faults.py",
        ],
        cwd=ROOT,
        env={
            **clean, **variables, "FIU_TEST_EVERY": str(every), "FIU_TEST_SEED": str(seed),
            "FIU_LOG_LEVEL": "ERROR",
        },
        check=False,
    )  # fmt: skip
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
