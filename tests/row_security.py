"""The tests under FIU_RLS=1: as the house's role, which no policy lets past.

The test database belongs to a superuser, as tests empty tables. Pages and calls of the API are
asked for the person of their session, and every function of services that is called `by` somebody
works as that one, as it would behind a page. What a test does itself is the installation's own
work.
"""

# the names are ours

import functools
import importlib
import inspect
import os
import pkgutil
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

from django.db import connection

import cases.services
from cases.acting import acting_as
from fiu.roles import grant_house
from fiu.roles import make_role as make

ROLE = f"tests_house_{os.getuid()}_{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}"


def make_role() -> None:
    """The role, its grants, and that every new connection to this database begins as it."""
    with connection.cursor() as cursor:
        make(cursor, ROLE, uuid4().hex)
        grant_house(cursor, ROLE)
        cursor.execute("SELECT quote_ident(current_database())")
        cursor.execute(f"ALTER DATABASE {cursor.fetchone()[0]} SET role = {ROLE}")


def be_house() -> None:
    _be(ROLE)


def be_owner() -> None:
    _be("NONE")


def _be(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")


def let_services_act_for_their_actor() -> None:
    """Before any test is imported: put each function of services with `by` into a block of it."""
    found = {}
    for module in pkgutil.walk_packages(cases.services.__path__, "cases.services."):
        for function in vars(importlib.import_module(module.name)).values():
            if (
                inspect.isfunction(function)
                and function.__module__.startswith("cases.services.")
                and "by" in inspect.signature(function).parameters
            ):
                found[function] = _acting(function)
    # Of the tests those that a conftest named on the command line has loaded by now.
    for name, place in list(sys.modules.items()):
        if name.startswith(("cases.", "fiu.", "tests.")):
            for word, value in list(vars(place).items()):
                if inspect.isfunction(value) and value in found:
                    setattr(place, word, found[value])


_is_inside: ContextVar[bool] = ContextVar("is_inside", default=False)


def _acting(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def for_the_actor(*arguments: Any, **named: Any) -> Any:
        if _is_inside.get():  # the outermost says for whom; it may step aside on purpose
            return function(*arguments, **named)
        token = _is_inside.set(True)
        try:
            given = signature.bind(*arguments, **named)
            given.apply_defaults()
            with acting_as(given.arguments["by"]):
                return function(*arguments, **named)
        finally:
            _is_inside.reset(token)

    return for_the_actor
