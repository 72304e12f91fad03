"""Load lists of sanctioned addresses."""

import json
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.management.labels import in_words, report_json
from cases.services.attribution import import_sanctions
from tracing.reads import TracingError


class Command(BaseCommand):
    help = (
        "Load sanctions lists: text with one address a line, OFAC's SDN_ADVANCED.XML or SDN.XML, "
        "or FollowTheMoney entities of OpenSanctions. The chain is told by the address."
    )
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--name", default="", help="of the list; else the file's name")
        parser.add_argument(
            "--as-of",
            metavar="DAY",
            help="the day the list stands for, where the file does not say it",
        )
        parser.add_argument(
            "--listed-on", metavar="DAY", help="day of listing of every entry without one"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["name"] and len(options["files"]) > 1:
            raise CommandError("--name takes one file: each list has a name of its own.")
        reports = []
        for path in options["files"]:
            try:
                report = import_sanctions(
                    path,
                    name=options["name"],
                    as_of=_day("--as-of", options["as_of"]),
                    listed_on=_day("--listed-on", options["listed_on"]),
                )
            except TracingError as error:
                raise CommandError(f"{path.name}: {error}") from None
            reports.append(report)
            if not options["json"]:
                self.stdout.write("\n".join(in_words(report)))
        if options["json"]:
            self.stdout.write(json.dumps({"files": [report_json(report) for report in reports]}))


def _day(option: str, text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise CommandError(f"{option} takes a day, such as 2024-09-27.") from None
