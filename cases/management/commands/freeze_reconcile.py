"""Compare the freeze ledger with its receipts and orders."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from cases.models import FreezeLine
from cases.services.ledger import out_of_balance


class Command(BaseCommand):
    help = "Reconcile every freeze line with its receipts: exit 0 when all agree, else 1."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        breaks, number = out_of_balance(), FreezeLine.objects.count()
        if options["json"]:
            report = {"ok": not breaks, "num_lines": number}
            self.stdout.write(json.dumps(report | {"breaks": [asdict(each) for each in breaks]}))
        else:
            for each in breaks:
                self.stdout.write(f"{each.case}: {each.reason}")
            if not breaks:
                self.stdout.write(f"{number} lines: all reconcile.")
        if breaks:
            raise SystemExit(1)
