"""Make the first account: an administrator without a password, and a link to set one."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from cases.policy import SYSTEM
from cases.services.errors import CaseworkError
from fiu.people import link_for
from fiu.staff import create_account


class Command(BaseCommand):
    help = "Make an administrator and print a one-time link (15 minutes) to set the password."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="user name")
        parser.add_argument("email")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                user = create_account(options["name"], options["email"], "admin", by=SYSTEM)
                link = link_for(user)  # a cache that cannot be reached takes the account back
        except CaseworkError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            json.dumps({"name": user.username, "link": link})
            if options["json"]
            else f"{link}\nOpen it within 15 minutes; `signin {user.username}` makes another."
        )
