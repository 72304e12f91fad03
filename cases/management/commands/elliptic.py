"""Train and judge on the public Elliptic files, to repeat published scores."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Judge models on the Elliptic files of a folder, by their published split."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if find_spec("sklearn") is None:
            raise CommandError("This needs packages of its own: run make learn once.")
        elliptic: Any = import_module("cases.detection.elliptic")
        try:
            known = elliptic.load_elliptic(options["folder"])
            scores = elliptic.judge_elliptic(known, seed=options["seed"])
        except elliptic.NotElliptic as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in scores]))
            return
        self.stdout.write(
            f"{len(known.steps):,} transactions of known class, {int(known.illicit.sum()):,} of"
            f" them illicit; {known.num_unknown:,} unknown ones left out"
        )
        for each in scores:
            self.stdout.write(
                f"{each.name}: precision {each.precision:.3f}, recall {each.recall:.3f},"
                f" F1 {each.f1:.3f}"
            )
