"""Load tag packs and lists of labelled addresses."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.management.labels import in_words, report_json
from cases.services.attribution import import_tags
from tracing.reads import TracingError


class Command(BaseCommand):
    help = "Load TagPacks (YAML) and CSV lists. Twice changes nothing; bad rows are named."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--confidence", default="", help="level for files that name none")
        parser.add_argument("--category", default="", help="concept for CSV files that name none")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        reports = []
        for path in options["files"]:
            try:
                reports.append(
                    import_tags(
                        path, confidence=options["confidence"], category=options["category"]
                    )
                )
            except TracingError as error:
                raise CommandError(f"{path.name}: {error}") from None
            if not options["json"]:
                self.stdout.write("\n".join(in_words(reports[-1])))
        if options["json"]:
            self.stdout.write(json.dumps({"files": [report_json(report) for report in reports]}))
