"""Make the first account: an administrator without a password, and a link to set one."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from cases.policy import SYSTEM
from cases.services.audit import record_event
from fiu.models import User
from fiu.people import link_for

_FIELDS = {"username": "name", "email": "e-mail address"}


class Command(BaseCommand):
    help = "Make an administrator and print a one-time link (15 minutes) to set the password."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="user name")
        parser.add_argument("email")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        name, email = options["name"], options["email"]
        with transaction.atomic():
            user = self._make(name, email)
            record_event(
                None, "create_account", f"user:{user.pk}", by=SYSTEM,
                data={"name": name, "role": user.role},
            )  # fmt: skip
            link = link_for(user)  # a cache that cannot be reached takes the account back
        self.stdout.write(
            json.dumps({"name": user.username, "link": link})
            if options["json"]
            else f"{link}\nOpen it within 15 minutes; `signin {user.username}` makes another."
        )

    def _make(self, name: str, email: str) -> User:
        if User.objects.filter(username=name).exists():
            raise CommandError(f"There is already a person named {name}.")
        if not email:
            raise CommandError("The e-mail address: This field cannot be blank.")
        if User.objects.filter(email__iexact=email).exists():  # one signs in by it, too
            raise CommandError(f"The e-mail address {email} is another account's.")
        user = User(username=name, email=email, role="admin")
        user.set_unusable_password()
        try:
            user.full_clean()
        except ValidationError as error:
            raise CommandError("; ".join(_told(error))) from error
        user.save()
        return user


def _told(error: ValidationError) -> Iterator[str]:
    """What is wrong with which field, in the words of the command's arguments."""
    for field, messages in error.message_dict.items():
        yield f"The {_FIELDS.get(field, field)}: {' '.join(messages)}"
