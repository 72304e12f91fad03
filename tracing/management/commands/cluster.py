"""A cluster as it can be cited, and found again at an older snapshot."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracing.cluster_views import ClusterVersion, cluster_version
from tracing.ledger_views import resolve_ledger
from tracing.management.asking import LEDGERS, canonical_address, one_sentence


class Command(BaseCommand):
    help = (
        "Tell the co-spend cluster of an address as it can be cited: snapshot, walls, tags, size "
        "and the hash of its addresses. With what a citation names, find it again and compare."
    )
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ledger", help=LEDGERS)
        parser.add_argument("address")
        parser.add_argument("--epoch", type=int, help="the snapshot cited (default: the newest)")
        parser.add_argument("--walls", default="", help="hash of the walls cited (default: now's)")
        parser.add_argument("--tags", default="", help="hash of the tags cited (default: now's)")
        parser.add_argument("--expect", default="", help="hash of the addresses cited")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        name = one_sentence(lambda: resolve_ledger(options["ledger"]))
        address = canonical_address(options["address"])
        cited = (options["epoch"], options["walls"], options["tags"])
        found = one_sentence(lambda: cluster_version(name, address, *cited))
        self.stdout.write(json.dumps(asdict(found)) if options["json"] else in_words(found))
        if options["expect"] not in ("", found.members_sha256):
            raise CommandError(f"Not the cluster cited: its addresses hash to {options['expect']}.")


def in_words(found: ClusterVersion) -> str:
    """The version as lines for a reader."""
    return "\n".join([
        f"cluster {found.anchor} of {found.num_addresses:,} addresses",
        f"{found.ledger}, block {found.height:,} ({found.tip_hash}), epoch {found.epoch}",
        f"walls {found.walls_sha256}",
        f"tags {found.tag_set}",
        f"addresses {found.members_sha256}",
        f"engine {found.engine}",
    ])  # fmt: skip
