"""Exposure as others see it: frozen values, made by exposure_views.py."""

from __future__ import annotations

from dataclasses import dataclass

from tracing.engine.ends import Place
from tracing.ledger_views import AssetUnit


@dataclass(frozen=True)
class ContactView:
    """One coin or transfer of an exposure: where money of the wallet met a category."""

    place: Place
    amount: int
    low: int
    high: int
    hops: int
    label: str


@dataclass(frozen=True)
class ExposureRow:
    """One category in one direction at one distance, with the coins it is the sum of."""

    direction: str  # received or sent
    category: str
    is_direct: bool
    amount: int
    low: int
    high: int
    contacts: tuple[ContactView, ...]
    unit: AssetUnit

    @property
    def asset(self) -> str:
        """CAIP-19 name."""
        return self.unit.asset


@dataclass(frozen=True)
class ExposureSide:
    """All that was received or sent of one asset, and what of it met no category, by status."""

    direction: str
    unit: AssetUnit
    turnover: int
    rest: dict[str, int]
    fees: int
    max_hops: int


@dataclass(frozen=True)
class ExposureView:
    """Exposure of a wallet in both directions; `sides` say what met no category.

    assets_left_out: assets of an account beyond the limit, which were not followed.
    """

    rows: tuple[ExposureRow, ...]
    sides: tuple[ExposureSide, ...]
    is_cut: bool
    seeds_left_out: int
    assets_left_out: int
    num_addresses: int
    height: int
