"""Accounts of the people of the house: make one, give a role, set up anew, open again."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from cases.policy import SYSTEM
from cases.services.errors import CaseworkError
from fiu import staff
from fiu.models import User
from fiu.people import SignInRefused, link_for


class Command(BaseCommand):
    help = (
        "Make an account of the house, change its role, take password and second factors back, or"
        " open a closed one again. What ends without a password prints a one-time link (15 minutes)"
        " to set one; hand it over in person. `close_account` closes one."
    )
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        create = acts.add_parser("create", help="an account without a password, and a link")
        create.add_argument("name", help="user name")
        create.add_argument("email")
        create.add_argument("--full-name", default="")
        role = acts.add_parser("role", help="another role; sessions and tokens end")
        reset = acts.add_parser("reset", help="password and second factors are set up anew")
        reopen = acts.add_parser("reopen", help="open a closed account, set up anew")
        for each in (role, reset, reopen):
            each.add_argument("name", help="user name")
            each.add_argument("--reason", required=True)
        for each in (create, role):
            each.add_argument("--role", required=True, choices=staff.ROLES)
            each.add_argument("--reports", action="store_true", help="may see suspicion reports")
        for each in (create, role, reset, reopen):
            each.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # With the link: where it cannot be kept, nothing has changed.
            with transaction.atomic():
                user = self._do(options)
                link = "" if options["act"] == "role" else link_for(user)
        except (CaseworkError, SignInRefused) as error:
            raise CommandError(str(error)) from error
        told = {"name": user.username, "role": user.role, "link": link}
        if options["json"]:
            self.stdout.write(json.dumps(told))
        elif link:
            self.stdout.write(f"{link}\nHand it over: it works once, within 15 minutes.")
            self.stdout.write(f"`signin {user.username}` makes another.")
        else:
            self.stdout.write(f"{user.username} is {user.role} now; sessions and tokens ended.")

    @staticmethod
    def _do(options: dict[str, Any]) -> User:
        name, act = options["name"], options["act"]
        if act == "create":
            return staff.create_account(
                name, options["email"], options["role"], full_name=options["full_name"],
                may_view_reports=options["reports"], by=SYSTEM,
            )  # fmt: skip
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no person named {name}.")
        if act == "role":
            staff.change_role(
                user, options["role"], may_view_reports=options["reports"],
                reason=options["reason"], by=SYSTEM,
            )  # fmt: skip
        elif act == "reset":
            staff.reset_account(user, reason=options["reason"], by=SYSTEM)
        else:
            staff.reopen_account(user, reason=options["reason"], by=SYSTEM)
        user.refresh_from_db()
        return user
