"""One writer at a time on SQLite: who waits gets the place, and nobody is refused too soon."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

pytestmark = pytest.mark.once

Connect = Callable[[float], BaseDatabaseWrapper]


@pytest.fixture
def connect(tmp_path: Path, django_db_blocker: Any) -> Iterator[Connect]:
    """A new connection to one file, which gives up after so many seconds."""
    made = []

    def connection(timeout: float) -> BaseDatabaseWrapper:
        options = {"transaction_mode": "IMMEDIATE", "timeout": timeout}
        settings = {"ENGINE": "fiu.sqlite", "NAME": tmp_path / "db", "OPTIONS": options}
        found = ConnectionHandler({"default": settings})["default"]
        found.inc_thread_sharing()
        made.append(found)
        return found

    with django_db_blocker.unblock():  # a file of our own
        first = connection(5)
        run(first, "PRAGMA journal_mode=WAL")
        run(first, "CREATE TABLE counter (number INTEGER)")
        run(first, "INSERT INTO counter VALUES (0)")
        yield connection
        for each in made:
            each.close()


def run(connection: BaseDatabaseWrapper, sql: str, *values: int) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    return rows[0][0] if rows else None


@pytest.mark.parametrize("write", ["BEGIN IMMEDIATE", "UPDATE counter SET number = number + 1"])
def test_who_waits_goes_on_when_the_place_is_free(connect: Connect, write: str) -> None:
    holder, waiter = connect(5), connect(5)
    run(holder, "BEGIN IMMEDIATE")
    threading.Timer(0.02, lambda: run(holder, "COMMIT")).start()
    run(waiter, write)
    assert run(waiter, "PRAGMA busy_timeout") == 5000  # all else waits as SQLite has it


@pytest.mark.parametrize("write", ["BEGIN IMMEDIATE", "UPDATE counter SET number = number + 1"])
def test_who_waits_too_long_is_told_and_has_done_nothing(connect: Connect, write: str) -> None:
    holder, waiter = connect(5), connect(0.02)
    run(holder, "BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"):
        run(waiter, write)
    assert run(waiter, "SELECT number FROM counter") == 0
    run(holder, "COMMIT")
    run(waiter, "UPDATE counter SET number = 7")
    assert run(holder, "SELECT number FROM counter") == 7


def test_another_error_is_said_at_once(connect: Connect) -> None:
    begun = time.monotonic()
    with pytest.raises(OperationalError, match="no such table"):
        run(connect(5), "UPDATE elsewhere SET number = 1")
    assert time.monotonic() - begun < 4


def test_a_holder_that_dies_leaves_the_place_free(connect: Connect) -> None:
    holder, waiter = connect(5), connect(5)
    run(holder, "BEGIN IMMEDIATE")
    run(holder, "UPDATE counter SET number = 9")
    threading.Timer(0.02, holder.close).start()
    run(waiter, "UPDATE counter SET number = number + 1")
    assert run(waiter, "SELECT number FROM counter") == 1


def test_writers_of_one_process_lose_nothing_and_nest(connect: Connect) -> None:
    refused = []

    def count() -> None:
        connection = connect(5)
        for _ in range(25):
            try:
                add(connection)
            except OperationalError as error:
                refused.append(error)

    def add(connection: BaseDatabaseWrapper) -> None:
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        number = run(connection, "SELECT number FROM counter")
        point = str(connection.savepoint())
        run(connection, "UPDATE counter SET number = %s", number + 1)
        connection.savepoint_commit(point)
        connection.commit()
        connection.set_autocommit(True)

    writers = [threading.Thread(target=count) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert refused == []
    assert run(connect(5), "SELECT number FROM counter") == 100
