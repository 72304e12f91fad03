"""The servers of the test run: out of wheels, as nobody, gone at the end whatever happened."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
import redis

from tests import servers

ROOT = Path(__file__).resolve().parents[2]


def is_listening(url: str) -> bool:
    place = urlsplit(url)
    with closing(socket.socket()) as client:
        client.settimeout(2)
        return client.connect_ex((place.hostname, place.port)) == 0


def wait_silent(url: str) -> None:
    end_at = time.monotonic() + 20
    while is_listening(url):
        assert time.monotonic() < end_at, "the server outlived its run"
        time.sleep(0.05)


def test_postgresql_out_of_the_wheel_serves_two_databases_and_ends() -> None:
    with servers.postgresql(servers.postgresql_of_the_wheel()) as server:
        assert "of a wheel" in server.origin
        with (
            servers.database_of_its_own(server.url) as one,
            servers.database_of_its_own(server.url) as other,
        ):
            assert one != other
            with closing(psycopg2.connect(one)) as connection, connection.cursor() as cursor:
                cursor.execute("SHOW data_directory")
                folder = Path(cursor.fetchone()[0]).parent
        assert folder.stat().st_mode & 0o077 == 0
        if os.geteuid() == 0:
            assert folder.stat().st_uid != 0
    wait_silent(server.url)
    assert not folder.exists()


def test_redis_out_of_the_wheel_wants_its_password_and_ends() -> None:
    with servers.redis_server(servers.redis_of_the_wheel()) as server:
        assert "of a wheel" in server.origin
        with closing(redis.Redis.from_url(server.url)) as client:
            assert client.ping()
        bare = urlsplit(server.url)
        stranger = redis.Redis(host=bare.hostname, port=bare.port)
        with closing(stranger), pytest.raises(redis.AuthenticationError):
            stranger.ping()
    wait_silent(server.url)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the server's user may enter: a killed run leaves its own in there."""
    folder = Path(tempfile.mkdtemp(dir=servers.PARENT_FOLDER))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
@pytest.mark.parametrize("kind", ["postgresql", "redis_server"])
def test_a_killed_run_takes_its_server_along(kind: str, open_folder: Path) -> None:
    script = (
        "import time; from tests import servers\n"
        f"servers.PARENT_FOLDER = {str(open_folder)!r}\n"
        f"with servers.{kind}() as server: print(server.url, flush=True); time.sleep(600)"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env=clean, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        url = run.stdout.readline().strip()
        assert is_listening(url)
        run.send_signal(signal.SIGKILL)
    wait_silent(url)
