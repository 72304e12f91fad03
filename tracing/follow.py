"""Asks the engine: opens the ledger at its snapshot, puts up the walls, goes on or begins."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from tracing.engine.ends import End, end_json
from tracing.engine.ledger import Ledger
from tracing.engine.paths import find_paths
from tracing.engine.resolve import paths_spec, trace_spec
from tracing.engine.spec import TraceParameters
from tracing.engine.trace import trace
from tracing.engine.walk import spec_key
from tracing.errors import SnapshotGone
from tracing.leases import Claim
from tracing.ledgers import open_ledger
from tracing.models import Boundary
from tracing.runner import Json, Watch

PARTIAL_ENDS = 200
"""Ends a partial result lists, the largest first."""


def follow(held: Claim, watch: Watch) -> Json:
    """The sealed result of a claimed run; `watch` may raise to stop it at any tick."""
    parameters = TraceParameters.from_json(held.parameters)
    ledger, kernel = _pinned(held)
    boundaries = Boundary.objects.walls(parameters.ledger).items()
    watch.heart.tick()
    if parameters.mode == "paths":
        search = paths_spec(parameters, ledger, boundaries)
        return find_paths(search, ledger, watch).json
    spec = trace_spec(parameters, ledger, boundaries)
    if kernel is not None and kernel.get("spec") != spec_key(spec, ledger):
        kernel = None  # the walls changed meanwhile: begin again, the result names the new ones
    watch.describe = lambda state: {
        "epoch": ledger.epoch,
        "partial": partial_result(ledger, state),
    }
    return trace(spec, ledger, watch, state=kernel).json


def partial_result(ledger: Ledger, kernel: Mapping[str, Any]) -> Json:
    """What a run has found so far: its largest ends, in the form of a result's `ends`."""
    ends = sorted((End.from_row(row) for row in kernel["ends"]), key=lambda end: -end.amount)
    return {
        "num_ends": len(ends),
        "ends": [end_json(ledger, end) for end in ends[:PARTIAL_ENDS]],
    }


def _pinned(held: Claim) -> tuple[Ledger, Json | None]:
    """The ledger a checkpoint was made on, with the checkpoint; else the newest, from the start."""
    if held.checkpoint is not None and "epoch" in held.checkpoint:
        try:
            ledger = open_ledger(settings.FIU_HOME, held.ledger, held.checkpoint["epoch"])
        except SnapshotGone:
            pass
        else:
            return ledger, held.checkpoint["kernel"]
    return open_ledger(settings.FIU_HOME, held.ledger), None
