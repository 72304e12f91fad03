"""Take over cases of another system from CSV files."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.services.errors import ImportRefused
from cases.services.legacy import COLUMNS, import_legacy_file

SHOWN = 20


class Command(BaseCommand):
    help = (
        f"Cases of another system ({','.join(COLUMNS)}) with their days as recorded there. "
        "Twice changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--visibility", choices=["unit", "team", "sealed"], default="sealed",
            help="who sees them: sealed, which is compliance alone until it names people",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        told, num_refused = [], 0
        for path in options["files"]:
            try:
                report = import_legacy_file(path, visibility=options["visibility"])
            except ImportRefused as error:
                raise CommandError(str(error)) from None
            refused = report.refused
            num_refused += len(refused)
            told.append({"file": path.name, **asdict(report)})
            if not options["json"]:
                self.stdout.write(
                    f"{path.name}: {report.num_added:,} added, {report.num_known:,} known,"
                    f" {len(refused):,} refused"
                )
                for row in refused[:SHOWN]:
                    self.stdout.write(f"  row {row.number}: {row.reason}")
                if len(refused) > SHOWN:
                    self.stdout.write(f"  and {len(refused) - SHOWN} more; --json lists all")
        if options["json"]:
            self.stdout.write(json.dumps({"files": told}, default=str))
        if num_refused:
            raise CommandError("Some rows were refused; the others are taken over.")
