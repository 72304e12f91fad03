"""Bring a database of servers to this version: tables, guards and roles, then Django's check."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from fiu.management.commands.install_roles import read_word, take_roles


class Command(BaseCommand):
    help = (
        "Bring tables, guards and the roles of house and liaison door to this version, then look"
        " for what a deployment lacks (PostgreSQL). What already stands is left as it is. Where a"
        " step fails the command ends with it: nothing starts before all of them went well."
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
        call_command("install_roles", lift=True, **told)
        call_command("migrate", interactive=False, verbosity=options["verbosity"], **told)
        call_command("createcachetable", **told)
        call_command("install_guards", **told)
        call_command("install_roles", **{name: options[name] for name in roles}, **told)
        call_command("check", databases=["default"], deploy=True, fail_level="WARNING", **told)
