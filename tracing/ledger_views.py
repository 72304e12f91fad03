"""Ledgers, addresses and clusters as others see them: frozen values, read through reads.py.

Each function takes a ledger name (`bitcoin` alone means the only one loaded, else main) and reads
the newest snapshot; amounts are integers in satoshi, times are UTC. None means the ledger has
never seen the address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final

import numpy as np
from django.conf import settings

from tracing.engine import paste
from tracing.engine.addresses import BitcoinAddress, Network
from tracing.engine.chains import ChainAddress
from tracing.engine.columns import ranges
from tracing.engine.ledger import NO_ADDRESS, U32
from tracing.engine.resolve import seed_outputs, walls_of
from tracing.engine.spec import TraceParameters
from tracing.engine.together import why_together as chain_of_merges
from tracing.ledgers import StoredLedger, ledger_snapshot, names
from tracing.ledgers.clusters import StoredClusters, transactions_of
from tracing.open_ledgers import opened_ledger
from tracing.tag_index import clusters_now

CHECKED: Final = "valid"
SHOWN_ADDRESSES: Final = 50
# Arrays of which a page reads the row of its address, and the rows of the transactions it shows.
OF_ADDRESS: Final = (
    "address_row", "by_out_off", "by_in_off", "address_received", "address_sent", "address_unspent"
)  # fmt: skip
OF_TRANSACTION: Final = ("out_off", "in_off", "txid", "tx_height", "tx_time")


@dataclass(frozen=True)
class AssetUnit:
    """An asset by its CAIP-19 name and how its amounts are written.

    Where nobody says how many decimals a token has, there are 0, and `symbol` names base units.
    """

    asset: str
    symbol: str
    decimals: int


BITCOIN_UNIT: Final = AssetUnit("slip44:0", "BTC", 8)


@dataclass(frozen=True)
class AssetTotals:
    """What an address received, sent and holds of one asset."""

    unit: AssetUnit
    received: int
    sent: int
    balance: int
    num_transfers: int


@dataclass(frozen=True)
class LedgerInfo:
    """A loaded ledger and its tip; `num_segments` is above 1 where blocks between are missing."""

    name: str
    chain: str
    height: int
    tip_hash: str
    epoch: int
    num_tx: int
    tip_at: datetime
    num_blocks: int
    num_addresses: int
    num_segments: int


@dataclass(frozen=True)
class ParsedAddress:
    """A decoded address, the ledger it belongs to, and its canonical text."""

    ledger: str
    chain: str
    network: str
    canonical: str
    display: str
    script_type: str
    payload_hex: str
    checksum_state: str


@dataclass(frozen=True)
class PastedAddress:
    """One pasted line: `address` where it holds one.

    `reason` where not, or where it repeats one.
    """

    number: int
    text: str
    address: ParsedAddress | None
    reason: str


@dataclass(frozen=True)
class AddressSummary:
    """What the ledger says of an address. `balance` is what it holds unspent.

    `sent` counts coins of known value only; the anchor names its co-spend cluster. On an account
    ledger the figures are of the chain's own coin and the least that the ledger proves, an address
    is its own anchor, and `totals` has every asset.
    """

    address: str
    received: int
    sent: int
    balance: int
    num_tx: int
    first_at: datetime
    first_height: int
    last_at: datetime
    last_height: int
    cluster_anchor: str
    cluster_size: int
    unit: AssetUnit = BITCOIN_UNIT
    totals: tuple[AssetTotals, ...] = ()


@dataclass(frozen=True)
class HistoryRow:
    """One transaction of an address.

    `counterparties` are the other sides, the largest first: who was paid where the address spent,
    else who paid, each with at most what moved. On an account ledger a row is one transfer of one
    asset; a failed one moved nothing.
    """

    txid: str
    height: int
    at: datetime
    received: int
    sent: int
    counterparties: list[tuple[str, int]]
    unit: AssetUnit = BITCOIN_UNIT
    outpoint: str = ""
    kind: str = ""
    is_failed: bool = False

    @property
    def key(self) -> str:
        """What the next page goes on behind."""
        return self.outpoint or self.txid


@dataclass(frozen=True)
class ClusterView:
    """Addresses that were spent together; `addresses` are the first of them, the anchor leading."""

    anchor: str
    num_addresses: int
    received: int
    sent: int
    balance: int
    addresses: list[str]


@dataclass(frozen=True)
class Merge:
    """One transaction that joins two addresses of a chain.

    Without it `with_first` addresses stay with the chain's first one, `with_last` with its last and
    `with_neither` with neither; `holds` where other transactions keep the two together. Both are
    None where the cluster is too large to be put to test.
    """

    txid: str
    height: int
    at: datetime
    first: str
    second: str
    holds: bool | None
    with_first: int | None
    with_last: int | None
    with_neither: int | None


@dataclass(frozen=True)
class Together:
    """Why two addresses are in one cluster of `num_addresses`: the fewest merges between them."""

    first: str
    last: str
    num_addresses: int
    merges: list[Merge]

    @property
    def num_needed(self) -> int:
        """Merges without which the two come apart."""
        return sum(merge.holds is False for merge in self.merges)


@dataclass(frozen=True)
class Estimate:
    """What a run would start from, and the most transactions it could look at."""

    num_seeds: int
    seed_value: int
    num_tx_bound: int
    unit: AssetUnit = BITCOIN_UNIT


def ledgers() -> list[LedgerInfo]:
    """Loaded ledgers, main first. No SQL; reads one small file each."""
    found = []
    for name in names.present(settings.FIU_HOME):
        snapshot = ledger_snapshot(settings.FIU_HOME, name)
        found.append(
            LedgerInfo(
                name=name,
                chain=snapshot.chain,
                height=snapshot.height,
                tip_hash=snapshot.tip_hash,
                epoch=snapshot.epoch,
                num_tx=snapshot.num_tx,
                tip_at=utc_time(snapshot.tip_time),
                num_blocks=snapshot.num_blocks,
                num_addresses=snapshot.num_addresses,
                num_segments=len(snapshot.segments),
            )
        )
    return found


def resolve_ledger(name: str) -> str:
    """The full name of a loaded ledger. Raises LedgerError, LedgerMissing."""
    return names.resolve(settings.FIU_HOME, name)


def parse_address(text: str) -> ParsedAddress:
    """One typed or pasted address. Raises AddressError with the reason. No SQL."""
    return _parsed(paste.parse_address_text(text), _present)


def parse_paste(text: str) -> list[PastedAddress]:
    """A pasted list, every line accounted for. No SQL."""
    present = cache(_present)
    return [
        PastedAddress(
            line.number,
            line.text,
            _parsed(line.address, present) if line.address else None,
            line.reason,
        )
        for line in paste.parse_paste(text).lines
    ]


def address_summary(ledger: str, address: str) -> AddressSummary | None:
    """Totals of one address, None if the ledger never saw it: at most 6 queries."""
    return address_summaries(ledger, [address]).get(address)


def address_summaries(ledger: str, addresses: Iterable[str]) -> dict[str, AddressSummary]:
    """Totals of several addresses; those never seen are left out: at most 6 queries for all."""
    opened = opened_ledger(ledger)
    texts = list(addresses)
    found = dict(zip(texts, opened.find_addresses(texts), strict=True))
    known = {text: number for text, number in found.items() if number is not None}
    if not known:
        return {}
    clusters = clusters_now(opened)
    return {text: _summary(opened, clusters, text, number) for text, number in known.items()}


def address_history(
    ledger: str, address: str, after: str | None = None, limit: int = 50
) -> list[HistoryRow]:
    """Transactions of an address, newest first, those behind the transaction `after`. No SQL.

    Cost: O(inputs and outputs shown), however many coins the address has.
    """
    opened = opened_ledger(ledger)
    number = opened.find_address(address)
    if number is None:
        return []
    before = opened.num_tx
    if after is not None:
        last = opened.find_tx(after)
        if last is None:
            return []
        before = last
    txs = _newest_transactions(opened, number, before, limit)
    return _history_rows(opened, number, txs.tolist())


def cluster(ledger: str, address: str, limit: int = SHOWN_ADDRESSES) -> ClusterView | None:
    """The co-spend cluster of an address, None if the ledger never saw it: at most 6 queries."""
    opened = opened_ledger(ledger)
    number = opened.find_address(address)
    if number is None:
        return None
    clusters = clusters_now(opened)
    members = clusters.members(number)
    received, sent, balance = clusters.sums(number)
    return ClusterView(
        anchor=opened.address_text(clusters.anchor(number)),
        num_addresses=len(members),
        received=received,
        sent=sent,
        balance=balance,
        addresses=opened.address_texts(members[:limit]),
    )


def why_together(ledger: str, first: str, last: str) -> Together | None:
    """The shortest chain of merging transactions between two addresses: at most 6 queries.

    None if they are not in one cluster. Cost: see `tracing.engine.together.why_together`.
    """
    opened = opened_ledger(ledger)
    a, b = opened.find_address(first), opened.find_address(last)
    if a is None or b is None:
        return None
    clusters = clusters_now(opened)
    chain = chain_of_merges(opened, clusters.clusters, a, b)
    if chain is None:
        return None
    merges = []
    for link in chain:
        sides = link.sides or (None, None, None)
        merges.append(
            Merge(
                txid=opened.txid(link.tx),
                height=int(opened.tx_height[link.tx]),
                at=utc_time(int(opened.tx_time[link.tx])),
                first=opened.address_text(link.a),
                second=opened.address_text(link.b),
                holds=link.holds if link.holds or link.sides else None,
                with_first=sides[0],
                with_last=sides[1],
                with_neither=sides[2],
            )
        )
    return Together(opened.address_text(a), opened.address_text(b), clusters.size(a), merges)


def outputs_of(ledger: str, seed: str) -> list[str]:
    """Outputs (`txid:vout`) a seed stands for. Raises SeedError with a sentence. No SQL."""
    opened = opened_ledger(ledger)
    outputs = np.array(seed_outputs(opened, [seed]), np.int64)
    txs = opened.out_tx[outputs].astype(np.int64)
    vouts = outputs - opened.out_off[txs].astype(np.int64)
    return [f"{opened.txid(t)}:{v}" for t, v in zip(txs.tolist(), vouts.tolist(), strict=True)]


def estimate(parameters: TraceParameters) -> Estimate:
    """How large a run could become. No SQL.

    Raises SeedError for a seed that does not exist, ParametersError for a stop that is no address.
    """
    opened = opened_ledger(parameters.ledger)
    walls_of(opened, (), parameters.stops)
    backward = parameters.direction == "backward"
    until = None if backward else parameters.until_height
    seeds = np.array(seed_outputs(opened, parameters.seeds, until_height=until), np.int64)
    seed_outputs(opened, parameters.targets)
    txs = opened.out_tx[seeds].astype(np.int64)
    first, last = int(txs.min()), int(txs.max())
    if backward:
        start = np.searchsorted(opened.tx_height, parameters.until_height or 0, side="left")
        bound = last + 1 - int(start)
    else:
        end = opened.num_tx
        if until is not None:
            end = int(np.searchsorted(opened.tx_height, until, side="right"))
        bound = end - first - 1
    return Estimate(len(seeds), int(opened.out_value[seeds].sum()), max(bound, 0))


def utc_time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _present() -> list[str]:
    return names.present(settings.FIU_HOME)


def _parsed(
    address: BitcoinAddress | ChainAddress, present: Callable[[], Sequence[str]]
) -> ParsedAddress:
    """The ledger is told by the network.

    Test and regtest share base58 forms, and all Ethereum-like chains theirs, so a loaded one wins;
    which are loaded is asked for those alone.
    """
    if isinstance(address, ChainAddress):
        ledger = _first_of(
            list(names.EVM) if address.family == "evm" else [address.family], present
        )
        return ParsedAddress(
            ledger=ledger,
            chain=names.CHAIN[ledger],
            network=Network.TEST.value if ledger == "ethereum-dev" else Network.MAIN.value,
            canonical=address.canonical,
            display=address.display,
            script_type="account",
            payload_hex=address.payload_hex,
            checksum_state=CHECKED if address.checksum_state == "ok" else address.checksum_state,
        )
    ledger = _first_of([names.NAME[network] for network in address.networks], present)
    return ParsedAddress(
        ledger=ledger,
        chain=names.CHAIN[ledger],
        network=Network(names.NETWORK[ledger]).value,
        canonical=address.text,
        display=address.text,
        script_type=address.kind.label,
        payload_hex=address.payload.hex(),
        checksum_state=CHECKED,
    )


def _first_of(possible: Sequence[str], present: Callable[[], Sequence[str]]) -> str:
    """The first that is loaded, else the first."""
    if len(possible) == 1:
        return possible[0]
    return next((name for name in possible if name in present()), possible[0])


def _newest_transactions(ledger: StoredLedger, address: int, before: int, limit: int) -> U32:
    """The last transactions of an address before one, the newest first.

    Coins are numbered in chain order, so the newest transactions are those of the last coins: few
    of a busy address are read.
    """
    outs, ins = ledger.outputs_of_address(address), ledger.inputs_of_address(address)
    outs = outs[: np.searchsorted(outs, ledger.out_off[before])]
    ins = ins[: np.searchsorted(ins, ledger.in_off[before])]
    num = limit
    while True:
        ledger.will_need(("out_tx",), outs[-num:])
        ledger.will_need(("in_tx",), ins[-num:])
        paid, spent = ledger.out_tx[outs[-num:]], ledger.in_tx[ins[-num:]]
        found = np.union1d(paid, spent)
        # Behind the first coin read of a side that was cut there may be more of the same age.
        whole_from = max(
            (int(part[0]) for part, every in ((paid, outs), (spent, ins)) if len(every) > num),
            default=0,
        )
        newest: U32 = found[found >= whole_from][::-1][:limit]
        if len(newest) == limit or num >= max(len(outs), len(ins)):
            return newest
        num *= 4


def _num_transactions(
    ledger: StoredLedger, address: int, counted: int | None
) -> tuple[int, int, int]:
    """How many transactions an address has, the first and the last of them."""
    if counted is None:
        ledger.will_need(("out_tx",), ledger.outputs_of_address(address))
        ledger.will_need(("in_tx",), ledger.inputs_of_address(address))
        txs = transactions_of(ledger, address)
        return len(txs), int(txs[0]), int(txs[-1])
    outs, ins = ledger.outputs_of_address(address), ledger.inputs_of_address(address)
    ends = [
        int(tx_of[coins[at]])
        for coins, tx_of in ((outs, ledger.out_tx), (ins, ledger.in_tx))
        for at in (0, -1)
        if len(coins)
    ]
    return counted, min(ends), max(ends)


def _summary(
    ledger: StoredLedger, clusters: StoredClusters, text: str, number: int
) -> AddressSummary:
    ledger.will_need(OF_ADDRESS, (number,))
    num_tx, first, last = _num_transactions(ledger, number, clusters.num_tx(number))
    received, sent, balance = ledger.sums_of(number)
    return AddressSummary(
        address=text,
        received=received,
        sent=sent,
        balance=balance,
        num_tx=num_tx,
        first_at=utc_time(int(ledger.tx_time[first])),
        first_height=int(ledger.tx_height[first]),
        last_at=utc_time(int(ledger.tx_time[last])),
        last_height=int(ledger.tx_height[last]),
        cluster_anchor=ledger.address_text(clusters.anchor(number)),
        cluster_size=clusters.size(number),
    )


def _history_rows(ledger: StoredLedger, address: int, txs: Sequence[int]) -> list[HistoryRow]:
    """Rows of these transactions; the other sides of all of them are named in one go."""
    ledger.will_need(OF_TRANSACTION, txs)
    at = np.asarray(txs, np.int64)
    for side, off in (("out", ledger.out_off), ("in", ledger.in_off)):
        first = off[at].astype(np.int64)
        coins = ranges(first, off[at + 1].astype(np.int64) - first)
        ledger.will_need((f"{side}_address", f"{side}_value"), coins)
    moved = [_moved(ledger, address, tx) for tx in txs]
    others = sorted({other for _, _, sums, _ in moved for other in sums})
    ledger.will_need(("address_row",), others)
    text_of = dict(zip(others, ledger.address_texts(others), strict=True))
    return [
        HistoryRow(
            txid=ledger.txid(tx),
            height=int(ledger.tx_height[tx]),
            at=utc_time(int(ledger.tx_time[tx])),
            received=received,
            sent=sent,
            counterparties=sorted(
                ((text_of[other], min(value, most)) for other, value in sums.items()),
                key=lambda side: (-side[1], side[0]),
            ),
        )
        for tx, (received, sent, sums, most) in zip(txs, moved, strict=True)
    ]


def _moved(ledger: StoredLedger, address: int, tx: int) -> tuple[int, int, dict[int, int], int]:
    """Received, sent, what each other side got or gave, and the most that moved at all."""
    outs = slice(int(ledger.out_off[tx]), int(ledger.out_off[tx + 1]))
    ins = slice(int(ledger.in_off[tx]), int(ledger.in_off[tx + 1]))
    paid, spent = ledger.out_address[outs], ledger.in_address[ins]
    received = int(ledger.out_value[outs][paid == address].sum())
    own_values = ledger.in_value[ins][spent == address]
    sent = int(own_values[own_values > 0].sum())
    if (spent == address).any():
        others, values, most = paid, ledger.out_value[outs], max(sent, received)
    else:
        others, values, most = spent, ledger.in_value[ins], received
    sums: dict[int, int] = {}
    for other, value in zip(others.tolist(), values.tolist(), strict=True):
        if other not in (address, NO_ADDRESS):
            sums[other] = sums.get(other, 0) + max(value, 0)
    return received, sent, sums, most
