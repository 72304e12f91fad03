"""The engine against the planted truth of the demo world, as a page: `docs/accuracy-tracing.md`.

`python -m tests.accuracy [--full] [--write]`: builds the world at demo scale, loads it by the
ordinary import, and prints what is found beside what was planted; `--full` does the same with two
million transactions (about ten minutes and 3 GB), `--write` puts it into the page. The suite
compares the demo scale each time. Ends with 1 where anything differs.
"""

from __future__ import annotations

import heapq
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from cases.queries.book_traces import Record, lines_of
from fiu.demo.exchange import BTC, USDT
from fiu.demo.scale import DEMO, FULL
from fiu.demo.scripts import Scripts
from tests.demo_ledger import SEED, DemoLedger, make_demo_ledger
from tracing.engine import coinjoin
from tracing.engine.addresses import decode_address
from tracing.engine.booklines import BookTrace, Line, Seed
from tracing.engine.books import follow_books
from tracing.engine.change import change_of
from tracing.engine.clusters import Bools, Clusters, cospend
from tracing.engine.ledger import NO_ADDRESS, Ledger
from tracing.engine.paths import find_paths
from tracing.engine.resolve import paths_spec, trace_spec
from tracing.engine.seal import ENGINE_VERSION
from tracing.engine.spec import TraceParameters, TraceSpec
from tracing.engine.trace import TraceResult, trace

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "accuracy-tracing.md"
POLICIES: Final = ("haircut", "fifo", "lifo")
Told = tuple[int, int, int, int, int, int]
"""value, low, haircut, FIFO, LIFO, high"""

# The story, reckoned by hand from its transactions; equal at both scales.
TAINT: Final[dict[str, Told]] = {
    "namewharf": (180_000, 0, 150_779, 0, 180_000, 180_000),
    "z": (75_000_000, 75_000_000, 75_000_000, 75_000_000, 75_000_000, 75_000_000),
    "OP-1": (860_000_000, 620_000_000, 849_031_056, 820_180_000, 860_000_000, 860_000_000),
    "OP-3": (500_000_000, 340_000_000, 493_622_707, 500_000_000, 460_012_000, 500_000_000),
    "ferryswap": (640_000_000, 480_000_000, 631_837_065, 640_000_000, 640_000_000, 640_000_000),
    "P14": (
        1_133_783_500, 1_093_783_500, 1_119_322_561, 1_133_783_500, 1_133_783_500, 1_133_783_500,
    ),
}  # fmt: skip
FEES: Final = {"haircut": 35_832, "fifo": 36_500, "lifo": 24_500}
AT_THE_FREEZE: Final[dict[tuple[str, str], Told]] = {
    ("OP-1", BTC): (300_000_000, 60_000_000, 296_173_625, 300_000_000, 300_000_000, 300_000_000),
    ("OP-1", USDT): (
        249_540_000_000, 0, 226_630_494_154, 249_540_000_000, 209_540_000_000, 249_540_000_000,
    ),
    ("OP-3", BTC): (550_000_000, 290_000_000, 542_984_978, 550_000_000, 510_012_000, 550_000_000),
}  # fmt: skip
NAMES: Final = {
    "namewharf": "Namewharf", "z": "Z", "OP-1": "OP-1, six deposits", "OP-3": "OP-3, four deposits",
    "ferryswap": "Ferryswap, four orders", "P14": "P14, unspent",
}  # fmt: skip
PLANTED: Final = {"demo": (4_666, 4_712, 5_170), "full": (91_061, 91_980, 91_565)}
"""By scale: the bank's swept addresses, all of its own, and those found through CoinJoins."""
V1: Final = 29_994_000
COINJOIN_PART: Final = 50_010_000
"""What of the bank's coins went into the first CoinJoin."""

MOST_SEEDS: Final = 10_000
NUM_DAYS: Final = 119
"""Addresses that the bank sweeps to, one a day."""
DRAWS: Final = 5
STARTS: Final = 60
"""Random coins whose way is followed, each with so many hidden truths."""
HOPS: Final = 6
CHANGES: Final = 6_000
"""Transactions that are asked for their change."""


@dataclass(frozen=True)
class Finding:
    """One row of the page: what was planted and what the engine finds."""

    what: str
    planted: str
    found: str

    @property
    def is_right(self) -> bool:
        return self.planted == self.found

    def row(self) -> str:
        mark = "equal" if self.is_right else "**differs**"
        return f"| {self.what} | {self.planted} | {self.found} | {mark} |"


# Clusters


def ids_of(ledger: Ledger, texts: Sequence[str]) -> list[int]:
    found = [each for each in ledger.find_addresses(texts) if each is not None]
    assert len(found) == len(texts)
    return found


def reached(demo: DemoLedger, partition: Clusters, seeds: Sequence[str]) -> set[int]:
    """Addresses of the clusters of the seeds."""
    anchors = np.unique(partition.parent[ids_of(demo.ledger, seeds)])
    return set(np.flatnonzero(np.isin(partition.parent, anchors)).tolist())


def share(found: set[int], truth: set[int], total: int) -> str:
    """How many, and in shares of those found and of all there are."""
    right = len(found & truth)
    return f"{len(found):,}; precision {right / len(found):.4f}, recall {right / total:.4f}"


def cluster_findings(demo: DemoLedger) -> Iterator[Finding]:
    """Clusters of the story's platforms, with CoinJoin detection and without."""
    truth = demo.oracle["clusters"]
    num, total, num_through = PLANTED[demo.oracle["scale"]]
    flags = coinjoin.flags(demo.ledger)
    flagged = [demo.ledger.txid(int(tx)) for tx in np.flatnonzero(flags)]
    yield Finding("CoinJoins", "2", str(len(flagged)) if flagged == demo.oracle["coinjoins"] else
                  f"{len(flagged)}, others")  # fmt: skip
    partition, through = cospend(demo.ledger, flags), cospend(demo.ledger)
    bank = set(ids_of(demo.ledger, truth["bank"]))
    whole = bank | set(ids_of(demo.ledger, truth["bank_unswept"]))
    of_bank = [partition.parent[each] for each in ids_of(demo.ledger, truth["bank"])]
    starts = f"from any of {len(of_bank):,}" if len(set(of_bank)) == 1 else "from some"
    yield Finding(
        "the bank, from any of its swept addresses",
        f"from any of {num:,}: {num:,}; precision 1.0000, recall {num / total:.4f}",
        f"{starts}: {share(reached(demo, partition, truth['bank'][:1]), whole, len(whole))}",
    )
    yield Finding(
        "the bank, CoinJoin detection off",
        f"{num_through:,}; precision {num / num_through:.4f}, recall {num / total:.4f}",
        share(reached(demo, through, truth["bank"][:1]), whole, len(whole)),
    )
    for name, seeds, size in (
        ("lanternbox", truth["lanternbox"][7 : 7 + 200 * 25 : 200], 5_201),
        ("copperdice", truth["copperdice"][:1], 500),
    ):
        mine = set(ids_of(demo.ledger, truth[name]))
        yield Finding(
            f"{name.capitalize()} from {len(seeds)} of its addresses",
            f"{size:,}; precision 1.0000, recall 1.0000",
            share(reached(demo, partition, seeds), mine, len(mine)),
        )
    yield Finding("what joins the operator's two addresses", "K alone",
                  joined_by(demo, partition, flags))  # fmt: skip
    walls = np.zeros(demo.ledger.num_addresses, np.bool_)
    walls[[each for each in demo.ledger.find_addresses([a for a, _ in demo.walls]) if each]] = True
    walled = cospend(demo.ledger, flags, walls)
    deposit = demo.oracle["addresses"]["deposit"]
    sizes = [len(reached(demo, walled, [deposit[who]])) for who in ("OP-1", "V-1")]
    yield Finding("OP-1 and V-1, whose deposits one sweep spends", "1 address each",
                  "1 address each" if sizes == [1, 1] else f"{sizes}")  # fmt: skip


def joined_by(demo: DemoLedger, partition: Clusters, flags: Bools) -> str:
    """Which transactions hold a1.0 and a1.1 together, and whether they part without them."""
    first, second = ids_of(demo.ledger, [demo.oracle["addresses"][a] for a in ("a1.0", "a1.1")])
    edges = partition.why_together(first, second) or []
    shut = flags.copy()
    shut[[edge.tx for edge in edges]] = True
    parent = cospend(demo.ledger, shut).parent
    names = {txid: name for name, txid in demo.oracle["operator"]["txids"].items()}
    told = ", ".join(names.get(demo.ledger.txid(edge.tx), "?") for edge in edges)
    return f"{told} alone" if parent[first] != parent[second] else f"{told} and others"


# Books and paths


def bank_finding(demo: DemoLedger) -> Finding:
    """What entered the bank's deposit addresses, against where it went."""
    bank, truth, ledger = demo.oracle["bank"], demo.oracle["clusters"], demo.ledger
    paid_in = left = 0
    days = set(truth["bank"][-NUM_DAYS:])
    for text, address in zip(
        (*truth["bank"], *truth["bank_unswept"]),
        ids_of(ledger, [*truth["bank"], *truth["bank_unswept"]]),
        strict=True,
    ):
        coins = np.asarray(ledger.outputs_of_address(address))
        values = ledger.out_value[coins]
        left += int(values[ledger.out_spent_in[coins] >= ledger.num_inputs].sum())
        paid_in += 0 if text in days else int(values.sum())
    # Never swept coins are in what is left.
    told = bank["paid_out"] + COINJOIN_PART + bank["fees"] + left
    found = f"{paid_in:,}" if paid_in == told else f"{paid_in:,} against {told:,}"
    return Finding("the bank: in = out + CoinJoin + fees + left", f"{bank['paid_in']:,}", found)


def paths_between(
    demo: DemoLedger, sources: Sequence[str], targets: Sequence[str], depth: int
) -> list[list[str]]:
    """Transactions of each path."""
    asked = TraceParameters(
        ledger=demo.ledger.name, mode="paths", seeds=tuple(sources), targets=tuple(targets),
        max_hops=depth,
    )  # fmt: skip
    found = find_paths(paths_spec(asked, demo.ledger, demo.walls), demo.ledger).json["paths"]
    assert isinstance(found, list)
    return [path["txids"] for path in found]


def path_findings(demo: DemoLedger) -> Iterator[Finding]:
    """The story's ways through the chain."""
    known, operator = demo.oracle["addresses"], demo.oracle["operator"]
    paid = [seed.partition(":")[0] for seed in demo.oracle["bank"]["seeds_fee_wallet"]][:4]
    bank = demo.oracle["clusters"]["bank"]
    deposits, days = bank[:-NUM_DAYS], bank[-NUM_DAYS:]
    found: list[list[str]] = []
    most = MOST_SEEDS - NUM_DAYS  # no more can be asked for at once; a path begins at the last one
    for first in range(0, len(deposits), most):
        asked = [*deposits[first : first + most], *days]
        found += [
            each for each in paths_between(demo, asked, [known["namewharf"]], 6)
            if each not in found
        ]  # fmt: skip
    tail = [operator["txids"]["F1"], operator["txids"]["REG"]]
    is_right = sorted(found) == sorted([each, *tail] for each in paid)
    yield Finding("bank -> F -> a1.0 -> Namewharf, in time order", "4, by F1 and REG",
                  f"{len(found)}, by F1 and REG" if is_right else f"{len(found)}")  # fmt: skip
    late = paths_between(demo, demo.oracle["bank"]["seeds_operator"], [known["namewharf"]], 32)
    yield Finding("X1 to X4 -> Namewharf, which they come too late for", "0", str(len(late)))
    chain = paths_between(demo, [known["peel"][0]], operator["ends"]["P14"], 14)
    peeled = [[operator["txids"][f"peel{number}"] for number in range(1, 15)]]
    yield Finding("the peel chain", "14 transactions",
                  f"{len(chain[0])} transactions" if chain == peeled else "another")  # fmt: skip
    through = paths_between(demo, operator["seeds"], [operator["returned"]], 32)
    yield Finding("through the exchange's sweep and hot wallet", "0", str(len(through)))
    [stopped] = follow_freeze(demo, "haircut").asked
    yield Finding("OP-1 -> OP-3 -> the stopped withdrawal", "OP-3 400,000,000",
                  f"{stopped.line.account} {stopped.line.units:,}")  # fmt: skip


# Taint


def taint_rows(demo: DemoLedger) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """(end, found, planted) of the operator's ends and of what was there at the freeze."""
    results = {policy: demo.trace(demo.oracle["operator"]["seeds"], policy) for policy in POLICIES}
    rows = {
        policy: {row["outpoint"]: row for row in result["ends"] + result["possible"]}
        for policy, result in results.items()
    }
    for end, told in TAINT.items():
        places = demo.oracle["operator"]["ends"][end]

        def summed(policy: str, column: str, places: Iterable[str] = places) -> int:
            return sum(int(rows[policy][place][column]) for place in places)

        edges = {(summed(p, "value"), summed(p, "low"), summed(p, "high")) for p in POLICIES}
        value, low, high = edges.pop() if len(edges) == 1 else (-1, -1, -1)
        yield NAMES[end], (value, low, *(summed(p, "amount") for p in POLICIES), high), told
    yield "V-1, all it was paid", _v1(demo), (V1,) * 6
    for key, told in AT_THE_FREEZE.items():
        held = {policy: _held(demo, policy, key) for policy in POLICIES}
        value, low, high = held["haircut"][0], held["haircut"][1], held["haircut"][3]
        symbol = "BTC" if key[1] == BTC else "USDT"
        found = (value, low, *(held[policy][2] for policy in POLICIES), high)
        yield f"at the freeze: {key[0]} {symbol}", found, told


def _v1(demo: DemoLedger) -> tuple[int, ...]:
    """What reaches V-1's account of its payouts."""
    operator = demo.oracle["operator"]
    results = [demo.trace(operator["v1_payouts"], policy)["ends"] for policy in POLICIES]
    if any({row["outpoint"] for row in ends} != set(operator["v1_deposits"]) for ends in results):
        return ()

    def summed(policy: int, column: str) -> int:
        return sum(int(row[column]) for row in results[policy])

    amounts = [summed(policy, "amount") for policy in range(len(POLICIES))]
    return summed(0, "value"), summed(0, "low"), *amounts, summed(0, "high")


def _held(demo: DemoLedger, policy: str, key: tuple[str, str]) -> tuple[int, int, int, int]:
    rests = {(each.account, each.asset): each for each in follow_freeze(demo, policy).held}
    rest = rests[key]
    return rest.value, rest.low, rest.amount, rest.high


def sheet_rows(demo: DemoLedger) -> Iterator[tuple[str, int, int, int, int]]:
    """(policy, seeds, at the ends, network fees, difference)."""
    for policy in POLICIES:
        totals = demo.trace(demo.oracle["operator"]["seeds"], policy)["totals"]
        seeds, ends, fees = (int(totals[key]) for key in ("seeds", "ends", "fees"))
        yield policy, seeds, ends, fees, seeds - ends - fees


@dataclass(frozen=True)
class StoryBooks:
    """The demo's movements as books."""

    rows: list[Line]
    wishes: list[Line]

    def lines(self, account: str) -> list[Line]:
        return [line for line in self.rows if account in (line.account, line.to_account)]

    def holdings(self, account: str) -> dict[str, int]:
        return {}  # every account begins with nothing

    def asked(self, account: str) -> list[tuple[Line, str]]:
        return [(line, "stopped") for line in self.wishes if line.account == account]


def story_books(demo: DemoLedger) -> StoryBooks:
    """What moved at the operator's accounts, read once."""
    if "books" not in demo.kept:
        own = {"OP-1", "OP-2", "OP-3"}
        found: dict[str, list[Line]] = {"completed": [], "stopped": []}
        for number, row in enumerate(demo.rows("exchange/movements.csv")):
            if not {row["account"], row["counter_account"]} & own:
                continue
            found[row["status"]] += lines_of(
                Record(
                    number, row["txid"] or f"R{number}", row["kind"],
                    datetime.fromisoformat(row["at"]), row["account"], row["counter_account"],
                    row["asset"], int(row["base"]), row["asset_out"], int(row["base_out"] or 0),
                    row["fee_asset"], int(row["fee_base"] or 0),
                )
            )  # fmt: skip
        demo.kept["books"] = StoryBooks(found["completed"], found["stopped"])
    books = demo.kept["books"]
    assert isinstance(books, StoryBooks)
    return books


def in_the_coin(row: dict[str, Any]) -> tuple[tuple[int, bool], ...]:
    """The coin as (units, followed or not), in order."""
    found, position, value = [], 0, int(row["value"])
    for start, length in row.get("lots", [["0", row["amount"]]]):
        found += [(int(start) - position, False), (int(length), True)]
        position = int(start) + int(length)
    assert sum(units for units, followed in found if followed) == int(row["amount"])
    return tuple(lot for lot in (*found, (value - position, False)) if lot[0])


def follow_freeze(demo: DemoLedger, policy: str) -> BookTrace:
    """Deposits -> conversion -> transfers, from what the run says reached OP-1 and OP-3.

    FIFO and LIFO say which units of a coin in part they followed; the others cannot.
    """
    result = demo.trace(demo.oracle["operator"]["seeds"], policy)
    ends = demo.oracle["operator"]["ends"]
    ours = {*ends["OP-1"], *ends["OP-3"]}
    rows = [row for row in result["ends"] + result["possible"] if row["outpoint"] in ours]
    in_part = [row for row in rows if 0 < int(row["amount"]) < int(row["value"])]
    assert [row["outpoint"] for row in rows if "lots" in row] == (
        [row["outpoint"] for row in in_part] if policy != "haircut" else []
    )
    seeds = [
        Seed(
            row["txid"], int(row["amount"]), int(row["low"]), int(row["high"]),
            in_the_coin(row) if policy != "haircut" else (),
        )
        for row in rows
    ]  # fmt: skip
    assert len(seeds) == 10
    return follow_books(seeds, ("OP-1", "OP-3"), story_books(demo), policy)


# Bounds


def hidden_truth(found: TraceResult, draw: random.Random) -> dict[int, int]:
    """Units of the seeds at each end, had they been dealt out in every mix by chance.

    Any integers that the amounts of a transaction allow may be drawn, the least and the most among
    them more often than others. What no end holds went to fees.
    """
    ledger, spec = found.ledger, found.spec
    stops = {end.coin for end in (*found.ends, *found.possible)}
    at_ends: dict[int, int] = dict.fromkeys(stops, 0)
    truth: dict[int, int] = {}
    heap: list[int] = []

    def put(coin: int, units: int, *, seed: bool = False) -> None:
        if coin in stops and not (seed and coin in spec.seeds and _is_passed(ledger, coin)):
            at_ends[coin] += units
        elif units:
            spent = int(ledger.out_spent_in[coin])
            truth[spent] = truth.get(spent, 0) + units
            heapq.heappush(heap, spent)

    for coin in spec.seeds:
        put(coin, int(ledger.out_value[coin]), seed=True)
    while heap:
        tx = int(ledger.in_tx[heap[0]])
        ours = 0
        while heap and int(ledger.in_tx[heap[0]]) == tx:
            ours += truth.pop(heapq.heappop(heap), 0)
        ins = slice(int(ledger.in_off[tx]), int(ledger.in_off[tx + 1]))
        rest = int(ledger.in_value[ins].sum())
        outs = list(range(int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])))
        draw.shuffle(outs)
        for coin in outs:
            value = int(ledger.out_value[coin])
            least, most = max(0, value - (rest - ours)), min(value, ours)
            units = draw.choice((least, most, draw.randint(least, most)))
            put(coin, units)
            rest -= value
            ours -= units
    return at_ends


def _is_passed(ledger: Ledger, coin: int) -> bool:
    return int(ledger.out_spent_in[coin]) < ledger.num_inputs


def bound_counts(demo: DemoLedger) -> tuple[int, int, int]:
    """(ends compared, inside of their bounds, inside of the span of the three policies)."""
    if "bounds" not in demo.kept:
        demo.kept["bounds"] = _bound_counts(demo)
    counts = demo.kept["bounds"]
    assert isinstance(counts, tuple)
    return counts


def _bound_counts(demo: DemoLedger) -> tuple[int, int, int]:
    rng = random.Random(SEED)
    asked = [_operators(demo, policy) for policy in POLICIES]
    runs = [asked]
    ledger = demo.ledger
    while len(runs) <= STARTS:
        coin = rng.randrange(ledger.num_outputs)
        if _is_passed(ledger, coin):
            runs.append([
                trace(TraceSpec(seeds=(coin,), policy=policy, max_hops=HOPS), ledger)
                for policy in POLICIES
            ])  # fmt: skip
    total = inside = in_span = 0
    for by_policy in runs:
        amounts: dict[int, list[int]] = {}
        for found in by_policy:
            for end in (*found.ends, *found.possible):
                amounts.setdefault(end.coin, []).append(end.amount)
        haircut = by_policy[0]
        ends = (*haircut.ends, *haircut.possible)
        for _ in range(DRAWS):
            truth = hidden_truth(haircut, rng)
            for end in ends:
                units = truth[end.coin]
                total += 1
                inside += end.low <= units <= end.high
                in_span += min(amounts[end.coin]) <= units <= max(amounts[end.coin])
    return total, inside, in_span


def _operators(demo: DemoLedger, policy: str) -> TraceResult:
    seeds = tuple(demo.oracle["operator"]["seeds"])
    asked = TraceParameters(ledger=demo.ledger.name, seeds=seeds, policy=policy)
    return trace(trace_spec(asked, demo.ledger, demo.walls), demo.ledger)


# The probable layer


@dataclass(frozen=True)
class ChangeCounts:
    """Payments of ordinary people that were looked at, those with a guess, and the wrong ones."""

    payments: int
    guessed: int
    wrong: int


def change_counts(demo: DemoLedger) -> ChangeCounts:
    """What the change heuristic says of ordinary people's payments, whose last output is theirs.

    Of the whole ledger some `CHANGES` transactions are taken, evenly spread.
    """
    ledger, scripts = demo.ledger, Scripts(SEED)
    people = {scripts.of("wallet", number)[1:] for number in range(1, 2 * ledger.num_tx)}
    payments = guessed = wrong = 0
    for tx in range(0, ledger.num_tx, max(1, ledger.num_tx // CHANGES)):
        first, end = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
        spenders = set(ledger.in_address[int(ledger.in_off[tx]) : int(ledger.in_off[tx + 1])])
        if ledger.tx_coinbase[tx] or end - first < 2 or NO_ADDRESS in spenders:
            continue
        texts = ledger.address_texts(sorted(map(int, spenders)))
        if not all(decode_address(text).script_pubkey in people for text in texts):
            continue
        payments += 1
        found = change_of(ledger, ledger.out_kind, tx)
        if found is not None:
            guessed += 1
            wrong += found.coin != end - 1
    return ChangeCounts(payments, guessed, wrong)


# The page


def section(demo: DemoLedger) -> tuple[str, bool]:
    """What the page says of one scale, and whether everything is as planted."""
    findings = [*cluster_findings(demo), *path_findings(demo), bank_finding(demo)]
    taint = list(taint_rows(demo))
    sheets = list(sheet_rows(demo))
    total, inside, in_span = bound_counts(demo)
    change = change_counts(demo)
    lines = [
        f"## {demo.oracle['scale'].capitalize()} scale: "
        f"{demo.oracle['num_transactions']:,} transactions",
        "",
        "| clusters, paths, books | planted | found | |",
        "| --- | --- | --- | --- |",
        *(finding.row() for finding in findings),
        "",
        "| end | value | low | haircut | FIFO | LIFO | high | as planted |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, found, told in taint:
        cells = " | ".join(f"{number:,}" for number in found)
        lines.append(f"| {name} | {cells} | {'all' if found == told else f'**not {told}**'} |")
    lines += [
        "",
        "| policy | seeds | at the ends | network fees | difference |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(
            f"| {policy} | {seeds:,} | {ends:,} | {fees:,} | {difference} |"
            for policy, seeds, ends, fees, difference in sheets
        ),
        "",
        f"Hidden truths: units dealt out by chance in every mix, {DRAWS} times each from the",
        f"operator's seeds and from {STARTS} random coins over {HOPS} transactions. "
        f"Of {total:,} ends",
        f"their bounds hold it at **{inside:,}** ({100 * inside / total:.1f} %); "
        "the span of haircut,",
        f"FIFO and LIFO, which is no interval for the truth, at {in_span:,} "
        f"({100 * in_span / total:.1f} %).",
        "",
        f"Change of payments, the probable layer: of {change.payments:,} payments of ordinary "
        "people, evenly",
        f"spread over the ledger, {change.guessed:,} have one output that fits; "
        f"**{change.wrong:,}** of these is not what the payer",
        f"kept ({100 * change.wrong / change.guessed:.1f} %). "
        "A wallet of this world takes change at a new address and pays any amount;",
        "others do otherwise, so elsewhere the share is another one. Nothing is merged by it.",
        "",
    ]
    is_right = (
        all(finding.is_right for finding in findings)
        and all(found == told for _, found, told in taint)
        and all(fees == FEES[policy] and not left for policy, _, _, fees, left in sheets)
        and inside == total
    )
    return "\n".join(lines), is_right


HEAD: Final = f"""# Accuracy on the demo world

Written by `python -m tests.accuracy --full --write`; `make test` compares the demo scale each
time. The world is made with seed {SEED}, and its truth (`oracle.json`) is told by what made it; no
part of the product reads it. Amounts in satoshi, USDT in its smallest unit. \
Engine {ENGINE_VERSION}.

"""


def page(sections: Iterable[str]) -> str:
    """The whole page."""
    return HEAD + "\n".join(sections)


def main() -> int:
    scales = [DEMO, FULL] if "--full" in sys.argv[1:] else [DEMO]
    found = []
    for scale in scales:
        with TemporaryDirectory(prefix="fiu-accuracy-") as home:
            found.append(section(make_demo_ledger(Path(home), scale)))
        sys.stdout.write(found[-1][0])
        sys.stdout.flush()
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(text for text, _ in found))
    return 0 if all(is_right for _, is_right in found) else 1
