"""docker-compose.yml and Dockerfile: whole, valid, and nothing in them that a unit must not run."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from fiu.environment import KNOWN
from fiu.management.commands import prepare_database
from tests.compose import APP, HOSTS, ROOT, document, services

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_compose_itself_accepts_the_file() -> None:
    """Where Debian's docker-compose is installed it judges; elsewhere the structure alone."""
    program = shutil.which("docker-compose")
    if program is None:
        assert set(document()) >= {"services", "networks", "volumes", "secrets"}
        return
    for environment, expected in ((HOSTS, 0), ({}, 1)):
        judged = subprocess.run(
            [program, "--file", str(ROOT / "docker-compose.yml"), "config", "--quiet"],
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert judged.returncode == expected, judged.stderr


def tls() -> Any:
    return yaml.safe_load((ROOT / "docker-compose.tls.yml").read_text(encoding="utf-8"))


def test_with_tls_every_part_asks_for_a_certificate_and_compose_accepts_both_files() -> None:
    """ADR 12: an address that stayed plain would not even connect to Redis, but to PostgreSQL."""
    over = tls()["services"]
    for name in APP:
        plain = services()[name]["environment"]
        secured = plain | over[name]["environment"]
        assert set(secured) == set(plain), name
        database, asked = secured["FIU_DATABASE_URL"].split("?")
        assert database == plain["FIU_DATABASE_URL"]
        assert asked == "sslmode=verify-full&sslrootcert=/run/secrets/ca_certificate"
        for variable in ("FIU_BROKER_URL", "FIU_CACHE_URL"):
            if plain[variable]:
                before, asked = secured[variable].split("?")
                assert before == plain[variable].replace("redis://", "rediss://", 1), name
                assert "ssl_cert_reqs=required" in asked
        assert "ca_certificate" in over[name]["secrets"]
    used = {secret for service in over.values() for secret in service["secrets"]}
    assert used == set(tls()["secrets"])
    program = shutil.which("docker-compose")
    if program is not None:
        files = [
            f"--file={ROOT / name}" for name in ("docker-compose.yml", "docker-compose.tls.yml")
        ]
        judged = subprocess.run(
            [program, *files, "config", "--quiet"],
            env={"PATH": os.environ["PATH"], **HOSTS}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert judged.returncode == 0, judged.stderr


def test_every_part_of_the_installation_is_there() -> None:
    assert set(services()) == {*APP, "postgres", "redis", "spark"}


def test_what_is_used_is_declared_and_what_is_declared_is_used() -> None:
    whole = document()
    for kind in ("volumes", "secrets", "networks"):
        used = {
            str(entry).partition(":")[0]
            for service in whole["services"].values()
            for entry in service.get(kind, ())
        }
        assert used == set(whole[kind])


def test_only_settings_of_the_program_are_set() -> None:
    for name in APP:
        assert set(services()[name]["environment"]) <= set(KNOWN), name


def test_secrets_come_as_files_and_stand_nowhere_else() -> None:
    for name, service in services().items():
        environment = service.get("environment", {})
        for variable, value in environment.items():
            if variable.endswith("_FILE"):
                secret = str(value).removeprefix("/run/secrets/")
                assert secret in service["secrets"], (name, variable)
            assert not re.search(r"://[^/@]*:[^/@]+@", str(value)), (name, variable)


def test_everything_that_runs_on_has_a_health_check_and_comes_back() -> None:
    for name, service in services().items():
        if name in {"migrate", "compute"}:
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name


def test_nothing_starts_before_tables_and_guards_stand() -> None:
    for name, service in services().items():
        if name not in {"migrate", "postgres", "redis", "spark"}:
            needed = service["depends_on"]["migrate"]["condition"]
            assert needed == "service_completed_successfully", name
    assert services()["migrate"]["command"][:3] == ["python", "manage.py", "prepare_database"]


class BusyServer:
    """A connection to a server where another start holds the turn at the first two questions."""

    vendor = "postgresql"

    def __init__(self) -> None:
        self.asked: list[str] = []

    @contextmanager
    def cursor(self) -> Iterator["BusyServer"]:
        yield self

    def execute(self, statement: str, _values: list[int]) -> None:
        self.asked.append(statement)

    def fetchone(self) -> tuple[bool]:
        return (len(self.asked) > 2,)


def test_a_database_is_prepared_in_the_one_order_that_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Views and policies go before tables change; roles come when there is all they may see."""
    steps: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        prepare_database, "call_command", lambda name, **options: steps.append((name, options))
    )
    server = BusyServer()
    monkeypatch.setattr(prepare_database, "connection", server)
    monkeypatch.setattr(prepare_database.time, "sleep", lambda _seconds: None)
    told = StringIO()
    call_command("prepare_database", app="house", liaison="door", stdout=told)
    assert told.getvalue().count("waiting for its end") == 1
    assert ["unlock" in statement for statement in server.asked] == [False, False, False, True]
    assert [name for name, _ in steps] == [
        "install_roles", "migrate", "createcachetable", "install_guards", "install_roles", "check",
    ]  # fmt: skip
    (_, lifting), *_, (_, roles), (_, check) = steps
    assert lifting["lift"]
    assert "lift" not in roles
    assert (roles["app"], roles["liaison"]) == ("house", "door")
    assert (check["databases"], check["deploy"]) == (["default"], True)
    assert check["fail_level"] == "WARNING"


def test_what_answers_anybody_does_not_own_the_tables() -> None:
    """A9: the liaison door signs in as a role of its own, and no other service knows its word."""
    roles = {name: services()[name]["environment"]["FIU_DATABASE_URL"] for name in APP}
    assert {name for name, url in roles.items() if "//fiu@" in url} == {"migrate", "backup"}
    assert [name for name, url in roles.items() if "//fiu_liaison@" in url] == ["liaison"]
    assert all(services()[name]["environment"]["FIU_RLS"] == "1" for name in APP)  # A10
    assert all(
        "//fiu_app@" in roles[name]
        for name in ("web", "worker", "casework", "dispatcher", "compute")
    )
    for secret, holders in {
        "database_password": {"migrate", "backup", "postgres"},
        "app_password": {"migrate", "web", "worker", "casework", "dispatcher", "compute"},
        "liaison_password": {"migrate", "liaison"},
    }.items():
        assert {
            name for name, each in services().items() if secret in each.get("secrets", ())
        } == holders


def test_databases_are_not_published_and_the_rest_on_loopback_only() -> None:
    assert document()["networks"]["inside"]["internal"] is True
    for name, service in services().items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        if name not in {"web", "liaison", "casework"}:
            assert service["networks"] == ["inside"], name


def test_the_application_has_no_rights_it_does_not_need() -> None:
    for name in (*APP, "spark"):
        service = services()[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    assert re.search(r"^USER fiu$", DOCKERFILE, flags=re.MULTILINE)


def test_the_liaison_door_writes_into_a_folder_of_its_own_alone() -> None:
    mounts = {name: services()[name]["volumes"] for name in APP if "volumes" in services()[name]}
    assert mounts["liaison"] == ["files:/state/files:ro", "uploads:/state/uploads"]
    writers = {name for name in mounts if "uploads:/state/uploads" in mounts[name]}
    assert writers == {"liaison", "casework"}  # the second takes them in
    assert all("uploads:/state/uploads:ro" in mounts[name] for name in ("web", "backup"))


def test_the_liaison_door_shares_no_word_of_redis_with_the_house() -> None:
    holders = {
        name: {secret for secret in service.get("secrets", ()) if "redis" in secret}
        for name, service in services().items()
    }
    assert holders.pop("redis") == {"redis_password", "liaison_redis_password"}
    assert holders.pop("postgres") == holders.pop("spark") == set()
    assert holders.pop("liaison") == {"liaison_redis_password"}
    assert all(words == {"redis_password"} for words in holders.values())
    assert services()["liaison"]["environment"]["FIU_BROKER_URL"] == ""


def test_whole_ledger_jobs_run_only_where_asked_for_and_read_only() -> None:
    for name, service in services().items():
        assert ("spark" in service.get("profiles", ())) == (name in {"compute", "spark"}), name
    spark = services()["spark"]
    assert spark["volumes"] == ["state:/state:ro", "warehouse:/warehouse"]
    assert "secrets" not in spark
    assert spark["user"].startswith("10001")  # who owns the ledgers
    assert "openjdk-17-jre-headless" in DOCKERFILE


def test_the_image_installs_by_hash_and_holds_fonts_and_pango() -> None:
    assert DOCKERFILE.startswith("#")
    assert "FROM python:3.11-slim" in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for package in ("libpango-1.0-0", "libpangoft2-1.0-0", "fonts-inter", "fonts-dejavu-core"):
        assert package in DOCKERFILE
        assert package in ci
    # Chinese letters: 57 MB with every weight for readers, 2 MB for tests.
    assert "fonts-noto-cjk" in DOCKERFILE
    assert "fonts-droid-fallback" in ci


@pytest.mark.parametrize("door", ["web", "liaison"])
def test_deployment_check_is_clean_under_the_settings_of(door: str, tmp_path: Path) -> None:
    service = services()[door]
    settings = dict(service["environment"]) | {"FIU_HOME": str(tmp_path / "state")}
    for name, value in settings.items():
        if name.endswith("_FILE"):
            file = tmp_path / Path(value).name
            file.write_text("0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            settings[name] = str(file)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    judged = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**clean, "DJANGO_SETTINGS_MODULE": "fiu.settings", **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stderr
