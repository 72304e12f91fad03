"""Load transfers of an account chain out of CSV, by a column map."""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from tracing.engine.accounts.csvrows import column_map
from tracing.ledgers.accounts import AccountLoadReport, load_csv
from tracing.management.account_loading import AccountLoadCommand
from tracing.management.asking import one_sentence


class Command(AccountLoadCommand):
    help = (
        "Load transfers of an account chain from CSV files; a column map in TOML says what stands "
        "where. Every row is accepted or reported; loading twice changes nothing."
    )
    ledgers = "ethereum, ethereum-dev, bsc, polygon or tron"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--map", required=True, type=Path, help="the column map, see the docs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            text = options["map"].read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['map']} cannot be read: {error}") from None
        columns = one_sentence(lambda: column_map(text))

        def load(home: Path, name: str, files: Sequence[Path]) -> AccountLoadReport:
            return load_csv(home, name, files, columns)

        self.tell(load, options)
