"""Bring a database of servers to this version: tables, guards and roles, then Django's check."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from fiu.management.commands.install_roles import read_word, take_roles

TURN = 7_411_210  # an advisory lock of the session: gone with the process, however it ends


class Command(BaseCommand):
    help = (
        "Bring tables, guards and the roles of house and liaison door to this version, then look"
        " for what a deployment lacks (PostgreSQL). What already stands is left as it is. Where a"
        " step fails the command ends with it: nothing starts before all of them went well. Of two"
        " at once the second waits."
    )

    requires_system_checks: list[str] = []  # they are the last step: the guards stand by then

    def add_arguments(self, parser: ArgumentParser) -> None:
        take_roles(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """One process for what would be six: each would load the whole installation first."""
        if connection.vendor != "postgresql":
            raise CommandError("On SQLite `manage.py up` prepares the database by itself.")
        for name in ("app_password_file", "liaison_password_file"):
            read_word(options[name])  # before anything changes
        told = {"stdout": self.stdout, "stderr": self.stderr}
        roles = ("app", "app_password_file", "liaison", "liaison_password_file")
        with self._turn():
            call_command("install_roles", lift=True, **told)
            call_command("migrate", interactive=False, verbosity=options["verbosity"], **told)
            call_command("createcachetable", **told)
            call_command("install_guards", **told)
            call_command("install_roles", **{name: options[name] for name in roles}, **told)
        call_command("check", databases=["default"], deploy=True, fail_level="WARNING", **told)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One at a time on a database: two would make the same table, or wait for each other.

        Asked for again and again: a statement that waits would itself be waited for by an index
        that is built beside its table's use.
        """
        with connection.cursor() as cursor:
            waits = False
            while True:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [TURN])
                if cursor.fetchone()[0]:
                    break
                if not waits:
                    self.stdout.write("Another start prepares this database: waiting for its end.")
                    waits = True
                time.sleep(0.5)
            yield  # what fails ends the process, and with it the turn
            cursor.execute("SELECT pg_advisory_unlock(%s)", [TURN])
