"""Recompute every audit chain and every approved content."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from cases.services.audit import Break, verify_chains
from cases.services.reports import verify_report_chain
from cases.services.verification import altered_contents


class Command(BaseCommand):
    help = "Verify the audit chains: exit 0 when whole, 1 with case and number of each first break."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        report = verify_chains()
        report.breaks += altered_contents()
        # This chain is told only where it breaks: a count would betray that there are reports.
        if (seq := verify_report_chain()) is not None:
            report.breaks.append(Break("", seq, "the chain of another kind does not hold"))
        if options["json"]:
            self.stdout.write(json.dumps(report.to_json()))
        else:
            for each in report.breaks:
                where = each.case or "system chain"
                event = f"event {each.seq}: " if each.seq else ""
                self.stdout.write(f"{where}: {event}{each.reason}")
            if report.is_whole:
                self.stdout.write(
                    f"{report.num_events} events in {report.num_chains} chains: all whole."
                )
        if not report.is_whole:
            raise SystemExit(1)
