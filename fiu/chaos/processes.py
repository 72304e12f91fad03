"""The processes of a trial: the same commands as in production, each in a group of its own.

Each holds one end of a pipe and ends when the trial is gone, however that went (fiu/child.py).
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import redis
from django.conf import settings

from fiu.environment import secret
from fiu.supervisor import celery_worker

SECONDS_TO_END = 20


# Runs a program that knows nothing of the pipe, and kills it at the pipe's end.
UNTIL_THE_PIPE_ENDS = """
exec 3<&0
"$@" 3<&- &
program=$!
(cat <&3 >/dev/null; kill -9 $program) &
wait $program
"""


class Part:
    """One process that is started, killed and started again; it ends when this one does."""

    def __init__(self, name: str, command: Sequence[str], keep: tuple[int, ...] = ()) -> None:
        """`command` minds its standard input, a pipe: `child` and `program` make such ones."""
        self.name = name
        self._command = command
        self._keep = keep
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, environment: dict[str, str]) -> None:
        with (settings.FIU_HOME / "log" / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own commands
                self._command,
                cwd=settings.BASE_DIR,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=self._keep,
                start_new_session=True,
            )

    @property
    def is_dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def kill(self) -> None:
        """SIGKILL to everything this process started."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(SECONDS_TO_END)
        if self.process.stdin is not None:
            self.process.stdin.close()

    def children(self) -> list[int]:
        """The pool's processes of a worker."""
        if self.process is None or self.is_dead:
            return []
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            return [int(pid) for pid in listed.read_text().split()]
        except OSError:
            return []

    def members(self) -> list[int]:
        """The process and its children."""
        return [] if self.process is None or self.is_dead else [self.process.pid, *self.children()]


class Processes:
    """Workers, dispatcher, reference exchange, and a Redis of its own where asked for."""

    def __init__(self, *, own_redis: bool) -> None:
        home: Path = settings.FIU_HOME
        secret(settings.EXCHANGE_TOKEN_FILE)
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.bind(("127.0.0.1", 0))
        descriptor = self._listener.fileno()
        self.worker = Part(
            "runs", child(*celery_worker("runs"), "--pool", "prefork", "--concurrency", "2")
        )
        self.casework = Part("casework", child(*celery_worker("casework"), "--pool", "solo"))
        self.dispatcher = Part("dispatcher", child("django", "dispatcher"))
        self.exchange = Part(
            "exchange",
            child(
                "fiu.reference_exchange", "--fd", str(descriptor),
                "--file", str(home / "reference_exchange.sqlite3"),
                "--token-file", str(settings.EXCHANGE_TOKEN_FILE),
                "--balances", str(home / "balances.csv"),
            ),
            keep=(descriptor,),
        )  # fmt: skip
        self.parts = [self.exchange, self.worker, self.casework, self.dispatcher]
        port = self._listener.getsockname()[1]
        self._environment = {**os.environ, "FIU_EXCHANGE_URL": f"http://127.0.0.1:{port}"}
        self.redis = _redis(home) if own_redis else None

    def start(self) -> None:
        for part in ([self.redis] if self.redis else []) + self.parts:
            part.start(self._environment)

    def start_the_dead(self) -> None:
        for part in [*self.parts, *([self.redis] if self.redis else [])]:
            if part.is_dead:
                part.kill()  # what it left behind
                part.start(self._environment)

    def lose_hints(self) -> None:
        """Every message that waits is gone."""
        if settings.CELERY_BROKER_URL.startswith("redis"):
            client = redis.Redis.from_url(settings.CELERY_BROKER_URL)
            with closing(client), suppress(redis.ConnectionError):
                client.flushdb()
            return
        for message in (settings.FIU_HOME / "queue").glob("*.msg"):
            message.unlink(missing_ok=True)

    def end(self) -> None:
        """Nothing of the trial stays behind."""
        for part in self.parts:
            if part.process is not None and not part.is_dead:
                part.process.send_signal(signal.SIGTERM)
        end_at = time.monotonic() + SECONDS_TO_END
        for part in self.parts:
            while part.process is not None and not part.is_dead and time.monotonic() < end_at:
                time.sleep(0.05)
            part.kill()
        if self.redis:
            self.redis.kill()
        self._listener.close()


def child(*module: str) -> list[str]:
    """The command of one of our own modules."""
    return [sys.executable, "-m", "fiu.child", *module]


def program(*command: str) -> list[str]:
    """The command of anything else."""
    return ["sh", "-c", UNTIL_THE_PIPE_ENDS, "sh", *command]


def redis_program() -> str | None:
    """Redis or Valkey, where PATH finds one."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


def _redis(home: Path) -> Part:
    """A Redis that keeps nothing: killed, it has forgotten all."""
    port = settings.CELERY_BROKER_URL.rpartition(":")[2].partition("/")[0]
    redis_server = redis_program()
    assert redis_server is not None  # the command looked for it
    return Part(
        "redis",
        program(
            redis_server, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly",
            "no", "--dir", str(home),
        ),
    )  # fmt: skip
