"""A real worker, killed at random points: no run is lost, none ends twice, none is wrong.

On SQLite hints travel through a folder; on PostgreSQL through a real Redis.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import redis
from django.db import connection

from tests.servers import database_of_its_own
from tests.settings import WORKER_NUMBER

pytestmark = pytest.mark.worker

ROOT = Path(__file__).resolve().parents[3]
RUNS = 30
KILLS = 6
SECONDS_ALLOWED = 90
STATES = "SELECT state FROM tracing_tracerun"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of an installation of its own, on the database of this round."""
    clocks = {
        "FIU_LEASE_SECONDS": "4",
        "FIU_HEARTBEAT_SECONDS": "1",
        "FIU_CHECKPOINT_SECONDS": "0.2",
        "FIU_DISPATCH_SECONDS": "0.5",
        "FIU_HINT_SECONDS": "1",
        "FIU_LOG_LEVEL": "WARNING",
    }
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FIU_")}
    settings = {"DJANGO_SETTINGS_MODULE": "fiu.settings", "FIU_HOME": str(tmp_path / "home")}
    if connection.vendor == "sqlite":
        yield {**clean, **settings, **clocks}
        return
    broker = f"{os.environ['FIU_TEST_REDIS_URL']}/{8 + WORKER_NUMBER}"
    with closing(redis.Redis.from_url(broker)) as client:
        client.flushdb()
    with database_of_its_own(os.environ["FIU_TEST_DATABASE_URL"]) as database:
        servers = {"FIU_DATABASE_URL": database, "FIU_BROKER_URL": broker}
        yield {**clean, **settings, **clocks, **servers}


def start(environment: dict[str, str], *command: str) -> "subprocess.Popen[bytes]":
    log = Path(environment["FIU_HOME"]).parent / f"{command[0]}.log"
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def start_worker(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return start(
        environment,
        *("celery", "-A", "tests.integration.jobs.chaos_app", "worker", "-P", "prefork", "-c", "2"),
        *("-Q", "runs"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"),
    )


def hands(environment: dict[str, str], *command: str) -> dict[str, object]:
    answer = subprocess.run(
        [sys.executable, "-m", "tests.integration.jobs.chaos", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout)


def end(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """The whole group of a process that this test started."""
    if process.poll() is None:
        os.killpg(process.pid, number)
    process.wait(timeout=30)


@pytest.mark.slow
def test_thirty_runs_survive_a_worker_killed_again_and_again(home, tmp_path):
    dice_seed = int(os.environ.get("FIU_TEST_SEED", "7"))
    print(f"seed {dice_seed}")
    dice = random.Random(dice_seed)
    hands(home, "seed", str(RUNS))
    dispatcher = start(home, "django", "dispatcher")
    worker = start_worker(home)
    begun = time.monotonic()
    try:
        for _ in range(KILLS):
            wait_for(home, lambda states: "running" in states)
            time.sleep(dice.uniform(0.05, 1.2))
            end(worker, signal.SIGKILL)
            worker = start_worker(home)
        left = SECONDS_ALLOWED - (time.monotonic() - begun)
        wait_for(home, lambda states: set(states) == {"done"}, left)
    finally:
        end(worker, signal.SIGKILL)
        end(dispatcher, signal.SIGTERM)
    found = hands(home, "state")
    assert set(found["states"].values()) == {"done"}, found
    assert found["results"] == RUNS
    assert found["wrong"] == []
    assert found.get("integrity", "ok") == "ok"
    assert found["attempts"] > RUNS, "no kill ever hit a run: the test proved nothing"


def test_a_worker_told_to_end_gives_its_run_back_and_the_next_goes_on(home, tmp_path):
    hands(home, "seed", "4")
    dispatcher = start(home, "django", "dispatcher")
    worker = start_worker(home)
    try:
        wait_for(home, lambda states: "running" in states)
        os.kill(worker.pid, signal.SIGTERM)
        begun = time.monotonic()
        worker.wait(timeout=20)
        assert time.monotonic() - begun < 10
        assert "running" not in states_of(home), "a run kept its lease"
        worker = start_worker(home)
        wait_for(home, lambda states: set(states) == {"done"})
    finally:
        end(worker, signal.SIGKILL)
        end(dispatcher, signal.SIGTERM)
    assert hands(home, "state")["wrong"] == []


def states_of(home: dict[str, str]) -> list[str]:
    """The states of all runs, read beside the workers: a reader never waits for a writer."""
    if url := home.get("FIU_DATABASE_URL"):
        with closing(psycopg2.connect(url)) as database, database.cursor() as cursor:
            cursor.execute(STATES)
            return [row[0] for row in cursor.fetchall()]
    with closing(sqlite3.connect(Path(home["FIU_HOME"]) / "db.sqlite3", timeout=20)) as database:
        return [row[0] for row in database.execute(STATES)]


def wait_for(
    home: dict[str, str], condition: Callable[[list[str]], bool], seconds: float = 40
) -> None:
    end_at = time.monotonic() + seconds
    while time.monotonic() < end_at:
        states = states_of(home)
        if condition(states):
            return
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:.0f} s in vain: {states}")
