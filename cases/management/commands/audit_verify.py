"""Recompute every audit chain and every approved content."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.checkpoints import CheckpointError, Series
from cases.services.verification import verify_everything


class Command(BaseCommand):
    help = "Verify the audit chains: exit 0 when whole, 1 with case and number of each first break."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--checkpoints", type=Path, help="a folder or file of checkpoints kept elsewhere"
        )
        parser.add_argument(
            "--public-key", action="append", default=[], help="whose signatures count (hex)"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        place: Path | None = options["checkpoints"]
        if place is not None and not place.exists():
            raise CommandError(f"There is nothing at {place}.")
        try:
            report, series = verify_everything(place, options["public_key"])
        except CheckpointError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            newest = series.newest
            told = {"n": newest.n, "at": newest.at, "hash": newest.hash} if newest else None
            self.stdout.write(json.dumps({**report.to_json(), "checkpoint": told}))
        else:
            for each in report.breaks:
                where = each.case or "system chain"
                event = f"event {each.seq}: " if each.seq else ""
                self.stdout.write(f"{where}: {event}{each.reason}")
            if report.is_whole:
                self.stdout.write(
                    f"{report.num_events} events in {report.num_chains} chains: all whole."
                )
            self._tell(series)
        if not report.is_whole:
            raise SystemExit(1)

    def _tell(self, series: Series) -> None:
        newest = series.newest
        if newest is None:
            self.stdout.write("No checkpoint was found: a cut or rewritten chain looks whole.")
            return
        self.stdout.write(f"Compared with {newest.name}.")
        if newest.begun_again:
            self.stdout.write(f"The series began again there: {newest.begun_again}")
        if series.num_unreadable:
            self.stdout.write(f"{series.num_unreadable} lines of the files cannot be read.")
