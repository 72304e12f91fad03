"""Direct exposure of every address of a ledger by category.

What an address sent to, or received from, addresses with a category in one transaction: the haircut
of `engine.exposure` with one hop, for all addresses at once. A transaction with an input of unknown
value tells no share, a CoinJoin none that could be used; both are left out, as there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import ibis
import numpy as np
import pyarrow as pa

from tracing.compute import Known
from tracing.compute.clusters import kernel_clusters
from tracing.compute.engines import Engine, Expr, whole
from tracing.compute.tables import Tables, refuse_sums_beyond
from tracing.engine.exposure import exposure
from tracing.engine.ledger import Ledger

DIGIT_BITS: Final = 10
DIGITS: Final = 6
MOST: Final = 1 << 52
"""Sums of a transaction below this divide without overflow; all bitcoin there can be are half."""
DIRECTIONS: Final = {"sent": "forward", "received": "backward"}


def find_exposures(
    engine: Engine, tables: Tables, mixes: Expr, known: Known, members: Expr | None
) -> Expr:
    """Table of (address, direction, category, amount, low, high, contacts); amounts in satoshi.

    Args:
        members: (key, anchor) of the clusters of two or more, to take categories over from.

    Raises ComputeError where a transaction moves 2^52 satoshi or more. Cost: in the engine, joins
    of the transactions that touch a category, their inputs and their outputs; rows of addresses
    that have a category and lie in a cluster come here.
    """
    coded = _coded(engine, tables, known, members)
    sums = _known_sums(tables, mixes)
    linked = tables.input.filter(tables.input.from_tx.notnull())
    sides = []
    for direction, met, at, whose in (
        ("sent", tables.output, "vout", linked),
        ("received", tables.input, "vin", tables.output),
    ):
        # Of inputs only those whose coin the ledger holds can be met or followed.
        here = linked if direction == "received" else met
        touched = here.semi_join(coded, here.address == coded.key).select("tx").distinct()
        shared = engine.keep(f"{direction}_sums", sums.join(touched, "tx"))
        refuse_sums_beyond(engine, shared, MOST)
        sides.append(_side(direction, met, at, whose, coded, shared))
    found = engine.keep("exposure", ibis.union(*sides))
    names = tables.address.select("key", address="text")
    return found.join(names, "key").drop("key")


def _coded(engine: Engine, tables: Tables, known: Known, members: Expr | None) -> Expr:
    """(key, category) of every address: its own, else that of its cluster."""
    texts = sorted(known.categories)
    tagged = engine.upload(
        {
            "text": pa.array(texts, pa.string()),
            "category": pa.array([known.categories[text] for text in texts], pa.string()),
        }
    )
    own = tables.address.join(tagged, "text").select("key", "text", "category")
    if members is None or known.of_cluster is None:
        return own.select("key", "category")
    own = engine.keep("own_categories", own)
    named: dict[int, list[str]] = {}
    for row in engine.rows(members.join(own, "key").select("anchor", "text")):
        named.setdefault(int(row["anchor"]), []).append(row["text"])
    anchors = sorted(named)
    judged = engine.upload(
        {
            "anchor": pa.array(anchors, pa.int64()),
            "category": pa.array(
                [known.of_cluster(sorted(named[anchor])) for anchor in anchors], pa.string()
            ),
        }
    )
    taken_over = members.anti_join(own, "key").join(judged, "anchor").select("key", "category")
    return engine.keep("categories", ibis.union(own.select("key", "category"), taken_over))


def exposure_lines(rows: Expr) -> Expr:
    """One line for each row, for the hash."""
    numbers = [rows[name].cast("string") for name in ("amount", "low", "high", "contacts")]
    words = [rows.direction, rows.category, *numbers]
    return rows.select(line=rows.address.concat(*(part for word in words for part in (" ", word))))


def kernel_exposure_lines(
    ledger: Ledger, known_to_all: Known, addresses: Iterable[int] | None = None
) -> Iterator[str]:
    """The same lines by the kernel, address by address: 0.1 ms each and more.

    The kernel follows at most 20,000 coins of an address; the whole ledger has no such limit.
    """
    category = kernel_categories(ledger, known_to_all)
    known = sorted(set(category.values()))
    codes = np.zeros(ledger.num_addresses, np.uint16)
    for number, name in category.items():
        codes[number] = 1 + known.index(name)
    for address in range(ledger.num_addresses) if addresses is None else addresses:
        for direction, towards in DIRECTIONS.items():
            found = exposure(ledger, [address], codes, towards, hops=(1,))
            sums: dict[int, list[int]] = {}
            for contact in found.contacts:
                row = sums.setdefault(contact.code, [0, 0, 0, 0])
                for place, value in enumerate((contact.amount, contact.low, contact.high, 1)):
                    row[place] += value
            for code, row in sums.items():
                numbers = " ".join(map(str, row))
                yield f"{ledger.address_text(address)} {direction} {known[code - 1]} {numbers}"


def kernel_categories(ledger: Ledger, known: Known) -> dict[int, str]:
    """Category by address id: its own, else that of its cluster under the walls."""
    numbers = ledger.find_addresses(list(known.categories))
    own = {
        number: text
        for text, number in zip(known.categories, numbers, strict=True)
        if number is not None
    }
    found = {number: known.categories[text] for number, text in own.items()}
    if known.of_cluster is None:
        return found
    parent = kernel_clusters(ledger, known.walls).parent
    named: dict[int, list[str]] = {}
    for number, text in own.items():
        named.setdefault(int(parent[number]), []).append(text)
    judged = {anchor: known.of_cluster(sorted(texts)) for anchor, texts in named.items()}
    for address in np.flatnonzero(np.isin(parent, sorted(judged))).tolist():
        found.setdefault(address, judged[int(parent[address])])
    return found


def _known_sums(tables: Tables, mixes: Expr) -> Expr:
    """(tx, total) of transactions whose inputs are all known, mixes left out."""
    spent = tables.input.filter(tables.input.coinbase == 0)
    sums = spent.group_by("tx").agg(
        total=whole(spent.value.sum()), unknown=spent.value.isnull().cast("int64").sum()
    )
    return (
        sums.filter((sums.unknown == 0) & (sums.total > 0))
        .anti_join(mixes, "tx")
        .select("tx", "total")
    )


def _side(direction: str, met: Expr, at: str, whose: Expr, coded: Expr, shared: Expr) -> Expr:
    """One direction: coins of `met` at a category share what the address has on the other side."""
    coins = met.join(shared, "tx")
    before = ibis.window(group_by="tx", order_by=at, preceding=(None, 1))
    coins = coins.mutate(before=whole(coins.value.sum().over(before).fill_null(0)))
    if direction == "received":
        coins = coins.filter(coins.from_tx.notnull())
    coins = coins.join(coded, coins.address == coded.key).select(
        "tx", "value", "before", "total", "category", far="address"
    )
    own = whose.filter(whose.address.notnull()).semi_join(shared, "tx")
    own = own.group_by("tx", key=own.address).agg(taint=whole(own.value.sum()))
    pairs = coins.join(own, "tx")
    pairs = pairs.filter((pairs.far != pairs.key) & (pairs.value > 0) & (pairs.taint > 0))
    after = share(pairs.taint, pairs.before + pairs.value, pairs.total)
    pairs = pairs.select(
        "key", "category",
        amount=after - share(pairs.taint, pairs.before, pairs.total),
        low=ibis.greatest(0, pairs.value - (pairs.total - pairs.taint)),
        high=ibis.least(pairs.value, pairs.taint),
    )  # fmt: skip
    return pairs.group_by("key", "category").agg(
        direction=ibis.literal(direction),
        **{name: whole(pairs[name].sum()) for name in ("amount", "low", "high")},
        contacts=pairs.count(),
    )


def share(taint: Expr, part: Expr, total: Expr) -> Expr:
    """floor(taint * part / total) by long division, in whole numbers of 64 bits alone.

    Each digit of `taint` brings down a number below 2^63. Its quotient is below 2^11 and comes from
    an exact multiple of `total`, so that the engines' division by floats gives it exactly too.
    """
    rest, quotient = ibis.literal(0, "int64"), ibis.literal(0, "int64")
    base = 1 << DIGIT_BITS
    for place in reversed(range(DIGITS)):
        unit = 1 << place * DIGIT_BITS
        above = taint % (unit * base) - taint % unit  # a multiple of `unit`, so exact as a float
        digit = (above / unit).cast("int64")
        number = rest * base + digit * part
        rest = number % total
        quotient = quotient * base + ((number - rest) / total).round().cast("int64")
    return quotient
