"""Score wallets that nobody names, by champion and challenger, and measure drift. Nothing acts."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.services.wallet_scores import ModelOverLedger, score_ledgers

MOST = 1_000_000


class Command(BaseCommand):
    help = "Score wallets of the loaded ledgers by the learned score, and say which stand highest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--number", type=int, default=2_000,
            help="wallets of each ledger, drawn evenly by age (default 2000)",
        )  # fmt: skip
        parser.add_argument("--top", type=int, default=20, help="how many are told (default 20)")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["number"] <= MOST or not 0 <= options["top"] <= options["number"]:
            raise CommandError(f"--number is 1 to {MOST:,}, and --top at most that.")
        found = score_ledgers(options["number"], options["top"])
        if not found:
            raise CommandError(
                "No model of wallets is live: run manage.py train_score --of wallet first."
            )
        for each in found:
            self.stdout.write(json.dumps(_told(each)) if options["json"] else _words(each))


def _told(found: ModelOverLedger) -> dict[str, Any]:
    return {
        "model": str(found.model), "state": found.model.state, "num_wallets": found.num_wallets,
        "pairs": found.pairs, "right": found.right,
        "highest": [
            {"ledger": each.ledger, "address": each.address, "points": each.points,
             "reasons": each.reasons}
            for each in found.highest
        ],
    }  # fmt: skip


def _words(found: ModelOverLedger) -> str:
    part = "champion" if found.model.state == "in_force" else "challenger"
    lines = [f"{found.model}, {part}: {found.num_wallets:,} wallets that nobody names"]
    if found.pairs:
        lines.append(f"  ordered rightly since: {found.right * 100 // found.pairs} %")
    for each in found.highest:
        why = "; ".join(
            f"{reason['words']} {reason['value']} ({reason['way']})" for reason in each.reasons[:3]
        )
        lines.append(f"  {each.points / 10:5.1f} %  {each.address}  {why}")
    return "\n".join(lines)
