"""Ask sealed runs again where their ledger or walls changed, and note what drifted."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from cases.services.traces import watch_drift


class Command(BaseCommand):
    help = (
        "Ask the sealed runs of open cases and of released findings again, where the ledger or its "
        "walls changed since; a run that concludes something else is noted in its case."
    )
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        report = watch_drift()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))
            return
        self.stdout.write(
            f"{report.num_watched} sealed runs watched, {report.num_asked} asked again, "
            f"{report.num_noticed} newly concluding something else."
        )
