"""The world is built once; whatever a request changes is rolled back after it."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from cases.exports import pdf
from cases.guards import install_guards
from tests import row_security
from tests.integration.matrix.asking import ask, path_of, routes, undone
from tests.integration.matrix.rules import RULES
from tests.integration.matrix.world import World, make_world

# Who must not notice that the case exists. The auditor counts every event of every case.
UNAWARE = (
    "analyst_outsider", "analyst_blocked", "analyst_expired", "supervisor_outsider", "admin",
    "liaison_same_agency", "liaison_other_agency",
)  # fmt: skip


def look_around(world: World) -> None:
    """Keep every page without parameters as it is before the case exists."""
    for name in UNAWARE:
        for route in lists():
            answer = ask(world.clients[name], "GET", path_of(route, {}))
            world.pages_before[name, route] = answer


def lists() -> list[str]:
    """The pages over everything: what they count and show is filtered by who asks."""
    return [
        route
        for route, rule in RULES.items()
        if rule.door in ("house", "liaison", "api")
        and "GET" in rule.answers
        and not routes()[route]
        and route not in ("api_schema", "api_docs")  # of routes, not of rows; a second to make
    ]


@pytest.fixture(scope="package")
def world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    home = tmp_path_factory.mktemp("matrix")
    with (
        django_db_blocker.unblock(),
        override_settings(FIU_HOME=home),
        pytest.MonkeyPatch.context() as patch,
    ):
        # Before the transaction: one that changed the schema makes SQLite read the whole of it
        # again after each savepoint that is undone, thousands of times here.
        if settings.ROW_SECURITY:
            row_security.be_owner()
        install_guards()
        if settings.ROW_SECURITY:
            row_security.be_house()
        logging.disable(logging.WARNING)
        patch.setattr(pdf, "is_available", lambda: False)  # a second for each copy
        with undone():
            yield make_world(home, look_around)
        logging.disable(logging.NOTSET)
