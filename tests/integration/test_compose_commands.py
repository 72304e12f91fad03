"""What docker-compose.yml starts, started here without Docker: the same commands and settings."""

import http.client
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg2
import pytest
import redis

from tests.compose import HOSTS, ROOT, services
from tests.servers import database_of_its_own, free_port, redis_programs

pytestmark = [pytest.mark.postgresql, pytest.mark.worker, pytest.mark.slow]

SECONDS_TO_BE_HEALTHY = 60
HARD_PASSWORD = "p@ss:/w#rd%41 é"  # what an address must not be broken by
PASSWORDS = {
    "fiu": ("database_password", HARD_PASSWORD),
    "fiu_app": ("app_password", f"{HARD_PASSWORD} of the house"),
    "fiu_liaison": ("liaison_password", f"{HARD_PASSWORD} of the door"),
}
HOUSE, LIAISON = HOSTS["TRACEHOLD_HOST"], HOSTS["TRACEHOLD_LIAISON_HOST"]


class Installation:
    """The services of the file, with addresses and secrets of this machine."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.replaced: dict[str, str] = {
            "FIU_STATIC_ROOT": str(folder / "static"),
            "FIU_AUDIT_CHECKPOINT_DIR": str(folder / "checkpoints"),
        }
        self._secret("secret_key", secrets.token_urlsafe(64))
        self._secret("exchange_token", secrets.token_urlsafe(64))
        self.database = database
        for name, word in PASSWORDS.values():
            self._secret(name, word)
        for name in ("redis_password", "liaison_redis_password"):
            self._secret(name, secrets.token_hex(16) + "\n")
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}

    def _secret(self, name: str, value: str) -> None:
        (self.folder / name).write_text(value)

    def environment(self, service: dict[str, Any]) -> dict[str, str]:
        home = "liaison" if service["environment"]["FIU_DOOR"] == "liaison" else "state"
        settings = dict(service["environment"]) | {"FIU_HOME": str(self.folder / home)}
        for name, value in settings.items():
            value = value.replace("redis:6379", f"127.0.0.1:{self.ports['redis']}")
            settings[name] = value.replace("/run/secrets", str(self.folder))
        settings["FIU_DATABASE_URL"] = self.address(
            str(urlsplit(settings["FIU_DATABASE_URL"]).username)
        )
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "HOSTNAME": socket.gethostname(),
            **settings,
            **self.replaced,
        }

    def role(self, name: str) -> str:
        """The role of this test that stands for one of the file: roles belong to a whole server."""
        return name.replace("fiu", str(urlsplit(self.database).username))

    def address(self, role: str) -> str:
        place = urlsplit(self.database)
        return place._replace(netloc=f"{self.role(role)}@{place.hostname}:{place.port}").geturl()

    def run(self, name: str, command: list[str] | None = None, *, at_once: int = 1) -> None:
        """To its end, which must be a good one; `at_once` as from so many hands."""
        service = services()[name]
        given = [
            re.sub(r"\bfiu_(app|liaison)\b", lambda match: self.role(match.group()), word).replace(
                "/run/secrets", str(self.folder)
            )
            for word in command or service["command"]
        ]
        processes = [
            subprocess.Popen(
                given,
                cwd=ROOT,
                env=self.environment(service),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for _time in range(at_once)
        ]
        told = [process.communicate()[0] for process in processes]
        assert not any(process.returncode for process in processes), "\n".join(told)

    def backup_command(self) -> list[str]:
        """What `docker-compose run --rm backup once` runs, with a folder of this machine."""
        (self.folder / "backups").mkdir(exist_ok=True)
        script = [
            word.replace("/backups", str(self.folder / "backups")).replace("$$", "$")
            for word in services()["backup"]["entrypoint"]
        ]
        return [*script, "once"]

    def start_redis(self) -> None:
        """As the file starts it, but for folders, port and the name of the program."""
        programs = redis_programs().folder
        name = next(
            name for name in ("redis-server", "valkey-server") if (programs / name).exists()
        )
        self.ports["redis"] = free_port()
        (self.folder / "data").mkdir()
        script = services()["redis"]["command"][-1].replace("$$", "$")
        for ours, theirs in (
            ("/run/secrets", str(self.folder)),
            ("/data", str(self.folder / "data")),
            ("/tmp/redis.conf", str(self.folder / "redis.conf")),  # noqa: S108  # the file's
            ("exec redis-server", f"exec {programs / name}"),
        ):
            assert ours in script
            script = script.replace(ours, theirs)
        script = f"{script.rstrip()} --port {self.ports['redis']} --bind 127.0.0.1"
        self._start("redis", ["sh", "-ec", script], {"PATH": os.environ["PATH"]})

    def redis(self, user: str, word: str) -> redis.Redis:
        """A client that signs in to Redis by the word in a file."""
        return redis.Redis(
            port=self.ports["redis"], db=1, username=user,
            password=(self.folder / word).read_text().strip(),
        )  # fmt: skip

    def start(self, name: str) -> None:
        service = services()[name]
        command = list(service["command"])
        if command[0] == "gunicorn":
            self.ports[name] = free_port()
            place = next(n for n, word in enumerate(command) if word.startswith("--bind"))
            command[place] = f"--bind=127.0.0.1:{self.ports[name]}"
        self._start(name, command, self.environment(service))

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_healthy(self, name: str) -> bool:
        service = services()[name]
        kind, *check = service["healthcheck"]["test"]
        if kind == "CMD-SHELL":
            check = ["sh", "-c", check[0].replace("$$", "$")]
        if name in self.ports:
            check.append(str(self.ports[name]))
        done = subprocess.run(
            check, cwd=ROOT, env=self.environment(service), capture_output=True, check=False
        )
        return done.returncode == 0

    def wait_healthy(self, name: str) -> None:
        end_at = time.monotonic() + SECONDS_TO_BE_HEALTHY
        while not self.is_healthy(name):
            log = (self.folder / f"{name}.log").read_text(errors="replace")
            assert self.running[name].poll() is None, log
            assert time.monotonic() < end_at, log
            time.sleep(0.2)

    def get(self, name: str, path: str, **headers: str) -> http.client.HTTPResponse:
        host = HOUSE if name == "web" else LIAISON
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=10)
        connection.request(
            "GET", path, headers={"Host": host, "X-Forwarded-Proto": "https", **headers}
        )
        answer = connection.getresponse()
        answer.text = answer.read()  # type: ignore[attr-defined]
        connection.close()
        return answer

    def stop(self) -> None:
        for process in self.running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for name, process in self.running.items():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise AssertionError(f"{name} did not end") from None


@pytest.fixture
def database() -> Iterator[str]:
    """A database whose owner is no superuser and may create roles, as the file sets it up."""
    server = os.environ["FIU_TEST_DATABASE_URL"]
    role = f"test{secrets.token_hex(4)}"
    with database_of_its_own(server) as url, closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        name = urlsplit(url).path[1:]
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE ROLE {role} LOGIN CREATEROLE BYPASSRLS PASSWORD %s", [HARD_PASSWORD]
            )
            cursor.execute(f"ALTER DATABASE {name} OWNER TO {role}")
        try:
            place = urlsplit(url)
            yield f"postgres://{role}@{place.hostname}:{place.port or 5432}/{name}"
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
                cursor.execute(f"CREATE DATABASE {name}")  # for the one who drops it
                cursor.execute(f"DROP ROLE {role}, {role}_app, {role}_liaison")


def test_the_services_start_answer_at_their_own_doors_and_end(
    tmp_path: Path, database: str
) -> None:
    unit = Installation(tmp_path, database)
    unit.start_redis()
    try:
        play_a_day(unit)
    finally:
        unit.stop()


def play_a_day(unit: Installation) -> None:
    unit.run("migrate", ["python", "manage.py", "collectstatic", "--no-input", "--verbosity=0"])
    unit.run("migrate", at_once=2)  # the second waits, and finds that there is nothing to do
    started = ("web", "liaison", "worker", "casework", "dispatcher")
    for name in started:
        unit.start(name)
    for name in started:
        unit.wait_healthy(name)

    assert unit.get("web", "/").getheader("Location").startswith("/accounts/login/")
    assert unit.get("web", "/liaison/").status == 404
    assert unit.get("liaison", "/").getheader("Location") == "/liaison/"
    there = unit.get("liaison", "/liaison/").getheader("Location")
    assert there.startswith("/accounts/login/")
    assert unit.get("liaison", there).status == 200
    for path in ("/cases/", "/audit/", "/search/", "/freezes/"):
        assert unit.get("liaison", path).status == 404

    assert unit.get("web", "/", Host=LIAISON).status == 400
    assert unit.get("web", "/", **{"X-Forwarded-Proto": "http"}).status == 301
    page = unit.get("web", "/accounts/login/")
    assert page.getheader("Strict-Transport-Security")
    assert "__Host-fiu-csrf" in page.getheader("Set-Cookie")
    style = next((unit.folder / "static" / "css").glob("tracehold.*.css"))
    answer = unit.get("web", f"/static/css/{style.name}", **{"Accept-Encoding": "br"})
    assert answer.getheader("Content-Encoding") == "br"
    assert "immutable" in answer.getheader("Cache-Control")

    for role, sees in (("fiu_app", True), ("fiu_liaison", False)):
        _, word = PASSWORDS[role]
        with closing(psycopg2.connect(unit.address(role), password=word)) as theirs:
            theirs.autocommit = True
            with theirs.cursor() as cursor:
                for verb in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                    cursor.execute("SELECT has_table_privilege('public.cases_case', %s)", [verb])
                    assert cursor.fetchone() == (sees,)
                cursor.execute("SELECT count(*) FROM fiu_user")  # a view, for the door
                cursor.execute(
                    "SELECT relrowsecurity, rolbypassrls FROM pg_class, pg_roles"
                    " WHERE pg_class.oid = 'public.cases_case'::regclass"
                    " AND rolname = current_user"
                )
                assert cursor.fetchone() == (True, False)
                cursor.execute("SHOW search_path")
                assert (cursor.fetchone()[0] == "liaison") is not sees

    look_through_the_liaison_doors_redis(unit)
    assert list((unit.folder / "checkpoints").glob("audit-*.jsonl")), "no checkpoint was taken"
    unit.run("backup", unit.backup_command())
    assert len(list((unit.folder / "backups").glob("2*/database.dump"))) == 1


def look_through_the_liaison_doors_redis(unit: Installation) -> None:
    """Its limits of sign-ins work; queues and the house's keys are closed to its password."""
    page = unit.get("liaison", "/accounts/login/")
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text.decode())
    connection = http.client.HTTPConnection("127.0.0.1", unit.ports["liaison"], timeout=20)
    connection.request(
        "POST", "/accounts/login/",
        urlencode({"csrfmiddlewaretoken": token, "login": "nobody", "password": "x" * 20}),
        {
            "Host": LIAISON, "X-Forwarded-Proto": "https", "Origin": f"https://{LIAISON}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": page.getheader("Set-Cookie").partition(";")[0],
        },
    )  # fmt: skip
    assert connection.getresponse().status == 200
    connection.close()
    with (
        closing(unit.redis("default", "redis_password")) as house,
        closing(unit.redis("liaison", "liaison_redis_password")) as door,
    ):
        house.set(":1:of-the-house", "x")
        counted = house.keys("liaison:*login*")
        assert counted, "the door counts no failed sign-ins"
        assert door.get(counted[0])
        for refused in (
            lambda: door.get(":1:of-the-house"),
            lambda: door.keys("*"),
            lambda: door.scan(),
            lambda: door.execute_command("SELECT", 0) and door.llen("tracehold:casework"),
            lambda: door.lpush("tracehold:casework", "{}"),
            lambda: door.flushall(),
            lambda: door.config_get("*"),
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                refused()
