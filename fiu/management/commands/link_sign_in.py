"""Say who signs in at the organisation's own provider as whom."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cases.policy import SYSTEM
from cases.services.errors import CaseworkError
from fiu.models import User

if settings.OIDC_ISSUER:  # its tables are there only then
    from fiu.oidc.adapter import forget_subject, link_subject


class Command(BaseCommand):
    help = "Let a subject (`sub`) of FIU_OIDC_ISSUER sign in as NAME, or forget the one that may."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="user name")
        wanted = parser.add_mutually_exclusive_group(required=True)
        wanted.add_argument("--subject", help="the `sub` that the provider gives this person")
        wanted.add_argument("--forget", action="store_true")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.OIDC_ISSUER:
            raise CommandError("FIU_OIDC_ISSUER is not set: nobody signs in from outside.")
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"There is no person named {options['name']}.")
        if options["forget"]:
            if not forget_subject(user, by=SYSTEM):
                raise CommandError(f"No subject signs in as {user.username}.")
        else:
            try:
                link_subject(user, options["subject"], by=SYSTEM)
            except CaseworkError as error:
                raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"name": user.username, "linked": not options["forget"]}))
        elif options["verbosity"]:
            state = "no longer signs in" if options["forget"] else "signs in"
            self.stdout.write(f"{user.username} {state} at {settings.OIDC_ISSUER}.")
