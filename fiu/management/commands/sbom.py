"""Write the software bill of materials of this environment."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fiu.sbom import bill_of_materials, without_licence, write


class Command(BaseCommand):
    help = "CycloneDX 1.6 JSON of every runtime package here: to FILE, or to the console."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path)
        parser.add_argument("--json", action="store_true", help="what was written, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        bill = bill_of_materials()
        text = json.dumps(bill, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        path: Path | None = options["file"]
        if path is None:
            self.stdout.write(text, ending="")
            return
        try:
            write(text, path)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        number, unknown = len(bill["components"]), list(without_licence(bill))
        if options["json"]:
            self.stdout.write(json.dumps({"num_components": number, "without_licence": unknown}))
            return
        self.stdout.write(f"{number} packages in {path}.")
        for ref in unknown:
            self.stdout.write(f"{ref} says nothing of its licence: look at it.")
