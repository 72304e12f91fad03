"""The exchange's books read from their end: what did money that left, or is held, come from?

A pool is mirrored like that of an account (`tracing.engine.pools`): what left comes in,
what arrived goes out, last first. Haircut mirrors itself, and so do a queue and a stack, so the
walk is the one of `books.py` over mirrored lines, and its answer is turned round again at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tracing.engine.booklines import OUTSIDE, Books, BookTrace, Hop, Line, Place, Seed
from tracing.engine.books import MOST_ACCOUNTS, follow_books

HELD: Final = "held"
LAST: Final = 2**62
STATUSES: Final = {"left": "came_in"}
"""What becomes of units in the mirrored books, in the words of the books themselves."""


def held_ref(account: str, asset: str) -> str:
    """The reference of what an account holds at the end, as a seed."""
    return f"{HELD}:{account}:{asset}"


def trace_back(
    seeds: Iterable[Seed], accounts: Iterable[str], books: Books, policy: str,
    most_accounts: int = MOST_ACCOUNTS,
) -> BookTrace:  # fmt: skip
    """Follow what left, or is held, back through the books to the deposits that it came from.

    Args:
        seeds: lines that left the house, with the units that arrived outside, or `held_ref` of an
            account's holding at the end. accounts, policy, most_accounts: as `follow_books`.

    In the answer `left` is what came in by deposits, `held` what was there before the first line,
    and hops stand last first. Raises and costs as `follow_books`.

    Source: the recurrences of `docs/tracing.md`, "Through the books", from the end.
    """
    asked = tuple(seeds)
    own = sorted(set(accounts))
    held = {seed.ref: seed.high for seed in asked if seed.ref.startswith(f"{HELD}:")}
    mirror = _Mirror(books, held)
    found = follow_books(asked, own, mirror, policy, most_accounts)
    hops = tuple(mirror.turned(hop) for hop in found.hops)
    return replace(found, direction="backward", hops=hops)


class _Mirror:
    """Books whose lines run from the last to the first."""

    def __init__(self, books: Books, held: Mapping[str, int]) -> None:
        self.books, self.held = books, held
        self.lines_of: dict[str, Sequence[Line]] = {}
        self.forward: dict[Place, Line] = {}

    def lines(self, account: str) -> Sequence[Line] | None:
        """The account's lines, last first, what it holds at the end before all."""
        found = self.books.lines(account)
        if found is None:
            return None
        self.lines_of[account] = found
        lines = [self.at_the_end(account, ref) for ref in self.held if _of(ref) == account]
        return [*lines, *(self.mirrored(line) for line in reversed(found))]

    def at_the_end(self, account: str, ref: str) -> Line:
        """A holding as if it left after everything else, so that mirrored it comes in first."""
        asset, units = ref.split(":", 2)[2], self.held[ref]
        number = sorted(self.held).index(ref)
        line = Line((LAST, number), ref, HELD, account, asset, units, OUTSIDE, asset, units)
        return self.mirrored(line)

    def mirrored(self, line: Line) -> Line:
        """The line turned round. Its fee comes in beneath it and is nobody's.

        Both in a queue and in a stack the part that went on was taken before the fee, the last part
        of the line. So mirrored it is laid upon it, once what the line brought is out again: of a
        transfer to oneself both are in one holding.
        """
        when, number = line.place
        place = (-when, -number)
        self.forward[place] = line
        fee = line.fee if line.account != OUTSIDE else 0
        return Line(
            place, line.ref, line.kind, line.to_account, line.to_asset, line.to_units,
            line.account, line.asset, line.units - line.fee, below=fee,
        )  # fmt: skip

    def holdings(self, account: str) -> Mapping[str, int]:
        """What was there before the first line, where what is there now is known."""
        before = dict(self.books.holdings(account))
        for line in self.lines_of.get(account, ()):
            if line.account == account and line.asset in before:
                before[line.asset] += line.units
            if line.to_account == account and line.to_asset in before:
                before[line.to_asset] -= line.to_units
        return before

    def asked(self, account: str) -> Sequence[tuple[Line, str]]:
        """Nothing: what was not done brought nothing here."""
        return ()

    def turned(self, hop: Hop) -> Hop:
        """A hop of the mirrored books as the books have it: what went in, and what came of it."""
        return replace(
            hop,
            line=self.forward[hop.line.place],
            amount=hop.to_amount, low=hop.to_low, high=hop.to_high,
            to_amount=hop.amount, to_low=hop.low, to_high=hop.high,
            status=STATUSES.get(hop.status, hop.status),
        )  # fmt: skip


def _of(ref: str) -> str:
    """The account of a held reference."""
    return ref.split(":", 2)[1]
