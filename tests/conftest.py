"""What every test stands on: state of its own, nothing silently skipped, loopback only."""

import gc
import json
import os
import shutil
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.contrib.contenttypes.management import create_contenttypes
from django.core.cache import cache, caches
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import Client

from cases.acting import let_process_act_as_system
from cases.guards import install_guards, install_policies
from fiu.adapter import SEEN_AT, SIGNED_IN_AT
from fiu.models import User
from fiu.sessions import DOOR_KEY, LIAISON_DOOR
from tests import migrated_copy, row_security
from tests.emptying import empty_what_is_full
from tests.hashing import hash_codes_lightly

LOOPBACK = ("127.", "::1", "localhost")
REQUIRE_ALL = os.environ.get("FIU_TEST_REQUIRE_ALL") == "1"
EVERYTHING = os.environ.get("FIU_TEST_EVERYTHING") == "1"

AT_THE_DOORS = ("web", "api", "people", "exports", "labels")

# No test asks how fast a machine is: the first draws of a fresh clone read the whole tree (1 s).
hypothesis.settings.register_profile(
    "tracehold", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tracehold")

_real_connect = socket.socket.connect


def _connect_on_loopback(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(
        LOOPBACK
    ):
        raise RuntimeError(f"tests talk to loopback only, not to {address[0]}")
    _real_connect(self, address)


def pytest_configure(config: pytest.Config) -> None:
    socket.socket.connect = _connect_on_loopback  # type: ignore[method-assign]
    if not hasattr(config, "workerinput"):
        config.stash[_HOME] = Path(settings.FIU_HOME)
    hash_codes_lightly()
    empty_what_is_full()
    let_process_act_as_system()  # what no page or call asks for: tests are on nobody's side
    if settings.ROW_SECURITY:
        row_security.let_services_act_for_their_actor()


@pytest.hookimpl(trylast=True)  # where the database is open again
def pytest_unconfigure(config: pytest.Config) -> None:
    home = config.stash.get(_HOME, None)
    if home is not None:
        migrated_copy.drop()
    if home is not None and home.name.startswith("fiu-test-"):
        shutil.rmtree(home, ignore_errors=True)


_HOME = pytest.StashKey[Path]()


DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


def _touches_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(DATABASE_FIXTURES & fixtures) or item.get_closest_marker("django_db") is not None


def _is_of_a_page(item: pytest.Item) -> bool:
    """Pages, the API and files ask through services and queries, which have tests of their own.

    Where row-level security decides what is read, they run again.
    """
    is_only_there = item.get_closest_marker("postgresql") is not None
    return item.path.parent.name in AT_THE_DOORS and not is_only_there


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only what can go otherwise there: the database itself, and real workers."""
    if connection.vendor == "sqlite":
        kept = [item for item in items if item.get_closest_marker("postgresql") is None]
    else:
        kept = [
            item
            for item in items
            if (_touches_database(item) or item.get_closest_marker("worker"))
            and (EVERYTHING or item.get_closest_marker("once") is None)
            and (EVERYTHING or settings.ROW_SECURITY or not _is_of_a_page(item))
        ]
    chosen = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = _longest_first(kept)


def _longest_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Groups with something slow, then large ones: no worker waits long for another's last test.

    A group keeps its order, in which one test may stand on the one before.
    """
    sizes = Counter(_group_of(item) for item in items)
    slow = {_group_of(item) for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> tuple[bool, int]:
        group = _group_of(item)
        return group not in slow, -sizes[group]

    return sorted(items, key=place)


def _group_of(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else item.nodeid


def pytest_collection_finish() -> None:
    """No search for garbage among what stays: 370,000 objects, tests and models among them.

    Nor one after each 700 new objects, of which a page makes many times that.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(500_000, 10, 100)


@pytest.hookimpl(hookwrapper=True)
def pytest_terminal_summary(terminalreporter: Any) -> Iterator[None]:
    """The end of a run says in one place what could not run here, and why."""
    yield
    skipped = terminalreporter.stats.get("skipped", [])
    reasons: dict[str, list[str]] = {}
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons.setdefault(reason.removeprefix("Skipped: "), []).append(report.nodeid)
    terminalreporter.section("what could not run here")
    if not reasons:
        terminalreporter.write_line("nothing: every test ran")
    for reason, tests in sorted(reasons.items()):
        terminalreporter.write_line(f"{len(tests)} not run: {reason}")
        for test in tests[:3]:
            terminalreporter.write_line(f"    {test}")
        if len(tests) > 3:
            terminalreporter.write_line(f"    and {len(tests) - 3} more")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Under FIU_TEST_REQUIRE_ALL=1 a skip is a failure.

    Pytest looks for garbage five times before it ends, in vain among what stays until then.
    """
    gc.freeze()
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    file = os.environ.get("FIU_TEST_COUNTS")  # for the table at the end of `python -m tests`
    if file and reporter and not hasattr(session.config, "workerinput"):
        outcomes = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
        found = {outcome: len(reporter.stats.get(outcome, ())) for outcome in outcomes}
        Path(file).write_text(json.dumps({name: n for name, n in found.items() if n}))
    if REQUIRE_ALL and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


SignIn = Callable[[User], Client]


@pytest.fixture
def sign_in() -> SignIn:
    """A client signed in at the person's own door, with a fresh second factor."""

    def signed_in(user: User) -> Client:
        return client_of(user)

    return signed_in


def client_of(user: User, *, second_factor_age: float | None = 0.0) -> Client:
    """A signed-in client; `second_factor_age` in seconds, None for a session without one."""
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    session = client.session
    now = time.time()
    session[SIGNED_IN_AT] = session[SEEN_AT] = int(now)
    if second_factor_age is not None:
        session["account_authentication_methods_user"] = str(user.pk)
        session["account_authentication_methods"] = [
            {"method": "mfa", "type": "totp", "at": now - second_factor_age}
        ]
    if user.role == "liaison":
        session[DOOR_KEY] = LIAISON_DOOR
    session.save()
    if user.role == "liaison":
        client.cookies[settings.LIAISON_COOKIE_NAME] = session.session_key
        del client.cookies[settings.SESSION_COOKIE_NAME]
    return client


IS_ONE_OF_SEVERAL = "PYTEST_XDIST_WORKER" in os.environ


@pytest.fixture(scope="session")
def _turn() -> Iterator[ExitStack]:
    """Held by the worker that migrates, and until there is a copy for the others."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def django_db_keepdb(
    django_db_keepdb: bool, django_db_modify_db_settings: None, _turn: ExitStack
) -> bool:
    """Whether the tables stand already: another worker's, copied."""
    if not IS_ONE_OF_SEVERAL:
        return django_db_keepdb
    _turn.enter_context(migrated_copy.turn())
    return migrated_copy.take()


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_keepdb: bool, django_db_blocker: Any, _turn: ExitStack
) -> None:
    """The test database stands under the same guards as the real one, and the same policies."""
    if IS_ONE_OF_SEVERAL:
        with django_db_blocker.unblock():
            migrated_copy.keep()
    _turn.close()
    # Rights are in policy.py: nobody reads what these write again after each emptying of tables.
    assert post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    assert post_migrate.disconnect(create_contenttypes)
    with django_db_blocker.unblock():
        if settings.ROW_SECURITY:
            row_security.be_owner()
        install_guards()
        if settings.ROW_SECURITY:
            install_policies()
            row_security.make_role()


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Failed sign-ins and used codes of one test are unknown to the next."""
    caches["nearby"].clear()
    if settings.CACHES["default"]["BACKEND"].endswith("RedisCache"):
        cache.clear()


@pytest.fixture(autouse=True)
def _role(request: pytest.FixtureRequest, _owner: None) -> None:
    """Under FIU_RLS=1 tests work as the house's role; those about the guards as the owner."""
    if settings.ROW_SECURITY and _touches_database(request.node):
        if request.node.get_closest_marker("owner"):
            row_security.be_owner()
        else:
            row_security.be_house()


@pytest.fixture(autouse=True)
def _owner(request: pytest.FixtureRequest) -> Iterator[None]:
    """Under FIU_RLS=1 it is not the house's role that empties the tables again."""
    if not (settings.ROW_SECURITY and _touches_database(request.node)):
        yield
        return
    request.getfixturevalue("_django_db_helper")
    has_real_transactions = not connection.in_atomic_block
    yield
    if has_real_transactions:
        row_security.be_owner()
