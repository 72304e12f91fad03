"""Patterns in what one address did, each with the facts that matched and a confidence.

A pattern is a hint for a person, never a proof: shops fan in, payrolls fan out, and exchanges pass
through. Every threshold stands here with its unit and can be given.

Sources: peel chains as in Meiklejohn et al., "A Fistful of Bitcoins" (2013), section 5; address
poisoning as wallets describe it (a transfer of nothing from an address that looks like a known
one); the others are the usual words of the FATF red flags in figures.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.ledger import UNSPENT, Ledger

DAY: Final = 86_400
HIGH: Final = "high"
MEDIUM: Final = "medium"
LOW: Final = "low"

_PREFIX: Final = re.compile(r"^(?:0x|bc1q|bc1p|tb1q|tb1p|bcrt1q|bcrt1p|T|1|3)")


@dataclass(frozen=True)
class Limits:
    """What makes a pattern. Times in seconds, dust in base units.

    Args:
        fan_parties, fan_seconds: so many different payers or payees within so long.
        pass_seconds, pass_permille, pass_times: so much of what came left again so soon, over at
            least so many arrivals.
        service_tx, service_parties, service_seconds: so many movements with so many others on
            each side over so long.
        dust: at most so much is dust; dust_others: so many others paid alike in one transaction.
        head, tail: characters in which a forged address equals another, the prefix left out.
        peel_permille, peel_length: of a chain of payments with one input and two outputs;
            peel_again_permille: share of its peels to payees of earlier ones, from which it counts.
    """

    fan_parties: int = 10
    fan_seconds: int = DAY
    pass_seconds: int = 3_600
    pass_permille: int = 900
    pass_times: int = 3
    service_tx: int = 100
    service_parties: int = 20
    service_seconds: int = 7 * DAY
    dust: int = 1_000
    dust_others: int = 10
    head: int = 4
    tail: int = 2
    peel_permille: int = 900
    peel_length: int = 6
    peel_again_permille: int = 300


DEFAULT: Final = Limits()


@dataclass(frozen=True)
class Movement:
    """What one transaction or transfer moved at the address, in base units of one asset.

    `others` are the addresses on the other side; `num_paid` everybody the transaction paid.
    """

    place: str
    time: int
    received: int
    sent: int
    others: tuple[str, ...]
    num_paid: int = 1


@dataclass(frozen=True)
class Pattern:
    """One pattern that fits: `facts` are names with figures, `places` what they rest on."""

    kind: str
    confidence: str
    facts: tuple[tuple[str, str], ...]
    places: tuple[str, ...]


def patterns_of(
    address: str, movements: Sequence[Movement], limits: Limits = DEFAULT
) -> list[Pattern]:
    """The patterns of an address in one asset, by kind.

    Args:
        movements: all of the asset, the oldest first.

    Cost: O(movements) and a little for the windows.
    """
    found = [
        fan(movements, limits, incoming=True),
        fan(movements, limits, incoming=False),
        pass_through(movements, limits),
        service_like(movements, limits),
        dust(movements, limits),
        poisoning(address, movements, limits),
    ]
    return [each for each in found if each is not None]


def fan(movements: Sequence[Movement], limits: Limits, *, incoming: bool) -> Pattern | None:
    """The window with the most different payers (fan-in) or payees (fan-out), if they are many."""
    window: deque[Movement] = deque()
    parties: Counter[str] = Counter()
    best: tuple[int, list[Movement]] = (0, [])
    for each in movements:
        if not (each.received if incoming else each.sent):
            continue
        window.append(each)
        parties.update(each.others)
        while each.time - window[0].time > limits.fan_seconds:
            for other in window.popleft().others:
                parties[other] -= 1
                if not parties[other]:
                    del parties[other]
        if len(parties) > best[0]:
            best = (len(parties), list(window))
    if best[0] < limits.fan_parties:
        return None
    rows = best[1]
    moved = sum(row.received if incoming else row.sent for row in rows)
    return Pattern(
        "fan_in" if incoming else "fan_out",
        HIGH if best[0] >= 5 * limits.fan_parties else MEDIUM,
        (
            ("payers" if incoming else "payees", str(best[0])),
            ("seconds", str(rows[-1].time - rows[0].time)),
            ("amount", str(moved)),
            ("movements", str(len(rows))),
        ),
        tuple(row.place for row in rows[:100]),
    )


def pass_through(movements: Sequence[Movement], limits: Limits) -> Pattern | None:
    """Whether nearly all that came left again soon; what goes out is the newest that came."""
    lots: list[list[int]] = []  # [units, time]
    came = fast = arrivals = 0
    places = []
    for each in movements:
        if each.received > each.sent:
            lots.append([each.received - each.sent, each.time])
            came += each.received - each.sent
            arrivals += 1
        left = each.sent - each.received
        while left > 0 and lots:
            units = min(left, lots[-1][0])
            if each.time - lots[-1][1] <= limits.pass_seconds:
                fast += units
                places.append(each.place)
            lots[-1][0] -= units
            left -= units
            if not lots[-1][0]:
                lots.pop()
    if arrivals < limits.pass_times or not came or fast * 1000 < limits.pass_permille * came:
        return None
    return Pattern(
        "pass_through",
        HIGH if arrivals >= 3 * limits.pass_times else MEDIUM,
        (
            ("arrivals", str(arrivals)),
            ("permille", str(fast * 1000 // came)),
            ("seconds", str(limits.pass_seconds)),
            ("amount", str(came)),
        ),
        tuple(dict.fromkeys(places))[:100],
    )


def service_like(movements: Sequence[Movement], limits: Limits) -> Pattern | None:
    """Whether it deals with many others on both sides for long, as those do who keep money."""
    if len(movements) < limits.service_tx:
        return None
    payers = {other for row in movements if row.received > row.sent for other in row.others}
    payees = {other for row in movements if row.sent > row.received for other in row.others}
    seconds = movements[-1].time - movements[0].time
    few = min(len(payers), len(payees)) < limits.service_parties
    if few or seconds < limits.service_seconds:
        return None
    return Pattern(
        "service_like",
        HIGH if len(movements) >= 10 * limits.service_tx else MEDIUM,
        (
            ("movements", str(len(movements))),
            ("payers", str(len(payers))),
            ("payees", str(len(payees))),
            ("days", str(seconds // DAY)),
        ),
        (movements[0].place, movements[-1].place),
    )


def dust(movements: Sequence[Movement], limits: Limits) -> Pattern | None:
    """Crumbs that nobody asked for: from strangers, to an address that was in use before."""
    known: set[str] = set()
    rows = []
    is_used = False
    for each in movements:
        crumb = 0 < each.received <= limits.dust and not each.sent
        if crumb and is_used and not known & set(each.others):
            rows.append(each)
        else:
            is_used = True
            known.update(each.others)
    if not rows:
        return None
    sown = max(row.num_paid for row in rows)
    return Pattern(
        "dust",
        HIGH if sown >= limits.dust_others else MEDIUM,
        (
            ("crumbs", str(len(rows))),
            ("amount", str(sum(row.received for row in rows))),
            ("senders", str(len({other for row in rows for other in row.others}))),
            ("paid_alike", str(sown)),
        ),
        tuple(row.place for row in rows[:100]),
    )


def poisoning(address: str, movements: Sequence[Movement], limits: Limits) -> Pattern | None:
    """Transfers of nothing or of crumbs with an address that looks like a known one, or like ours.

    Whoever copies an address from the history would pay the forger.
    """
    known = {_shape(address, limits): address}
    for each in movements:
        if max(each.received, each.sent) > limits.dust:
            for other in each.others:
                known.setdefault(_shape(other, limits), other)
    pairs: dict[str, str] = {}
    places = []
    for each in movements:
        if max(each.received, each.sent) > limits.dust:
            continue
        for other in each.others:
            model = known.get(_shape(other, limits))
            if model is not None and model != other:
                pairs[other] = model
                places.append(each.place)
    if not pairs:
        return None
    forged, model = next(iter(pairs.items()))
    return Pattern(
        "address_poisoning",
        HIGH,
        (("forged", forged), ("looks_like", model), ("forgeries", str(len(pairs)))),
        tuple(dict.fromkeys(places))[:100],
    )


def _shape(address: str, limits: Limits) -> tuple[str, str]:
    """The characters people compare."""
    bare = _PREFIX.sub("", address)
    return bare[: limits.head], bare[-limits.tail :]


def peel_chains(ledger: Ledger, limits: Limits = DEFAULT) -> list[NDArray[np.int64]]:
    """Maximal chains of transactions that each peel a small part off one large sum.

    A link has one input and two outputs, the larger at least `peel_permille` of both, and the
    larger is spent by the next link. Chains of at least `peel_length` transactions, by the first.

    Cost: a few passes over the transactions, and O(transactions of chains).
    """
    in_off = np.asarray(ledger.in_off).astype(np.int64)
    out_off = np.asarray(ledger.out_off).astype(np.int64)
    shape = (np.diff(in_off) == 1) & (np.diff(out_off) == 2)
    shape &= np.asarray(ledger.tx_coinbase) == 0
    links = np.flatnonzero(shape)
    if not len(links):
        return []
    first = np.asarray(ledger.out_value)[out_off[links]].astype(np.int64)
    second = np.asarray(ledger.out_value)[out_off[links] + 1].astype(np.int64)
    large = np.maximum(first, second)
    # 21 million coins times 1000 stay below 2^63.
    peels = large * 1000 >= limits.peel_permille * (first + second)
    links, large_out = links[peels], (out_off[links] + (second > first))[peels]
    spent = np.asarray(ledger.out_spent_in)[large_out].astype(np.int64)
    is_spent = (spent != UNSPENT) & (spent < ledger.num_inputs)
    following = np.full(ledger.num_tx, -1, np.int64)
    following[links[is_spent]] = np.asarray(ledger.in_tx)[spent[is_spent]]
    is_link = np.zeros(ledger.num_tx, np.bool_)
    is_link[links] = True
    following[links] = np.where(is_link[following[links]], following[links], -1)
    is_first = is_link.copy()
    is_first[following[links][following[links] >= 0]] = False
    chains = []
    for start in np.flatnonzero(is_first).tolist():
        chain = [start]
        while (after := int(following[chain[-1]])) >= 0:
            chain.append(after)
        if len(chain) >= limits.peel_length:
            chains.append(np.array(chain, np.int64))
    return chains


def peel_pattern(ledger: Ledger, chain: NDArray[np.int64], limits: Limits = DEFAULT) -> Pattern:
    """A peel chain in words: how long it is, what it carried, who got the peels.

    Every wallet that pays strangers one after the other, change to a fresh address, has this shape.
    What tells a launderer's apart is that peels go to the same payees again and again, so that
    share decides the confidence.
    """
    payees: list[int] = []
    values: list[tuple[int, int]] = []
    for tx in chain.tolist():
        first = int(ledger.out_off[tx])
        pair = (int(ledger.out_value[first]), int(ledger.out_value[first + 1]))
        values.append((max(pair), sum(pair)))
        payees.append(int(ledger.out_address[first + (pair[1] <= pair[0])]))
    again = (len(payees) - len(set(payees))) * 1000 // len(payees)
    times = np.asarray(ledger.tx_time)[chain].astype(np.int64)
    confidence = MEDIUM if again >= limits.peel_again_permille // 3 else LOW
    return Pattern(
        "peel_chain",
        HIGH if again >= limits.peel_again_permille else confidence,
        (
            ("transactions", str(len(chain))),
            ("carried", str(values[0][1])),
            ("left", str(values[-1][0])),
            ("payees", str(len(set(payees)))),
            ("paid_again_permille", str(again)),
            ("median_seconds", str(int(np.median(np.diff(times))))),
        ),
        tuple(ledger.txid(int(tx)) for tx in chain[:100]),
    )
