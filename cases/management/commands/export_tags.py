"""Write the tags that this unit published as a tag pack for others."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.exports import tagpack
from tracing.reads import own_tags


class Command(BaseCommand):
    help = "Write own published tags as a GraphSense-style tag pack. Cases and people stay here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--title", default="Published tags")
        parser.add_argument("--creator", required=True, help="who publishes, as others shall read")
        parser.add_argument("--source", required=True, help="an address that answers for the pack")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [
            tagpack.OwnTag(
                chain, address, tag.label, tag.category, tag.confidence,
                tag.lastmod.isoformat() if tag.lastmod else "",
            )
            for chain, address, tag in own_tags()
        ]  # fmt: skip
        if not rows:
            raise CommandError("This unit has published no tag: there is nothing to write.")
        try:
            content = tagpack.render(options["title"], options["creator"], options["source"], rows)
            options["file"].write_bytes(content)
        except (OSError, ValueError) as error:
            raise CommandError(f"The pack cannot be written: {error}") from None
        if options["json"]:
            self.stdout.write(json.dumps({"file": str(options["file"]), "num_tags": len(rows)}))
        else:
            self.stdout.write(f"{len(rows):,} tags in {options['file']}")
