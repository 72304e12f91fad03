"""Arrays of an account ledger on disk: columns that only grow, and what each epoch sees of them.

    arrays/000007/         made anew at epoch 7; the epochs after it append here
        row_height.bin ... columns, without a head
        assets.jsonl       facts of the assets by number; a later line about an asset holds
        *.level            what finds things in one stretch of rows
        levels.json        the levels there are now
        000009.json        what epoch 9 sees: so many rows, transactions, blocks, bytes of assets

A load appends, then writes its epoch's file, the levels and last the ledger's manifest. A load that
dies before leaves rows that no epoch sees; the next one makes the arrays anew, as it does after a
reorganisation and for rows that do not lie above all others.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.accounts.index import Level, with_level
from tracing.engine.accounts.ledger import Arrays
from tracing.ledgers.batches import replace_text, sync

COLUMNS: Final[Mapping[str, tuple[type[Any], int, str]]] = {
    **{
        f"row_{name}": (np.uint32, 0, "rows")
        for name in ("height", "time", "tx", "asset", "sender", "recipient")
    },
    "row_kind": (np.uint8, 0, "rows"),
    "row_failed": (np.uint8, 0, "rows"),
    "row_amount": (np.uint8, 32, "rows"),
    "tx_off": (np.uint64, 0, "txs"),
    "tx_failed": (np.uint8, 0, "txs"),
    "txid": (np.uint8, 32, "txs"),
    "address": (np.uint8, 20, "addresses"),
    "block_height": (np.uint32, 0, "blocks"),
    "block_time": (np.uint32, 0, "blocks"),
    "block_hash": (np.uint8, 32, "blocks"),
    "block_whole": (np.uint8, 0, "blocks"),
    "made_height": (np.uint32, 0, "made"),
    "made": (np.uint8, 20, "made"),
}
"""Column -> type, bytes in a row of it (0: one number), and what its rows are counted by."""
PARTS: Final = ("tx_key", "address_key", "who_off", "tx_of_key", "address_of_key", "who", "rows")
"""Arrays of a level in the order of its file; the wide ones first, so that all are aligned."""
WIDE: Final = frozenset({"tx_key", "address_key", "who_off"})
LEVELS: Final = "levels.json"
ASSETS: Final = "assets.jsonl"
TRIES: Final = 5


@dataclass(frozen=True)
class Seen:
    """What an epoch sees. `highest` is the highest block that any stored row names.

    `asset_bytes`: of the file of assets.
    """

    rows: int = 0
    txs: int = 0
    blocks: int = 0
    addresses: int = 0
    made: int = 0
    asset_bytes: int = 0
    highest: int = -1


@dataclass(frozen=True)
class AssetLine:
    """What files said of an asset, and the height at which its contract was made."""

    number: int
    name: str
    symbol: str | None
    decimals: int | None
    created: int | None


@dataclass(frozen=True)
class OpenArrays:
    """One epoch's view: columns and levels mapped, facts of the assets read."""

    columns: Arrays
    levels: tuple[Level, ...]
    assets: tuple[AssetLine, ...]
    seen: Seen


def epochs_in(folder: Path) -> Iterator[Path]:
    """The folders of arrays of a ledger, the newest first."""
    if folder.is_dir():
        yield from sorted((path for path in folder.iterdir() if path.name[0] != "."), reverse=True)


def holder(folder: Path, epoch: int) -> Path | None:
    """The folder of arrays that an epoch reads, None if there is none."""
    wanted = f"{epoch:06d}"
    return next(
        (p for p in epochs_in(folder) if p.name <= wanted and (p / f"{wanted}.json").exists()), None
    )


def make(
    path: Path,
    epoch: int,
    arrays: Arrays,
    level: Level,
    assets: Sequence[AssetLine],
    highest: int,
) -> Seen:
    """Write arrays anew, durably and in one rename. Another process may have been faster."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    seen = _write(draft, epoch, Seen(), arrays, [level], assets, highest)
    sync(draft)
    # What stands under this name is of another format or cut off.
    shutil.rmtree(path, ignore_errors=True)
    draft.rename(path)
    sync(path.parent)
    return seen


def append(
    path: Path,
    epoch: int,
    before: OpenArrays,
    arrays: Arrays,
    level: Level,
    assets: Sequence[AssetLine],
    highest: int,
) -> Seen:
    """Add what a load brought behind what `before` sees. Cost: what is added, and a merge of levels
    whose sizes double, so that a row is written some twenty times in all at most.
    """
    levels = with_level(before.levels, level)
    kept = {each.end_row: each for each in before.levels}
    unchanged = [each for each in levels if kept.get(each.end_row) is each]
    return _write(
        path, epoch, before.seen, arrays, levels, assets, highest, num_kept=len(unchanged)
    )


def open_arrays(path: Path, epoch: int) -> OpenArrays:
    """Map what an epoch sees. Raises FileNotFoundError where something is missing.

    Cost: a few milliseconds, and some us for each asset.
    """
    told = json.loads((path / f"{epoch:06d}.json").read_text())
    seen = Seen(**{each.name: told[each.name] for each in fields(Seen)})
    columns = {name: _mapped(path / f"{name}.bin", name, seen) for name in COLUMNS}
    with (path / ASSETS).open("rb") as file:
        lines = file.read(seen.asset_bytes).splitlines()
    assets: dict[int, AssetLine] = {}
    for line in lines:
        found = AssetLine(*json.loads(line))
        assets[found.number] = found
    return OpenArrays(
        columns, _open_levels(path), tuple(assets[number] for number in range(len(assets))), seen
    )


def is_level_with(path: Path, seen: Seen) -> bool:
    """Whether the levels end where the epoch does; else a load died in between."""
    told = json.loads((path / LEVELS).read_text())
    return bool(told) and int(told[-1]["end_row"]) == seen.rows


def _write(
    path: Path,
    epoch: int,
    before: Seen,
    arrays: Arrays,
    levels: Sequence[Level],
    assets: Sequence[AssetLine],
    highest: int,
    num_kept: int = 0,
) -> Seen:
    added = {
        "rows": len(arrays["row_height"]), "txs": len(arrays["txid"]),
        "blocks": len(arrays["block_height"]), "addresses": len(arrays["address"]),
        "made": len(arrays["made"]),
    }  # fmt: skip
    had = asdict(before)
    for name, (kind, width, counted) in COLUMNS.items():
        values, place = arrays[name], had[counted]
        if name == "tx_off":
            # One more than there are transactions: the end of one is the beginning of the next.
            place, values = (place + 1, values[1:]) if place else (0, values)
        if len(values) or not place:
            row = max(1, width) * np.dtype(kind).itemsize
            _put(path / f"{name}.bin", place * row, np.ascontiguousarray(values, kind).tobytes())
    text = "".join(
        json.dumps([a.number, a.name, a.symbol, a.decimals, a.created]) + "\n" for a in assets
    ).encode()
    if text or not before.asset_bytes:
        _put(path / ASSETS, before.asset_bytes, text)
    seen = Seen(
        **{name: had[name] + count for name, count in added.items()},
        asset_bytes=before.asset_bytes + len(text),
        highest=max(before.highest, highest),
    )
    _put_levels(path, epoch, levels, num_kept)
    replace_text(path / f"{epoch:06d}.json", json.dumps(asdict(seen)))
    return seen


def _put(path: Path, place: int, data: bytes) -> None:
    """Write bytes at a place of a file, and nothing after them."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.seek(place)
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def _mapped(path: Path, name: str, seen: Seen) -> NDArray[Any]:  # arrays of several types
    kind, width, counted = COLUMNS[name]
    count = int(getattr(seen, counted)) + (name == "tx_off")
    shape = (count, width) if width else (count,)
    if not count:
        return np.zeros(shape, kind)
    # A plain view: numpy's memmap class makes every small slice slow.
    return np.memmap(path, kind, "r", shape=shape).view(np.ndarray)


def _put_levels(path: Path, epoch: int, levels: Sequence[Level], num_kept: int) -> None:
    """Write the levels that are new, then name all of them; files of two loads ago go."""
    old = json.loads((path / LEVELS).read_text()) if (path / LEVELS).exists() else []
    told = old[:num_kept]
    for number, level in enumerate(levels[num_kept:]):
        file = f"{epoch:06d}-{number}.level"
        parts = {name: np.asarray(getattr(level, name)) for name in PARTS}
        _put(path / file, 0, b"".join(part.tobytes() for part in parts.values()))
        sizes = {name: len(part) for name, part in parts.items()}
        told.append(
            {"file": file, "first_row": level.first_row, "end_row": level.end_row, "sizes": sizes}
        )
    replace_text(path / LEVELS, json.dumps(told))
    # A reader that has just read the old list still finds its files.
    named = {each["file"] for each in (*old, *told)}
    for file_path in path.glob("*.level"):
        if file_path.name not in named:
            file_path.unlink(missing_ok=True)


def _open_levels(path: Path) -> tuple[Level, ...]:
    for attempt in range(TRIES):
        told = json.loads((path / LEVELS).read_text())
        try:
            return tuple(_open_level(path / each["file"], each) for each in told)
        except FileNotFoundError:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("the last try raised")


def _open_level(path: Path, told: Mapping[str, Any]) -> Level:  # what _put_levels wrote
    sizes = told["sizes"]
    parts: dict[str, NDArray[Any]] = {}
    place = 0
    whole = np.memmap(path, np.uint8, "r").view(np.ndarray)
    for name in PARTS:
        width, kind = (8, np.uint64) if name in WIDE else (4, np.uint32)
        end = place + sizes[name] * width
        parts[name] = whole[place:end].view(kind)
        place = end
    return Level(told["first_row"], told["end_row"], **parts)
