"""Memory-mapped arrays, and how the kernel is told to read them.

Who reads a page of an address touches single places of large files. By default the kernel reads 128
KB around each: at 20 million transactions 8 MB for one address, most of it in vain. Who scans a
whole array wants just that. So the reader says which of the two it is.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LARGE: Final = 1 << 25
"""Bytes from which a file is read place by place; a smaller one is soon read as a whole."""


class Maps:
    """The arrays of one reader."""

    def __init__(self, *, scattered: bool = False) -> None:
        self.scattered = scattered
        self._maps: list[mmap.mmap] = []

    def open(self, path: Path) -> NDArray[Any]:  # arrays of several types
        """Map an array; a plain view, as numpy's memmap class makes every small slice slow."""
        mapped = np.load(path, mmap_mode="r")
        held: mmap.mmap | None = getattr(mapped, "_mmap", None)  # None for an empty array
        if held is not None:
            self._maps.append(held)
            if self.scattered:
                _advise(held, mmap.MADV_RANDOM)
        view: NDArray[Any] = mapped.view(np.ndarray)
        return view

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


def _advise(held: mmap.mmap, advice: int) -> None:
    if len(held) >= LARGE:
        held.madvise(advice)
