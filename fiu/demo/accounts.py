"""What the operator's three accounts did inside the exchange, and the prices it was done at."""

from collections.abc import Iterator

from fiu.demo.exchange import BTC, ETH, USDT, XMR, Exchange, Movement
from fiu.demo.scale import XMR_UNIT
from fiu.demo.timeline import iso, moment

USDT_UNIT, ETH_UNIT, BTC_UNIT = 10**6, 10**18, 10**8
STOPPED_AT = moment(134, 13, 56)  # 2025-05-20T13:56Z
FROZEN_DAY = 134  # 2025-05-20
FROZEN_AT = moment(FROZEN_DAY, 14, 7)
DECIMALS = ((BTC, "BTC", 8), (XMR, "XMR", 12), (ETH, "ETH", 18), (USDT, "USDT", 6))
# USD of one coin: the whole story long, and at its end.
PRICES = {BTC: ("100000", "104000"), XMR: ("200", "190"), ETH: ("2500", "2600"), USDT: ("1", "1")}
LAST_PRICE_DAY = 140  # 2025-05-26, the day after the tip
# account, asset -> base units that are there when the freeze comes.
FROZEN = {
    ("OP-1", BTC): 300_000_000,
    ("OP-1", USDT): 249_540 * USDT_UNIT,
    ("OP-2", XMR): 72_558 * XMR_UNIT // 10,
    ("OP-2", USDT): 549_700 * USDT_UNIT,
    ("OP-2", ETH): 15_984 * ETH_UNIT // 100,
    ("OP-3", BTC): 550_000_000,
}


def _convert(
    exchange: Exchange, at: int, account: str, give: tuple[str, int], take: tuple[str, int]
) -> None:
    """A conversion at the flat price; 0.1 % of what comes out is the fee."""
    gross = take[1]
    exchange.record(
        Movement(
            at, "conversion", account, give[0], give[1],
            asset_out=take[0], base_out=gross - gross // 1_000,
            fee_asset=take[0], fee_base=gross // 1_000, ip=exchange.customers.ip(account),
        )
    )  # fmt: skip


def _transfer(exchange: Exchange, at: int, account: str, other: str, asset: str, base: int) -> None:
    exchange.record(
        Movement(
            at, "internal_transfer", account, asset, base,
            counter_account=other, ip=exchange.customers.ip(account),
        )
    )  # fmt: skip


def record_ledger(exchange: Exchange) -> None:
    """Salary, conversions, transfers, and the withdrawal that was stopped."""
    exchange.record(
        Movement(moment(16, 9), "deposit", "OP-1", USDT, 40_000 * USDT_UNIT)
    )  # the clean salary, week 2
    day = 129  # 2025-05-15, after the last deposit
    btc, usdt = 460_000_000, 460_000 * USDT_UNIT
    _convert(exchange, moment(day, 15, 10), "OP-1", (BTC, btc), (USDT, usdt))
    _transfer(exchange, moment(day, 16), "OP-1", "OP-3", BTC, 1 * BTC_UNIT)
    _transfer(exchange, moment(day, 16, 20), "OP-1", "OP-2", USDT, 250_000 * USDT_UNIT)
    _convert(
        exchange, moment(day + 1, 8, 30), "OP-2", (XMR, 2_000 * XMR_UNIT), (ETH, 160 * ETH_UNIT)
    )
    _convert(
        exchange, moment(day + 1, 9, 15), "OP-2",
        (XMR, 1_500 * XMR_UNIT), (USDT, 300_000 * USDT_UNIT),
    )  # fmt: skip
    exchange.record(
        Movement(
            STOPPED_AT, "withdrawal", "OP-3", BTC, 400_000_000,
            fee_asset=BTC, fee_base=20_000, status="stopped", script=exchange.shared_target,
            ip=exchange.customers.ip("OP-3"),
        )
    )  # fmt: skip


METHOD = ("Northquay reference (synthetic)", "close")


def price_rows() -> Iterator[tuple[str, ...]]:
    """Rows of prices.csv: one a day at midnight, the last one at the minute of the freeze."""
    for asset, (price, _last) in PRICES.items():
        for day in range(FROZEN_DAY + 1):
            yield asset, "USD", price, iso(moment(day, 0)), *METHOD
        yield asset, "USD", price, iso(FROZEN_AT), *METHOD


def later_price_rows() -> Iterator[tuple[str, ...]]:
    """Rows of later_prices.csv: what came out after the freeze; the last ones hold now."""
    for asset, (price, last) in PRICES.items():
        for day in range(FROZEN_DAY + 1, LAST_PRICE_DAY):
            yield asset, "USD", price, iso(moment(day, 0)), *METHOD
        yield asset, "USD", last, iso(moment(LAST_PRICE_DAY, 0)), *METHOD
