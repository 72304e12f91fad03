"""Install the triggers, and under FIU_RLS=1 the policies, that keep the rules in the database.

Run it after every `migrate`.
"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.guards import RowSecurityError, install_guards, install_policies


class Command(BaseCommand):
    help = "Install the database's guards. Running it twice changes nothing."
    requires_system_checks = []  # the check it would fail is the one it repairs

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        count = install_guards()
        try:
            policies = install_policies()
        except RowSecurityError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"num_guards": count, "num_policies": policies}))
        else:
            told = f" {policies} tables have a policy on their rows." if policies else ""
            self.stdout.write(f"{count} guards stand.{told}")
