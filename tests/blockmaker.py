"""Hand-made regtest blocks, by the rules of the serialization and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tracing.engine.addresses import Network, ScriptKind, decode_address, encode_address
from tracing.engine.base58 import sha256d

GENESIS = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
MAGIC = bytes.fromhex("fabfb5da")
SUBSIDY = 5_000_000_000
START = 1_736_121_600


def varint(number: int) -> bytes:
    """Bitcoin's compact size."""
    if number < 253:
        return bytes([number])
    if number < 0x10000:
        return b"\xfd" + number.to_bytes(2, "little")
    return b"\xfe" + number.to_bytes(4, "little")


def address(number: int) -> str:
    """A regtest address nobody has a key of."""
    return encode_address(ScriptKind.P2WPKH, number.to_bytes(20, "big"), Network.REGTEST)


def script_of(text: str | None) -> bytes:
    """The script that pays an address; None gives a data carrier."""
    return b"\x6a\x01\x00" if text is None else decode_address(text).script_pubkey


@dataclass(frozen=True)
class Tx:
    """A transaction: inputs (txid, vout, script), outputs (address or None, value)."""

    inputs: tuple[tuple[str, int, bytes], ...]
    outputs: tuple[tuple[str | None, int], ...]

    @property
    def raw(self) -> bytes:
        """Its serialization."""
        body = (1).to_bytes(4, "little") + varint(len(self.inputs))
        for txid, vout, script in self.inputs:
            body += bytes.fromhex(txid)[::-1] + vout.to_bytes(4, "little")
            body += varint(len(script)) + script + b"\xff\xff\xff\xff"
        body += varint(len(self.outputs))
        for text, value in self.outputs:
            script = script_of(text)
            body += value.to_bytes(8, "little") + varint(len(script)) + script
        return body + bytes(4)

    @property
    def txid(self) -> str:
        """Its id as text."""
        return sha256d(self.raw)[::-1].hex()


def pay(inputs: Sequence[tuple[str, int]], outputs: Sequence[tuple[str | None, int]]) -> Tx:
    """An unsigned transaction."""
    return Tx(tuple((txid, vout, b"") for txid, vout in inputs), tuple(outputs))


def merkle(ids: list[bytes]) -> bytes:
    """Merkle root, straight from its definition."""
    while len(ids) > 1:
        ids = ids + ids[-1:] * (len(ids) % 2)
        ids = [sha256d(a + b) for a, b in zip(ids[::2], ids[1::2], strict=True)]
    return ids[0]


@dataclass
class Block:
    """A serialized block and its id."""

    raw: bytes
    hash: str
    txs: tuple[Tx, ...]

    @property
    def record(self) -> bytes:
        """As a node stores it: magic, length, block."""
        return MAGIC + len(self.raw).to_bytes(4, "little") + self.raw


def make_block(previous: str, height: int, txs: Sequence[Tx], *, branch: int = 0) -> Block:
    """A block with its coinbase first; `branch` makes another block of the same place."""
    note = b"\x04" + height.to_bytes(4, "little") + bytes([branch])
    coinbase = Tx((("00" * 32, 0xFFFFFFFF, note),), ((address(10_000 + height), SUBSIDY),))
    whole = (coinbase, *txs)
    header = (2).to_bytes(4, "little") + bytes.fromhex(previous)[::-1]
    header += merkle([bytes.fromhex(tx.txid)[::-1] for tx in whole])
    header += (START + 600 * height).to_bytes(4, "little") + (0x207FFFFF).to_bytes(4, "little")
    header += bytes(4)
    raw = header + varint(len(whole)) + b"".join(tx.raw for tx in whole)
    return Block(raw, sha256d(header)[::-1].hex(), whole)


@dataclass
class BlockChain:
    """Blocks one on another, from the first one behind genesis."""

    blocks: list[Block] = field(default_factory=list)
    tip: str = GENESIS
    height: int = 0

    def add(self, *txs: Tx, branch: int = 0) -> Block:
        """The next block."""
        self.height += 1
        block = make_block(self.tip, self.height, txs, branch=branch)
        self.blocks.append(block)
        self.tip = block.hash
        return block

    def fork(self, depth: int) -> BlockChain:
        """The same chain without its last blocks, to grow another way."""
        kept = self.blocks[: len(self.blocks) - depth]
        return BlockChain(kept, kept[-1].hash if kept else GENESIS, len(kept))
