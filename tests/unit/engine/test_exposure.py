"""Exposure: hand-made wallets, and a plain-Python reference on random ledgers.

The reference marks every single satoshi and shares no code with the engine.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.ledgers import Chain
from tests.unit.engine.worlds import Coin, World, worlds
from tracing.engine.exposure import CategoryWalls, Exposure, coin_exposure, exposure

FAR = 10**9


@dataclass
class Reference:
    """What the reference found: units by (category, direct), elsewhere, back home, in fees."""

    met: Counter[tuple[int, bool]] = field(default_factory=Counter)
    elsewhere: int = 0
    own: int = 0
    fees: int = 0


def marked(tainted: int, total: int) -> list[bool]:
    """Which units of a mix count as tainted: the haircut, one unit at a time."""
    return [tainted * (j + 1) // total > tainted * j // total for j in range(total)]


def address_of(coin: Coin) -> int:
    return (coin[0] * 7 + coin[1]) % 11  # as worlds.py names them


def sent(world: World, wallet: set[int], category: dict[int, int]) -> Reference:
    """Where the coins went that the wallet spent."""
    found, spenders = Reference(), world.spenders()
    seeds = {
        (number, vout)
        for number, tx in enumerate(world.txs)
        for vout in range(len(tx.values))
        if address_of((number, vout)) in wallet and (number, vout) in spenders
    }
    held: dict[Coin, tuple[int, int]] = {}  # followed units, hops
    for coin in seeds:
        held[coin] = (world.value(coin), 0)
    for number, tx in enumerate(world.txs):
        taken = [held.get(coin, (0, FAR)) for coin in tx.inputs]
        total = sum(world.value(coin) for coin in tx.inputs)
        tainted, hops = sum(units for units, _ in taken), 1 + min([h for _, h in taken] or [FAR])
        units = marked(tainted, total) if total else []
        for vout, value in enumerate(tx.values):
            coin = (number, vout)
            mine, units = (sum(units[:value]), units[value:]) if tx.inputs else (0, units)
            if coin in seeds:
                found.own += mine
            elif category.get(address_of(coin)) and address_of(coin) not in wallet:
                found.met[category[address_of(coin)], hops <= 1] += mine
            elif coin in spenders and hops < 8:
                held[coin] = (mine, hops)
            else:
                found.elsewhere += mine
        found.fees += sum(units)
    return found


def received(world: World, wallet: set[int], category: dict[int, int]) -> Reference:
    """Where the coins came from that the wallet got."""
    found = Reference()
    coins = [(n, vout) for n, tx in enumerate(world.txs) for vout in range(len(tx.values))]
    seeds = {coin for coin in coins if address_of(coin) in wallet}
    asked: dict[Coin, tuple[int, int]] = {coin: (world.value(coin), 0) for coin in seeds}
    for number in range(len(world.txs) - 1, -1, -1):
        tx = world.txs[number]
        mine = {vout: asked[number, vout] for vout in range(len(tx.values))
                if (number, vout) in asked}  # fmt: skip
        if not tx.inputs:
            found.elsewhere += sum(units for units, _ in mine.values())
            continue
        going = {vout: told for vout, told in mine.items() if told[1] < 8}
        found.elsewhere += sum(units for vout, (units, _) in mine.items() if vout not in going)
        tainted, hops = (
            sum(u for u, _ in going.values()),
            1 + min([h for _, h in going.values()] or [FAR]),
        )
        total = sum(world.value(coin) for coin in tx.inputs)
        units = marked(tainted, total) if total else []
        for coin in tx.inputs:
            part, units = sum(units[: world.value(coin)]), units[world.value(coin) :]
            if coin in seeds:
                found.own += part
            elif category.get(address_of(coin)):
                found.met[category[address_of(coin)], hops <= 1] += part
            elif going:
                asked[coin] = (part, hops)
    return found


def told(world: World, wallet: set[int], category: dict[int, int], direction: str) -> Exposure:
    ledger = world.ledger()
    codes = np.zeros(ledger.num_addresses, np.uint16)
    own = []
    for number in range(11):
        address = ledger.find_address(f"a{number}")
        if address is not None:
            codes[address] = category.get(number, 0)
            if number in wallet:
                own.append(address)
    return exposure(ledger, own, codes, direction)


SETS = st.sets(st.integers(0, 10), min_size=1, max_size=3)


@given(worlds(), SETS, st.dictionaries(st.integers(0, 10), st.integers(1, 3), max_size=5))
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_it_is_what_the_reference_counts(
    direction: str, world: World, wallet: set[int], category: dict[int, int]
) -> None:
    found = told(world, wallet, category, direction)
    wanted = (sent if direction == "forward" else received)(world, wallet, category)
    met: Counter[tuple[int, bool]] = Counter()
    for contact in found.contacts:
        met[contact.code, contact.is_direct] += contact.amount
        assert 0 <= contact.low <= contact.amount <= contact.high
    assert +met == +wanted.met
    assert sum(found.rest.values()) == wanted.elsewhere
    assert (found.own, found.fees) == (wanted.own, wanted.fees)
    assert found.seeds == met.total() + wanted.elsewhere + found.own + found.fees


@given(worlds(), SETS, st.dictionaries(st.integers(0, 10), st.integers(1, 3), max_size=5))
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_an_accounts_movements_are_a_wallets_whose_coins_are_known(
    direction: str, world: World, wallet: set[int], category: dict[int, int]
) -> None:
    """The same coins, asked by number: a sent one counts one hop more, since it left before."""
    plain = {number: code for number, code in category.items() if number not in wallet}
    found, ledger = told(world, wallet, plain, direction), world.ledger()
    own = [ledger.find_address(f"a{number}") for number in wallet]
    coins = [
        coin
        for address in own if address is not None
        for coin in ledger.outputs_of_address(address).tolist()
        if direction == "backward" or ledger.out_spent_in[coin] < ledger.num_inputs
    ]  # fmt: skip
    codes = np.zeros(ledger.num_addresses, np.uint16)
    for number, code in plain.items():
        if (address := ledger.find_address(f"a{number}")) is not None:
            codes[address] = code
    asked = coin_exposure(ledger, coins, codes, direction)
    later = int(direction == "forward")
    assert sorted((c.coin, c.code, c.amount, c.low, c.high, c.hops) for c in asked.contacts) == (
        sorted((c.coin, c.code, c.amount, c.low, c.high, c.hops + later) for c in found.contacts)
    )
    assert (asked.seeds, asked.own, asked.rest, asked.fees) == (
        found.seeds, found.own, found.rest, found.fees,
    )  # fmt: skip


def test_a_withdrawal_straight_to_a_service_is_direct_and_what_follows_is_not() -> None:
    ledger = chain().ledger()
    codes = np.zeros(ledger.num_addresses, np.uint16)
    shop = ledger.find_address("shop")
    assert shop is not None
    codes[shop] = 1
    paid = [ledger.out_off[1], ledger.out_off[2]]  # 30 to the shop, 70 to x
    found = coin_exposure(ledger, [int(each) for each in paid], codes, "forward")
    assert [(c.amount, c.is_direct, c.low) for c in found.contacts] == [
        (50, False, 50), (30, True, 30),
    ]  # fmt: skip
    assert (found.turnover, found.rest) == (100, {"unspent": 20})
    assert coin_exposure(ledger, [], codes, "forward").contacts == ()


def chain() -> Chain:
    """w pays a service and itself; its change pays a stranger, who pays the service."""
    made = Chain()
    start = made.mine("start", 100, to="w")
    made.send("pay", [start], [("shop", 30), ("w", 70)], height=1)
    made.send("next", [("pay", 1)], [("x", 70)], height=2)
    made.send("last", [("next", 0)], [("shop", 50), ("x", 20)], height=3)
    return made


def test_direct_and_indirect_are_told_apart_and_change_is_no_turnover() -> None:
    ledger = chain().ledger()
    codes = np.zeros(ledger.num_addresses, np.uint16)
    shop, own = ledger.find_address("shop"), ledger.find_address("w")
    assert shop is not None
    assert own is not None
    codes[shop] = 1
    found = exposure(ledger, [own], codes, "forward")
    assert [(c.amount, c.is_direct, c.low, c.high) for c in found.contacts] == [
        (50, False, 50, 50),
        (30, True, 30, 30),
    ]
    assert (found.turnover, found.own, found.rest) == (100, 70, {"unspent": 20})


def test_a_search_that_grows_too_large_is_cut_and_says_so() -> None:
    ledger = chain().ledger()
    codes = np.zeros(ledger.num_addresses, np.uint16)
    own = ledger.find_address("w")
    assert own is not None
    found = exposure(ledger, [own], codes, "forward", hops=(8, 1), budget=-1)
    assert (found.max_hops, found.is_cut) == (1, True)
    assert found.rest == {"hop_limit": 70, "unspent": 30}


def test_the_wallets_own_tag_stops_nothing() -> None:
    walls = CategoryWalls(np.array([1, 0, 2], np.uint16), [0])
    assert (dict(walls), len(walls), walls.get(0)) == ({2: "service"}, 1, None)
