"""Write where every audit chain stands into a file outside the database."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.checkpoints import CheckpointError, public_key
from cases.services.checkpoints import write_checkpoint


class Command(BaseCommand):
    help = "Append a signed checkpoint of all audit chains to FIU_AUDIT_CHECKPOINT_DIR."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--begin-again",
            metavar="REASON",
            default="",
            help="after a restore: later checkpoints start from the chains as they are now",
        )
        parser.add_argument(
            "--public-key", action="store_true", help="print the key that verifies them, only"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["public_key"]:
            self.stdout.write(public_key())
            return
        try:
            new = write_checkpoint(begin_again=options["begin_again"].strip())
        except CheckpointError as error:
            raise CommandError(str(error)) from error
        told = {"n": new.n, "at": new.at, "chains": len(new.heads), "events": new.num_events,
                "root": new.root, "hash": new.hash}  # fmt: skip
        self.stdout.write(
            json.dumps(told)
            if options["json"]
            else f"Checkpoint {new.n}: {new.num_events} events in {len(new.heads)} chains,"
            f" hash {new.hash}"
        )
