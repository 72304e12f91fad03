"""Django's `migrate`, with the guards out of the way while tables change, and back after it."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from cases.guards import install_guards, remove_guards


class Command(migrate.Command):
    help = "Bring the tables to this version; the guards stand again once all of them do."
    # The check would ask for the guards of the new version before they stand.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """SQLite changes a table by making it anew, which fails under a trigger that names it.

        A change that fails leaves the guards off; nothing starts then but another `migrate`, since
        every start looks for them.
        """
        using = options["database"]
        connection = connections[using]
        is_sqlite = connection.vendor == "sqlite"
        if is_sqlite and _due(using):
            remove_guards(using)
        super().handle(*args, **options)
        if is_sqlite and not _due(using):
            install_guards(using)


def _due(using: str) -> bool:
    executor = MigrationExecutor(connections[using])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
