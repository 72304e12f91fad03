"""Small ledgers for tests: a chain told in names, and Hypothesis strategies over random ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tracing.engine.ledger import MemoryLedger, MemoryTx, memory_ledger


def txid_of(name: str) -> str:
    """A stable id for a transaction told by name."""
    return hashlib.sha256(name.encode()).hexdigest()


class Chain:
    """Builds a ledger from transactions with names, in the order of their heights."""

    def __init__(self) -> None:
        self.txs: list[MemoryTx] = []

    def mine(self, name: str, *values: int, height: int = 0, to: str = "miner") -> tuple[str, int]:
        """A coinbase; returns its first output."""
        outputs = [(to, value) for value in values]
        self.txs.append((txid_of(name), height, self._at(height), [], outputs))
        return name, 0

    def send(
        self,
        name: str,
        inputs: Sequence[tuple[str, int]],
        outputs: Sequence[tuple[str | None, int]],
        height: int = 0,
    ) -> None:
        """A transaction that spends (name, vout) coins."""
        spent = [(txid_of(coin), vout) for coin, vout in inputs]
        self.txs.append((txid_of(name), height, self._at(height), spent, list(outputs)))

    def outpoint(self, name: str, vout: int) -> str:
        """`txid:vout` of a coin."""
        return f"{txid_of(name)}:{vout}"

    def ledger(self) -> MemoryLedger:
        """The finished ledger."""
        return memory_ledger(self.txs)

    def _at(self, height: int) -> int:
        return 1_736_121_600 + 600 * height
