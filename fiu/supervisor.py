"""One command runs everything: web, worker, dispatcher and, in a demo, the reference exchange.

Start: lock, backup when the tables change, migrate, guards, static files, children, health, ready
line. End: dispatcher, web, worker, in this order, and no process stays behind (LOOK.md UP1-UP12).
"""

import fcntl
import gc
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import IO

from django.conf import settings
from django.core.management import CommandError, call_command

from fiu.child import STARTS_ANEW
from fiu.daily_backup import DailyBackup
from fiu.environment import secret
from fiu.gate import GATE
from fiu.people import running_file
from fiu.preparation import prepare

SECONDS_TO_STOP = 20.0
SECONDS_TO_BE_HEALTHY = 60.0
DEATHS_ALLOWED = 5
DEATHS_WITHIN_SECONDS = 60.0
MAXIMUM_RESTART_DELAY = 30.0
LOG_ROTATES_AT = 10 * 1024 * 1024
DEAF_LOOK_EVERY = 10.0


def say(sentence: str) -> None:
    """One line on stderr: stdout carries the ready line and nothing else."""
    print(sentence, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Options:
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    demo: bool = False
    as_json: bool = False


@dataclass
class Child:
    """One process we keep alive; `python -m fiu.child` ends it when we are gone."""

    name: str
    command: Sequence[str]
    log: Path
    keep_fds: tuple[int, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS_ALLOWED))
    start_again_at: float = 0.0

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_ROTATES_AT:
            self.log.rename(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fiu.child", *self.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=settings.BASE_DIR,
                env={**os.environ, "FIU_HOME": str(settings.FIU_HOME), **self.environment},
                pass_fds=self.keep_fds,
                start_new_session=True,  # Ctrl-C on the terminal is for the supervisor alone
            )

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def kill_group(self) -> None:
        """Everything this child started, too."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.process.wait()

    def count_death(self, status: int, now: float) -> float:
        """Keep that it ended, unless it asked for a new start; seconds to wait before that.

        A worker ends when a run was killed beside it (out of memory): five heavy runs in a minute
        are no reason to end the house.
        """
        if status == STARTS_ANEW:
            return 1.0
        self.deaths.append(now)
        recent = sum(1 for at in self.deaths if now - at < DEATHS_WITHIN_SECONDS)
        return float(min(2.0 ** (recent - 1), MAXIMUM_RESTART_DELAY))

    def last_lines(self, number: int = 20) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-number:])
        except OSError:
            return ""


def celery_worker(queue: str) -> list[str]:
    """The command of a worker for one queue."""
    return [
        "celery", "-A", "fiu", "worker", "--queues", queue, "--hostname", f"{queue}@%h",
        "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING",
    ]  # fmt: skip


class Supervisor:
    """Runs the installation until TERM or INT; `run` returns the exit status."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.home = Path(settings.FIU_HOME)
        self.stop = threading.Event()
        self.num_signals = 0
        self.children: list[Child] = []
        self.demo_process: BaseProcess | None = None
        self.tables_stand: Connection | None = None
        self.exchange_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.environment: dict[str, str] = {}
        self.dispatcher = threading.Thread(target=self._dispatch, name="dispatcher", daemon=True)
        self.daily_backup = DailyBackup(self.home)
        self._lock: IO[str] | None = None

    # --- start ---

    def run(self) -> int:
        if not self._take_lock():
            return 2
        listener = self._listen()
        if listener is None:
            return 1
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        if os.geteuid() == 0:
            say("running as root: fine for a look, not for real cases.")
        self._make_demo(listener)
        self._bind_reference_exchange()
        self._define_children(listener)
        gate = self._start_web()
        tables_stand = False
        try:
            prepare(say)
            tables_stand = True
        finally:  # a demo that hears nothing would wait for ever, and we for its end
            self._load_demo(tables_stand)
            self._open(gate, tables_stand)
        self.url = f"http://{self._public_host()}:{listener.getsockname()[1]}/"
        running_file().write_text(json.dumps({"pid": os.getpid(), "url": self.url}))
        try:
            return self._supervise(listener)
        finally:
            running_file().unlink(missing_ok=True)

    def _take_lock(self) -> bool:
        lock = (self.home / "up.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            say(f"already running here as process {lock.read().strip() or 'unknown'}.")
            return False
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock  # held as long as this process lives
        return True

    def _listen(self) -> socket.socket | None:
        family = socket.AF_INET6 if ":" in self.options.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.options.host, self.options.port))
        except OSError as error:
            say(
                f"cannot listen on {self.options.host}:{self.options.port}: {error.strerror}. "
                "Choose another with --port."
            )
            return None
        return listener

    def _public_host(self) -> str:
        return "localhost" if self.options.host == "127.0.0.1" else self.options.host

    def _start_web(self) -> int:
        """Let the web server load the program while we prepare; the end of the pipe it waits at.

        See fiu/wsgi.py: it answers nobody before the tables and the static files stand.
        """
        web = self.children[0]
        waits, gate = os.pipe()
        descriptors, environment = web.keep_fds, web.environment
        web.keep_fds = (*descriptors, waits)
        web.environment = environment | {GATE: str(waits)}
        web.start()
        web.keep_fds, web.environment = descriptors, environment  # started again it need not wait
        os.close(waits)
        return gate

    @staticmethod
    def _open(gate: int, tables_stand: bool) -> None:
        """Let the web server answer, or end."""
        with os.fdopen(gate, "wb") as pipe, suppress(BrokenPipeError):  # it ended early
            if tables_stand:
                pipe.write(b"1")

    def _supervise(self, listener: socket.socket) -> int:
        status = 0
        if self._wait_until_healthy(listener.getsockname()[1]):
            line = json.dumps({"ready": self.url}) if self.options.as_json else f"ready {self.url}"
            print(line, flush=True)
            if self.demo_process is None:  # not before: they would slow the first page
                self._print_links()
                self._start_the_rest()
            status = self._watch()
        elif not self.stop.is_set():
            say("the web server did not become healthy; its last lines:")
            say(self.children[0].last_lines())
            status = 1
        self.stop.set()
        self._end()
        listener.close()
        self.exchange_socket.close()
        return status

    def _dispatch(self) -> None:
        # The engine and its arrays load beside the web server, not before it starts.
        from fiu.dispatcher import Dispatcher  # noqa: PLC0415

        Dispatcher(self.stop).run()

    def _define_children(self, listener: socket.socket) -> None:
        log = self.home / "log"
        descriptor = listener.fileno()
        web = Child(
            "web",
            [
                "gunicorn", "fiu.wsgi:application", "--bind", f"fd://{descriptor}",
                "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--preload",
                "--graceful-timeout", "10", "--no-control-socket", "--log-level", "warning",
            ],
            log / "web.log",
            keep_fds=(descriptor,),
        )  # fmt: skip
        worker = Child(
            "worker",
            [
                *celery_worker("runs"), "--pool", "prefork",
                "--concurrency", str(self.options.workers),
            ],
            log / "worker.log",
        )  # fmt: skip
        casework = Child(
            "casework", [*celery_worker("casework"), "--pool", "solo"], log / "casework.log"
        )
        self.children = [web, worker, casework]
        if self.environment:
            self.children.append(self._reference_exchange())
        for child in self.children:
            child.environment = self.environment

    def _bind_reference_exchange(self) -> None:
        """Choose its port first: web and worker are told the address when they start."""
        wanted = settings.FIU_REFERENCE_EXCHANGE or self.options.demo
        if not wanted or settings.EXCHANGE_URL:
            return
        secret(settings.EXCHANGE_TOKEN_FILE)
        self.exchange_socket.bind(("127.0.0.1", 0))
        port = self.exchange_socket.getsockname()[1]
        self.environment["FIU_EXCHANGE_URL"] = f"http://127.0.0.1:{port}"

    def _reference_exchange(self) -> Child:
        descriptor = self.exchange_socket.fileno()
        return Child(
            "exchange",
            [
                "fiu.reference_exchange", "--fd", str(descriptor),
                "--file", str(self.home / "reference_exchange.sqlite3"),
                "--token-file", str(settings.EXCHANGE_TOKEN_FILE),
                "--balances", str(self.home / "demo" / "exchange" / "balances.csv"),
            ],
            self.home / "log" / "exchange.log",
            keep_fds=(descriptor,),
        )  # fmt: skip

    def _wait_until_healthy(self, port: int) -> bool:
        end = time.monotonic() + SECONDS_TO_BE_HEALTHY
        while time.monotonic() < end and not self.stop.is_set():
            self._restart_the_dead()
            connection = http.client.HTTPConnection(self.options.host, port, timeout=5)
            try:
                connection.request("GET", "/healthz", headers={"Host": "localhost"})
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return True
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            if any(self._died_too_often(child) for child in self.children):
                return False
            time.sleep(0.05)
        return False

    # --- demo ---

    def _make_demo(self, listener: socket.socket) -> None:
        """Begin to make the demo world, where it is wanted and not there yet.

        Its blocks are made while we make the tables, by a fork of this process, which need not
        load the program again. All but the web server waits for its end: workers would only take
        its processor time, and it asks the reference exchange's books through a server of its own.
        """
        if not self.options.demo or (self.home / "demo" / "installation.json").exists():
            return
        say("loading the demo world ...")
        context = get_context("fork")
        told, self.tables_stand = context.Pipe(duplex=False)
        self.demo_process = context.Process(
            target=self._run_demo, args=(told, self.tables_stand, listener), name="demo"
        )
        self.demo_process.start()
        told.close()

    def _run_demo(self, told: Connection, ours: Connection, listener: socket.socket) -> None:
        """The demo command in a process of its own, which keeps nothing of the supervisor's."""
        os.setsid()  # Ctrl-C on the terminal is for the supervisor alone
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        ours.close()  # so that the supervisor's end is heard
        listener.close()
        self.exchange_socket.close()
        if self._lock is not None:
            self._lock.close()  # the installation is the supervisor's to hold
        gc.freeze()
        os.dup2(2, 1)  # stdout carries the ready line and nothing else

        def tables_stand() -> bool:
            try:
                return bool(told.recv())
            except EOFError:
                return False

        try:
            call_command("demo", tables_stand=tables_stand)
        except CommandError as error:
            say(f"CommandError: {error}")
            sys.exit(1)

    def _load_demo(self, tables_stand: bool) -> None:
        """Tell it whether the tables stand."""
        if self.tables_stand is not None:
            with suppress(BrokenPipeError):  # it ended early; `_look_at_demo` says so
                self.tables_stand.send(tables_stand)
            self.tables_stand.close()

    def _look_at_demo(self) -> None:
        """Once the demo world is loaded: start the rest and tell people how to get in."""
        if self.demo_process is None or self.demo_process.is_alive():
            return
        is_loaded = self.demo_process.exitcode == 0
        self.demo_process = None
        if is_loaded:
            self._print_links()
        else:
            say("the demo world could not be loaded; the lines above say why.")
        self._start_the_rest()

    def _print_links(self) -> None:
        if self.options.demo:
            call_command("signin", "--all", stdout=sys.stderr)

    def _start_the_rest(self) -> None:
        self.dispatcher.start()
        for child in self.children[1:]:
            child.start()

    # --- while it runs ---

    def _watch(self) -> int:
        look_at = time.monotonic() + DEAF_LOOK_EVERY
        while not self.stop.wait(0.2):
            self._look_at_demo()
            self._restart_the_dead()
            for child in self.children:
                if self._died_too_often(child):
                    say(f"{child.name} died {DEATHS_ALLOWED} times within a minute; last lines:")
                    say(child.last_lines())
                    return 1
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + DEAF_LOOK_EVERY
                self._restart_a_deaf_worker()
                if said := self.daily_backup.look(datetime.now(UTC)):
                    say(said)
        return 0

    def _restart_the_dead(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.process is None or child.process.poll() is None:
                continue
            if child.start_again_at == 0.0:
                delay = child.count_death(child.process.returncode, now)
                child.start_again_at = now + delay
                child.kill_group()
                say(f"{child.name} ended ({child.process.returncode}); again in {delay:.0f} s.")
            elif now >= child.start_again_at:
                child.start_again_at = 0.0
                child.start()

    @staticmethod
    def _died_too_often(child: Child) -> bool:
        return (
            len(child.deaths) == DEATHS_ALLOWED
            and child.deaths[-1] - child.deaths[0] < DEATHS_WITHIN_SECONDS
        )

    def _restart_a_deaf_worker(self) -> None:
        """J14: alive means "claims". Work waits, hands are free, and nobody takes it."""
        from tracing import jobs  # noqa: PLC0415  # see _dispatch

        waiting = jobs.oldest_claimable_seconds()
        if waiting < settings.DEAF_SECONDS or jobs.num_running() >= self.options.workers:
            return
        worker = next(child for child in self.children if child.name == "worker")
        if worker.process is None:
            return  # it waits for the demo world
        say(f"the worker has taken nothing for {waiting:.0f} s; starting it again.")
        worker.kill_group()

    # --- end ---

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.num_signals += 1
        self.stop.set()
        if self.num_signals > 1:
            for child in self.children:
                child.kill_group()

    def _end(self) -> None:
        if self.dispatcher.is_alive():
            self.dispatcher.join(timeout=settings.DISPATCH_SECONDS)
        self.daily_backup.end()
        if self.demo_process is not None:
            self.demo_process.terminate()
            self.demo_process.join()
        end = time.monotonic() + SECONDS_TO_STOP
        for child in self.children:
            child.send(signal.SIGTERM)
        for child in self.children:
            while child.process is not None and child.process.poll() is None:
                if time.monotonic() > end or self.num_signals > 1:
                    break
                time.sleep(0.05)
            child.kill_group()


def run(options: Options) -> int:
    """Run the installation in this process until it is told to stop."""
    return Supervisor(options).run()
