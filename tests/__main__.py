"""`python -m tests [arguments of pytest]`: every test on SQLite, then those of the database again.

The second round runs on PostgreSQL with Redis as cache and broker, as a unit runs the installation.
It takes the tests that touch the database and those that start workers; all others would only
repeat themselves. What is marked `once` (the matrix, the fuzzing of the API, the wire of nodes ...)
and the tests of pages join it with FIU_TEST_EVERYTHING=1, pages also under row security. The end
says what ran on which database.

`FIU_TEST_ROUND=sqlite` takes the first round alone; `FIU_RLS=1` the second, under row security.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests import servers

# Four workers on two cores: browsers and killed processes wait a lot. The order is of conftest.py.
PARALLEL = ("-n", "4", "--dist", "loadgroup", "--no-loadscope-reorder", "--durations", "25")
NO_TESTS_COLLECTED = 5
WITH_ROW_SECURITY = os.environ.get("FIU_RLS") == "1"


def run_round(name: str, arguments: list[str], variables: dict[str, str]) -> tuple[int, str]:
    """One run of pytest; its exit status and a line about it."""
    print(f"=== {name} ===", flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fiu-counts-") as folder:
        counts = Path(folder) / "counts.json"
        status = subprocess.run(
            [sys.executable, "-m", "pytest", *PARALLEL, *arguments],
            env={**_clean_environment(), **variables, "FIU_TEST_COUNTS": str(counts)},
            check=False,
        ).returncode
        outcomes = json.loads(counts.read_text()) if counts.exists() else {}
    ran = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items()) or "nothing"
    return status, f"{name}: {ran} in {time.monotonic() - begun:.0f} s"


def _clean_environment() -> dict[str, str]:
    """Settings of an installation are none of the tests' business."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FIU_") or name.startswith("FIU_TEST_")
    }


def on_servers(arguments: list[str]) -> tuple[int, str]:
    """The round on PostgreSQL and Redis; a machine without them says so, and CI fails."""
    with ExitStack() as stack:
        try:
            database = stack.enter_context(servers.postgresql())
            redis = stack.enter_context(servers.redis_server())
        except servers.NoServer as missing:
            return int(os.environ.get("FIU_TEST_REQUIRE_ALL") == "1"), f"not run: {missing}"
        variables = {
            "FIU_DATABASE_URL": database.url,
            "FIU_CACHE_URL": f"{redis.url}/0",
            "FIU_TEST_DATABASE_URL": database.url,
            "FIU_TEST_REDIS_URL": redis.url,
        }
        if WITH_ROW_SECURITY:
            variables["FIU_RLS"] = "1"
        name = f"{database.origin}; {redis.origin}" + ("; FIU_RLS=1" if WITH_ROW_SECURITY else "")
        return run_round(name, arguments or ["tests/integration"], variables)


def main(arguments: list[str]) -> int:
    rounds = [] if WITH_ROW_SECURITY else [run_round("SQLite", arguments, {})]
    if os.environ.get("FIU_TEST_ROUND") != "sqlite":
        rounds.append(on_servers(arguments))
    print("=== what ran where ===")
    for _, line in rounds:
        print(line)
    statuses = [status for status, _ in rounds]
    if NO_TESTS_COLLECTED in statuses and 0 in statuses:  # a choice that only one round has
        statuses.remove(NO_TESTS_COLLECTED)
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
