"""`python -m tests.races --races 150`: each of the large races that often, on both databases.

`python -m tests.races --races 10000 two_approvers` plays the kinds that are named, by themselves.

Two approvers of one freeze, one request submitted twice, one question asked twice, one answer of
the exchange in the hands of two workers, an edit against an approval, a legal hold against the
disposal of an exhibit, a recall against a download: in each race all begin at one moment, each on a
connection of its own, and exactly one may win. Prints a line for each kind and database, and ends
with 1 unless every race had exactly one winner.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import servers

ROOT = Path(__file__).resolve().parents[1]
FILES = ("tests/integration/test_races.py", "tests/integration/test_ending_races.py")
KINDS = (
    "two_approvers", "submissions", "questions", "arrives_twice", "edit_and_an_approval",
    "hold_and_a_disposal", "recall_and_a_download",
)  # fmt: skip


def run(database: str, num_races: int, kinds: list[str], variables: dict[str, str]) -> bool:
    """The races on one database; whether each had one winner."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    with tempfile.TemporaryDirectory(prefix="fiu-races-") as folder:
        told = Path(folder) / "races"
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", "-p", "no:xdist",
                *FILES, "-k", " or ".join(kinds),
            ],
            cwd=ROOT,
            env={
                **clean, **variables,
                "FIU_TEST_RACES": str(num_races), "FIU_TEST_RACE_FILE": str(told),
            },
            stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        lines = (
            [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
        )
    for line in lines:
        print(f"{database}: {line['kind']}: {line['with_one_winner']} of {line['races']} races had"
              " exactly one winner")  # fmt: skip
    if done.returncode or len(lines) != len(kinds):
        print(done.stdout)
        return False
    return all(line["with_one_winner"] == line["races"] == num_races for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=150)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}")
    asked = parser.parse_args()
    num_races, kinds = asked.races, asked.kinds or list(KINDS)
    if unknown := set(kinds) - set(KINDS):
        parser.error(f"no such race: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    is_good = run("SQLite", num_races, kinds, {})
    try:
        with servers.postgresql() as server:
            there = {"FIU_DATABASE_URL": server.url, "FIU_TEST_DATABASE_URL": server.url}
            is_good &= run(server.origin, num_races, kinds, there)
    except servers.NoServer as missing:
        print(f"not run: {missing}")
        return 1
    return int(not is_good)


if __name__ == "__main__":
    sys.exit(main())
