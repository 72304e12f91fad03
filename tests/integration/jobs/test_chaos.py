"""Real workers under faults, and told to end: no run is lost, none ends twice, none is wrong.

On SQLite hints travel through a folder; on PostgreSQL through a real Redis.
"""

import contextlib
import json
import os
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

from fiu.chaos.trial import Plan
from fiu.child import STARTS_ANEW
from tests.chaos import on_servers
from tests.servers import database_of_its_own
from tests.settings import WORKER_NUMBER

pytestmark = pytest.mark.worker

ROOT = Path(__file__).resolve().parents[3]
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
def test_a_small_trial_under_faults_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """T7: `manage.py chaos` as an operator runs it; docs/operate/trust.md has the large ones."""
    seed = os.environ.get("FIU_TEST_SEED", "7")
    # Long enough for a fault to find work on a fast machine.
    work = ("--jobs", "8", "--transactions", "2400")
    arguments = (*work, "--faults", "6", "--seed", seed, "--json")
    if connection.vendor == "sqlite":
        clean = {key: value for key, value in os.environ.items() if not key.startswith("FIU_")}
        told = subprocess.run(
            [sys.executable, "manage.py", "chaos", "--home", str(tmp_path / "home"), *arguments],
            cwd=ROOT,
            env=clean | {"DJANGO_SETTINGS_MODULE": "fiu.settings", "FIU_HOME": str(tmp_path / "v")},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    else:  # on servers of its own: it crashes one and kills the other
        told = on_servers(tmp_path / "home", arguments)
    verdict = json.loads(told.stdout)
    assert told.returncode == 0, verdict
    assert verdict["ok"]
    assert verdict["num_traces"] >= 4
    assert verdict["num_orders"] >= 2
    assert verdict["num_faults"] == 6
    assert verdict["database"] == connection.vendor
    assert verdict["num_attempts"] > 6, "no fault ever hit a job: the trial proved nothing"
    assert verdict["slowest_recovery"] <= 60


def test_a_trial_asks_more_where_all_was_done_before_the_next_fault() -> None:
    """It stood still with 81 of 240 jobs done: no fault without work, and no work without one."""
    plan = Plan(num_jobs=240, num_faults=240, seed=7)
    assert plan.num_wanted(num_asked=81, num_played=73, is_idle=False) == 81
    assert plan.num_wanted(num_asked=81, num_played=73, is_idle=True) == 89
    assert plan.num_wanted(num_asked=240, num_played=230, is_idle=True) == 248
    assert plan.num_wanted(num_asked=480, num_played=239, is_idle=True) == 480
    assert plan.num_wanted(num_asked=89, num_played=240, is_idle=True) == 240


PART = """
import os, sys
from pathlib import Path
from django.conf import settings
from fiu.chaos.processes import Part, child, program
settings.configure(FIU_HOME=Path(sys.argv[1]), BASE_DIR=Path.cwd())
parts = [Part("ours", child("http.server", "0")), Part("other", program("sleep", "120"))]
for part in parts:
    part.start(dict(os.environ))
print(*(part.process.pid for part in parts), flush=True)
sys.stdin.read()
"""


def test_what_a_trial_started_ends_with_it_however_it_ends(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    trial = subprocess.Popen(
        [sys.executable, "-c", PART, str(tmp_path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    pids = [int(word) for word in trial.stdout.readline().split()]
    trial.kill()
    trial.wait()
    end_at = time.monotonic() + 20
    while left := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < end_at, left
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return False


@pytest.mark.once
def test_a_trial_takes_an_empty_folder_only(tmp_path: Path) -> None:
    (tmp_path / "home" / "ledgers").mkdir(parents=True)
    (tmp_path / "home" / "db.sqlite3").write_bytes(b"somebody's")
    refused = call_chaos(tmp_path / "home")
    assert "is not empty" in refused.stderr
    assert (tmp_path / "home" / "db.sqlite3").read_bytes() == b"somebody's"
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "scratch.json").write_text('{"process": 1}')  # of an earlier trial
    assert "is not empty" in call_chaos(tmp_path / "trial").stderr


def call_chaos(home: Path) -> "subprocess.CompletedProcess[str]":
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FIU_")}
    told = subprocess.run(
        [sys.executable, "manage.py", "chaos", "--home", str(home), "--jobs", "1"],
        cwd=ROOT, env=clean | {"FIU_HOME": str(home.parent / "own")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 1
    return told


def test_no_installation_in_use_starts_with_a_failpoint(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=os.environ | {"FIU_HOME": str(tmp_path / "home"), "FIU_FAILPOINT": "run.claim",
                          "DJANGO_SETTINGS_MODULE": "fiu.settings"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 1
    assert "only a scratch installation" in told.stderr


@pytest.mark.once
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


@pytest.mark.slow
def test_a_worker_that_lost_a_process_of_its_pool_is_never_deaf(home):
    """In a folder's worker all read from one pipe in turn: who is killed takes the turn along."""
    hands(home, "seed", "2")
    dispatcher = start(home, "django", "dispatcher")
    worker = start_worker(home)

    def kill(number: int) -> None:
        """Some of the pool; where they shared a pipe the worker ends, and is started again."""
        nonlocal worker
        end_at = time.monotonic() + 20
        while len(pool := pool_of(worker)) < 2:  # one that was killed is replaced within a second
            assert time.monotonic() < end_at, pool
            time.sleep(0.05)
        for process in pool[:number]:
            os.kill(int(process), signal.SIGKILL)
        if connection.vendor == "sqlite":
            assert worker.wait(timeout=20) == STARTS_ANEW
            assert states_of(home).count("running") == 2 - number, "a run was not given back"
            worker = start_worker(home)

    try:
        wait_for(home, lambda states: states == ["running", "running"])
        kill(1)
        wait_for(home, lambda states: states == ["done", "done"])
        kill(2)
        hands(home, "seed", "2")
        wait_for(home, lambda states: set(states) == {"done"})
    finally:
        end(worker, signal.SIGKILL)
        end(dispatcher, signal.SIGTERM)
    assert hands(home, "state")["wrong"] == []


def pool_of(worker: "subprocess.Popen[bytes]") -> list[str]:
    """The processes of a worker's pool."""
    return Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()


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
