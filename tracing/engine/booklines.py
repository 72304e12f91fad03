"""Lines of the exchange's books, and what following money through them finds.

The walk is in `books.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from tracing.engine.balance import BalanceSheet
from tracing.engine.pools import Lot
from tracing.engine.spec import Json, canonical_sha256

OUTSIDE: Final = ""
"""Nobody's account: where deposits come from and withdrawals go."""

Place: TypeAlias = tuple[int, int]
"""Where a line stands in the books: its moment and its number, comparable over all accounts."""


@dataclass(frozen=True, slots=True)
class Line:
    """One completed line: `units` of `asset` leave `account`, `to_units` arrive elsewhere.

    Args:
        fee: the part of `units` that the exchange keeps. What it keeps of the other side of a
            conversion is not in `to_units` and so part of the rate.
        account, to_account: OUTSIDE for money that comes from, or goes, out of the house.
        below: units of nobody's that arrive with it, just before its own. Only books that are read
            from their end have such: a fee that is undone.
    """

    place: Place
    ref: str
    kind: str
    account: str
    asset: str
    units: int
    to_account: str
    to_asset: str
    to_units: int
    fee: int = 0
    below: int = 0


@dataclass(frozen=True, slots=True)
class Seed:
    """A line that brings followed units: how many by the policy, and the bounds on them.

    `lots`, for FIFO and LIFO, says where in the deposit they lie; without, they are laid last,
    because a run keeps how much of a deposit is followed and not where in the coin it lies.
    """

    ref: str
    units: int
    low: int
    high: int
    lots: tuple[Lot, ...] = ()


class Books(Protocol):
    """Where the lines come from."""

    def lines(self, account: str) -> Sequence[Line] | None:
        """Every line that touches an account, in order; None where there are too many."""

    def holdings(self, account: str) -> Mapping[str, int]:
        """What the account holds after all its lines, by asset, where that is known."""

    def asked(self, account: str) -> Sequence[tuple[Line, str]]:
        """Lines of the account that were asked for and not done, each with its state."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A line that moved followed units: `amount` by the policy left, `to_amount` arrived."""

    line: Line
    amount: int
    low: int
    high: int
    to_amount: int
    to_low: int
    to_high: int
    fee: int
    hops: int
    status: str  # passed_on, left, fee, why it was followed no further, or the state of a wish

    def to_json(self) -> Json:
        """The hop as plain values; amounts are texts of base units."""
        line = self.line
        return {
            "ref": line.ref, "kind": line.kind, "account": line.account, "asset": line.asset,
            "place": [str(number) for number in line.place], "line_fee": str(line.fee),
            "units": str(line.units), "amount": str(self.amount), "low": str(self.low),
            "high": str(self.high), "to_account": line.to_account, "to_asset": line.to_asset,
            "to_units": str(line.to_units), "to_amount": str(self.to_amount),
            "to_low": str(self.to_low), "to_high": str(self.to_high), "fee": str(self.fee),
            "hops": self.hops, "status": self.status,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """What an account holds at the end: `value` in all, of it `amount` by the policy."""

    account: str
    asset: str
    amount: int
    value: int
    low: int
    high: int
    hops: int


@dataclass(slots=True)
class AssetSheet:
    """The books of one asset: what came is what is there, left, was paid in fees, or was cut."""

    seeds: int = 0
    converted_in: int = 0
    held: int = 0
    left: int = 0
    converted_out: int = 0
    fees: int = 0
    cut: dict[str, int] = field(default_factory=dict)
    conserved: bool = True

    @property
    def difference(self) -> int | None:
        """Zero, or None where the policy does not conserve."""
        return self.sheet.difference

    @property
    def sheet(self) -> BalanceSheet:
        """The same in the form of every trace: conversions are a way in and a way out."""
        return BalanceSheet(
            self.seeds + self.converted_in, self.held + self.left + self.converted_out, self.fees,
            sum(self.cut.values()), self.conserved,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BookTrace:
    """The answer: hops in order, what is held, and a balance sheet for each asset.

    `asked`: what was asked for and not done, and what of it would be followed if each were done
    alone with what is held at the end. It has moved nothing and is in no sheet.
    Backward (`booksback.py`) what `left` came in by deposits, and `held` was there before.
    """

    policy: str
    hops: tuple[Hop, ...]
    held: tuple[Held, ...]
    asked: tuple[Hop, ...]
    sheets: Mapping[str, AssetSheet]
    unmet: tuple[str, ...]  # seeds without a line
    num_accounts: int
    num_lines: int
    direction: str = "forward"

    @property
    def result_sha256(self) -> str:
        """Hash over policy, hops and holdings: two answers are the same or they are not."""
        return canonical_sha256(self.to_json())

    def to_json(self) -> Json:
        """All of it as plain values; amounts are texts of base units."""
        return {
            "policy": self.policy,
            "direction": self.direction,
            "hops": [hop.to_json() for hop in self.hops],
            "asked": [hop.to_json() for hop in self.asked],
            "held": [
                {
                    "account": each.account, "asset": each.asset, "amount": str(each.amount),
                    "value": str(each.value), "low": str(each.low), "high": str(each.high),
                    "hops": each.hops,
                }
                for each in self.held
            ],
            "unmet": list(self.unmet),
        }  # fmt: skip
