"""The operator's chain in miniature: the same 28 transactions, without the traffic around them.

Amounts, inputs and outputs stand in the order that FIFO and LIFO need. Coinbases fund it here.
"""

from __future__ import annotations

from collections import Counter

from tests.unit.engine.ledgers import Chain
from tracing.engine.ledger import MemoryLedger
from tracing.engine.trace import TraceResult

DEPOSITS = [
    21864, 19042, 20985, 17531, 16195, 17524, 13476, 12827, 13961, 9793, 10188, 11530, 7395, 7689,
]  # fmt: skip
OWNERS = ["OP-1", "OP-3", "swap", "OP-1", "OP-1", "swap", "OP-3", "OP-1", "swap", "OP-3", "OP-1",
          "swap", "OP-1", "OP-3"]  # fmt: skip
A1 = ["a1.0", "a1.1"]
SEEDS = [f"W{week}" for week in range(1, 18)] + [f"X{number}" for number in range(1, 5)]


def operator_ledger() -> tuple[MemoryLedger, tuple[str, ...]]:
    """The ledger and the outpoints of the seeds (W1-17, X1-4)."""
    chain = Chain()
    seeds = []

    def pay(name: str, at: int, amount: int, to: str) -> None:
        coin = chain.mine(f"bank-{name}", amount + 1_000_000, height=at - 1, to=f"bank-{name}")
        chain.send(name, [coin], [(to, amount), ("bank", 999_000)], height=at)
        if name[0] in "WX":
            seeds.append(chain.outpoint(name, 0))

    pay("C1", 1_000, 15_000_000, "a1.0")
    for week in range(1, 18):
        amount = 19_368_000 if week == 17 else 19_352_000
        pay(f"W{week}", 1_008 * week + 1_000, amount, "F")
    pay("C2", 9_172, 25_000_000, "a1.0")
    for number in range(1, 5):
        pay(f"X{number}", 18_143 + number, 710_000_000, "a1.1")
    left: list[tuple[str, int]] = []
    for number, (height, weeks, rest) in enumerate(
        [(5_033, range(1, 5), 5_500), (9_065, range(5, 9), 11_000), (13_097, range(9, 13), 16_500)],
        start=1,
    ):
        inputs = left + [(f"W{week}", 0) for week in weeks]
        chain.send(f"F{number}", inputs, [("a1.0", 77_400_000), ("F", rest)], height=height)
        left = [(f"F{number}", 1)]
    inputs = left + [(f"W{week}", 0) for week in range(13, 18)]
    chain.send("F4", inputs, [("a1.0", 96_790_000)], height=18_137)
    outputs = [("Namewharf", 180_000), ("a1.0", 92_217_500)]
    chain.send("REG", [("C1", 0), ("F1", 0)], outputs, height=6_548)
    chain.send("ZZ", [("F2", 0)], [("Z", 75_000_000), ("a1.0", 2_397_500)], height=12_596)
    spent = [("C2", 0), ("REG", 1), ("ZZ", 1), ("F3", 0), ("F4", 0)]
    spent += [(f"X{number}", 0) for number in range(1, 5)]
    left_over = 3_133_797_500
    chain.send("K", spent, [("P", left_over)], height=18_150)
    last = ("K", 0)
    for i, (deposit, owner) in enumerate(zip(DEPOSITS, OWNERS, strict=True), start=1):
        paid = deposit * 10_000
        left_over -= paid + 1_000
        address = f"{owner}-{i}" if owner == "swap" else owner
        outputs = [(address, paid), ("P", left_over)]
        if i % 2 == 0:
            outputs.reverse()
        chain.send(f"peel{i}", [last], outputs, height=18_150 + 36 * i)
        last = (f"peel{i}", 1 if i % 2 else 0)
    return chain.ledger(), tuple(seeds)


def by_owner(result: TraceResult, ledger: MemoryLedger) -> dict[str, tuple[int, int, int]]:
    """(amount, low, high) of each owner, ends the policy gives nothing included."""
    sums: dict[str, Counter[str]] = {}
    for end in (*result.ends, *result.possible):
        owner = ledger.address_text(int(ledger.out_address[end.coin])).split("-")
        name = "swap" if owner[0] == "swap" else "-".join(owner)
        sums.setdefault(name, Counter()).update(amount=end.amount, low=end.low, high=end.high)
    return {name: (s["amount"], s["low"], s["high"]) for name, s in sums.items()}
