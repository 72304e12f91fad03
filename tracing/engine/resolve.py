"""From parameters in words to ids of one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tracing.engine.addresses import decode_address
from tracing.engine.ledger import Ledger
from tracing.engine.seal import boundaries_sha256
from tracing.engine.spec import (
    DEFAULT_DEPTH,
    WALL_OF_KIND,
    PathsSpec,
    TraceParameters,
    TraceSpec,
    Walls,
    is_outpoint,
)
from tracing.errors import AddressError, ParametersError, SeedError


def trace_spec(
    parameters: TraceParameters, ledger: Ledger, boundaries: Iterable[tuple[str, str]] = ()
) -> TraceSpec:
    """Resolve a destination or source run.

    Args:
        boundaries: (address, kind) of the walls; kinds are those of `WALL_OF_KIND`.

    Raises:
        SeedError: a seed is not in the ledger, or lies outside the window.
        ParametersError: the parameters ask for paths.
    """
    if parameters.mode == "paths":
        raise ParametersError("These parameters ask for paths, not for a trace.")
    rows = sorted(set(boundaries))
    until = parameters.until_height if parameters.direction == "forward" else None
    return TraceSpec.of(
        parameters,
        seed_outputs(ledger, parameters.seeds, until_height=until),
        walls_of(ledger, rows, parameters.stops),
        boundaries_sha256(rows),
    )


def paths_spec(
    parameters: TraceParameters, ledger: Ledger, boundaries: Iterable[tuple[str, str]] = ()
) -> PathsSpec:
    """Resolve a search for paths. Raises SeedError if a place is not in the ledger."""
    if parameters.mode != "paths":
        raise ParametersError("These parameters ask for a trace, not for paths.")
    rows = sorted(set(boundaries))
    return PathsSpec(
        sources=tuple(seed_outputs(ledger, parameters.seeds)),
        targets=tuple(seed_outputs(ledger, parameters.targets)),
        max_depth=parameters.max_hops or DEFAULT_DEPTH,
        walls=walls_of(ledger, rows, parameters.stops),
        coinjoin=parameters.coinjoin,
        min_value=parameters.min_value,
        until_height=parameters.until_height,
        parameters=parameters.to_json(),
        boundaries_sha256=boundaries_sha256(rows),
    )


def walls_of(
    ledger: Ledger, boundaries: Iterable[tuple[str, str]], stops: Sequence[str] = ()
) -> Walls:
    """Address id -> status of the walls this ledger has seen; our exchange outranks a service.

    Raises ParametersError naming the first stop that is no address: a wall that is not there
    would go unseen. A true address that the ledger has not seen stops nothing, and that is right.
    """
    rows = [(stop, "service") for stop in stops]
    rows += sorted(boundaries, key=lambda row: WALL_OF_KIND[row[1]], reverse=True)
    found = ledger.find_addresses([_as_kept(text) for text, _kind in rows])
    for stop, address in zip(stops, found, strict=False):
        if address is None:
            _refuse_no_address(stop)
    return {
        address: WALL_OF_KIND[kind]
        for address, (_text, kind) in zip(found, rows, strict=True)
        if address is not None
    }


def seed_outputs(
    ledger: Ledger, seeds: Sequence[str], *, until_height: int | None = None
) -> list[int]:
    """Output ids of seeds, ascending, each once; an address means all it received.

    Raises SeedError naming the first seed that the ledger, up to `until_height`, does not have.
    """
    found: set[int] = set()
    for seed in seeds:
        found.update(_outputs_of(ledger, seed, until_height))
    return sorted(found)


def find_address(ledger: Ledger, text: str) -> int | None:
    """The id of an address as people write it; bech32 may be in capitals. None if never seen."""
    return ledger.find_address(_as_kept(text))


def _refuse_no_address(stop: str) -> None:
    try:
        decode_address(stop)
    except AddressError as error:
        raise ParametersError(f"{stop[:100]} is no address to stop at: {error}.") from error


def _as_kept(text: str) -> str:
    lower = text.lower()
    return lower if lower.startswith(("bc1", "tb1", "bcrt1")) else text


def _outputs_of(ledger: Ledger, seed: str, until_height: int | None) -> list[int]:
    if is_outpoint(seed):
        txid, _, vout = seed.lower().partition(":")
        tx = ledger.find_tx(txid)
        if tx is None:
            raise SeedError(f"The ledger {ledger.name} has no transaction {txid}.")
        first, end = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
        if int(vout) >= end - first:
            raise SeedError(f"Transaction {txid} has {end - first} outputs, none of number {vout}.")
        outputs = np.array([first + int(vout)])
    else:
        address = find_address(ledger, seed)
        if address is None:
            try:
                decode_address(seed)
            except AddressError as error:
                raise SeedError(f"{seed} is no address: {error}.") from error
            raise SeedError(f"The ledger {ledger.name} has never seen the address {seed}.")
        outputs = np.asarray(ledger.outputs_of_address(address)).astype(np.int64)
        if not len(outputs):
            raise SeedError(f"The address {seed} has not received anything in {ledger.name}.")
    if until_height is not None:
        outputs = outputs[ledger.tx_height[ledger.out_tx[outputs]] <= until_height]
        if not len(outputs):
            raise SeedError(f"{seed} is later than block {until_height}, where the run would end.")
    return [int(output) for output in outputs]
