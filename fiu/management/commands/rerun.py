"""Repeat a sealed run, on a ledger or over the exchange's own books."""

import json
from typing import Any

from django.core.management.base import CommandError

from cases.queries.book_runs import BookReplay, repeat_book_run
from cases.services.book_runs import find_book_run
from tracing.management.commands.rerun import SHOWN
from tracing.management.commands.rerun import Command as LedgerCommand


class Command(LedgerCommand):
    help = LedgerCommand.help + " Sealed answers out of our books are repeated the same way."

    def handle(self, *args: Any, **options: Any) -> None:
        kept = find_book_run(options["run"])
        if kept is None:
            super().handle(*args, **options)
            return
        again = repeat_book_run(kept, of_now=options["now"])
        if options["json"]:
            self.stdout.write(json.dumps(again.to_json()))
        else:
            self.stdout.write("\n".join(in_words(again)))
        if not again.is_intact:
            raise CommandError(f"The stored answer {kept.public_id} was changed after its sealing.")
        if not again.is_identical and not options["now"]:
            raise CommandError(f"The answer {kept.public_id} does not come out as it was sealed.")


def in_words(again: BookReplay) -> list[str]:
    """The comparison as lines for a reader."""
    kept = again.book_run
    lines = [f"answer {kept.public_id} of {kept.case.reference}, sealed {kept.sealed_at:%Y-%m-%d}"]
    if not again.is_same_code:
        lines.append("the engine is another one")
    if again.is_identical:
        return [*lines, f"identical: result sha256 {kept.result_sha256}"]
    lines += [
        f"{each.kind:>8}  {each.key}: {_told(each.before)} -> {_told(each.after)}"
        for each in again.changes[:SHOWN]
    ]
    if len(again.changes) > SHOWN:
        lines.append(f"... and {len(again.changes) - SHOWN} more; --json lists all of them")
    return lines


def _told(value: Any) -> str:
    """A hop or holding by its amount and bounds; anything else as it is."""
    if value is None:
        return "nothing"
    if isinstance(value, dict) and "amount" in value:
        return f"{value['amount']} [{value['low']}, {value['high']}]"
    return value if isinstance(value, str) else json.dumps(value)
