"""Create or update the database roles of the house and of the liaison door (PostgreSQL)."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from fiu.roles import WINDOWS, RolesError, install_roles, lift_roles


class Command(BaseCommand):
    help = (
        "Create or update the two roles and what they may do; run it after every `migrate`, as the"
        " owner of the tables. --lift before it takes views and policies away that hold it up."
    )

    requires_system_checks = []  # it runs before the tables and the guards stand

    def add_arguments(self, parser: ArgumentParser) -> None:
        take_roles(parser)
        parser.add_argument("--lift", action="store_true", help="before a migration")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["lift"]:
                lift_roles()
            else:
                install_roles(
                    app=options["app"],
                    app_password=read_word(options["app_password_file"]),
                    liaison=options["liaison"],
                    liaison_password=read_word(options["liaison_password_file"]),
                )
        except (RolesError, Error) as error:
            raise CommandError(str(error).strip()) from error
        if options["json"]:
            self.stdout.write(
                json.dumps({"ok": True, "num_views": 0 if options["lift"] else len(WINDOWS)})
            )
        elif options["lift"]:
            self.stdout.write("The views of the liaison door and the policies on rows are lifted.")
        else:
            self.stdout.write(
                f"{options['app']} works in the tables, {options['liaison']} in"
                f" {len(WINDOWS)} views."
            )


def take_roles(parser: ArgumentParser) -> None:
    """The names of the two roles, and the files of their passwords."""
    parser.add_argument("--app", default="fiu_app", metavar="ROLE")
    parser.add_argument("--app-password-file", type=Path, metavar="FILE")
    parser.add_argument("--liaison", default="fiu_liaison", metavar="ROLE")
    parser.add_argument("--liaison-password-file", type=Path, metavar="FILE")


def read_word(file: Path | None) -> str:
    """The password in a file, "" without one. Raises CommandError when it is not there or empty."""
    if file is None:
        return ""
    try:
        word = file.read_text().strip()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    if not word:
        raise CommandError(f"{file} is empty.")
    return word
