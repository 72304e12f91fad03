"""Tables of new and of standing installations, and the guards while tables change."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import pre_migrate

from cases.guards import install_guards, missing_guards
from cases.guards.install import GUARDS


@pytest.mark.once
def test_new_and_standing_installations_end_alike() -> None:
    """After a change: `python -m tests.squash cases`."""
    anew, stepwise = (
        MigrationLoader(None, replace_migrations=at_once).project_state()
        for at_once in (True, False)
    )
    assert set(anew.models) == set(stepwise.models)
    for key, model in anew.models.items():
        other = stepwise.models[key]
        assert {name: field.deconstruct()[1:] for name, field in model.fields.items()} == {
            name: field.deconstruct()[1:] for name, field in other.fields.items()
        }, key
        assert _options(model) == _options(other), key


def _options(model: Any) -> dict[str, Any]:
    """Each list of an option in an order of its own: steps add constraints at the end."""
    return {
        name: sorted(map(repr, value)) if isinstance(value, list | tuple | set) else value
        for name, value in model.options.items()
        if value
    }


@pytest.fixture
def seen() -> Iterator[list[int]]:
    """How many guards were off when tables began to change."""
    numbers: list[int] = []

    def look(**_kwargs: Any) -> None:
        numbers.append(len(missing_guards(connection)))

    pre_migrate.connect(look)
    yield numbers
    pre_migrate.disconnect(look)


@pytest.mark.django_db(transaction=True)
@pytest.mark.owner
def test_guards_stand_aside_while_tables_change_and_stand_after_it(seen: list[int]) -> None:
    install_guards()
    connection.cursor().execute("DELETE FROM django_migrations WHERE app = 'cases'")
    call_command("migrate", fake=True, verbosity=0)
    expected = len([guard for guard in GUARDS if not guard.is_postgresql_only])
    assert set(seen) == {expected if connection.vendor == "sqlite" else 0}
    assert missing_guards(connection) == []
