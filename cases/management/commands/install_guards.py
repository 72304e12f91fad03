"""Install the triggers that keep the rules in the database; run it after every `migrate`."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from cases.guards import install_guards


class Command(BaseCommand):
    help = "Install the database's guards. Running it twice changes nothing."
    requires_system_checks = []  # the check it would fail is the one it repairs

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        count = install_guards()
        if options["json"]:
            self.stdout.write(json.dumps({"num_guards": count}))
        else:
            self.stdout.write(f"{count} guards stand.")
