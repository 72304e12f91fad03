"""Figures of a ledger or of one segment, by definitions that other tools can reproduce.

Inputs and shapes leave coinbases out. Input addresses are those of stored spent coins or, where
none are stored, what the input shows by itself (P2PKH, P2WPKH, nested P2WPKH); an input without
script and witness shows nothing, so that the output it spends speaks for it. A cluster is the
co-spend closure over input addresses. Equal-output candidates are a count to reproduce, not a
claim of mixing.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracing.engine.addresses import ScriptKind
from tracing.engine.clusters import cospend
from tracing.engine.ledger import NO_ADDRESS
from tracing.errors import LedgerGap
from tracing.ledgers.stored import StoredLedger

Bools: TypeAlias = NDArray[np.bool_]

MANY: Final = 10
"""From here on a transaction has many inputs or outputs."""
LEAST_EQUAL: Final = 3


def ledger_stats(ledger: StoredLedger, segment: str | None = None) -> dict[str, Any]:
    """All figures, as JSON-able values; amounts are integers in satoshi.

    Args:
        segment: hash of a segment's last block; None for the whole ledger.

    Raises LedgerGap if no segment ends in that block. Cost: one pass over the arrays, and the texts
    of all input addresses twice, for the clusters.
    """
    figures, ordinary, candidates = _counted(ledger, segment)
    own = np.where(ordinary[ledger.in_tx], ledger.in_own_address, np.uint32(NO_ADDRESS))
    shut = ~ordinary
    figures["clusters"] = _clusters(ledger, own, shut)
    shut[candidates] = True
    figures["clusters_without_candidates"] = _clusters(ledger, own, shut)
    tip = {name: figures.pop(name) for name in ("tip_height", "tip_hash")}
    return {**dict(sorted(figures.items())), **tip}


def ledger_counts(ledger: StoredLedger) -> dict[str, Any]:
    """The figures of the whole ledger but its clusters. Cost: one pass over the arrays."""
    return _counted(ledger, None)[0]


def _counted(
    ledger: StoredLedger, segment: str | None
) -> tuple[dict[str, Any], Bools, NDArray[np.int64]]:
    """Figures, the transactions meant but coinbases, and the equal-output candidates."""
    in_tx, tip_hash, height, time, blocks = _scope(ledger, segment)
    ordinary = in_tx & (ledger.tx_coinbase == 0)
    num_in = np.diff(ledger.in_off.astype(np.int64))
    num_out = np.diff(ledger.out_off.astype(np.int64))
    ins = ordinary[ledger.in_tx]
    outs = in_tx[ledger.out_tx]
    known = ledger.in_own_address[ins]
    known = known[known != NO_ADDRESS]
    paid = ledger.out_address[outs]
    candidates = equal_output_candidates(ledger, ordinary)
    stored = ledger.in_stored[ins]
    kinds = np.bincount(ledger.out_kind[outs], minlength=len(ScriptKind))
    figures: dict[str, Any] = {  # JSON values
        "block_hash": tip_hash,
        "block_time": time,
        "blocks": blocks,
        "tx": int(in_tx.sum()),
        "inputs": int(ins.sum()),
        "outputs": int(outs.sum()),
        "coinbase_sat": int(ledger.out_value[outs & (ledger.tx_coinbase[ledger.out_tx] > 0)].sum()),
        "output_sat": int(ledger.out_value[outs].sum()),
        "output_types": {ScriptKind(k).label: int(n) for k, n in enumerate(kinds) if n},
        "segwit_tx": int(ledger.tx_segwit[ordinary].sum()),
        "input_addresses_from": _source(stored, ledger.in_silent[ins]),
        "inputs_with_address": len(known),
        "distinct_input_addresses": _distinct(ledger, known),
        "distinct_output_addresses": _distinct(ledger, paid[paid != NO_ADDRESS]),
        "multi_input_tx": int((num_in[ordinary] > 1).sum()),
        "one_in_two_out": int(((num_in == 1) & (num_out == 2) & ordinary).sum()),
        "many_in_one_out": int(((num_in >= MANY) & (num_out == 1) & ordinary).sum()),
        "one_in_many_out": int(((num_in == 1) & (num_out >= MANY) & ordinary).sum()),
        "candidates": sorted(ledger.txid(tx) for tx in candidates.tolist()),
        "tip_height": height,
        "tip_hash": tip_hash,
    }
    figures["equal_output_candidates"] = len(candidates)
    figures["equal_output_candidates_sha256"] = _sha256(figures["candidates"])
    if len(stored) and stored.all():
        figures["input_sat"] = int(ledger.in_value[ins].sum())
        figures["fees_sat"] = int(ledger.tx_fee[ordinary].sum())
    return figures, ordinary, candidates


def _scope(ledger: StoredLedger, segment: str | None) -> tuple[Bools, str, int, int, int]:
    """Transactions meant, hash, height and time of the last block, number of blocks."""
    snapshot = ledger.snapshot
    if segment is None:
        everything = np.ones(ledger.num_tx, np.bool_)
        tip = (snapshot.tip_hash, snapshot.height, snapshot.tip_time, snapshot.num_blocks)
        return everything, *tip
    for number, part in enumerate(snapshot.segments):
        if part.tip_hash == segment.lower():
            ends = ledger.block_tx.astype(np.int64)
            per_block = ends[1:] - ends[:-1]
            inside = np.repeat(ledger.block_segment == number, per_block)
            return inside, part.tip_hash, part.height, part.tip_time, part.num_blocks
    tips = ", ".join(part.tip_hash for part in snapshot.segments[-3:])
    raise LedgerGap(
        f"no segment of {ledger.name} ends in block {segment}; the latest end in {tips}"
    )


def _distinct(ledger: StoredLedger, addresses: NDArray[np.uint32]) -> int:
    """How many there are; marked rather than sorted, as their numbers are dense."""
    seen = np.zeros(ledger.num_addresses, np.bool_)
    seen[addresses] = True
    return int(np.count_nonzero(seen))


def _source(stored: NDArray[np.uint8], silent: NDArray[np.uint8]) -> str:
    if stored.any():
        return "spent coins"
    return "the outputs they spend" if silent.any() else "the inputs alone"


def equal_output_candidates(ledger: StoredLedger, ordinary: Bools) -> NDArray[np.int64]:
    """Transactions with 3 or more equal positive outputs to distinct scripts and as many inputs."""
    num_in = np.diff(ledger.in_off.astype(np.int64))
    num_out = np.diff(ledger.out_off.astype(np.int64))
    wide = ordinary & (num_in >= LEAST_EQUAL) & (num_out >= LEAST_EQUAL)
    outs = np.flatnonzero(wide[ledger.out_tx] & (ledger.out_value > 0))
    columns = [
        each[outs].astype(np.int64)
        for each in (ledger.out_tx, ledger.out_value, ledger.out_address, ledger.out_script)
    ]
    rows = np.stack(columns, axis=1)[np.lexsort(columns[::-1])]
    # Of equal rows the first, then how many are left of each transaction and value.
    rows = rows[np.append(True, (rows[1:] != rows[:-1]).any(1))[: len(rows)]]
    starts = np.flatnonzero(np.append(True, (rows[1:, :2] != rows[:-1, :2]).any(1))[: len(rows)])
    scripts = np.zeros(ledger.num_tx, np.int64)
    np.maximum.at(scripts, rows[starts, 0], np.diff(np.append(starts, len(rows))))
    return np.flatnonzero((scripts >= LEAST_EQUAL) & (scripts <= num_in))


def _clusters(ledger: StoredLedger, own: NDArray[np.uint32], shut: Bools) -> dict[str, int | str]:
    view = copy.copy(ledger)
    view.in_address = own
    parent = cospend(view, shut).parent
    members = np.unique(own[own != NO_ADDRESS])
    anchors, sizes = np.unique(parent[members], return_counts=True)
    texts: dict[int, list[str]] = {int(anchor): [] for anchor in anchors}
    for anchor, text in zip(parent[members].tolist(), ledger.address_texts(members), strict=True):
        texts[anchor].append(text)
    lines = sorted(",".join(sorted(group)) for group in texts.values())
    return {
        "addresses_in_multi": int(sizes[sizes > 1].sum()),
        "largest": int(sizes.max(initial=0)),
        "multi": int((sizes > 1).sum()),
        "partition_sha256": _sha256(lines),
        "total": len(anchors),
    }


def _sha256(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
