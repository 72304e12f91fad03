"""Arrays on disk as they are mapped, also those that have grown beyond what their head tells."""

from pathlib import Path

import numpy as np
import pytest

from tracing.ledgers.batches import sync_all
from tracing.ledgers.maps import Maps


def test_an_array_is_mapped_as_long_as_asked_and_cannot_be_written(tmp_path: Path) -> None:
    rows = np.arange(12, dtype=np.uint32).reshape(6, 2)
    path = tmp_path / "rows.npy"
    np.save(path, rows[:4])
    with path.open("ab") as file:
        file.write(rows[4:].tobytes())
    maps = Maps()
    for length, expected in ((None, rows[:4]), (6, rows), (3, rows[:3]), (0, rows[:0])):
        found = maps.open(path, length)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert (found == expected).all()
    with pytest.raises(ValueError, match="read-only"):
        maps.open(path)[0, 0] = 1
    with pytest.raises(ValueError, match="greater than file size"):
        maps.open(path, 7)
    with pytest.raises(FileNotFoundError):
        maps.open(tmp_path / "other.npy")


def test_a_file_that_cannot_be_made_durable_is_told(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    with pytest.raises(FileNotFoundError):
        sync_all([tmp_path / "there", tmp_path / "gone"])
