"""Repeat a sealed run and say whether it comes out the same."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracing.engine.difference import Change
from tracing.management.asking import one_sentence
from tracing.replay import Replay, find_run, replay

SHOWN = 30


class Command(BaseCommand):
    help = (
        "Repeat a sealed run on the snapshot and with the walls of its seal, and say identical or "
        "show what differs, by end, edge and amount. Exits 1 where it differs."
    )
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "run", metavar="RUN", help="its id, or its result's hash or the beginning of it"
        )
        parser.add_argument(
            "--now",
            action="store_true",
            help="ask the ledger and walls of now instead; a difference is no failure then",
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        again = one_sentence(lambda: replay(find_run(options["run"]), of_now=options["now"]))
        if options["json"]:
            self.stdout.write(json.dumps(again.to_json()))
        else:
            self.stdout.write("\n".join(in_words(again, of_now=options["now"])))
        if not again.is_intact:
            raise CommandError(f"The stored result of {again.run} was changed after its sealing.")
        if not again.is_identical and not options["now"]:
            raise CommandError(f"The run {again.run} does not come out as it was sealed.")


def in_words(again: Replay, *, of_now: bool) -> list[str]:
    """The comparison as lines for a reader."""
    then, now = again.sealed["seal"], again.again["seal"]
    lines = [
        f"run {again.run} on {again.ledger}",
        f"sealed at block {then['snapshot']['height']} {then['snapshot']['block_hash']}",
    ]
    if of_now:
        lines.append(f"asked at block {now['snapshot']['height']} {now['snapshot']['block_hash']}")
    if not again.is_same_code:
        lines.append(
            f"the engine is another one: {then['engine_version']} {then['code_hash'][:12]} then, "
            f"{now['engine_version']} {now['code_hash'][:12]} now"
        )
    if again.is_identical:
        return [*lines, f"identical: result sha256 {then['result_sha256']}"]
    shown = again.conclusions
    if not shown:
        return [*lines, "the same answer, of another ledger or other walls"]
    lines += [_line(change) for change in shown[:SHOWN]]
    if len(shown) > SHOWN:
        lines.append(f"... and {len(shown) - SHOWN} more; --json lists all of them")
    return lines


def _line(change: Change) -> str:
    return f"{change.kind:>8}  {change.key}: {_told(change.before)} -> {_told(change.after)}"


def _told(value: Any) -> str:
    """An end by amount, bounds and status; an edge by its fee; anything else as it is."""
    if value is None:
        return "nothing"
    if isinstance(value, dict) and "status" in value:
        return f"{value['amount']} [{value['low']}, {value['high']}] {value['status']}"
    if isinstance(value, dict) and "in" in value:
        moved = sum(int(row[2]) for row in value["in"])
        return f"{moved} in over {len(value['in'])} coins, fee {value['fee']}"
    if isinstance(value, dict) and "amount" in value:
        return str(value["amount"])
    return json.dumps(value)
