"""The ledger as the kernels see it: flat arrays in chain order.

Chain order is (height, position in the block), so a lower transaction id is never later. Inputs
and outputs of
one transaction are neighbours: those of transaction `t` are `in_off[t]:in_off[t+1]` and
`out_off[t]:out_off[t+1]`, in vin and vout order. Amounts are integers in base units (satoshi).
What the ledger does not know stays unknown and is never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

U8: TypeAlias = NDArray[np.uint8]
U32: TypeAlias = NDArray[np.uint32]
U64: TypeAlias = NDArray[np.uint64]
I64: TypeAlias = NDArray[np.int64]

NO_ADDRESS: Final = 0xFFFFFFFF
"""The output pays, or the input spends, a script without an address, or the address is unknown."""
UNSPENT: Final = 0xFFFFFFFF
"""No input of the ledger spends this output."""
UNKNOWN_OUTPUT: Final = 0xFFFFFFFF
"""The spent output is not in the ledger, or the input is a coinbase."""
UNKNOWN_VALUE: Final = -1
"""The amount is not known."""


class Ledger(Protocol):
    """A pinned snapshot of one chain. All arrays are read-only and may be memory-mapped.

    Attributes:
        name: ledger name, such as `bitcoin`; chain: its CAIP-2 key.
        height, tip_hash, epoch: the snapshot.
        in_off, out_off: u64[num_tx + 1], first input and first output of each transaction.
        tx_height, tx_time: u32, block height and block time (seconds since 1970 UTC).
        tx_fee: i64, -1 where any input value is unknown, 0 for a coinbase.
        tx_coinbase: u8, 1 for a coinbase.
        out_value: i64; out_address: u32 or NO_ADDRESS; out_tx: u32.
        out_spent_in: u32, the input that spends it, or UNSPENT.
        in_out: u32, the output it spends, or UNKNOWN_OUTPUT; in_tx: u32.
        in_value: i64 or -1; in_address: u32 or NO_ADDRESS. Both may be known although in_out is
            not.
    """

    name: str
    chain: str
    height: int
    tip_hash: str
    epoch: int
    num_tx: int
    num_outputs: int
    num_inputs: int
    num_addresses: int
    in_off: U64
    out_off: U64
    tx_height: U32
    tx_time: U32
    tx_fee: I64
    tx_coinbase: U8
    out_value: I64
    out_address: U32
    out_tx: U32
    out_spent_in: U32
    in_out: U32
    in_tx: U32
    in_value: I64
    in_address: U32

    def txid(self, tx: int) -> str:
        """The transaction's id as people write it: 64 hex digits."""

    def find_tx(self, txid: str) -> int | None:
        """The transaction of this id (the latest of a repeated id), None if there is none."""

    def address_text(self, address: int) -> str:
        """The canonical text of an address id."""

    def address_texts(self, addresses: Sequence[int]) -> list[str]:
        """The canonical texts of many address ids."""

    def find_address(self, text: str) -> int | None:
        """The id of a canonical address text, None if the ledger has never seen it."""

    def find_addresses(self, texts: Sequence[str]) -> list[int | None]:
        """The ids of many canonical texts, each as `find_address`."""

    def outputs_of_address(self, address: int) -> U32:
        """Outputs that pay the address, ascending."""

    def inputs_of_address(self, address: int) -> U32:
        """Inputs that spend from the address, ascending."""


MemoryInput: TypeAlias = tuple[str, int]
MemoryOutput: TypeAlias = tuple[str | None, int]
MemoryTx: TypeAlias = tuple[str, int, int, Sequence[MemoryInput], Sequence[MemoryOutput]]


@dataclass
class MemoryLedger:
    """A ledger held in memory; see `Ledger` for the fields."""

    name: str
    chain: str
    height: int
    tip_hash: str
    epoch: int
    num_tx: int
    num_outputs: int
    num_inputs: int
    num_addresses: int
    in_off: U64
    out_off: U64
    tx_height: U32
    tx_time: U32
    tx_fee: I64
    tx_coinbase: U8
    out_value: I64
    out_address: U32
    out_tx: U32
    out_spent_in: U32
    in_out: U32
    in_tx: U32
    in_value: I64
    in_address: U32
    _txids: list[str] = field(repr=False)
    _tx_ids: dict[str, int] = field(repr=False)
    _texts: list[str] = field(repr=False)
    _address_ids: dict[str, int] = field(repr=False)
    _by_out: tuple[U32, U64] = field(repr=False)
    _by_in: tuple[U32, U64] = field(repr=False)

    def txid(self, tx: int) -> str:
        """The id of a transaction: 64 hex digits."""
        return self._txids[tx]

    def find_tx(self, txid: str) -> int | None:
        """The transaction of this id, None if there is none."""
        return self._tx_ids.get(txid)

    def address_text(self, address: int) -> str:
        """The text of an address id."""
        return self._texts[address]

    def address_texts(self, addresses: Sequence[int]) -> list[str]:
        """The texts of many address ids."""
        return [self._texts[address] for address in addresses]

    def find_address(self, text: str) -> int | None:
        """The id of an address text, None if it never appears."""
        return self._address_ids.get(text)

    def find_addresses(self, texts: Sequence[str]) -> list[int | None]:
        """The ids of many texts, None for those that never appear."""
        return [self._address_ids.get(text) for text in texts]

    def outputs_of_address(self, address: int) -> U32:
        """Outputs that pay the address, ascending."""
        rows, off = self._by_out
        return rows[int(off[address]) : int(off[address + 1])]

    def inputs_of_address(self, address: int) -> U32:
        """Inputs that spend from the address, ascending."""
        rows, off = self._by_in
        return rows[int(off[address]) : int(off[address + 1])]


def group_by_address(address: U32, num_addresses: int) -> tuple[U32, U64]:
    """Rows of each address as (rows, offsets): rows of `a` are `rows[off[a]:off[a+1]]`, ascending.

    Cost: one stable sort; rows with NO_ADDRESS are left out.
    """
    order = np.argsort(address, kind="stable")
    known = int(np.count_nonzero(address != NO_ADDRESS))
    counts = np.bincount(address[address != NO_ADDRESS], minlength=num_addresses)
    off = np.zeros(num_addresses + 1, np.uint64)
    np.cumsum(counts, out=off[1:])
    return order[:known].astype(np.uint32), off


def memory_ledger(
    txs: Sequence[MemoryTx],
    *,
    name: str = "bitcoin-regtest",
    chain: str = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328",
    tip_hash: str = "00" * 32,
    epoch: int = 1,
    coins: Mapping[MemoryInput, MemoryOutput] | None = None,
) -> MemoryLedger:
    """Build a ledger from a list, for tests and benches.

    Args:
        txs: (txid, height, time, [(previous txid, vout)], [(address or None, value)]); sorted here
            by height, keeping the list's order within one height. A transaction without inputs is
            a coinbase.
        coins: value and address of spent outputs that the ledger itself does not hold.

    Raises:
        ValueError: an output is spent twice, or spent by a transaction that comes before it.

    Cost: O(inputs + outputs) Python steps, about 2 s a million.
    """
    ordered = sorted(txs, key=lambda tx: tx[1])
    tx_ids = {tx[0]: i for i, tx in enumerate(ordered)}
    in_off, out_off = [0], [0]
    for tx in ordered:
        in_off.append(in_off[-1] + max(1, len(tx[3])))
        out_off.append(out_off[-1] + len(tx[4]))
    address_ids: dict[str, int] = {}

    def address_id(text: str | None) -> int:
        return NO_ADDRESS if text is None else address_ids.setdefault(text, len(address_ids))

    out_address: list[int] = []
    out_value: list[int] = []
    out_tx: list[int] = []
    in_out: list[int] = []
    in_value: list[int] = []
    in_address: list[int] = []
    in_tx: list[int] = []
    spent = [UNSPENT] * out_off[-1]
    fees: list[int] = []
    for t, (txid, _height, _time, inputs, outputs) in enumerate(ordered):
        total = 0
        for prev, vout in inputs:
            p = tx_ids.get(prev)
            if p is not None and vout < out_off[p + 1] - out_off[p]:
                o = out_off[p] + vout
                if p >= t:
                    raise ValueError(f"{txid} spends {prev}:{vout}, which comes later")
                if spent[o] != UNSPENT:
                    raise ValueError(f"{prev}:{vout} is spent twice")
                spent[o] = len(in_out)
                in_out.append(o)
                in_value.append(out_value[o])
                in_address.append(out_address[o])
            else:
                coin = (coins or {}).get((prev, vout))
                in_out.append(UNKNOWN_OUTPUT)
                in_value.append(UNKNOWN_VALUE if coin is None else coin[1])
                in_address.append(NO_ADDRESS if coin is None else address_id(coin[0]))
            in_tx.append(t)
            total = -1 if total < 0 or in_value[-1] < 0 else total + in_value[-1]
        if not inputs:
            in_out.append(UNKNOWN_OUTPUT)
            in_value.append(UNKNOWN_VALUE)
            in_address.append(NO_ADDRESS)
            in_tx.append(t)
        for text, value in outputs:
            out_address.append(address_id(text))
            out_value.append(value)
            out_tx.append(t)
        fees.append(0 if not inputs else -1 if total < 0 else total - sum(v for _, v in outputs))
    outs = np.array(out_address, np.uint32)
    ins = np.array(in_address, np.uint32)
    return MemoryLedger(
        name=name,
        chain=chain,
        height=ordered[-1][1] if ordered else 0,
        tip_hash=tip_hash,
        epoch=epoch,
        num_tx=len(ordered),
        num_outputs=len(out_value),
        num_inputs=len(in_out),
        num_addresses=len(address_ids),
        in_off=np.array(in_off, np.uint64),
        out_off=np.array(out_off, np.uint64),
        tx_height=np.array([tx[1] for tx in ordered], np.uint32),
        tx_time=np.array([tx[2] for tx in ordered], np.uint32),
        tx_fee=np.array(fees, np.int64),
        tx_coinbase=np.array([not tx[3] for tx in ordered], np.uint8),
        out_value=np.array(out_value, np.int64),
        out_address=outs,
        out_tx=np.array(out_tx, np.uint32),
        out_spent_in=np.array(spent, np.uint32),
        in_out=np.array(in_out, np.uint32),
        in_tx=np.array(in_tx, np.uint32),
        in_value=np.array(in_value, np.int64),
        in_address=ins,
        _txids=[tx[0] for tx in ordered],
        _tx_ids=tx_ids,
        _texts=list(address_ids),
        _address_ids=address_ids,
        _by_out=group_by_address(outs, len(address_ids)),
        _by_in=group_by_address(ins, len(address_ids)),
    )
