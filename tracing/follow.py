"""Asks the engine: opens the ledger at its snapshot, puts up the walls, goes on or begins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from django.conf import settings

from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.accounts.paths import find_account_paths
from tracing.engine.accounts.resolve import account_paths_spec, account_trace_spec
from tracing.engine.accounts.trace import account_end_json, asset_json, trace_accounts
from tracing.engine.accounts.walk import AccountEnd, account_spec_key
from tracing.engine.ends import End, ends_json
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
from tracing.ledgers.accounts import open_account_ledger
from tracing.ledgers.names import is_account, resolve
from tracing.models import WallRows, WallSet
from tracing.runner import Json, Watch
from tracing.staleness import is_overtaken
from tracing.tag_sets import keep_tag_set
from tracing.walls import walls_now

L = TypeVar("L", Ledger, AccountLedger)

MOST_REORGANISATIONS = 3
"""How often a run begins again; a result overtaken even then is stored and turns stale."""
PARTIAL_ENDS = 200
"""Ends a partial result lists, the largest first."""


@dataclass(frozen=True)
class Known:
    """What a run knows besides the ledger: its walls, and the version of the tags it cites."""

    walls: WallRows
    tag_set: str = ""


def follow(held: Claim, watch: Watch) -> Json:
    """The sealed result of a claimed run; `watch` may raise to stop it at any tick.

    Where the chain reorganised meanwhile under what was traced, it is traced again.
    """
    parameters = TraceParameters.from_json(held.parameters)
    if is_account(resolve(settings.FIU_HOME, parameters.ledger)):
        return _until_it_stands(
            held, open_account_ledger, partial(_traced_accounts, parameters, watch)
        )
    return _until_it_stands(held, open_ledger, partial(_traced, parameters, watch))


def _until_it_stands(
    held: Claim,
    opened: Callable[..., L],
    traced: Callable[[L, Known, Json | None], Json],
) -> Json:
    """Traced on the snapshot of the run, and again on the newest one while that is overtaken."""
    ledger, kernel = _pinned(held, opened)
    known = Known(WallSet.objects.keep(walls_now(ledger.name)), keep_tag_set())
    result = traced(ledger, known, kernel)
    for _ in range(MOST_REORGANISATIONS):
        if not is_overtaken(ledger.name, ledger.epoch):
            break
        ledger = opened(settings.FIU_HOME, held.ledger)
        result = traced(ledger, known, None)
    return result


def _traced(
    parameters: TraceParameters, watch: Watch, ledger: Ledger, known: Known, kernel: Json | None
) -> Json:
    spec = _resolved(parameters, ledger, known)
    kernels = Kernels(settings.FIU_HOME / "cache")
    watch.heart.tick()
    if isinstance(spec, PathsSpec):
        return find_paths(spec, ledger, watch, kernels=kernels).json
    if kernel is not None and kernel.get("spec") != spec_key(spec, ledger):
        kernel = None  # the walls changed meanwhile: begin again, the result names the new ones
    watch.describe = lambda state: {
        "epoch": ledger.epoch,
        "partial": partial_result(ledger, state),
    }
    return trace(spec, ledger, watch, state=kernel, kernels=kernels).json


def _traced_accounts(
    parameters: TraceParameters,
    watch: Watch,
    ledger: AccountLedger,
    known: Known,
    kernel: Json | None,
) -> Json:
    watch.heart.tick()
    spec = _account_spec(parameters, ledger, known)
    if isinstance(spec, PathsSpec):
        return find_account_paths(spec, ledger, watch).json
    if kernel is not None and kernel.get("spec") != account_spec_key(spec, ledger):
        kernel = None
    watch.describe = lambda state: {
        "epoch": ledger.epoch,
        "partial": partial_accounts(ledger, state),
    }
    kernels = Kernels(settings.FIU_HOME / "cache")
    return trace_accounts(spec, ledger, watch, state=kernel, kernels=kernels).json


def partial_accounts(ledger: AccountLedger, kernel: Mapping[str, Any]) -> Json:
    """What a run over accounts has found so far, in the form of a result's `ends`."""
    ends = sorted((AccountEnd.from_row(row) for row in kernel["ends"]), key=lambda e: -e.amount)
    asset = int(ledger.row_asset[kernel["spec"][6][0]]) if kernel["spec"][6] else 0
    return {
        "asset": asset_json(ledger, asset),
        "num_ends": len(ends),
        "ends": [account_end_json(ledger, end) for end in ends[:PARTIAL_ENDS]],
    }


def repeat(
    parameters: TraceParameters,
    pinned: tuple[int, str] | None = None,
    known: Known | None = None,
) -> Json:
    """The sealed answer to a question once more.

    Args:
        pinned: epoch and tip hash of a snapshot, None for the newest.
        known: walls and version of tags that it knows, None for those of now.

    Raises LedgerError where the snapshot is gone, SeedError, ParametersError.
    """
    home = settings.FIU_HOME
    name = resolve(home, parameters.ledger)
    known = known or Known(walls_now(name), keep_tag_set())
    if is_account(name):
        accounts = open_account_ledger(home, name, *(pinned or ()))
        asked = _account_spec(parameters, accounts, known)
        if isinstance(asked, PathsSpec):
            return find_account_paths(asked, accounts).json
        return trace_accounts(asked, accounts).json
    ledger = open_ledger(home, name, *(pinned or ()))
    spec = _resolved(parameters, ledger, known)
    if isinstance(spec, PathsSpec):
        return find_paths(spec, ledger).json
    return trace(spec, ledger).json


def _account_spec(
    parameters: TraceParameters, ledger: AccountLedger, known: Known
) -> TraceSpec | PathsSpec:
    """The question over accounts with its walls, as the engine takes it."""
    resolve_spec: Callable[..., TraceSpec | PathsSpec] = (
        account_paths_spec if parameters.mode == "paths" else account_trace_spec
    )
    return replace(resolve_spec(parameters, ledger, known.walls), tag_set=known.tag_set)


def _resolved(parameters: TraceParameters, ledger: Ledger, known: Known) -> TraceSpec | PathsSpec:
    """The question with its walls, as the engine takes it."""
    rows = known.walls
    walls = {**walls_of(ledger, (), parameters.stops), **_known_walls(ledger, rows)}
    is_paths = parameters.mode == "paths"
    spec = paths_spec(parameters, ledger) if is_paths else trace_spec(parameters, ledger)
    return replace(
        spec, walls=walls, boundaries_sha256=boundaries_sha256(rows), tag_set=known.tag_set
    )


def partial_result(ledger: Ledger, kernel: Mapping[str, Any]) -> Json:
    """What a run has found so far: its largest ends, in the form of a result's `ends`."""
    ends = sorted((End.from_row(row) for row in kernel["ends"]), key=lambda end: -end.amount)
    return {
        "num_ends": len(ends),
        "ends": ends_json(ledger, ends[:PARTIAL_ENDS]),
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


def _pinned(held: Claim, opening: Callable[..., L]) -> tuple[L, Json | None]:
    """The ledger a checkpoint was made on, with the checkpoint; else the newest, from the start."""
    if held.checkpoint is not None and "epoch" in held.checkpoint:
        try:
            ledger = opening(settings.FIU_HOME, held.ledger, held.checkpoint["epoch"])
        except SnapshotGone:
            pass
        else:
            if is_account(ledger.name) or not is_overtaken(ledger.name, ledger.epoch):
                return ledger, held.checkpoint["kernel"]
    return opening(settings.FIU_HOME, held.ledger), None
