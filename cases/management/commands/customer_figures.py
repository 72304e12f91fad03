"""Figures of all customers on DuckDB or Spark, with a hash to compare."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.services.customer_figures import figures_by_rows, figures_on_engine
from tracing.reads import TracingError


class Command(BaseCommand):
    help = "Compute the learned score's figures of all customers on the engine of FIU_COMPUTE_URL."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="also row by row; fail where it differs"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = figures_on_engine()
        except TracingError as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found)))
        else:
            self.stdout.write(
                f"{found.num_accounts:,} accounts in {found.seconds:.1f} s, SHA-256 {found.sha256}"
            )
        if options["check"] and figures_by_rows().sha256 != found.sha256:
            raise CommandError("Row by row something else is found.")
