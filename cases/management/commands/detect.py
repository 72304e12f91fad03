"""Run the rules over the exchange's records and raise alerts."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.policy import SYSTEM
from cases.services.detection_runs import detect_now
from cases.services.errors import CaseworkError


class Command(BaseCommand):
    help = "Run the detection rules and raise alerts. Twice raises nothing new."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", help="only accounts that moved from this time on, such as 2025-05-20"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = detect_now(since=_moment(options["since"]), by=SYSTEM)
        except CaseworkError as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))
            return
        self.stdout.write(
            f"{report.num_movements:,} movements of {report.num_accounts:,} accounts, "
            f"{report.num_unpriced:,} without a price"
        )
        for code, count in report.fired.items():
            self.stdout.write(f"{code}: {count} firings")
        self.stdout.write(
            f"{report.num_raised} alerts raised, {report.num_merged} merged into open ones, "
            f"{report.num_known} known before"
        )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError("--since takes a day or a time, such as 2025-05-20.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
