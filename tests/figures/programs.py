"""Thousands of calls of the API as each role: no fault, nothing that the schema does not say."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.figures.figure import Figure, hand_over, load

ROOT: Final = Path(__file__).resolve().parents[2]
TARGET: Final = 2_000  # calls of each role


def measure(num_calls: int) -> list[Figure]:
    """So many calls of each role, or each different one that there is; about 60 ms a call."""
    busy = load()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    with tempfile.TemporaryDirectory(prefix="fiu-programs-") as folder:
        told = Path(folder) / "calls"
        subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider",
                "tests/integration/api/test_fuzz.py", "-k", "surprise and not planted",
            ],
            cwd=ROOT,
            env={
                **clean, "DJANGO_SETTINGS_MODULE": "tests.settings", "FIU_TEST_EVERYTHING": "1",
                "FIU_TEST_API_FILE": str(told), "FIU_TEST_API_CALLS": str(num_calls),
            },
            check=False,
        )  # fmt: skip
        rows = [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
    if not rows:
        raise SystemExit("no role asked anything")
    for row in rows:
        print(f"{row['role']}: {row['calls']} calls, {row['faults']} faults")
    fewest, num_faults = min(row["calls"] for row in rows), sum(row["faults"] for row in rows)
    return [
        Figure(
            "no call of the API ends in a fault or in a surprise",
            f"0 in {TARGET:,} calls of each role",
            f"{num_faults} in {fewest:,} calls or more of each of {len(rows)} roles",
            is_met=not num_faults and fewest >= TARGET,
            by="`python -m tests.figures programs`",
            load=busy,
        )
    ]


if __name__ == "__main__":
    hand_over(sys.argv[1], measure(int(sys.argv[2])))
