"""Make the first account: an administrator without a password, and a link to set one."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from fiu.models import User
from fiu.people import link_for


class Command(BaseCommand):
    help = "Make an administrator and print a one-time link (15 minutes) to set the password."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="user name")
        parser.add_argument("email")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(username=options["name"]).exists():
            raise CommandError(f"There is already a person named {options['name']}.")
        user = User(username=options["name"], email=options["email"], role="admin")
        user.set_unusable_password()
        try:
            user.full_clean()
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        user.save()
        link = link_for(user)
        self.stdout.write(
            json.dumps({"name": user.username, "link": link})
            if options["json"]
            else f"{link}\nOpen it within 15 minutes; `signin {user.username}` makes another."
        )
