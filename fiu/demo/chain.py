"""Real regtest blocks, from genesis on with valid headers, written as a node's blk files."""

from collections import deque
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from fiu.demo.timeline import block_time

# An unspent output: its serialized input (outpoint, empty script, final sequence), sat, script.
Coin: TypeAlias = tuple[bytes, int, bytes]
Output: TypeAlias = tuple[int, bytes]

MAGIC = bytes.fromhex("fabfb5da")
BITS = bytes.fromhex("ffff7f20")
TARGET = 0x7FFFFF << 232
SUBSIDY = 5_000_000_000
HALVING = 150
MATURITY = 100
FILE_BYTES = 16 * 1024 * 1024
GENESIS = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e"
    "67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f200200000001010000000100000000000000000000"
    "00000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f"
    "4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f75742066"
    "6f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a6"
    "7962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)
_VOUT = [number.to_bytes(4, "little") + b"\x00\xff\xff\xff\xff" for number in range(1_024)]


def rule_fee(num_inputs: int, num_outputs: int) -> int:
    """4 sat for each of 11 + 68 * inputs + 31 * outputs virtual bytes."""
    return 4 * (11 + 68 * num_inputs + 31 * num_outputs)


def txid_of(coin: Coin) -> str:
    """The transaction that made a coin, in the order people read it."""
    return coin[0][31::-1].hex()


def outpoint_of(coin: Coin) -> str:
    """`txid:vout`."""
    return f"{txid_of(coin)}:{int.from_bytes(coin[0][32:36], 'little')}"


def _double(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def _count(number: int) -> bytes:
    if number < 0xFD:
        return number.to_bytes(1, "little")
    return b"\xfd" + number.to_bytes(2, "little")


def merkle_root(ids: Sequence[bytes]) -> bytes:
    """Pairwise double SHA-256, the last of an odd row doubled."""
    row = list(ids)
    while len(row) > 1:
        if len(row) % 2:
            row.append(row[-1])
        row = [_double(row[i] + row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def height_script(height: int) -> bytes:
    """The height a coinbase starts with (BIP-34), and OP_0: one byte alone would be too short."""
    if height <= 16:
        return bytes([0x50 + height, 0])
    number = height.to_bytes(height.bit_length() // 8 + 1, "little")
    return bytes([len(number)]) + number + b"\x00"


class BlockFiles:
    """Writes `blk00000.dat`, `blk00001.dat`, ... as a node does: magic, size, block."""

    def __init__(self, folder: Path, first: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.paths: list[Path] = []
        self.num_blocks: list[int] = []
        self._folder, self._number, self._room = folder, first, 0

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    def _open(self) -> None:
        path = self._folder / f"blk{self._number:05d}.dat"
        self._file = path.open("wb")
        self.paths.append(path)
        self.num_blocks.append(0)
        self._number += 1
        self._room = FILE_BYTES

    def write(self, block: bytes) -> None:
        """Append one block, in the next file when this one is full."""
        if len(block) + 8 > self._room:
            self._file.close()
            self._open()
        self._file.write(MAGIC + len(block).to_bytes(4, "little"))
        self._file.write(block)
        self._room -= len(block) + 8
        self.num_blocks[-1] += 1


class Chain:
    """The block under construction and the tip below it; finished blocks are written at once."""

    def __init__(self, files: BlockFiles) -> None:
        self._files = files
        self.height = 1
        self.num_transactions = 1  # genesis has one
        self.previous = _double(GENESIS[:80])
        self._transactions: list[bytes] = []
        self._ids: list[bytes] = []
        self._fees = 0
        files.write(GENESIS)

    def pay(self, coins: Sequence[Coin], outputs: Sequence[Output]) -> list[Coin]:
        """Add a transaction to the block; what the outputs leave of the inputs is the fee.

        Returns the coins of its outputs, in order.
        """
        parts = [b"\x02\x00\x00\x00", _count(len(coins))]
        fee = 0
        for spent, value, _ in coins:
            parts.append(spent)
            fee += value
        parts.append(_count(len(outputs)))
        for value, script in outputs:
            parts.append(value.to_bytes(8, "little"))
            parts.append(script)
            fee -= value
        if fee < 0:
            raise ValueError(f"block {self.height}: outputs exceed inputs by {-fee} sat")
        parts.append(b"\x00\x00\x00\x00")
        raw = b"".join(parts)
        txid = sha256(sha256(raw).digest()).digest()
        self._transactions.append(raw)
        self._ids.append(txid)
        self._fees += fee
        return [(txid + _VOUT[vout], output[0], output[1]) for vout, output in enumerate(outputs)]

    def seal(self, miner: bytes) -> Coin:
        """Finish the block: coinbase, merkle root, nonce. Returns the coinbase's coin."""
        height = self.height
        value = (SUBSIDY >> height // HALVING) + self._fees
        script = height_script(height)
        coinbase = b"".join(
            (
                b"\x02\x00\x00\x00\x01" + bytes(32) + b"\xff\xff\xff\xff",
                _count(len(script)),
                script,
                b"\xff\xff\xff\xff\x01",
                value.to_bytes(8, "little"),
                miner,
                b"\x00\x00\x00\x00",
            )
        )
        txid = _double(coinbase)
        stem = b"".join(
            (
                b"\x00\x00\x00\x20",
                self.previous,
                merkle_root([txid, *self._ids]),
                block_time(height).to_bytes(4, "little"),
                BITS,
            )
        )
        nonce = 0
        while True:
            header = stem + nonce.to_bytes(4, "little")
            digest = _double(header)
            if int.from_bytes(digest, "little") <= TARGET:
                break
            nonce += 1
        count = len(self._ids) + 1
        self._files.write(b"".join((header, _count(count), coinbase, *self._transactions)))
        self.previous = digest
        self.num_transactions += count
        self.height = height + 1
        self._transactions, self._ids, self._fees = [], [], 0
        return (txid + _VOUT[0], value, miner)

    @property
    def tip_hash(self) -> str:
        """Hash of the last finished block, in the order people read it."""
        return self.previous[::-1].hex()


class Purse:
    """Coins of one service at one address; pays from its oldest coin that suffices."""

    def __init__(self, chain: Chain, script: bytes) -> None:
        self.script = script
        self.coins: deque[Coin] = deque()
        self._chain = chain

    def pay(self, *outputs: Output) -> list[Coin]:
        """One input, the outputs and the change, at the rule's fee; the coins of the outputs."""
        fee = rule_fee(1, len(outputs) + 1)
        needed = fee + sum(value for value, _ in outputs)
        for _ in range(len(self.coins)):
            coin = self.coins.popleft()
            if coin[1] > needed:
                break
            self.coins.append(coin)
        else:
            raise ValueError(f"block {self._chain.height}: no coin of {needed} sat in this purse")
        *made, change = self._chain.pay([coin], [*outputs, (coin[1] - needed, self.script)])
        self.coins.append(change)
        return made
