"""A command that the database stops says in one sentence what is missing."""

from types import SimpleNamespace

import pytest
import redis.exceptions
from django.core.management import CommandError, call_command
from django.db import OperationalError, ProgrammingError
from psycopg2 import errors

from fiu import database_errors
from fiu.database_errors import sentence_of
from fiu.preparation import copy_before_a_change
from tests.installations import an_installation, run

pytestmark = pytest.mark.once


def test_a_command_without_tables_or_database_says_so_without_a_traceback(tmp_path):
    with an_installation(tmp_path / "new") as environment:
        told = run(environment, "manage.py", "audit_verify", "--json", status=1)
    assert told.stderr.strip() == (
        "CommandError: The tables of this version are not there yet. Run: python manage.py up"
    )
    nobody_listens = {"FIU_DATABASE_URL": "postgresql://fiu:x@127.0.0.1:9/fiu"}
    told = run(environment | nobody_listens, "manage.py", "evidence_verify", status=1)
    assert told.stderr.startswith("CommandError: The database of FIU_DATABASE_URL cannot be")
    assert len(told.stderr.splitlines()) == 1


def test_a_database_of_servers_is_not_prepared_where_there_is_none():
    with pytest.raises(CommandError, match="On SQLite"):
        call_command("prepare_database")


@pytest.mark.parametrize("undefined", [errors.UndefinedTable, errors.UndefinedColumn])
@pytest.mark.parametrize(
    ("vendor", "command"), [("sqlite", "up"), ("postgresql", "prepare_database")]
)
def test_what_an_older_database_lacks_is_made_by_the_command_of_its_kind(
    undefined, vendor, command, monkeypatch
):
    monkeypatch.setattr(database_errors, "connection", SimpleNamespace(vendor=vendor))
    # The code stands in the error class when no server made it.
    error = ProgrammingError("it does not exist")
    error.__cause__ = undefined()
    assert (sentence_of(error) or "").endswith(f"Run: python manage.py {command}")


def test_tables_do_not_change_where_the_copy_before_it_cannot_be_made(
    tmp_path, settings, monkeypatch
):
    settings.FIU_HOME = tmp_path
    (tmp_path / "garbage").write_bytes(b"no database" * 100)
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", tmp_path / "garbage")
    with pytest.raises(CommandError, match="The database could not be copied: file is not a"):
        copy_before_a_change(print)
    assert not list((tmp_path / "backups").iterdir())


def test_a_fault_of_ours_stays_one():
    assert sentence_of(OperationalError("database disk image is malformed")) is None
    assert sentence_of(ProgrammingError("syntax error")) is None


def test_a_cache_that_cannot_be_used_is_named_without_a_traceback(tmp_path):
    asks = ("manage.py", "shell", "-c", "from django.core.cache import cache; cache.get('x')")
    nobody_listens = {"FIU_CACHE_URL": "redis://127.0.0.1:9/1"}
    with an_installation(tmp_path / "new", **nobody_listens) as environment:
        told = run(environment, *asks, status=1)
    assert told.stderr.startswith("CommandError: The cache of FIU_CACHE_URL cannot be reached: ")
    assert len(told.stderr.splitlines()) == 1


def test_a_refused_password_of_the_cache_names_its_file():
    refused = redis.exceptions.AuthenticationError("invalid username-password pair")
    assert sentence_of(refused) == (
        "The cache of FIU_CACHE_URL refuses the password of FIU_REDIS_PASSWORD_FILE:"
        " invalid username-password pair"
    )
