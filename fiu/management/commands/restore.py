"""Fill an empty installation from a backup, and prove that it is the same."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fiu.backup import BackupError, CopyError
from fiu.restore import RestoreReport, restore_backup


class Command(BaseCommand):
    help = "Restore a backup into an empty FIU_HOME and database; exit 1 where anything differs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder that `backup` wrote")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = restore_backup(options["folder"])
        except (BackupError, CopyError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The backup could not be restored: {error.strerror}.") from error
        if options["json"]:
            self.stdout.write(json.dumps(report.to_json()))
        else:
            self._tell(report)
        if not report.is_whole:
            raise SystemExit(1)

    def _tell(self, report: RestoreReport) -> None:
        for fault in report.faults:
            self.stdout.write(fault)
        if report.num_migrations_due:
            self.stdout.write(
                f"{report.num_migrations_due} changes of the tables are due: run migrate and"
                " install_guards, then audit_verify and evidence_verify."
            )
        if not report.has_same_key:
            self.stdout.write(
                "The secret key is another one: put back the old file (FIU_SECRET_KEY_FILE), else"
                " links in use end and keyed hashes no longer match."
            )
        if report.is_whole:
            again = f"; run {report.repeated_run} repeated: same" if report.repeated_run else ""
            self.stdout.write(
                f"Restored and the same: {report.num_rows} rows, {report.num_files} files,"
                f" {report.num_events} audit events, {report.num_exhibits} exhibits,"
                f" {len(report.ledgers)} ledgers{again}."
            )
