"""The exchange's rows as the ordinary import reads them."""

from collections.abc import Iterator

from fiu.demo.accounts import DECIMALS, later_price_rows, price_rows
from fiu.demo.exchange import Exchange
from fiu.demo.files import Tables
from fiu.demo.scripts import encode
from fiu.demo.timeline import START, TIP, block_time, iso

LEDGER = "bitcoin-regtest"
ACCOUNTS = (
    "uid", "customer", "holder_name", "country", "kind", "opened_on", "state", "kyc_level",
)  # fmt: skip
DEPOSIT_ADDRESSES = ("ledger", "address", "account", "assigned_from_at", "assigned_to_at")
OWN_ADDRESSES = ("ledger", "address", "kind")
BALANCES = ("account", "asset", "base", "at")
MOVEMENTS = (
    "ref", "kind", "account", "counter_account", "asset", "base", "asset_out", "base_out",
    "fee_asset", "fee_base", "at", "txid", "status", "address", "ip",
)  # fmt: skip
ASSETS = ("asset", "symbol", "decimals")
PRICES = ("asset", "currency", "price", "at", "source", "method")
LINKS = ("account", "other_account", "link", "basis")


def account_number(uid: str) -> str:
    """The account number of a person of the story: long enough that its mask hides something."""
    return uid if not uid or uid.startswith("C-") else f"NQ-7001-{uid}"


def write_rows(exchange: Exchange, tables: Tables, reassigned_at: int) -> None:
    """All tables of the exchange, in `exchange/`."""
    accounts = ((account_number(uid), *rest) for uid, *rest in exchange.customers.accounts())
    tables.write("exchange/accounts.csv", ACCOUNTS, accounts)
    tables.write(
        "exchange/deposit_addresses.csv", DEPOSIT_ADDRESSES, _periods(exchange, reassigned_at)
    )
    tables.write(
        "exchange/own_addresses.csv",
        OWN_ADDRESSES,
        [
            (LEDGER, encode(exchange.hot.script), "hot"),
            (LEDGER, encode(exchange.cold_script), "cold"),
        ],
    )
    tables.write("exchange/balances.csv", BALANCES, _balances(exchange))
    tables.write("exchange/movements.csv", MOVEMENTS, _movements(exchange))
    tables.write("exchange/assets.csv", ASSETS, DECIMALS)
    tables.write("exchange/prices.csv", PRICES, price_rows())
    # Beside the folder: it comes once the freeze is executed at the prices of its minute.
    tables.write("later_prices.csv", PRICES, later_price_rows())
    links = (
        (account_number(uid), account_number(other), *rest)
        for uid, other, *rest in exchange.customers.links()
    )
    tables.write("exchange/links.csv", LINKS, links)


def _periods(exchange: Exchange, reassigned_at: int) -> Iterator[tuple[str, ...]]:
    start, change = iso(START), iso(block_time(reassigned_at))
    times = ((start, ""), (start, change), (change, ""))
    for account, script, half in exchange.customers.deposit_periods():
        yield LEDGER, encode(script), account_number(account), *times[half]


def _balances(exchange: Exchange) -> Iterator[tuple[str, str, str, str]]:
    at = iso(block_time(TIP))
    for (account, asset), base in sorted(exchange.balances.items()):
        if base:
            yield account_number(account), asset, str(base), at


def _movements(exchange: Exchange) -> Iterator[tuple[object, ...]]:
    numbered = sorted(enumerate(exchange.movements), key=lambda pair: (pair[1].at, pair[0]))
    times: dict[int, str] = {}
    for number, (_, row) in enumerate(numbered, start=1):
        at = times.get(row.at)
        if at is None:
            at = times[row.at] = iso(row.at)
        yield (
            f"NQ-M-{number:07d}", row.kind, account_number(row.account),
            account_number(row.counter_account), row.asset, row.base,
            row.asset_out, row.base_out or "", row.fee_asset, row.fee_base or "", at, row.txid,
            row.status, encode(row.script) if row.script else "", row.ip,
        )  # fmt: skip
