"""One block more on a stored ledger: added behind its arrays, beside making all of them anew.

`python -m tests.bench.appending HOME` is one of the readers: it opens the ledger again and again
until its standard input ends, and prints how often it did and how often what it saw did not agree.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Final

import numpy as np

from tests.bench.rows import Row, timed
from tests.bench.stored import LEDGER, columns_of
from tracing.engine.columns import select_blocks
from tracing.engine.ledger import MemoryLedger
from tracing.ledgers import names, open_ledger
from tracing.ledgers.arrays import build_arrays
from tracing.ledgers.batches import BatchReader, no_coins
from tracing.ledgers.store import chain_of, store_blocks
from tracing.ledgers.stored import StoredLedger

BLOCKS: Final = 3
"""Blocks added one by one with nobody reading, the fastest counts; then as many beside readers."""
BESIDE: Final = 20
READERS: Final = 4
PAUSE: Final = 0.02
"""Seconds between two looks of one reader: each opens the ledger and reads its newest blocks."""
LOOKED_AT: Final = 200


def append_block(ledger: MemoryLedger) -> list[Row]:
    """A block of 100 transactions, durable with its batch; both make the same columns."""
    columns = columns_of(ledger)
    base = columns.num_blocks - BLOCKS - BESIDE
    with TemporaryDirectory() as folder:
        home = Path(folder)

        def store(first: int, end: int) -> float:
            part = select_blocks(columns, np.arange(first, end))
            _, seconds = timed(
                lambda: store_blocks(
                    home, LEDGER, [part], lambda _new, _old: no_coins(), lambda *_: None
                )
            )
            return seconds

        store(0, base)
        alone = [store(base + n, base + n + 1) for n in range(BLOCKS)]
        readers = [_reader(home) for _ in range(READERS)]
        for each in readers:
            assert each.stdout is not None
            each.stdout.readline()  # its first look
        beside = [store(n, n + 1) for n in range(base + BLOCKS, columns.num_blocks)]
        told = [tuple(map(int, each.communicate("")[0].split())) for each in readers]
        looks, torn = (sum(column) for column in zip(*told, strict=True))
        if torn or any(each.returncode for each in readers):
            raise AssertionError(f"{torn} of {looks} looks saw a ledger that does not agree")
        reader = BatchReader(sorted((names.folder(home, LEDGER) / "batches").iterdir()))
        whole, anew = timed(lambda: build_arrays(reader, chain_of(reader, LEDGER)))
        grown = open_ledger(home, LEDGER)
        for name, column in grown.columns().items():
            if not np.array_equal(column, whole[name]):
                raise AssertionError(f"what was added differs: {name}")
        found = f"{len(grown.columns())} columns are the same"
    peer = ("all arrays anew", 0.0, anew, "< 20 ms")
    seen = f"median of {BESIDE}; {looks:,} looks, none inconsistent"
    return [
        Row("append a block", ledger.num_tx, found, "numpy", min(alone), *peer),
        Row(f"append, {READERS} readers", ledger.num_tx, seen, "numpy", median(beside), *peer),
    ]


def _reader(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", __spec__.name if __name__ == "__main__" else __name__, str(home)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def agrees(ledger: StoredLedger) -> bool:
    """Whether the newest transactions of a snapshot hang together, and it ends where it says."""
    if ledger.hash_at(ledger.height) != ledger.tip_hash:
        return False
    first = max(0, ledger.num_tx - LOOKED_AT)
    at, end = int(ledger.in_off[first]), int(ledger.in_off[ledger.num_tx])
    out, end_out = int(ledger.out_off[first]), int(ledger.out_off[ledger.num_tx])
    if (end, end_out) != (ledger.num_inputs, ledger.num_outputs):
        return False
    known = ledger.in_value[at:end] >= 0
    coins = ledger.in_out[at:end][known]
    spent = ledger.out_spent_in[out:end_out]
    spenders = spent[spent < ledger.num_inputs]
    return bool(
        (coins < ledger.num_outputs).all()
        and (ledger.out_spent_in[coins] == np.flatnonzero(known) + at).all()
        and (ledger.out_value[coins] == ledger.in_value[at:end][known]).all()
        and (ledger.in_tx[spenders] < ledger.num_tx).all()
        and (ledger.out_address[out:end_out] < ledger.num_addresses).all()
    )


def read_on(home: Path) -> tuple[int, int]:
    """Look until standard input ends; how often, and how often what was seen did not agree."""
    ended = Event()
    Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    looks = torn = 0
    while not ended.wait(PAUSE):
        torn += not agrees(open_ledger(home, LEDGER))
        looks += 1
        if looks == 1:
            print("reads", flush=True)
    return looks, torn


if __name__ == "__main__":
    print(*read_on(Path(sys.argv[1])))
