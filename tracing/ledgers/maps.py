"""Memory-mapped arrays, and how the kernel is told to read them.

Who reads a page of an address touches single places of large files. By default the kernel reads 128
KB around each: at 20 million transactions 8 MB for one address, most of it in vain. Who scans a
whole array wants just that. So the reader says which of the two it is. And who knows a hundred
places that it is about to read says so before: a disk fetches them together in the time of a few,
where one after the other each would wait for the one before.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

LARGE: Final = 1 << 25
"""Bytes from which a file is read place by place; a smaller one is soon read as a whole."""
PAGE: Final = mmap.PAGESIZE
HEAD_START: Final = 10
"""Bytes of a head that tell what it is and, the last two, how long the rest of it is."""


class Maps:
    """The arrays of one reader."""

    def __init__(self, *, scattered: bool = False) -> None:
        self.scattered = scattered
        self._maps: list[mmap.mmap] = []
        self._held: dict[int, tuple[mmap.mmap, int]] = {}  # where an array begins -> its map

    def open(self, path: Path, length: int | None = None) -> NDArray[Any]:  # of several types
        """Map an array; a plain view, as numpy's memmap class makes every small slice slow.

        Args:
            length: rows, where the file has grown beyond what its head tells.

        Raises ValueError where the file is shorter. Cost: some tens of microseconds; numpy's own
        way takes several times that, and a ledger has dozens of arrays.
        """
        with path.open("rb") as file:
            head = read_head(file)
            num = len(head) if length is None else length
            if not num * head.row_size:
                return np.empty((num, *head.shape[1:]), head.kind)
            held = mmap.mmap(
                file.fileno(), head.size + num * head.row_size, access=mmap.ACCESS_READ
            )
        self._maps.append(held)
        if self.scattered:
            _advise(held, mmap.MADV_RANDOM)
        count = num * head.row_size // head.kind.itemsize
        flat: NDArray[Any] = np.frombuffer(held, head.kind, count, head.size)
        view = flat.reshape(num, *head.shape[1:])
        self._held[_begin(view)] = held, head.size
        return view

    def will_need(
        self, arrays: Sequence[NDArray[Any]], places: Sequence[int] | NDArray[Any]
    ) -> None:
        """Have the kernel fetch these rows of the arrays while the caller goes on.

        Nothing happens unless single places are read. Cost: about a microsecond a page.
        """
        if not self.scattered or not len(places):
            return
        every = np.asarray(places, np.int64)
        for array in arrays:
            held, start = self._held.get(_begin(array), (None, 0))
            rows = every[every < len(array)]
            if held is None or len(held) < LARGE or not len(rows):
                continue
            first = start + rows * array.strides[0]
            pages = np.concatenate([first, first + array.strides[0] - 1]) // PAGE
            for page in np.unique(pages).tolist():
                held.madvise(mmap.MADV_WILLNEED, page * PAGE, PAGE)

    def scatter(self) -> None:
        """Single places will be read from now on."""
        self.scattered = True
        self._advise_all(mmap.MADV_RANDOM)

    @contextmanager
    def scanned(self) -> Iterator[None]:
        """Whole arrays are read inside."""
        if not self.scattered:
            yield
            return
        self._advise_all(mmap.MADV_NORMAL)
        try:
            yield
        finally:
            self._advise_all(mmap.MADV_RANDOM)

    def _advise_all(self, advice: int) -> None:
        for each in self._maps:
            _advise(each, advice)


@dataclass(frozen=True)
class Head:
    """What the head of a file that numpy wrote tells; `size` is its bytes, before the rows."""

    size: int
    kind: np.dtype[Any]
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def row_size(self) -> int:
        """Bytes of one row."""
        return prod(self.shape[1:]) * self.kind.itemsize


def read_head(file: IO[bytes]) -> Head:
    """The head of a file that numpy wrote, parsed once for each that is different."""
    start = file.read(HEAD_START)
    return _parsed(start + file.read(int.from_bytes(start[8:], "little")))


@lru_cache(maxsize=1024)
def _parsed(raw: bytes) -> Head:
    file = BytesIO(raw)
    np.lib.format.read_magic(file)
    shape, _by_column, kind = np.lib.format.read_array_header_1_0(file)
    return Head(len(raw), kind, shape)


def _begin(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _advise(held: mmap.mmap, advice: int) -> None:
    if len(held) >= LARGE:
        held.madvise(advice)
