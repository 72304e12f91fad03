"""Run everything under one command."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fiu.supervisor import Options, run


class Command(BaseCommand):
    help = "Run web server, worker and dispatcher until Ctrl-C. Prints one line when ready."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="0 takes a free port")
        parser.add_argument("--var", help="state folder, instead of FIU_HOME")
        parser.add_argument("--workers", type=int, default=2, help="runs at once")
        parser.add_argument("--demo", action="store_true", help="load the fictional demo world")
        parser.add_argument("--json", action="store_true", help="the ready line as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["var"] and Path(options["var"]).resolve() != settings.FIU_HOME:
            self._start_again(options["var"])
        if options["host"] not in {"127.0.0.1", "localhost", "::1"} and not settings.FIU_TLS:
            raise CommandError(
                "Any address but loopback needs FIU_TLS=1 and a proxy that ends TLS."
            )
        status = run(
            Options(
                host=options["host"],
                port=options["port"],
                workers=options["workers"],
                demo=options["demo"],
                as_json=options["json"],
            )
        )
        sys.exit(status)

    @staticmethod
    def _start_again(home: str) -> None:
        """The state folder is a setting, so it must be known before the settings are read."""
        os.environ["FIU_HOME"] = str(Path(home).resolve())
        os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606  # this very command
