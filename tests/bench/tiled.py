"""A large ledger out of a small one: its arrays laid N times one behind the other.

Each copy has ids, blocks, transaction ids and addresses of its own, so that lookups and the pages
they touch are those of a ledger of that size. Its arrays could not be built here: that takes 400
bytes for each input and output in memory.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from tracing.engine.ledger import NO_ADDRESS, UNKNOWN_OUTPUT, UNSPENT
from tracing.engine.scripts import row_keys

NOBODY: Final = {"address": NO_ADDRESS, "input": UNSPENT, "output": UNKNOWN_OUTPUT}
COUNTED: Final = {
    "out_address": "address", "in_address": "address", "in_own_address": "address",
    "out_tx": "tx", "in_tx": "tx", "out_spent_in": "input", "in_out": "output",
    "by_out": "output", "by_in": "input", "tx_height": "block", "block_height": "block",
    "block_stored": "block", "block_tx": "tx",
    "parent": "address", "edge_a": "address", "edge_b": "address", "edge_tx": "tx",
    "members": "address", "cluster_number": "cluster", "cluster_first": "address",
    "busy_address": "address",
}  # fmt: skip
"""What the numbers of an array count; the others are repeated as they are."""
OFFSETS: Final = {"in_off": "input", "out_off": "output", "by_in_off": "input",
                  "by_out_off": "output", "block_tx": "tx", "cluster_first": "address"}  # fmt: skip
"""Arrays of one more than they divide: the last of a copy is the first of the next."""
KEYS: Final = ("tx_key", "tx_of_key", "address_key", "address_of_key")


def tile(folder: Path, sizes: tuple[int, int, int, int], num_blocks: int, times: int) -> None:
    """Replace every array of the folder, and of the folders in it, by so many copies.

    Args:
        sizes: transactions, outputs, inputs and addresses of the small ledger.
    """
    of = dict(zip(("tx", "output", "input", "address"), sizes, strict=True))
    of["block"] = num_blocks
    of["cluster"] = next(len(np.load(path)) for path in folder.rglob("cluster_sums.npy"))
    for path in sorted(folder.rglob("*.npy")):
        if path.stem not in KEYS:
            _tile_one(path, of, times)
    _sort_keys(folder, "tx", _prefix(np.load(folder / "txid.npy", mmap_mode="r")))
    rows = np.load(folder / "address_row.npy", mmap_mode="r")
    keys = np.concatenate([row_keys(np.array(part)) for part in np.array_split(rows, times)])
    _sort_keys(folder, "address", keys)


def forget_pages(folder: Path) -> None:
    """Have the kernel drop the files of a folder from its page cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _tile_one(path: Path, of: dict[str, int], times: int) -> None:
    name, small = path.stem, np.load(path)
    draft = path.with_suffix(".draft")
    is_offsets = name in OFFSETS and len(small) > 1
    per_copy = len(small) - 1 if is_offsets else len(small)
    shape = (per_copy * times + int(is_offsets), *small.shape[1:])
    large = np.lib.format.open_memmap(draft, mode="w+", dtype=small.dtype, shape=shape)
    counts = OFFSETS.get(name) or COUNTED.get(name)
    for copy in range(times):
        part = small.copy()
        if counts is not None:
            known = part != NOBODY.get(counts, -1) if counts in NOBODY else slice(None)
            part[known] += part.dtype.type(copy * of[counts])
        elif name == "txid":
            part[:, 0] ^= np.uint8(copy)
        elif name == "address_row":
            # The generator's number stands at the end of the payload: its key would be the same for
            # all, as no real ledger's is.
            part[:, 4:8], part[:, 8] = part[:, 20:24], copy
        first = copy * per_copy
        large[first : first + len(part)] = part
    large.flush()
    del large
    draft.rename(path)


def _prefix(txid: Any) -> Any:  # arrays of several types
    return np.ascontiguousarray(txid[:, :8]).view(np.uint64).reshape(-1)


def _sort_keys(folder: Path, name: str, keys: Any) -> None:
    order = np.argsort(keys, kind="stable")
    np.save(folder / f"{name}_key.npy", keys[order])
    np.save(folder / f"{name}_of_key.npy", order.astype(np.uint32))
