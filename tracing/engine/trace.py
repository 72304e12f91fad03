"""Trace value over a ledger: forward to where it went, backward to where it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from tracing.engine.backward import BackwardWalk
from tracing.engine.balance import BalanceSheet, sheet_of
from tracing.engine.ends import (
    End,
    EndRows,
    Status,
    ends_json,
    places_of,
    sums_by_status,
    utc_text,
)
from tracing.engine.forward import ForwardWalk
from tracing.engine.kernels import PLAIN, Kernels
from tracing.engine.ledger import Ledger
from tracing.engine.seal import sealed
from tracing.engine.spec import Json, TraceSpec
from tracing.engine.walk import Step, StepRows, Tick, Walk

TICK_EVERY: Final = 256
"""Transactions between two ticks: some milliseconds."""


@dataclass(frozen=True)
class TraceResult:
    """What a finished run found.

    Args:
        end_rows, possible_rows, step_rows: what `ends`, `possible` and `steps` are made of when
            somebody reads them; num_steps counts also those not listed.
        sheet: the books; they reconcile, or there would be no result.
    """

    spec: TraceSpec
    ledger: Ledger
    end_rows: EndRows
    possible_rows: EndRows
    sheet: BalanceSheet
    cut: Mapping[str, int]
    step_rows: StepRows
    num_steps: int
    num_transactions: int
    num_addresses: int

    @cached_property
    def ends(self) -> tuple[End, ...]:
        """Where the policy puts value, largest amount first."""
        return self.end_rows.ranked()

    @cached_property
    def possible(self) -> tuple[End, ...]:
        """Where it puts none although some may be there: low 0, high above 0."""
        return self.possible_rows.ranked()

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The transactions in between, in the order walked."""
        return self.step_rows.steps()

    @cached_property
    def json(self) -> Json:
        """The sealed result. Amounts are strings; step rows are (outpoint, address, amount)."""
        body: Json = {
            "policy": self.spec.policy,
            "direction": self.spec.direction,
            "conserved": self.sheet.conserved,
            "ends": ends_json(self.ledger, self.ends),
            "possible": ends_json(self.ledger, self.possible),
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
                "transactions": self.num_transactions,
                "addresses": self.num_addresses,
                "steps_left_out": self.num_steps - len(self.steps),
            },
            "steps": self._steps_json(),
        }
        return sealed(
            body,
            ledger=self.ledger,
            parameters=self.spec.parameters,
            boundaries=self.spec.boundaries_sha256,
            tag_set=self.spec.tag_set,
        )

    def to_json(self) -> Json:
        """The sealed result; the same object as `json`."""
        return self.json

    def _steps_json(self) -> list[Json]:
        coins = np.unique(self.step_rows.pairs.table()[:, 0]).tolist()
        places = dict(zip(coins, places_of(self.ledger, coins), strict=True))

        def moved(coin: int, amount: int) -> list[str | None]:
            return [places[coin].outpoint, places[coin].address, str(amount)]

        return [self._step_json(step, moved) for step in self.steps]

    def _step_json(self, step: Step, moved: Callable[[int, int], list[str | None]]) -> Json:
        taken = [moved(coin, amount) for coin, amount in step.ins]
        reached = [[*moved(coin, amount), status] for coin, amount, status in step.outs]
        if self.spec.direction == "backward":
            # Walked from the outputs, drawn like money moves: from inputs to outputs.
            spent = [row[:3] for row in reached]
            made = [[*row, Status.PASSED_ON.value] for row in taken]
        else:
            spent, made = taken, reached
        return {
            "txid": self.ledger.txid(step.tx),
            "height": int(self.ledger.tx_height[step.tx]),
            "at": utc_text(int(self.ledger.tx_time[step.tx])),
            "hops": step.hops,
            "fee": str(step.fee),
            "in": spent,
            "out": made,
        }


def trace(
    spec: TraceSpec,
    ledger: Ledger,
    tick: Tick | None = None,
    *,
    state: Mapping[str, object] | None = None,
    every: int = TICK_EVERY,
    kernels: Kernels = PLAIN,
) -> TraceResult:
    """Follow the seeds to their ends under one policy, with sound bounds beside it.

    Args:
        spec: the resolved run; see `resolve.trace_spec`.
        ledger: one pinned snapshot.
        tick: called with `Progress` before every `every` transactions; it may raise to stop the
            run.
        state: what `Progress.checkpoint()` gave: the run goes on from there, to the same result.
        kernels: what carries a large run; never a part of the result.

    Raises:
        BalanceError: the books do not reconcile to zero; there is no result then.
        ParametersError: the state belongs to another run.

    Cost: O(coins reached, log frontier); a heap step, no ledger scan. Same input, same result,
    byte for byte.
    """
    walk: Walk = (
        BackwardWalk(spec, ledger) if spec.direction == "backward" else ForwardWalk(spec, ledger)
    )
    if state is None:
        walk.start()
    else:
        walk.load(state)
    kernels.run(walk, tick, every)
    return TraceResult(
        spec=spec,
        ledger=ledger,
        end_rows=walk.ends,
        possible_rows=walk.possible,
        sheet=sheet_of(walk),
        cut=dict(walk.cut),
        step_rows=walk.steps,
        num_steps=walk.num_steps,
        num_transactions=walk.num_tx,
        num_addresses=len(walk.addresses),
    )
