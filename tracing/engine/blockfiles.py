"""Files of blocks: where each block starts and ends, of which network it is.

Forms, told apart by content: one bare serialized block; records of magic, length, block (a node's
own `blk*.dat`, btcd's dumps), in any order, with zero padding; either of them packed by bzip2.
Newer nodes XOR their files with the key in `xor.dat` beside them. Source: Bitcoin Core
`node/blockstorage.cpp`.
"""

from __future__ import annotations

import bz2
from dataclasses import dataclass
from typing import Final

import numpy as np

from tracing.engine.addresses import Network
from tracing.errors import BlockFileError

MAGIC: Final = {
    bytes.fromhex("f9beb4d9"): Network.MAIN,
    bytes.fromhex("0b110907"): Network.TEST,
    bytes.fromhex("fabfb5da"): Network.REGTEST,
}
_FOREIGN_MAGIC: Final = {
    bytes.fromhex("1c163f28"): "testnet4",
    bytes.fromhex("0a03cf40"): "signet",
    bytes.fromhex("fbc0b6db"): "Litecoin",
    bytes.fromhex("c0c0c0c0"): "Dogecoin",
}
MOST_UNPACKED: Final = 160 * 2**20  # a node's own files end at 128 MiB
MOST_RATIO: Final = 100
ALWAYS_UNPACKED: Final = 32 * 2**20  # a young node's file is nearly all padding
_REGTEST_BITS: Final = (0x207FFFFF).to_bytes(4, "little")


@dataclass(frozen=True)
class Records:
    """Spans of records in a file's decoded content; the network of their magic, None without."""

    data: bytes
    spans: tuple[tuple[int, int], ...]
    network: Network | None


def xor_with(data: bytes, key: bytes) -> bytes:
    """The data with the key of `xor.dat` applied, by position in the file."""
    if not any(key):
        return data
    bytes_ = np.frombuffer(data, np.uint8)
    mask = np.resize(np.frombuffer(key, np.uint8), len(bytes_))
    return (bytes_ ^ mask).tobytes()


def unpack(data: bytes) -> bytes:
    """The content of a bzip2 file, other data as they are.

    Raises BlockFileError if cut off, corrupt, or larger than any file of blocks: a few hundred
    bytes can hold gigabytes.
    """
    if data[:3] != b"BZh":
        return data
    most = min(MOST_UNPACKED, max(ALWAYS_UNPACKED, MOST_RATIO * len(data)))
    out, rest, room = [], data, most
    while rest[:3] == b"BZh":
        at = len(data) - len(rest)
        stream = bz2.BZ2Decompressor()
        try:
            out.append(stream.decompress(rest, room + 1))
        except OSError:
            raise BlockFileError("the compressed data are corrupt", at) from None
        room -= len(out[-1])
        if room < 0:
            raise BlockFileError(f"the compressed data hold more than {most >> 20} MB", at)
        if not stream.eof:
            raise BlockFileError("the compressed data are cut off", len(data))
        rest = stream.unused_data
    if rest:
        raise BlockFileError("unknown data behind the compressed data", len(data) - len(rest))
    return b"".join(out)


def read_block_file(raw: bytes, xor_key: bytes = b"") -> Records:
    """Find the blocks in a file's bytes.

    Args:
        raw: the file as it lies on disk; xor_key: the content of `xor.dat`, empty for none.

    Raises:
        BlockFileError: the file is empty, cut off, or something in it is no block.
    """
    data = unpack(xor_with(raw, xor_key))
    if not data:
        raise BlockFileError("the file is empty", 0)
    if data[:4] in _FOREIGN_MAGIC:
        raise BlockFileError(f"these are blocks of {_FOREIGN_MAGIC[data[:4]]}", 0)
    zeros = len(data) - len(data.lstrip(b"\0"))
    in_records = data[zeros : zeros + 4] in MAGIC or zeros == len(data)
    if in_records or (any(xor_key) and not any(raw[:4])):
        return split_records(data, raw if any(xor_key) else b"", tail=0)
    if len(data) < 81:
        raise BlockFileError("the file is too short for a block", len(data))
    return Records(data, ((0, len(data)),), None)


def split_records(data: bytes, raw: bytes, tail: int) -> Records:
    """Records of magic, length and content; `tail` more bytes follow each content (the checksum of
    `rev`).

    Nodes reserve space in advance: runs of zeros, which were never XORed, may lie between and
    behind records.
    """
    spans: list[tuple[int, int]] = []
    written = _Written(data, raw)
    network: Network | None = None
    p, size = 0, len(data)
    while p < size:
        magic = data[p : p + 4]
        found = MAGIC.get(magic)
        if found is None:
            p = written.skip_padding(p)
            continue
        if network not in (None, found):
            raise BlockFileError(f"a record of {found} among those of {network}", p)
        network = found
        start = p + 8
        end = start + int.from_bytes(data[p + 4 : start], "little")
        if start > size or end + tail > size:
            missing = max(start, end + tail) - size
            raise BlockFileError(
                f"the record at byte {p} is cut off, {missing} bytes are missing", size
            )
        spans.append((start, end))
        p = end + tail
    if not spans:
        raise BlockFileError("no record in this file", 0)
    return Records(data, tuple(spans), network)


class _Written:
    """Which bytes of a file are no padding; looked at once, however many gaps there are."""

    def __init__(self, data: bytes, raw: bytes) -> None:
        self._data, self._raw = data, raw
        self._marks: bytes | None = None

    def skip_padding(self, p: int) -> int:
        """Position of the next record or the end.

        Raises BlockFileError if not all between is padding.
        """
        if self._marks is None:
            written = np.frombuffer(self._data, np.uint8) != 0
            if self._raw:
                # Space reserved in advance was never written through the key.
                written &= np.frombuffer(self._raw, np.uint8) != 0
            self._marks = written.tobytes()
        at = self._marks.find(1, p)
        if at < 0:
            return len(self._data)
        # A byte of the magic that the key makes zero on disk looks unwritten.
        for start in range(max(p, at - 3), at + 1):
            if self._data[start : start + 4] in MAGIC:
                return start
        raise BlockFileError("neither a record nor padding", at)


def network_of(records: Records) -> Network | None:
    """The network, where the content tells: by magic, or regtest by its nominal difficulty."""
    if records.network is not None:
        return records.network
    start = records.spans[0][0]
    bits = records.data[start + 72 : start + 76]
    return Network.REGTEST if bits == _REGTEST_BITS else None
