"""One command: ready line, one instance, restarts, clean end, and no process left behind."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("supervisor")  # one home, and mostly one installation
ROOT = Path(__file__).resolve().parents[2]
Up = Callable[..., "Running"]


class Running:
    """A supervisor that this test started, in a home of its own."""

    def __init__(self, home: Path, *options: str, **variables: str) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("FIU_")}
        clean.pop("DJANGO_SETTINGS_MODULE", None)
        self.home = home
        self.environment = {
            **clean,
            "FIU_HOME": str(home),
            "FIU_DISPATCH_SECONDS": "0.5",
            **variables,
        }
        self.errors = home.parent / "stderr.txt"
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", "0", "--workers", "1", *options],
                cwd=ROOT,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )

    def wait_ready(self) -> str:
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline().strip()
        assert self.line, self.errors.read_text()
        return self.line

    @property
    def url(self) -> str:
        return self.line.removeprefix("ready ").replace("localhost", "127.0.0.1")

    def get(self, path: str) -> tuple[int, str]:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read().decode()

    def children(self) -> set[int]:
        """Processes below the supervisor, by their parents."""
        parents = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(status.parent.name)] = int(fields[1])
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found - {self.process.pid}

    def manage(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=90)
            except subprocess.TimeoutExpired:
                for pid in self.children():
                    os.kill(pid, signal.SIGKILL)
                self.process.kill()


def alive(pids: set[int]) -> set[int]:
    living = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            living.add(pid)
    return living


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all tests: tables are made by the first start in it."""
    return tmp_path_factory.mktemp("one") / "home"


@pytest.fixture
def up() -> Iterator[Up]:
    started: list[Running] = []

    def start(home: Path, *options: str, **variables: str) -> Running:
        started.append(Running(home, *options, **variables))
        return started[-1]

    yield start
    for running in started:
        running.end()


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[Running]:
    """One that the tests which only look at it share."""
    shared = Running(home)
    shared.wait_ready()
    yield shared
    shared.end()


@pytest.mark.slow
def test_one_command_starts_serves_and_ends_without_a_trace(up, home):
    begun = time.monotonic()
    first = up(home)
    assert first.wait_ready() == f"ready {first.line.removeprefix('ready ')}"
    print(f"ready after {time.monotonic() - begun:.1f} s")
    assert first.get("healthz") == (200, '{"status": "ok"}')
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "secrets" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert json.loads((home / "up.json").read_text())["pid"] == first.process.pid

    second = up(home)
    assert second.process.wait(timeout=90) == 2
    assert str(first.process.pid) in second.errors.read_text()

    family = first.children()
    assert len(family) >= 4
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(timeout=90) == 0
    assert alive(family) == set()
    assert first.process.stdout is not None
    assert first.process.stdout.read() == "", "stdout holds the ready line and nothing else"
    assert not (home / "up.json").exists()

    again = up(home)
    begun = time.monotonic()
    again.wait_ready()
    print(f"ready again after {time.monotonic() - begun:.1f} s")
    assert not (home / "backups").exists(), "no backup without a change of the tables"


def test_a_port_in_use_is_one_sentence(running, tmp_path):
    port = running.url.rstrip("/").rsplit(":", 1)[1]
    (tmp_path / "other").mkdir()
    other = Running(tmp_path / "other" / "home", "--port", port)
    assert other.process.wait(timeout=90) == 1
    assert "cannot listen" in other.errors.read_text()


@pytest.mark.slow
def test_a_child_that_dies_is_started_again(running):
    for pid in running.children():
        if "gunicorn" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)

    def answers() -> bool:
        try:
            return running.get("healthz")[0] == 200
        except OSError:
            return False

    # A worker born at that moment may answer before the supervisor has seen the death.
    assert wait_until(lambda: "web ended" in running.errors.read_text(), 20)
    assert wait_until(answers, 20), running.errors.read_text()


@pytest.mark.slow
def test_a_supervisor_killed_with_9_takes_all_along(running):
    family = running.children()
    running.process.kill()
    running.process.wait()
    assert wait_until(lambda: alive(family) == set(), 10), alive(family)


def test_an_unknown_setting_stops_the_start_with_a_sentence(up, tmp_path):
    running = up(tmp_path / "home", FIU_DATABASE="x")
    assert running.process.wait(timeout=90) == 1
    lines = running.errors.read_text().strip().splitlines()
    assert lines == ["FIU_DATABASE is not a setting of this program: see docs/operate/settings.md."]


def test_an_address_beyond_loopback_needs_tls(up, tmp_path):
    running = up(tmp_path / "home", "--host", "0.0.0.0")  # noqa: S104  # it must be refused
    assert running.process.wait(timeout=90) == 1
    assert "FIU_TLS" in running.errors.read_text()


def test_a_start_whose_tables_cannot_be_made_ends_with_its_demo(up, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "db.sqlite3").write_bytes(b"no database" * 100)
    started = up(tmp_path / "home", "--demo")
    assert started.process.wait(timeout=40) != 0
    assert "file is not a database" in started.errors.read_text()
    assert not started.children()
