"""The world is built once; whatever a request changes is rolled back after it."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from cases.exports import pdf
from cases.guards import install_guards
from tests.integration.matrix.asking import undone
from tests.integration.matrix.world import World, make_world


@pytest.fixture(scope="package")
def world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    home = tmp_path_factory.mktemp("matrix")
    with (
        django_db_blocker.unblock(),
        override_settings(FIU_HOME=home),
        pytest.MonkeyPatch.context() as patch,
        undone(),
    ):
        logging.disable(logging.WARNING)
        patch.setattr(pdf, "is_available", lambda: False)  # a second for each copy
        install_guards()
        yield make_world(home, lambda world: None)
        logging.disable(logging.NOTSET)
