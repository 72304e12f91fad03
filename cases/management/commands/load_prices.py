"""Load prices of assets from CSV files."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.services.errors import CaseworkError
from cases.services.prices import import_prices

SHOWN = 20


class Command(BaseCommand):
    help = "Load prices (asset,currency,price,at,source,method). Twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        told = []
        for path in options["files"]:
            try:
                report = import_prices(path)
            except CaseworkError as error:
                raise CommandError(str(error)) from None
            told.append({"file": path.name, **asdict(report)})
            if not options["json"]:
                self.stdout.write(
                    f"{path.name}: {report.num_added:,} added, {report.num_known:,} known,"
                    f" {len(report.refused):,} refused"
                )
                for row in report.refused[:SHOWN]:
                    self.stdout.write(f"  row {row.number}: {row.reason}")
                if len(report.refused) > SHOWN:
                    self.stdout.write(f"  and {len(report.refused) - SHOWN} more; --json lists all")
        if options["json"]:
            self.stdout.write(json.dumps({"files": told}))
        if any(each["refused"] for each in told):
            raise CommandError("Some rows were refused; the others are loaded.")
