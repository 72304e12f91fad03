"""Hash every exhibit again and walk its custody log."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from cases.services.evidence import verify_store


class Command(BaseCommand):
    help = "Verify the evidence store: exit 0 when every exhibit and custody log is whole, else 1."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        report = verify_store()
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not report.breaks} | asdict(report)))
        else:
            for each in report.breaks:
                line = f"custody line {each.seq}: " if each.seq else ""
                self.stdout.write(f"{each.case}: {line}{each.reason}")
            if not report.breaks:
                self.stdout.write(
                    f"{report.num_exhibits} exhibits, {report.num_events} custody lines: all whole."
                )
        if report.breaks:
            raise SystemExit(1)
