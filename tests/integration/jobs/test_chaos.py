"""A real worker, killed at random points: no run is lost, none ends twice, none is wrong."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
RUNS = 30
KILLS = 8
SECONDS_ALLOWED = 90


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of an installation of its own."""
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
    return {**clean, **settings, **clocks}


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
            time.sleep(dice.uniform(0.8, 2.5))
            end(worker, signal.SIGKILL)
            worker = start_worker(home)
        while time.monotonic() - begun < SECONDS_ALLOWED:
            found = hands(home, "state")
            if set(found["states"].values()) == {"done"}:
                break
            time.sleep(0.5)
    finally:
        end(worker, signal.SIGKILL)
        end(dispatcher, signal.SIGTERM)
    assert set(found["states"].values()) == {"done"}, found
    assert found["results"] == RUNS
    assert found["wrong"] == []
    assert found["integrity"] == "ok"
    assert found["attempts"] > RUNS, "no kill ever hit a run: the test proved nothing"


def test_a_worker_told_to_end_gives_its_run_back_and_the_next_goes_on(home, tmp_path):
    hands(home, "seed", "4")
    dispatcher = start(home, "django", "dispatcher")
    worker = start_worker(home)
    try:
        wait_for(home, lambda found: "running" in found["states"].values())
        os.kill(worker.pid, signal.SIGTERM)
        begun = time.monotonic()
        worker.wait(timeout=20)
        assert time.monotonic() - begun < 10
        found = hands(home, "state")
        assert "running" not in found["states"].values(), "a run kept its lease"
        worker = start_worker(home)
        found = wait_for(home, lambda found: set(found["states"].values()) == {"done"})
    finally:
        end(worker, signal.SIGKILL)
        end(dispatcher, signal.SIGTERM)
    assert found["wrong"] == []


def wait_for(home, condition, seconds: float = 40) -> dict[str, object]:
    end_at = time.monotonic() + seconds
    while time.monotonic() < end_at:
        found = hands(home, "state")
        if condition(found):
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds} s in vain: {found}")
