"""Import a folder of the exchange's records."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.services.errors import ImportRefused
from cases.services.exchange import import_exchange
from tracing import jobs, reads


class Command(BaseCommand):
    help = (
        "Import customers' accounts, addresses, balances, movements and prices, from CSV or "
        "Parquet files. Twice changes nothing."
    )
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--resumable", action="store_true",
            help="keep movements and events as they are read; the same command goes on after a cut",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = import_exchange(options["folder"], is_resumable=options["resumable"])
        except ImportRefused as error:
            raise CommandError(str(error)) from None
        for ledger in reads.ledgers():  # else the first page would wait for it
            jobs.prepare_walls(ledger.name)
        if options["json"]:
            self.stdout.write(
                json.dumps({"rows": report.rows, "num_boundaries": report.num_boundaries})
            )
            return
        for file, count in report.rows.items():
            self.stdout.write(f"{file}: {count} rows")
        self.stdout.write(f"{report.num_boundaries} addresses are boundaries for traces.")
