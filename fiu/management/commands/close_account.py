"""Sign a person out everywhere, and close the account unless only the sessions are to end."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.policy import SYSTEM
from cases.services.errors import CaseworkError
from fiu.closing import close_account, end_sessions_of
from fiu.models import User


class Command(BaseCommand):
    help = "Close NAME's account and end all its sessions; the reason stands in the audit trail."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="user name")
        parser.add_argument("--reason", required=True)
        parser.add_argument(
            "--sessions-only", action="store_true", help="end the sessions, keep the account open"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"There is no person named {options['name']}.")
        end = end_sessions_of if options["sessions_only"] else close_account
        try:
            number = end(user, reason=options["reason"], by=SYSTEM)
        except CaseworkError as error:
            raise CommandError(str(error)) from error
        closed = not options["sessions_only"]
        if options["json"]:
            answer = {"name": user.username, "closed": closed, "num_sessions": number}
            self.stdout.write(json.dumps(answer))
            return
        state = "closed" if closed else "stays open"
        self.stdout.write(f"{number} sessions of {user.username} ended; the account {state}.")
