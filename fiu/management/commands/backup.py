"""Copy the installation into a folder, while it runs."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fiu.backup import BackupError, CopyError, LedgerError, make_backup


class Command(BaseCommand):
    help = "Write database, files and ledgers into a new folder, each with its SHA-256."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="new or empty")
        parser.add_argument("--secrets", action="store_true", help="copy secrets/ too")
        parser.add_argument("--no-ledgers", action="store_true", help="leave the ledgers out")
        parser.add_argument(
            "--previous", type=Path, help="an earlier backup: what it holds already is linked"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = make_backup(
                options["folder"],
                with_secrets=options["secrets"],
                with_ledgers=not options["no_ledgers"],
                previous=options["previous"],
            )
        except (BackupError, CopyError, LedgerError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The backup could not be written: {error.strerror}.") from error
        if options["json"]:
            self.stdout.write(json.dumps(report.to_json()))
            return
        self.stdout.write(
            f"{report.folder}: {report.num_rows} rows of {report.num_tables} tables,"
            f" {report.num_files} files, {report.size / 1e6:.1f} MB"
            f" ({report.linked / 1e6:.1f} MB of it linked)\n"
            f"SHA-256 of its manifest: {report.manifest_sha256}"
        )
