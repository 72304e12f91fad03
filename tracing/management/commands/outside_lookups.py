"""The log of questions to hosts outside."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from tracing.lookup_views import outside_lookups
from tracing.management.asking import table, whole_number


class Command(BaseCommand):
    help = "Show who asked which host about what, when and why, the newest first."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--last", metavar="N", default="100", help="so many lines")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = outside_lookups(whole_number("--last", options["last"]) or 100)
        if options["json"]:
            self.stdout.write(json.dumps([{**asdict(row), "at": str(row.at)} for row in rows]))
            return
        cells = [
            (
                str(row.num_requests), f"{row.at:%Y-%m-%d %H:%M}", row.by, row.host, row.subject,
                row.purpose, row.outcome or "answered",
            )
            for row in rows
        ]  # fmt: skip
        head = ("asked", "when (UTC)", "by", "host", "about", "purpose", "outcome")
        self.stdout.write("\n".join(table(head, cells, right=1)))
