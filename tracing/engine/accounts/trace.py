"""Trace units of one asset over accounts, with the result in the form that a coin trace has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.accounts.walk import AccountEnd, AccountStep, AccountWalk
from tracing.engine.balance import BalanceSheet, sheet_of
from tracing.engine.ends import Status, lots_json, sums_by_status, utc_text
from tracing.engine.kernels import PLAIN, Kernels
from tracing.engine.seal import sealed
from tracing.engine.spec import Json, TraceSpec
from tracing.engine.walk import Tick

TICK_EVERY: Final = 256
"""Transfers between two ticks: some milliseconds."""
OPENINGS_LISTED: Final = 1_000


@dataclass(frozen=True)
class AccountTraceResult:
    """What a finished run found; see `tracing.engine.trace.TraceResult` for the shared fields.

    openings: (account, least balance before its first row) where the true one is not known.
    """

    spec: TraceSpec
    ledger: AccountLedger
    asset: int
    ends: tuple[AccountEnd, ...]
    possible: tuple[AccountEnd, ...]
    sheet: BalanceSheet
    cut: Mapping[str, int]
    steps: tuple[AccountStep, ...]
    openings: tuple[tuple[int, int], ...]
    num_steps: int
    num_transfers: int
    num_addresses: int

    @cached_property
    def json(self) -> Json:
        """The sealed result. Amounts are strings; step rows are (outpoint, address, amount)."""
        body: Json = {
            "policy": self.spec.policy,
            "direction": self.spec.direction,
            "conserved": self.sheet.conserved,
            "asset": asset_json(self.ledger, self.asset),
            "ends": [account_end_json(self.ledger, end) for end in self.ends],
            "possible": [account_end_json(self.ledger, end) for end in self.possible],
            "totals": {
                "seeds": str(self.sheet.seeds),
                "ends": str(self.sheet.ends),
                "fees": str(self.sheet.fees),
                "cut": {reason: str(amount) for reason, amount in sorted(self.cut.items())},
                "by_status": sums_by_status(self.ends),
            },
            "balance_sheet": self.sheet.to_json(),
            "counts": {
                "seeds": len(self.spec.seeds),
                "ends": len(self.ends),
                "possible": len(self.possible),
                "transactions": self.num_transfers,
                "addresses": self.num_addresses,
                "steps_left_out": self.num_steps - len(self.steps),
                "unknown_openings": len(self.openings),
            },
            "openings": [
                {"address": self.ledger.address_text(account), "least": str(least)}
                for account, least in self.openings[:OPENINGS_LISTED]
            ],
            "steps": [self._step_json(step) for step in self.steps],
        }
        return sealed(
            body,
            ledger=self.ledger,
            parameters=self.spec.parameters,
            boundaries=self.spec.boundaries_sha256,
            tag_set=self.spec.tag_set,
        )

    def _step_json(self, step: AccountStep) -> Json:
        ledger, row = self.ledger, step.row
        amount = str(step.amount)
        payer = ledger.address_text(int(ledger.row_sender[row]))
        came_by = step.came_by if step.came_by >= 0 else row
        made: list[list[str]] = []
        if not step.fee:
            payee = ledger.address_text(int(ledger.row_recipient[row]))
            status = step.status
            if self.spec.direction == "backward":
                status = Status.PASSED_ON.value
            made = [[ledger.outpoint(row), payee, amount, status]]
        return {
            "txid": ledger.txid(int(ledger.row_tx[row])),
            "height": int(ledger.row_height[row]),
            "at": utc_text(int(ledger.row_time[row])),
            "hops": step.hops,
            "fee": str(step.fee),
            "in": [[ledger.outpoint(came_by), payer, amount]],
            "out": made,
        }


def asset_json(ledger: AccountLedger, asset: int) -> Json:
    """An asset of a result: its CAIP-19 name, and how to write amounts; null is not known."""
    facts = ledger.assets[asset]
    return {
        "name": ledger.asset_name(asset),
        "symbol": facts.symbol,
        "decimals": facts.decimals,
        "whole": ledger.is_whole(asset),
    }


def account_end_json(ledger: AccountLedger, end: AccountEnd) -> dict[str, Any]:
    """One row of `ends`: `outpoint` is the transfer that brought the units there last."""
    return {
        "outpoint": ledger.outpoint(end.row),
        "txid": ledger.txid(int(ledger.row_tx[end.row])),
        "vout": ledger.index_of(end.row),
        "address": ledger.address_text(end.account),
        "amount": str(end.amount),
        "value": str(end.value),
        "status": end.status.value,
        "hops": end.hops,
        "low": str(end.low),
        "high": str(end.high),
        "height": int(ledger.row_height[end.row]),
        "at": utc_text(int(ledger.row_time[end.row])),
        **lots_json(end.lots),
    }


def trace_accounts(
    spec: TraceSpec,
    ledger: AccountLedger,
    tick: Tick | None = None,
    *,
    state: Mapping[str, Any] | None = None,  # what a checkpoint holds
    every: int = TICK_EVERY,
    kernels: Kernels = PLAIN,
) -> AccountTraceResult:
    """Follow the seeds to their ends under one policy, with sound bounds beside it.

    Args:
        spec: the resolved run; see `resolve.account_trace_spec`.
        ledger: one pinned snapshot.
        tick: called before every `every` transfers; it may raise to stop the run.
        state: what `Progress.checkpoint()` gave: the run goes on from there, to the same result.
        kernels: what walks large accounts; never a part of the result.

    Raises:
        BalanceError: the books do not reconcile to zero; there is no result then.
        ParametersError: the state belongs to another run.

    Cost: O((transfers of the accounts reached) log frontier). Same input, same result.
    """
    walk = AccountWalk(spec, ledger, kernels)
    if state is None:
        walk.start()
    else:
        walk.load(state)
    walk.run(tick, every)
    openings = sorted(
        ((account, least) for account, least in walk.openings.items() if not walk.whole or least),
        key=lambda pair: ledger.payload(pair[0]),
    )
    return AccountTraceResult(
        spec=spec,
        ledger=ledger,
        asset=walk.asset,
        ends=_ranked(walk.ends),
        possible=_ranked(walk.possible),
        sheet=sheet_of(walk),
        cut=dict(walk.cut),
        steps=tuple(walk.steps),
        openings=tuple(openings),
        num_steps=walk.num_steps,
        num_transfers=walk.num_rows,
        num_addresses=len(walk.addresses),
    )


def _ranked(ends: list[AccountEnd]) -> tuple[AccountEnd, ...]:
    """Largest amount first, then largest high, then chain order."""
    return tuple(sorted(ends, key=lambda end: (-end.amount, -end.high, end.row, end.account)))
