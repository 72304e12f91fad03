"""From places in words to transfers of one account ledger snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.accounts.rows import Kind
from tracing.engine.seal import boundaries_sha256
from tracing.engine.spec import (
    DEFAULT_DEPTH,
    WALL_OF_KIND,
    Holding,
    PathsSpec,
    TraceParameters,
    TraceSpec,
    Walls,
    holding_of,
    is_outpoint,
)
from tracing.errors import AddressError, ParametersError, SeedError


def account_trace_spec(
    parameters: TraceParameters, ledger: AccountLedger, boundaries: Iterable[tuple[str, str]] = ()
) -> TraceSpec:
    """Resolve a destination or source run; seeds are transfers, all of one asset.

    Raises SeedError: a seed is not in the ledger, moves nothing, or is of another asset.
    """
    if parameters.mode == "paths":
        raise ParametersError("These parameters ask for paths, not for a trace.")
    rows = sorted(set(boundaries))
    until = parameters.until_height if parameters.direction == "forward" else None
    return TraceSpec.of(
        parameters,
        seed_transfers(ledger, parameters.seeds, until_height=until),
        account_walls(ledger, rows, parameters.stops),
        boundaries_sha256(rows),
    )


def account_paths_spec(
    parameters: TraceParameters, ledger: AccountLedger, boundaries: Iterable[tuple[str, str]] = ()
) -> PathsSpec:
    """Resolve a search for paths: sources are transfers that arrive, targets likewise.

    A source given by its address alone means every transfer it makes or receives of the asset.
    """
    if parameters.mode != "paths":
        raise ParametersError("These parameters ask for a trace, not for paths.")
    rows = sorted(set(boundaries))
    targets = seed_transfers(ledger, parameters.targets)
    asset = int(ledger.row_asset[targets[0]])
    sources = source_transfers(ledger, parameters.seeds, asset)
    return PathsSpec(
        sources=tuple(sources),
        targets=tuple(targets),
        max_depth=parameters.max_hops or DEFAULT_DEPTH,
        walls=account_walls(ledger, rows, parameters.stops),
        min_value=parameters.min_value,
        until_height=parameters.until_height,
        parameters=parameters.to_json(),
        boundaries_sha256=boundaries_sha256(rows),
    )


def account_walls(
    ledger: AccountLedger, boundaries: Iterable[tuple[str, str]], stops: Sequence[str] = ()
) -> Walls:
    """Address id -> status of the walls this ledger has seen; our exchange outranks a service.

    Raises ParametersError naming the first stop that is no address of this kind of ledger: a wall
    that is not there would go unseen.
    """
    rows = [(stop, "service") for stop in stops]
    rows += sorted(boundaries, key=lambda row: WALL_OF_KIND[row[1]], reverse=True)
    found = ledger.find_addresses([text for text, _kind in rows])
    for stop, address in zip(stops, found, strict=False):
        if address is None:
            _refuse_no_address(ledger, stop)
    return {
        address: WALL_OF_KIND[kind]
        for address, (_text, kind) in zip(found, rows, strict=True)
        if address is not None
    }


def seed_transfers(
    ledger: AccountLedger, seeds: Sequence[str], *, until_height: int | None = None
) -> list[int]:
    """Transfers of seeds, ascending, each once; an address means all it received of one asset.

    Raises SeedError naming the first seed that the ledger, up to `until_height`, does not have.
    """
    found: set[int] = set()
    for seed in seeds:
        rows = _transfers_of(ledger, seed)
        if until_height is not None:
            rows = [row for row in rows if ledger.row_height[row] <= until_height]
            if not rows:
                raise SeedError(
                    f"{seed} is later than block {until_height}, where the run would end."
                )
        found.update(rows)
    one_asset(ledger, found)
    return sorted(found)


def source_transfers(ledger: AccountLedger, seeds: Sequence[str], asset: int) -> list[int]:
    """What paths start from: given transfers, or the transfers that addresses pay of an asset."""
    found: set[int] = set()
    for seed in seeds:
        if is_outpoint(seed):
            found.update(_transfers_of(ledger, seed))
            continue
        place, address = _address_of(ledger, seed)
        wanted = _asset_of(ledger, place) if place.token else asset
        rows = _window(ledger, place, ledger.rows_of_address(address))
        paid = (ledger.row_sender[rows] == address) & (ledger.row_asset[rows] == wanted)
        found.update(rows[paid & (ledger.row_kind[rows] != Kind.GAS)].tolist())
        if not found:
            raise SeedError(f"{seed} has paid none of {ledger.asset_name(wanted)}.")
    one_asset(ledger, {*found})
    if int(ledger.row_asset[min(found)]) != asset:
        raise SeedError("Paths lead through one asset: the two ends are of different ones.")
    return sorted(found)


def one_asset(ledger: AccountLedger, rows: Iterable[int]) -> None:
    """Refuse seeds of several assets: their amounts do not add up."""
    assets = sorted({int(ledger.row_asset[row]) for row in rows})
    if len(assets) > 1:
        named = ", ".join(ledger.asset_name(asset) for asset in assets[:5])
        raise SeedError(f"A run follows one asset; these seeds are of {len(assets)}: {named}.")


def _transfers_of(ledger: AccountLedger, seed: str) -> list[int]:
    if is_outpoint(seed):
        return [_transfer_of(ledger, seed)]
    place, address = _address_of(ledger, seed)
    asset = _asset_of(ledger, place)
    rows = ledger.rows_of_address(address)
    to = (ledger.row_recipient[rows] == address) & (ledger.row_sender[rows] != address)
    to &= ledger.row_failed[rows] == 0
    mine = _window(ledger, place, rows[to & (ledger.row_asset[rows] == asset)])
    found = [row for row in mine.tolist() if ledger.amount(row)]
    if not found:
        held = np.unique(ledger.row_asset[rows[to]]).tolist()
        named = ", ".join(ledger.assets[each].reference.partition(":")[2] for each in held[:5])
        other = f" It received {named}: write ADDRESS@TOKEN." if held else ""
        raise SeedError(
            f"{seed} has not received any {ledger.asset_name(asset)} in {ledger.name}.{other}"
        )
    return found


def _transfer_of(ledger: AccountLedger, seed: str) -> int:
    txid, _, number = seed.partition(":")
    tx = ledger.find_tx(txid)
    if tx is None:
        raise SeedError(f"The ledger {ledger.name} has no transaction {txid}.")
    rows = ledger.numbered(tx)
    if int(number) >= len(rows):
        raise SeedError(f"Transaction {txid} has {len(rows)} transfers, none of number {number}.")
    row = rows[int(number)]
    if ledger.row_failed[row]:
        raise SeedError(f"Transfer {seed} failed: it moved nothing.")
    if not ledger.amount(row) or ledger.row_sender[row] == ledger.row_recipient[row]:
        raise SeedError(f"Transfer {seed} moves nothing to anybody else.")
    return row


def _address_of(ledger: AccountLedger, seed: str) -> tuple[Holding, int]:
    place = holding_of(seed)
    try:
        if place is None:
            raise AddressError("write ADDRESS@TOKEN#FROM-TO, or txid:index")
        ledger.decode(place.address)
    except AddressError as error:
        raise SeedError(f"{seed} is no address: {error}.") from error
    address = ledger.find_address(place.address)
    if address is None:
        raise SeedError(f"The ledger {ledger.name} has never seen the address {place.address}.")
    return place, address


def _refuse_no_address(ledger: AccountLedger, stop: str) -> None:
    try:
        ledger.decode(stop)
    except AddressError as error:
        raise ParametersError(f"{stop[:100]} is no address to stop at: {error}.") from error


def _asset_of(ledger: AccountLedger, place: Holding) -> int:
    asset = ledger.find_asset(place.token)
    if asset is None:
        named = place.token or "its chain's own coin"
        raise SeedError(f"The ledger {ledger.name} has seen no transfer of {named}.")
    return asset


def _window(ledger: AccountLedger, place: Holding, rows: np.ndarray) -> np.ndarray:
    heights = ledger.row_height[rows]
    inside = np.ones(len(rows), np.bool_)
    if place.first is not None:
        inside &= heights >= place.first
    if place.last is not None:
        inside &= heights <= place.last
    return rows[inside]
