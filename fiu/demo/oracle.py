"""The truth of the world by role. Only tests read it; no part of the product does."""

from typing import TYPE_CHECKING, Any

from fiu.demo.accounts import FROZEN
from fiu.demo.bank import NUM_DAYS
from fiu.demo.chain import Coin, outpoint_of, txid_of
from fiu.demo.customers import OPERATORS, SELLERS
from fiu.demo.pharos import TO_OP_1, TO_OP_3, TO_SWAP
from fiu.demo.platforms import LANTERNBOX_DECK
from fiu.demo.scripts import encode

if TYPE_CHECKING:
    from fiu.demo.world import World


def describe(world: "World") -> dict[str, Any]:
    """Everything a test compares the product with."""
    return {
        "scale": world.scale.name,
        "seed": world.seed,
        "tip": {"height": world.chain.height - 1, "hash": world.chain.tip_hash},
        "num_transactions": world.chain.num_transactions,
        "addresses": _addresses(world),
        "clusters": _clusters(world),
        "bank": _bank(world),
        "operator": _operator(world),
        "coinjoins": world.coinjoins.txids,
        "exchange": _exchange(world),
        "cohort": _cohort(world),
        "swaps": world.monero.swaps,
        "monday_deposits": world.monero.mondays,
        "seller_log_rows": world.monero.seller_rows,
    }


def _addresses(world: "World") -> dict[str, Any]:
    of, customers = world.scripts.address, world.customers
    return {
        "eastmere": of("eastmere"),
        "exchange_hot": of("exchange-hot"),
        "exchange_cold": of("exchange-cold"),
        "fee_wallet": of("obelisk-fee-wallet"),
        "a1.0": of("pharos-a1", 0),
        "a1.1": of("pharos-a1", 1),
        "namewharf": of("namewharf"),
        "z": of("z"),
        "ferryswap": [of("ferryswap-order", number) for number in range(1, 5)],
        "peel": [of("peel", number) for number in range(15)],
        "dust_sender": encode(world.pharos.dust_script),
        "deposit": {uid: encode(customers.deposit_script(uid)) for uid in OPERATORS + SELLERS},
        "sellers": {uid: encode(world.bank.seller_script(uid, 0)) for uid in SELLERS},
        "lanternbox_vault": of("lanternbox-vault"),
        "copperdice_hot": [encode(script) for script in world.copperdice.hot],
    }


def _clusters(world: "World") -> dict[str, Any]:
    bank, of = world.bank, world.scripts.address
    unswept = frozenset(bank.unswept)
    numbers = range(world.scale.deposit_addresses)
    return {
        "bank": [encode(bank.deposit_script(n)) for n in numbers if n not in unswept]
        + [of("bank-day", number) for number in range(NUM_DAYS)],
        "bank_unswept": [encode(bank.deposit_script(n)) for n in sorted(unswept)],
        "lanternbox": [
            *(of("lanternbox", n) for n in range(sum(LANTERNBOX_DECK))), of("lanternbox-vault"),
        ],
        "copperdice": [
            *(of("copperdice", n) for n in range(world.copperdice.total)),
            *(encode(script) for script in world.copperdice.hot),
        ],
        "coinjoin_strangers": [of("cj1-wallet", number) for number in range(4)],
    }  # fmt: skip


def _bank(world: "World") -> dict[str, Any]:
    bank = world.bank
    return {
        "paid_in": bank.paid_in,
        "paid_out": bank.paid_out,
        "num_deposits": bank.num_deposits,
        "num_withdrawals": bank.num_withdrawals,
        "fees": bank.fees_paid,
        "left": bank.left,
        "seeds_fee_wallet": [outpoint_of(coin) for coin in bank.fees],
        "seeds_operator": [outpoint_of(coin) for coin in bank.shares],
        "buyers": {uid: encode(bank.deposit_script(number)) for uid, number in bank.buyers.items()},
    }


def _ends(coins: dict[str, Coin], numbers: tuple[int, ...]) -> list[str]:
    return [outpoint_of(coins[f"d{number}"]) for number in numbers]


def _operator(world: "World") -> dict[str, Any]:
    pharos = world.pharos
    coins = pharos.coins
    return {
        "seeds": pharos.seeds(),
        "txids": pharos.txids,
        "ends": {
            "namewharf": [outpoint_of(coins["namewharf"])],
            "z": [outpoint_of(coins["z"])],
            "OP-1": _ends(coins, TO_OP_1),
            "OP-3": _ends(coins, TO_OP_3),
            "ferryswap": _ends(coins, TO_SWAP),
            "P14": [outpoint_of(coins["P14"])],
        },
        "returned": outpoint_of(coins["return"]),
        "dust": [outpoint_of(coin) for coin in pharos.dust],
        "v1_deposits": [outpoint_of(coin) for coin in pharos.v1_deposits],
        "v1_payouts": [outpoint_of(coin) for coin in world.bank.seller_coins["V-1"]],
        "v2_to_v4": txid_of(coins["V-2 to V-4"]),
    }


def _exchange(world: "World") -> dict[str, Any]:
    exchange = world.exchange
    return {
        "frozen": [[account, asset, str(base)] for (account, asset), base in FROZEN.items()],
        "shared_sweep": exchange.sweeps[18_199],
        "reassigned": [list(pair) for pair in world.customers.reassigned],
    }


def _cohort(world: "World") -> dict[str, Any]:
    customers, lanternbox = world.customers, world.lanternbox
    return {
        "tiers": {
            "1": customers.direct, "2": customers.through_own, "3": customers.mixed,
        },
        "payments": [list(payment) for payment in lanternbox.payments],
        "addresses": {
            uid: [encode(lanternbox.one_time(n)) for n in numbers]
            for uid, numbers in lanternbox.addresses.items()
        },
        "countries": customers.num_by_country(customers.direct + customers.through_own),
        "num_payers": lanternbox.num_payers,
        "copperdice_customers": {
            uid: [encode(world.copperdice.one_time(n)) for n in numbers]
            for uid, numbers in world.copperdice.customers.items()
        },
        "copperdice_payers": world.copperdice.num_payers,
    }  # fmt: skip
