"""Asks the engine: opens the ledger at its snapshot, puts up the walls, goes on or begins."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings

from tracing.engine.ends import End, end_json
from tracing.engine.kernels import Kernels
from tracing.engine.ledger import Ledger
from tracing.engine.paths import find_paths
from tracing.engine.resolve import paths_spec, trace_spec, walls_of
from tracing.engine.seal import boundaries_sha256
from tracing.engine.spec import PathsSpec, TraceParameters, TraceSpec, Walls
from tracing.engine.trace import trace
from tracing.engine.walk import spec_key
from tracing.errors import SnapshotGone
from tracing.leases import Claim
from tracing.ledgers import open_ledger
from tracing.models import Boundary
from tracing.runner import Json, Watch
from tracing.staleness import is_overtaken

MOST_REORGANISATIONS = 3
"""How often a run begins again; a result overtaken even then is stored and turns stale."""
PARTIAL_ENDS = 200
"""Ends a partial result lists, the largest first."""


def follow(held: Claim, watch: Watch) -> Json:
    """The sealed result of a claimed run; `watch` may raise to stop it at any tick.

    Where the chain reorganised meanwhile under what was traced, it is traced again.
    """
    ledger, kernel = _pinned(held)
    result = _traced(held, watch, ledger, kernel)
    for _ in range(MOST_REORGANISATIONS):
        if not is_overtaken(ledger.name, ledger.epoch):
            break
        ledger = open_ledger(settings.FIU_HOME, held.ledger)
        result = _traced(held, watch, ledger, None)
    return result


def _traced(held: Claim, watch: Watch, ledger: Ledger, kernel: Json | None) -> Json:
    spec = _resolved(TraceParameters.from_json(held.parameters), ledger)
    watch.heart.tick()
    if isinstance(spec, PathsSpec):
        return find_paths(spec, ledger, watch).json
    if kernel is not None and kernel.get("spec") != spec_key(spec, ledger):
        kernel = None  # the walls changed meanwhile: begin again, the result names the new ones
    watch.describe = lambda state: {
        "epoch": ledger.epoch,
        "partial": partial_result(ledger, state),
    }
    kernels = Kernels(settings.FIU_HOME / "cache")
    return trace(spec, ledger, watch, state=kernel, kernels=kernels).json


def repeat(parameters: TraceParameters, epoch: int, tip_hash: str) -> Json:
    """The sealed answer to a question once more, on that snapshot and with the walls of now.

    Raises LedgerError where the snapshot is gone, SeedError, ParametersError.
    """
    ledger = open_ledger(settings.FIU_HOME, parameters.ledger, epoch, tip_hash)
    spec = _resolved(parameters, ledger)
    if isinstance(spec, PathsSpec):
        return find_paths(spec, ledger).json
    return trace(spec, ledger).json


def _resolved(parameters: TraceParameters, ledger: Ledger) -> TraceSpec | PathsSpec:
    """The question with its walls, as the engine takes it."""
    rows = tuple(sorted(Boundary.objects.walls(parameters.ledger).items()))
    walls = {**walls_of(ledger, (), parameters.stops), **_known_walls(ledger, rows)}
    is_paths = parameters.mode == "paths"
    spec = paths_spec(parameters, ledger) if is_paths else trace_spec(parameters, ledger)
    return replace(spec, walls=walls, boundaries_sha256=boundaries_sha256(rows))


def partial_result(ledger: Ledger, kernel: Mapping[str, Any]) -> Json:
    """What a run has found so far: its largest ends, in the form of a result's `ends`."""
    ends = sorted((End.from_row(row) for row in kernel["ends"]), key=lambda end: -end.amount)
    return {
        "num_ends": len(ends),
        "ends": [end_json(ledger, end) for end in ends[:PARTIAL_ENDS]],
    }


def _known_walls(ledger: Ledger, rows: tuple[tuple[str, str], ...]) -> Walls:
    """Ids of the walls. Kept for the next run of this process: 20,000 addresses take 2 s to read.

    The key holds the snapshot and every row, so a changed wall or ledger is never missed.
    """
    key = (ledger.name, ledger.epoch, ledger.tip_hash, rows)
    if key not in _walls_kept:
        _walls_kept.clear()
        _walls_kept[key] = walls_of(ledger, rows)
    return _walls_kept[key]


_walls_kept: dict[tuple[str, int, str, tuple[tuple[str, str], ...]], Walls] = {}


def _pinned(held: Claim) -> tuple[Ledger, Json | None]:
    """The ledger a checkpoint was made on, with the checkpoint; else the newest, from the start."""
    if held.checkpoint is not None and "epoch" in held.checkpoint:
        try:
            ledger = open_ledger(settings.FIU_HOME, held.ledger, held.checkpoint["epoch"])
        except SnapshotGone:
            pass
        else:
            if not is_overtaken(ledger.name, ledger.epoch):
                return ledger, held.checkpoint["kernel"]
    return open_ledger(settings.FIU_HOME, held.ledger), None
