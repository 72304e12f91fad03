"""Exposure and figures of a whole ledger of accounts.

    transfer   height, tx_index, kind, failed, asset (number over all batches), sender, recipient
               (40 hex digits), limb_0 ... limb_7 (the amount in digits of 32 bits, least first)
    tx         height, tx_index, failed

Amounts are 256 bits wide. Sums are those of their digits, each exact in 64 bits for up to 2^31
transfers; carried over they are whole again. Exposure here is what an account paid, or was paid by,
an account with a category at first hand: each transfer counts whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import ibis
import numpy as np
import pyarrow as pa

from tracing.compute.engines import Columns, Engine, Expr, only_row, whole
from tracing.compute.tables import Source, read_batches
from tracing.engine.accounts.build import choose_blocks
from tracing.engine.accounts.exposure import account_exposure, assets_of
from tracing.engine.accounts.ledger import AccountLedger, native_reference
from tracing.engine.accounts.rows import NATIVE, NOBODY, Kind
from tracing.engine.chains import decode_chain_address
from tracing.errors import AddressError
from tracing.ledgers import names
from tracing.ledgers.accounts.batches import AccountBatches
from tracing.ledgers.accounts.stats import account_stats
from tracing.ledgers.accounts.store import fullest

LIMBS: Final = 8
LIMB: Final = 1 << 32
DIGITS: Final = "0123456789abcdef"
DIRECTIONS: Final = {"sent": "forward", "received": "backward"}
FIGURES: Final = (
    *("addresses", "assets", "blocks", "failed_tx", "failed_transfers", "first_height", "gas"),
    *("internal_transfers", "missing_blocks", "native_transfers", "native_value", "rewards"),
    *("token_transfers", "tx"),
)
"""Those of `account_stats`; the tokens are lines of their own."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]  # ibis ships no types we read
def hex(value: bytes) -> str:  # type: ignore[empty-body]  # noqa: A001  # the engines' own
    """Bytes as hex digits: the one name that all engines share for it."""


@dataclass(frozen=True)
class AccountTables:
    """The tables of the module, kept in the engine; and the assets by number."""

    transfer: Expr
    tx: Expr
    assets: tuple[str, ...]
    heights: np.ndarray


def prepare_accounts(engine: Engine, source: Source) -> AccountTables:
    """Rows of the chain's blocks, amounts as numbers. Stale blocks stay out.

    Cost: in the engine, one join of the transfers with the blocks; here, some 200 bytes a block.
    """
    batches = AccountBatches([source.folder / "batches" / each for each in source.batches])
    blocks = fullest(batches.columns("block"))
    chain = choose_blocks(blocks)
    heights = blocks["number"][chain].astype(np.int64)
    on_chain = engine.upload(
        {
            "block": pa.array([blocks["hash"][at].tobytes() for at in chain], pa.binary()),
            "height": heights,
        }
    )
    numbers = engine.upload(_asset_numbers(batches))
    raw = read_batches(engine, source, "transfer")
    placed = raw.join(on_chain, "block").select(
        "batch", "height", "tx_index", "kind", "failed",
        in_batch=raw.asset, sender=hex(raw.sender).lower(), recipient=hex(raw.recipient).lower(),
        digits=hex(raw.amount).lower(),
    )  # fmt: skip
    named = placed.join(numbers, ["batch", "in_batch"])
    transfer = engine.keep(
        "transfer",
        named.select(
            "height", "tx_index", "kind", "failed", "asset", "sender", "recipient",
            **{f"limb_{at}": _limb(named.digits, at) for at in range(LIMBS)},
        ),
    )  # fmt: skip
    raw = read_batches(engine, source, "tx")
    tx = engine.keep("tx", raw.join(on_chain, "block").select("height", "tx_index", "failed"))
    return AccountTables(transfer, tx, tuple(batches.assets), heights)


def find_account_statistics(engine: Engine, source: Source, tables: AccountTables) -> list[str]:
    """The lines of the figures, as `account_stats` has them, and a line for each token."""
    transfer, chain = tables.transfer, names.CHAIN[source.ledger]
    groups = transfer.group_by("kind", "failed", "asset").agg(
        transfers=transfer.count(), **_sums(transfer)
    )
    kinds: dict[tuple[int, bool], tuple[int, int]] = {}
    tokens: dict[int, tuple[int, int]] = {}
    for row in engine.rows(groups):
        count, total = row["transfers"], _total(row)
        key = row["kind"], bool(row["failed"])
        before = kinds.get(key, (0, 0))
        kinds[key] = before[0] + count, before[1] + total
        if key == (Kind.TOKEN, False):
            counted, summed = tokens.get(row["asset"], (0, 0))
            tokens[row["asset"]] = counted + count, summed + total

    def of(kind: Kind, *failed: bool) -> tuple[int, int]:
        found = [kinds.get((kind, each), (0, 0)) for each in failed or (False,)]
        return sum(count for count, _ in found), sum(total for _, total in found)

    moved = transfer.filter(transfer.failed == 0)
    parties = ibis.union(moved.select(party="sender"), moved.select(party="recipient"))
    parties = parties.filter(parties.party != NOBODY.hex())
    ordinary = transfer.filter(transfer.kind != Kind.REWARD).select("height", "tx_index")
    entries = ibis.union(ordinary, tables.tx.select("height", "tx_index")).distinct()
    failed = whole(tables.tx.failed.sum().fill_null(0))
    first, last = int(tables.heights[0]), int(tables.heights[-1])
    figures = {
        "addresses": only_row(engine, parties.agg(num=parties.party.nunique()))["num"],
        "assets": len(tables.assets),
        "blocks": len(tables.heights),
        "failed_tx": only_row(engine, tables.tx.agg(num=failed))["num"],
        "failed_transfers": sum(kinds.get((kind, True), (0, 0))[0] for kind in Kind),
        "first_height": first,
        "gas": str(of(Kind.GAS, False, True)[1]),
        "internal_transfers": of(Kind.INTERNAL)[0],
        "missing_blocks": last - first + 1 - len(tables.heights),
        "native_transfers": of(Kind.NATIVE)[0],
        "native_value": str(of(Kind.NATIVE)[1]),
        "rewards": str(of(Kind.REWARD, False, True)[1]),
        "token_transfers": of(Kind.TOKEN)[0],
        "tx": only_row(engine, entries.agg(num=entries.count()))["num"],
    }
    lines = [f"{name} {figures[name]}" for name in FIGURES]
    for asset, (count, total) in tokens.items():
        lines.append(f"token {asset_name(chain, tables.assets[asset])} {count} {total}")
    return lines


def kernel_account_statistics(ledger: AccountLedger) -> list[str]:
    """The same lines from the arrays."""
    figures = account_stats(ledger)
    lines = [f"{name} {figures[name]}" for name in FIGURES]
    for token in figures["tokens"]:
        lines.append(f"token {token['asset']} {token['transfers']} {token['base_units']}")
    return lines


def find_account_exposures(
    engine: Engine, tables: AccountTables, categories: Mapping[str, str]
) -> Expr:
    """Table of (account, direction, category, asset, limb_0 ... limb_7, contacts); accounts as 40
    hex digits.

    Cost: in the engine, one pass over the transfers, twice joined with the accounts that have a
    category.
    """
    payloads = _payloads(categories)
    tagged = engine.upload(
        {
            "far": pa.array(list(payloads), pa.string()),
            "category": pa.array(list(payloads.values()), pa.string()),
        }
    )
    moved = tables.transfer
    moved = moved.filter((moved.failed == 0) & (moved.kind != Kind.GAS))
    moved = moved.filter(moved.sender != moved.recipient)
    sides = []
    for direction, near, far in (
        ("sent", "sender", "recipient"),
        ("received", "recipient", "sender"),
    ):
        met = moved.join(tagged, moved[far] == tagged.far)
        met = met.filter((met[near] != NOBODY.hex()) & (met[far] != NOBODY.hex()))
        grouped = met.group_by("category", "asset", account=met[near])
        sums = grouped.agg(direction=ibis.literal(direction), contacts=met.count(), **_sums(met))
        sides.append(_carried(sums))
    return engine.keep("exposure", ibis.union(*sides))


def account_exposure_lines(rows: Expr) -> Expr:
    """One line for each row, for the hash: the amount by its digits, the least first."""
    limbs = [rows[f"limb_{at}"].cast("string") for at in range(LIMBS)]
    words = [
        rows.direction, rows.category, rows.asset.cast("string"), *limbs,
        rows.contacts.cast("string"),
    ]  # fmt: skip
    return rows.select(line=rows.account.concat(*(part for word in words for part in (" ", word))))


def kernel_account_exposure_lines(
    ledger: AccountLedger, categories: Mapping[str, str]
) -> Iterator[str]:
    """The same lines by the kernel, account by account and asset by asset."""
    known = sorted(set(categories.values()))
    codes = np.zeros(ledger.num_addresses, np.uint16)
    for text, number in zip(categories, ledger.find_addresses(list(categories)), strict=True):
        if number is not None:
            codes[number] = 1 + known.index(categories[text])
    for account in range(ledger.num_addresses):
        for asset in assets_of(ledger, account):
            for direction, towards in DIRECTIONS.items():
                found = account_exposure(ledger, account, asset, codes, towards, hops=(1,))
                sums: dict[int, tuple[int, int]] = {}
                for contact in found.contacts if found is not None else ():
                    total, count = sums.get(contact.code, (0, 0))
                    sums[contact.code] = total + contact.amount, count + 1
                for code, (total, count) in sums.items():
                    limbs = " ".join(str(total >> 32 * at & (LIMB - 1)) for at in range(LIMBS))
                    yield (
                        f"{ledger.payload(account).hex()} {direction} {known[code - 1]} {asset} "
                        f"{limbs} {count}"
                    )


def account_exposure_sums(engine: Engine, tables: AccountTables, rows: Expr) -> dict[str, Any]:
    """Accounts and base units by direction, category and asset."""
    sums = rows.group_by("direction", "category", "asset").agg(accounts=rows.count(), **_sums(rows))
    found = [
        {
            "direction": row["direction"],
            "category": row["category"],
            "asset": tables.assets[row["asset"]] or "native",
            "accounts": row["accounts"],
            "base_units": str(_total(row)),
        }
        for row in engine.rows(sums)
    ]
    found.sort(key=lambda row: (row["direction"], row["category"], row["asset"]))
    return {"rows": sum(row["accounts"] for row in found), "categories": found}


def asset_name(chain: str, name: str) -> str:
    """CAIP-19 name of an asset as the batches write it."""
    return f"{chain}/{native_reference(chain) if name == NATIVE else name}"


def _asset_numbers(batches: AccountBatches) -> Columns:
    """Number of each asset over all batches, by batch and number in it."""
    rows = [
        (batch, in_batch, number)
        for batch, numbers in enumerate(batches.asset_numbers)
        for in_batch, number in enumerate(numbers)
    ]
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    return dict(zip(("batch", "in_batch", "asset"), columns, strict=True))


def _limb(digits: Expr, at: int) -> Expr:
    """Digits of an amount, 8 of its 64 hex digits, as a number below 2^32."""
    first = 64 - 8 * (at + 1)
    # Spark finds a place as a number of 32 bits, where ibis takes it for 64: 16 at a time fit.
    return whole(_word(digits, first)) * (1 << 16) + whole(_word(digits, first + 4))


def _word(digits: Expr, first: int) -> Expr:
    value = ibis.literal(DIGITS).find(digits.substr(first, 1))
    for place in range(first + 1, first + 4):
        value = value * 16 + ibis.literal(DIGITS).find(digits.substr(place, 1))
    return value


def _sums(rows: Expr) -> dict[str, Expr]:
    return {f"limb_{at}": whole(rows[f"limb_{at}"].sum()) for at in range(LIMBS)}


def _carried(rows: Expr) -> Expr:
    """Sums of digits as digits again."""
    over = ibis.literal(0, "int64")
    limbs: dict[str, Expr] = {}
    for at in range(LIMBS):
        total = rows[f"limb_{at}"] + over
        limbs[f"limb_{at}"] = total % LIMB
        # A multiple of 2^32 below 2^63 is exact as a float too.
        over = ((total - total % LIMB) / LIMB).cast("int64")
    return rows.select("account", "direction", "category", "asset", "contacts", **limbs)


def _total(row: Mapping[str, Any]) -> int:
    """The whole number of a row's digits, which need not be carried."""
    return sum(int(row[f"limb_{at}"]) << 32 * at for at in range(LIMBS))


def _payloads(categories: Mapping[str, str]) -> dict[str, str]:
    """Category by the 40 hex digits of an account, without what is no address of such a chain."""
    found = {}
    for text, category in categories.items():
        try:
            found[decode_chain_address(text).payload_hex] = category
        except AddressError:
            continue
    return found
