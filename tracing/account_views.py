"""The reading door for ledgers of either kind: coins as in ledger_views.py, accounts here.

Each function takes a ledger name; on an account ledger amounts are integers in base units of the
asset that stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from django.conf import settings

from tracing import ledger_views
from tracing.engine.accounts.index import NO_ACCOUNT
from tracing.engine.accounts.ledger import (
    AccountLedger,
    asset_facts,
    native_reference,
)
from tracing.engine.accounts.resolve import (
    account_paths_spec,
    account_trace_spec,
    seed_transfers,
)
from tracing.engine.accounts.rows import NATIVE, Kind
from tracing.engine.spec import TraceParameters, holding_of, is_outpoint
from tracing.ledger_views import (
    BITCOIN_UNIT,
    AddressSummary,
    AssetTotals,
    AssetUnit,
    ClusterView,
    Estimate,
    HistoryRow,
    Together,
    utc_time,
)
from tracing.ledgers import names
from tracing.open_ledgers import opened_accounts


def is_account_ledger(ledger: str) -> bool:
    """Whether a ledger, loaded or not, is one of accounts. No SQL."""
    return names.is_account(ledger)


def unit_of(ledger: AccountLedger, asset: int) -> AssetUnit:
    """How amounts of an asset are written."""
    facts = ledger.assets[asset]
    name = ledger.asset_name(asset)
    return asset_unit({"name": name, "symbol": facts.symbol, "decimals": facts.decimals})


def asset_unit(asset: Mapping[str, Any] | None) -> AssetUnit:
    """The unit of a result from its `asset` part; a result without one is of Bitcoin."""
    if not asset:
        return BITCOIN_UNIT
    name = str(asset["name"])
    if asset.get("decimals") is None:
        number = name.rpartition(":")[2]
        return AssetUnit(name, f"units of {number[:6]}…{number[-4:]}", 0)
    number = name.rpartition(":")[2]
    return AssetUnit(name, str(asset.get("symbol") or f"{number[:6]}…"), int(asset["decimals"]))


def asset_name(result: Mapping[str, Any]) -> str:
    """The CAIP-19 name of what a result follows; one without an `asset` part is of Bitcoin."""
    followed = result.get("asset")
    return str(followed["name"]) if followed else f"{result['seal']['snapshot']['chain']}/slip44:0"


def native_unit(ledger: str) -> AssetUnit:
    """The unit of a ledger's own coin, whether the ledger is loaded or not."""
    if not names.is_account(ledger):
        return BITCOIN_UNIT
    facts = ledger_facts(ledger)
    return asset_unit(facts)


def ledger_facts(ledger: str) -> dict[str, Any]:
    """The own coin of an account chain in the form results have it."""
    chain = names.CHAIN[ledger]
    (facts,) = asset_facts(chain, [NATIVE], {}, {})
    return {
        "name": f"{chain}/{facts.reference}", "symbol": facts.symbol, "decimals": facts.decimals,
    }  # fmt: skip


def place_address(place: str) -> str | None:
    """The canonical address of a seed as a run has it, None for a transfer or an output."""
    if is_outpoint(place):
        return None
    holding = holding_of(place)
    address = holding.address if holding is not None else place
    return address.lower() if address[:2] in ("0x", "0X") else address


def address_summary(ledger: str, address: str) -> AddressSummary | None:
    """Totals of one address, None if the ledger never saw it: at most 6 queries."""
    return address_summaries(ledger, [address]).get(address)


def address_summaries(ledger: str, addresses: Iterable[str]) -> dict[str, AddressSummary]:
    """Totals of several addresses; those never seen are left out: at most 6 queries for all."""
    if not _is_account(ledger):
        return ledger_views.address_summaries(ledger, addresses)
    opened = opened_accounts(ledger)
    texts = list(addresses)
    found = dict(zip(texts, opened.find_addresses(texts), strict=True))
    return {
        text: _summary(opened, text, number) for text, number in found.items() if number is not None
    }


def address_history(
    ledger: str, address: str, after: str | None = None, limit: int = 50
) -> list[HistoryRow]:
    """Rows of an address, newest first, those behind the row `after`. No SQL.

    Cost on an account ledger: O(rows shown), failed transfers among them.
    """
    if not _is_account(ledger):
        return ledger_views.address_history(ledger, address, after, limit)
    opened = opened_accounts(ledger)
    number = opened.find_address(address)
    if number is None:
        return []
    rows = opened.rows_of_address(number)
    if after is not None:
        last = _row_of(opened, after)
        rows = rows[rows < last] if last is not None else rows[:0]
    return [_history_row(opened, number, row) for row in rows[::-1][:limit].tolist()]


def cluster(ledger: str, address: str) -> ClusterView | None:
    """The co-spend cluster of an address; accounts are never spent together, so they have none."""
    return None if _is_account(ledger) else ledger_views.cluster(ledger, address)


def why_together(ledger: str, first: str, last: str) -> Together | None:
    """The shortest chain of merging transactions between two addresses; None for accounts."""
    return None if _is_account(ledger) else ledger_views.why_together(ledger, first, last)


def outputs_of(ledger: str, seed: str) -> list[str]:
    """Outputs or transfers a seed stands for. Raises SeedError with a sentence. No SQL."""
    if not _is_account(ledger):
        return ledger_views.outputs_of(ledger, seed)
    opened = opened_accounts(ledger)
    return [opened.outpoint(row) for row in seed_transfers(opened, [seed])]


def estimate(parameters: TraceParameters) -> Estimate:
    """How large a run could become. Raises SeedError for a seed that does not exist. No SQL."""
    if not _is_account(parameters.ledger):
        return ledger_views.estimate(parameters)
    opened = opened_accounts(parameters.ledger)
    if parameters.mode == "paths":
        seeds: tuple[int, ...] = account_paths_spec(parameters, opened).sources
    else:
        seeds = account_trace_spec(parameters, opened).seeds
    asset = int(opened.row_asset[seeds[0]])
    rows = np.flatnonzero((opened.row_asset == asset) & (opened.row_failed == 0))
    until = parameters.until_height
    if parameters.direction == "backward":
        rows = rows[rows < max(seeds)]
        rows = rows if until is None else rows[opened.row_height[rows] >= until]
    else:
        rows = rows[rows > min(seeds)]
        rows = rows if until is None else rows[opened.row_height[rows] <= until]
    value = sum(opened.amount(row) for row in seeds)
    return Estimate(len(seeds), value, len(rows), unit_of(opened, asset))


def _is_account(ledger: str) -> bool:
    return names.is_account(names.resolve(settings.FIU_HOME, ledger))


def _native_name(opened: AccountLedger) -> str:
    return f"{opened.chain}/{native_reference(opened.chain)}"


def _row_of(opened: AccountLedger, outpoint: str) -> int | None:
    txid, _, _index = outpoint.partition(":")
    tx = opened.find_tx(txid)
    if tx is None:
        return None
    return next((row for row in opened.rows_of_tx(tx) if opened.outpoint(row) == outpoint), None)


def _summary(opened: AccountLedger, text: str, number: int) -> AddressSummary:
    rows = opened.rows_of_address(number)
    totals = _totals(opened, number, rows)
    own = next((each for each in totals if each.unit.asset == _native_name(opened)), None)
    first, last = int(rows[0]), int(rows[-1])
    return AddressSummary(
        address=text,
        received=own.received if own else 0,
        sent=own.sent if own else 0,
        balance=own.balance if own else 0,
        num_tx=len(np.unique(opened.row_tx[rows])),
        first_at=utc_time(int(opened.row_time[first])),
        first_height=int(opened.row_height[first]),
        last_at=utc_time(int(opened.row_time[last])),
        last_height=int(opened.row_height[last]),
        cluster_anchor=opened.address_text(number),
        cluster_size=1,
        unit=native_unit(opened.name),
        totals=tuple(totals),
    )


def _totals(opened: AccountLedger, number: int, rows: np.ndarray) -> list[AssetTotals]:
    """What moved by asset, the chain's own coin first, then by how often.

    The balance is the least there is: what came less what went, with the least opening balance
    that keeps it from ever falling below zero.
    """
    sums: dict[int, list[int]] = {}
    for row in rows[opened.row_failed[rows] == 0].tolist():
        found = sums.setdefault(int(opened.row_asset[row]), [0, 0, 0, 0])
        sender, recipient = opened.row_sender[row], opened.row_recipient[row]
        units = opened.amount(row)
        found[0] += units if recipient == number else 0
        found[1] += units if sender == number else 0
        found[2] = min(found[2], found[0] - found[1])
        found[3] += 1
    totals = [
        AssetTotals(unit_of(opened, asset), came, went, came - went - least, count)
        for asset, (came, went, least, count) in sums.items()
    ]
    own = _native_name(opened)
    return sorted(totals, key=lambda t: (t.unit.asset != own, -t.num_transfers, t.unit.asset))


def _history_row(opened: AccountLedger, number: int, row: int) -> HistoryRow:
    sender, recipient = int(opened.row_sender[row]), int(opened.row_recipient[row])
    units = opened.amount(row)
    failed = bool(opened.row_failed[row])
    kind = Kind(int(opened.row_kind[row]))
    other = recipient if sender == number else sender
    named = kind is not Kind.GAS and (other != NO_ACCOUNT or kind is not Kind.REWARD)
    return HistoryRow(
        txid=opened.txid(int(opened.row_tx[row])),
        height=int(opened.row_height[row]),
        at=utc_time(int(opened.row_time[row])),
        received=units if recipient == number and not failed else 0,
        sent=units if sender == number and not failed else 0,
        counterparties=[(opened.address_text(other), 0 if failed else units)] if named else [],
        unit=unit_of(opened, int(opened.row_asset[row])),
        outpoint=opened.outpoint(row),
        kind=kind.label,
        is_failed=failed,
    )
