"""The balance sheet of a run: what went in is at the ends, paid as fees, or cut by reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tracing.errors import BalanceError


@dataclass(frozen=True)
class BalanceSheet:
    """Sums of one run in base units. `conserved` is False for poison, which multiplies value."""

    seeds: int
    ends: int
    fees: int
    cut: int
    conserved: bool

    @property
    def difference(self) -> int | None:
        """seeds - ends - fees - cut: zero, or None where the policy does not conserve."""
        return self.seeds - self.ends - self.fees - self.cut if self.conserved else None

    def to_json(self) -> dict[str, str | None]:
        """Amounts as strings; the difference is null for poison."""
        difference = self.difference
        return {
            "in": str(self.seeds),
            "ends": str(self.ends),
            "fees": str(self.fees),
            "cut": str(self.cut),
            "difference": None if difference is None else str(difference),
        }


class Policied(Protocol):
    """What a run was asked for."""

    @property
    def policy(self) -> str:
        """Its policy."""


class Walked(Protocol):
    """A finished walk of either kind, with its sums in base units."""

    seeds: int
    fees: int
    cut: dict[str, int]

    @property
    def at_ends(self) -> int:
        """What came to rest, summed over the ends."""

    @property
    def spec(self) -> Policied:
        """What was asked for."""


def sheet_of(walk: Walked) -> BalanceSheet:
    """The books of a finished run. Raises BalanceError unless they reconcile."""
    return reconcile(
        seeds=walk.seeds,
        ends=walk.at_ends,
        fees=walk.fees,
        cut=walk.cut,
        conserved=walk.spec.policy != "poison",
    )


def reconcile(
    *, seeds: int, ends: int, fees: int, cut: Mapping[str, int], conserved: bool
) -> BalanceSheet:
    """Draw up the sheet. Raises BalanceError if a conserving run is off by even one unit."""
    sheet = BalanceSheet(seeds, ends, fees, sum(cut.values()), conserved)
    if sheet.difference:
        raise BalanceError(
            f"The balance sheet is off by {sheet.difference} base units: "
            f"{seeds} in, {ends} at ends, {fees} in fees, {sheet.cut} cut. No result was made."
        )
    return sheet
