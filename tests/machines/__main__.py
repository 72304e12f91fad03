"""`python -m tests.machines [freeze] --walks 200`: longer walks of the machines, on both databases.

Prints what was tried; ends with 1 where a row is not what its model says, and then tells the
shortest walk that shows it. The same walks each time: --walks makes them more.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests import servers

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "agency", "alert", "case", "clock", "delivery", "evidence", "finding", "freeze", "identity",
    "officer", "operation", "outbound", "policy", "preservation", "referral", "report", "request",
    "rule", "seizure", "tag",
)  # fmt: skip


def run(database: str, which: list[str], walks: int, variables: dict[str, str]) -> bool:
    """The walks on one database; whether all rows were as their models say."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    print(f"=== {database} ===", flush=True)
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:xdist", "-p", "no:logging",
            "tests/integration/test_machines.py", "-k", " or ".join(which),
        ],
        cwd=ROOT,
        env={
            **clean, **variables,
            "FIU_TEST_WALKS": str(walks), "FIU_TEST_EVERYTHING": "1", "FIU_LOG_LEVEL": "ERROR",
        },
        check=False,
    )  # fmt: skip
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", nargs="*", metavar="MACHINE", help=", ".join(NAMES))
    parser.add_argument("--walks", type=int, default=200, help="of each machine, 30 steps at most")
    asked = parser.parse_args()
    which = asked.which or list(NAMES)
    if unknown := set(which) - set(NAMES):
        parser.error(f"no such machine: {sorted(unknown)[0]}")
    is_good = run("SQLite", which, asked.walks, {})
    try:
        with servers.postgresql() as server:
            there = {"FIU_DATABASE_URL": server.url, "FIU_TEST_DATABASE_URL": server.url}
            is_good &= run(server.origin, which, asked.walks, there)
    except servers.NoServer as missing:
        print(f"not run: {missing}")
        return 1
    return int(not is_good)


if __name__ == "__main__":
    sys.exit(main())
