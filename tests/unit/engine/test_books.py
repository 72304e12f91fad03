"""Money through the exchange's books: nothing is lost, and every unit can be watched on its way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracing.engine.booklines import OUTSIDE, BookTrace, Line, Seed
from tracing.engine.books import POLICIES, follow_books
from tracing.errors import ParametersError

CONSERVING = ("haircut", "fifo", "lifo")


@dataclass
class Written:
    """Books in memory; `held` is what accounts hold after all lines, where it is known."""

    rows: list[Line] = field(default_factory=list)
    held: dict[str, dict[str, int]] = field(default_factory=dict)
    busy: frozenset[str] = frozenset()
    wishes: list[tuple[Line, str]] = field(default_factory=list)

    def write(
        self, kind: str, account: str, asset: str, units: int, to_account: str = OUTSIDE,
        to_asset: str = "", to_units: int | None = None, fee: int = 0,
    ) -> str:  # fmt: skip
        number = len(self.rows) + 1
        arrived = units - fee if to_units is None else to_units
        self.rows.append(
            Line(
                (number // 3, number), f"R{number}", kind, account, asset, units, to_account,
                to_asset or asset, arrived, fee,
            )
        )  # fmt: skip
        return f"R{number}"

    def deposit(self, account: str, asset: str, units: int) -> str:
        return self.write("deposit", OUTSIDE, asset, units, account)

    def lines(self, account: str) -> Sequence[Line] | None:
        if account in self.busy:
            return None
        return [line for line in self.rows if account in (line.account, line.to_account)]

    def holdings(self, account: str) -> Mapping[str, int]:
        return self.held.get(account, {})

    def asked(self, account: str) -> Sequence[tuple[Line, str]]:
        return [(line, state) for line, state in self.wishes if line.account == account]


def whole(ref: str, units: int) -> Seed:
    return Seed(ref, units, units, units)


def held(found: BookTrace) -> dict[tuple[str, str], tuple[int, int, int]]:
    return {(each.account, each.asset): (each.low, each.amount, each.high) for each in found.held}


def ask(books: Written, seeds: Iterable[Seed], policy: str, accounts: str = "A") -> BookTrace:
    found = follow_books(seeds, accounts, books, policy)
    for sheet in found.sheets.values():
        assert sheet.difference == (None if policy == "poison" else 0)
    return found


@pytest.mark.parametrize(
    ("policy", "left", "rest"),
    [("haircut", 20, 20), ("fifo", 0, 40), ("lifo", 40, 0), ("poison", 50, 50)],
)
def test_each_policy_takes_its_own_units_along(policy: str, left: int, rest: int) -> None:
    """60 clean units, then 40 followed ones; half of all is withdrawn."""
    books = Written()
    books.deposit("A", "BTC", 60)
    ref = books.deposit("A", "BTC", 40)
    books.write("withdrawal", "A", "BTC", 50)
    found = ask(books, [whole(ref, 40)], policy)
    assert [(hop.line.kind, hop.amount, hop.status) for hop in found.hops] == [
        ("deposit", 40, "passed_on"), ("withdrawal", left, "left"),
    ]  # fmt: skip
    assert [(hop.to_low, hop.to_high) for hop in found.hops] == [(40, 40), (0, 40)]
    assert held(found)["A", "BTC"] == (0, rest, 40)


def test_every_kind_of_hop_is_typed_and_every_asset_reconciles() -> None:
    books = Written()
    ref = books.deposit("A", "BTC", 1_000)
    books.write("conversion", "A", "BTC", 400, "A", "USDT", 39_999)
    books.write("internal_transfer", "A", "USDT", 10_000, "B")
    books.write("withdrawal", "B", "USDT", 4_000, fee=25)
    books.write("internal_transfer", "A", "BTC", 100, "C")
    for policy in CONSERVING:
        found = ask(books, [whole(ref, 1_000)], policy)
        assert [(hop.line.kind, hop.hops, hop.to_amount, hop.status) for hop in found.hops] == [
            ("deposit", 1, 1_000, "passed_on"), ("conversion", 2, 39_999, "passed_on"),
            ("internal_transfer", 3, 10_000, "passed_on"), ("withdrawal", 4, 3_975, "left"),
            ("internal_transfer", 2, 100, "passed_on"),
        ]  # fmt: skip
        assert {key: amount for key, (_, amount, _) in held(found).items()} == {
            ("A", "BTC"): 500, ("A", "USDT"): 29_999, ("B", "USDT"): 6_000, ("C", "BTC"): 100,
        }  # fmt: skip
        btc, usdt = found.sheets["BTC"], found.sheets["USDT"]
        assert (btc.seeds, btc.converted_out, btc.held) == (1_000, 400, 600)
        assert (usdt.converted_in, usdt.held, usdt.left, usdt.fees) == (39_999, 35_999, 3_975, 25)
        assert found.num_accounts == 3
        assert found.result_sha256 == ask(books, [whole(ref, 1_000)], policy).result_sha256


def test_what_was_asked_for_is_told_and_moves_nothing() -> None:
    """60 clean units, then 40 followed ones; 90 and 200 are asked for, of each 10 a fee."""
    books = Written()
    books.deposit("A", "BTC", 60)
    ref = books.deposit("A", "BTC", 40)
    for units, state in ((90, "stopped"), (200, "pending")):
        books.write("withdrawal", "A", "BTC", units, fee=10)
        books.wishes.append((books.rows.pop(), state))
    for policy, amounts in (
        ("haircut", [(36, 32), (40, 36)]), ("fifo", [(30, 20), (40, 30)]),
        ("lifo", [(40, 40), (40, 40)]),
    ):  # fmt: skip
        found = ask(books, [whole(ref, 40)], policy)
        assert [(hop.amount, hop.to_amount) for hop in found.asked] == amounts
        assert [hop.status for hop in found.asked] == ["stopped", "pending"]
        assert [(hop.low, hop.high) for hop in found.asked] == [(30, 40), (40, 40)]
        assert held(found)["A", "BTC"] == (40, 40, 40)


def test_what_was_there_before_is_not_followed() -> None:
    books = Written(held={"A": {"BTC": 70}})
    ref = books.deposit("A", "BTC", 40)
    books.write("withdrawal", "A", "BTC", 50)  # so 80 were there before the first line
    known = ask(books, [whole(ref, 40)], "fifo")
    assert held(known)["A", "BTC"] == (0, 40, 40)
    assert ask(books, [whole(ref, 40)], "lifo").sheets["BTC"].left == 40
    books.held = {}  # nobody says what is there now: 10 at least were
    least = ask(books, [whole(ref, 40)], "fifo")
    assert (least.sheets["BTC"].left, least.hops[1].low) == (40, 0)


def test_an_account_of_many_lines_is_not_entered_and_the_limit_is_told() -> None:
    books = Written(busy=frozenset("M"))
    ref = books.deposit("A", "BTC", 90)
    books.write("internal_transfer", "A", "BTC", 30, "M")
    books.write("internal_transfer", "A", "BTC", 20, "B")
    found = ask(books, [whole(ref, 90)], "fifo")
    assert found.sheets["BTC"].cut == {"too_many_lines": 30}
    tight = follow_books([whole(ref, 90)], "A", books, "fifo", most_accounts=1)
    assert tight.sheets["BTC"].cut == {"account_limit": 50}


def test_what_cannot_be_asked_is_said() -> None:
    with pytest.raises(ParametersError, match="no policy 'newest'"):
        follow_books([], "A", Written(), "newest")
    assert ask(Written(), [whole("R9", 5)], "fifo").unmet == ("R9",)


# Properties


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Written, list[Seed]]:
    """Three accounts and two assets; nobody ever pays what they do not hold."""
    books, holds, seeds = Written(), dict.fromkeys(((a, b) for a in "ABC" for b in "XY"), 0), []
    for _ in range(draw(st.integers(1, 14))):
        account, asset = draw(st.sampled_from("ABC")), draw(st.sampled_from("XY"))
        kind = draw(st.sampled_from(["deposit", "withdrawal", "conversion", "internal_transfer"]))
        there = holds[account, asset]
        if kind == "deposit" or not there:
            units = draw(st.integers(1, 60))
            followed = draw(st.integers(0, units))
            ref = books.deposit(account, asset, units)
            if followed and draw(st.booleans()):
                seeds.append(whole(ref, followed))
            holds[account, asset] += units
            continue
        units = draw(st.integers(1, there))
        fee = draw(st.integers(0, min(3, units - 1)))
        to_account, to_asset, to_units = OUTSIDE, asset, units - fee
        if kind == "conversion":
            to_account, to_asset = account, "Y" if asset == "X" else "X"
            to_units = draw(st.integers(0, 3 * (units - fee)))
        elif kind == "internal_transfer":
            to_account = draw(st.sampled_from("ABC"))
        books.write(kind, account, asset, units, to_account, to_asset, to_units, fee)
        holds[account, asset] -= units
        if to_account:
            holds[to_account, to_asset] += to_units
    books.held = {account: {asset: holds[account, asset] for asset in "XY"} for account in "ABC"}
    return books, seeds


@settings(max_examples=60)
@given(worlds())
def test_nothing_is_lost_and_policies_stay_in_the_bounds(
    world: tuple[Written, list[Seed]],
) -> None:
    books, seeds = world
    for policy in POLICIES:
        found = ask(books, seeds, policy, "ABC")
        assert not found.unmet
        for hop in found.hops:
            least, most = (0, hop.line.to_units) if policy == "poison" else (
                hop.to_low, hop.to_high
            )  # fmt: skip
            assert least <= hop.to_amount <= most
            assert 0 <= hop.to_low <= hop.to_high <= hop.line.to_units
        if policy == "poison":
            continue
        for each in found.held:
            assert 0 <= each.low <= each.amount <= each.high <= each.value
        assert sum(sheet.seeds for sheet in found.sheets.values()) == sum(s.units for s in seeds)


@settings(max_examples=60)
@given(worlds())
def test_queues_and_stacks_move_every_unit_as_if_one_watched_it(
    world: tuple[Written, list[Seed]],
) -> None:
    """Units one by one in lists, 1 followed and 0 not; conversions deal them out by one floor."""
    books, seeds = world
    of = {seed.ref: seed.units for seed in seeds}
    for policy in ("fifo", "lifo"):
        lists: dict[tuple[str, str], list[int]] = {}
        left = 0
        for line in books.rows:
            if line.account == OUTSIDE:
                moved = [0] * (line.units - of.get(line.ref, 0)) + [1] * of.get(line.ref, 0)
            else:
                own = lists[line.account, line.asset]
                at = len(own) - line.units
                moved = own[: line.units] if policy == "fifo" else own[at:]
                del own[slice(0, line.units) if policy == "fifo" else slice(at, None)]
            net = line.units - line.fee
            moved = moved[:net] if policy == "fifo" else moved[line.fee :]
            if line.to_units != net:
                ends = [(n + 1) * line.to_units // net for n in range(net)]
                dealt = zip(moved, [0, *ends], ends, strict=False)
                moved = [unit for unit, start, end in dealt for _ in range(end - start)]
            if line.to_account:
                lists.setdefault((line.to_account, line.to_asset), []).extend(moved)
            else:
                left += sum(moved)
        found = ask(books, seeds, policy, "ABC")
        rests = {(each.account, each.asset): each.amount for each in found.held if each.amount}
        assert rests == {key: sum(units) for key, units in lists.items() if sum(units)}
        assert sum(sheet.left for sheet in found.sheets.values()) == left


@settings(max_examples=60)
@given(worlds(), st.lists(st.integers(0, 10_000), min_size=40, max_size=40))
def test_whatever_really_moved_stays_in_the_bounds(
    world: tuple[Written, list[Seed]], picks: list[int]
) -> None:
    """A hidden truth draws freely from each mix; a conversion rounds it up or down."""
    books, seeds = world
    of = {seed.ref: seed.units for seed in seeds}
    found = ask(books, seeds, "haircut", "ABC")
    bounds = {hop.line.ref: (hop.to_low, hop.to_high) for hop in found.hops}
    balance: dict[tuple[str, str], int] = {}
    truth: dict[tuple[str, str], int] = {}
    for line, pick in zip(books.rows, picks, strict=False):
        if line.account == OUTSIDE:
            moved = of.get(line.ref, 0)
        else:
            key = (line.account, line.asset)
            dirty, all_of = truth.get(key, 0), balance[key]
            least, most = max(0, line.units - (all_of - dirty)), min(line.units, dirty)
            moved = least + pick % (most - least + 1)
            truth[key], balance[key] = dirty - moved, all_of - line.units
        net = line.units - line.fee
        least, most = max(0, moved - line.fee), min(net, moved)
        moved = least + pick % (most - least + 1)
        if line.to_units != net:
            up = pick % 2 and (moved * line.to_units) % net
            moved = moved * line.to_units // net + (1 if up else 0)
        low, high = bounds.get(line.ref, (0, 0))
        assert low <= moved <= high
        key = (line.to_account, line.to_asset)
        truth[key] = truth.get(key, 0) + moved
        balance[key] = balance.get(key, 0) + line.to_units
    for each in found.held:
        assert each.low <= truth[each.account, each.asset] <= each.high
