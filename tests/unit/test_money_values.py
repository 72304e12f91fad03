"""What an amount is worth, and how parts and sums of a case's money are made of their rows."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.models.fields import MAX_BASE_UNITS, BaseUnitsField, parse_base_units
from cases.queries import money
from cases.queries.money import (
    ZERO,
    AssetPrice,
    CaseMoney,
    MoneyPart,
    MoneyRow,
    account_states,
    fiat_of,
    parts_at_execution,
    row_states,
    value_of,
)
from cases.queries.money_facts import Account, Amount, Facts, cents_by, coins_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
FIELD = BaseUnitsField(name="base")
QUOTES = SimpleNamespace(quote_name=lambda name: f'"{name}"')
POSTGRESQL = SimpleNamespace(vendor="postgresql", ops=QUOTES)
SQLITE = SimpleNamespace(vendor="sqlite", ops=QUOTES)


def row(number: int, base: int, fiat: str | None, asset: str = "a", **more: object) -> MoneyRow:
    return MoneyRow(
        account=UUID(int=number), masked=f"••{number:04d}", asset=asset, symbol=asset.upper(),
        decimals=8, base=base, fiat=None if fiat is None else Decimal(fiat), **more,
    )  # fmt: skip


def price(asset: str, value: str | None) -> AssetPrice:
    return AssetPrice(asset, asset.upper(), 2, None if value is None else Decimal(value), "S", AT)


def amount(
    number: int, asset: str, base: int, key: str, executed: str | None = None, **more: object
) -> Amount:
    account = Account(number, UUID(int=number), f"••{number:04d}")
    at_execution = None if executed is None else Decimal(executed)
    return Amount(1, account, asset, base, key, at_execution, **more)  # type: ignore[arg-type]


def strip(left: MoneyPart, prices: tuple[AssetPrice, ...] = ()) -> CaseMoney:
    nothing = MoneyPart()
    return CaseMoney("USD", nothing, nothing, nothing, nothing, left, prices, ())


def test_the_largest_amount_has_an_exact_value() -> None:
    assert value_of(MAX_BASE_UNITS, 0, Decimal("1")) == MAX_BASE_UNITS
    dearest = 10**24 - 1  # of 10^-10
    cents = round(Fraction(MAX_BASE_UNITS * dearest, 10 ** (18 + 10 - 2)))  # half to even, too
    found = value_of(MAX_BASE_UNITS, 18, Decimal(dearest).scaleb(-10))
    assert str(found).replace(".", "") == str(cents)


@pytest.mark.parametrize(
    ("base", "value"), [(5, "0.00"), (15, "0.02"), (25, "0.02"), (35, "0.04"), (36, "0.04")]
)
def test_half_a_cent_goes_to_the_even_one(base: int, value: str) -> None:
    assert str(value_of(base, 3, Decimal("1"))) == value


@given(
    st.integers(0, MAX_BASE_UNITS),
    st.integers(0, 24),
    st.decimals("0.0000000001", "99999999", places=10),
)
def test_values_in_cents_are_the_same_to_the_cent(base: int, decimals: int, price: Decimal) -> None:
    cents = cents_by(decimals, price)
    for number in (base, base % 10**9, base % 1000):
        assert cents(number) == int(str(value_of(number, decimals, price)).replace(".", ""))
    assert [cents_by(3, Decimal(1))(half) for half in (5, 15, 25, 35)] == [0, 2, 2, 4]


def test_without_a_price_there_is_no_value() -> None:
    assert fiat_of(5, 0, None) is None
    assert fiat_of(5, 1, SimpleNamespace(price=Decimal("2"))) == Decimal("1.00")


def line(
    fiat: str | None, *, released: int, held: int, worth: str | None, seized: int = 0
) -> SimpleNamespace:
    return SimpleNamespace(
        fiat_value=None if fiat is None else Decimal(fiat), released=released, held=held,
        seized=seized,
        price=None if worth is None else SimpleNamespace(price=Decimal(worth)),
        asset=SimpleNamespace(decimals=0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("frozen", "parts"),
    [
        (line(None, released=1, held=1, worth="2"), None),
        (line("10", released=0, held=5, worth="2"), ("10", "0", "0")),
        (line("10", released=3, held=2, worth=None), ("10", "0", "0")),
        (line("10", released=5, held=0, worth="2"), ("0", "10", "0")),
        (line("10", released=3, held=2, worth="2"), ("4", "6", "0")),
        (line("10", released=0, held=2, worth="2", seized=3), ("4", "0", "6")),
        (line("10", released=1, held=2, worth="2", seized=2), ("4", "2", "4")),
    ],
)
def test_what_is_held_given_back_and_seized_adds_up_to_what_was_frozen(
    frozen: SimpleNamespace, parts: tuple[str, str, str] | None
) -> None:
    found = parts_at_execution(frozen)  # type: ignore[arg-type]
    assert found == (None if parts is None else tuple(Decimal(part) for part in parts))


def test_a_part_is_the_sum_of_the_rows_that_have_a_price() -> None:
    part = MoneyPart((
        row(1, 5, "2.50", at_execution=Decimal("1")), row(2, 7, None), row(3, 1, "0.25"),
    ))  # fmt: skip
    assert part.fiat == Decimal("2.75")
    assert part.at_execution == Decimal("1.00")
    assert bool(part)
    assert not MoneyPart()
    assert MoneyPart().fiat == MoneyPart().at_execution == ZERO


def test_sums_by_asset_stand_dearest_first_and_unpriced_last() -> None:
    part = MoneyPart((
        row(1, 5, "1.00"), row(2, 6, "2.00"), row(3, 1, "9.00", "b"), row(4, 2, None, "c"),
        row(5, 3, None, "c"),
    ))  # fmt: skip
    assert [(each.asset, each.symbol, each.base, each.fiat) for each in part.by_asset] == [
        ("b", "B", 1, Decimal("9.00")), ("a", "A", 11, Decimal("3.00")), ("c", "C", 5, None),
    ]  # fmt: skip


def test_left_is_never_below_zero_and_then_a_gain() -> None:
    for fiat, left, gain in (("5", "5", "0"), ("-5", "0", "5"), ("0", "0", "0")):
        shown = strip(MoneyPart((row(1, 1, fiat),)))
        assert (shown.left_fiat, shown.gain_fiat) == (Decimal(left), Decimal(gain))
    assert strip(MoneyPart(), (price("a", "1"), price("b", None))).unvalued == ("B",)


def test_a_fact_known_twice_counts_once_with_its_larger_amount() -> None:
    prices = {"a": price("a", "2"), "b": price("b", None)}
    facts = [
        amount(1, "a", 100, "k", "1.50"), amount(1, "a", 300, "k", "2.50"),
        amount(1, "a", 200, "k", "9"), amount(1, "a", 50, "other", "0.50"),
        amount(2, "a", 700, "k"), amount(1, "b", 9, "k2"),
    ]  # fmt: skip
    part = money._part(coins_of(facts), prices)
    assert [
        (each.masked, each.asset, each.base, each.fiat, each.num_parts, each.at_execution)
        for each in part.rows
    ] == [
        ("••0002", "a", 700, Decimal("14.00"), 1, None),
        ("••0001", "a", 350, Decimal("7.00"), 2, Decimal("3.00")),
        ("••0001", "b", 9, None, 1, None),
    ]


def traced(base: int, tx: str, index: int = 0, number: int = 1) -> Amount:
    return amount(number, "a", base, f"{tx}:{index}", tx=tx)


def recorded(base: int, ref: str, tx: str = "", number: int = 1) -> Amount:
    return amount(number, "a", base, ref, tx=tx, is_recorded=True)


@pytest.mark.parametrize(
    ("facts", "together"),
    [
        ([traced(90, "t"), recorded(100, "R1", "t")], 100),  # one coin, told by two cases
        ([traced(90, "t"), traced(60, "t", 1), recorded(100, "R1", "t")], 150),  # two outputs
        ([traced(90, "t"), recorded(100, "R1", "u")], 190),  # two transactions
        ([traced(90, "t"), recorded(100, "R1")], 100),  # may be the same: never both
        ([traced(90, "t"), traced(70, "u"), recorded(100, "R1")], 160),
        ([traced(90, "t"), recorded(90, "R1", "t"), recorded(40, "R2")], 130),
        ([recorded(100, "R1"), recorded(100, "R2"), recorded(100, "R1")], 200),
        ([traced(90, "t"), recorded(100, "R1", "t", number=2)], 190),  # another account
    ],
)
def test_a_coin_counts_once_whoever_knows_it(facts: list[Amount], together: int) -> None:
    assert sum(fact.base for fact in coins_of(facts)) == together
    assert sum(fact.base for fact in coins_of(reversed(facts))) == together


COINS = st.lists(
    st.builds(
        lambda case, is_recorded, base, tx, number: (
            case,
            recorded(base, f"R{number}", tx) if is_recorded else traced(base, tx or "t", number),
        ),
        st.integers(1, 3), st.booleans(), st.integers(0, 9), st.sampled_from(["", "t", "u"]),
        st.integers(0, 2),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=100)
@given(COINS)
def test_a_total_is_between_its_largest_case_and_their_sum(told: list[tuple[int, Amount]]) -> None:
    """Of one case alone either a trace or the records count, so each case is of one kind."""
    kind = {case: fact.is_recorded for case, fact in reversed(told)}
    of_case: dict[int, list[Amount]] = {}
    for case, fact in told:
        if fact.is_recorded == kind[case]:
            of_case.setdefault(case, []).append(fact)
    each = [sum(fact.base for fact in coins_of(facts)) for facts in of_case.values()]
    together = sum(
        fact.base for fact in coins_of(fact for facts in of_case.values() for fact in facts)
    )
    assert max(each, default=0) <= together <= sum(each)


def test_left_is_reached_without_what_is_held_or_asked_for_row_by_row() -> None:
    reached = MoneyPart((row(1, 10, "10"), row(2, 4, "4"), row(4, 3, None, "c")))
    frozen = MoneyPart((row(1, 2, "2"), row(2, 4, "4"), row(3, 5, "5")))
    elsewhere = MoneyPart((row(1, 1, "1"),))
    pending = MoneyPart((row(1, 2, "2"), row(4, 1, None, "c")))
    left = money._left(reached, frozen, elsewhere, pending)
    assert [(each.masked, each.base, each.fiat, each.num_parts) for each in left.rows] == [
        ("••0001", 5, Decimal("5"), 4), ("••0004", 2, None, 2), ("••0003", -5, Decimal("-5"), 1),
    ]  # fmt: skip
    both = strip(left)
    assert [(each.masked, each.base) for each in both.not_held.rows] == [
        ("••0001", 5),
        ("••0004", 2),
    ]
    assert [(each.masked, each.base, each.fiat) for each in both.beyond.rows] == [
        ("••0003", 5, Decimal("5"))
    ]
    assert both.not_held.fiat - both.beyond.fiat == both.left_fiat - both.gain_fiat


def test_an_account_held_in_part_is_never_called_frozen() -> None:
    """By value for the account, which may have changed one asset into another; by asset else."""
    reached = MoneyPart((
        row(1, 10, "10"), row(2, 10, "10"), row(3, 10, "10"), row(4, 10, "10"),
        row(5, 9, None, "c"),
    ))  # fmt: skip
    frozen = MoneyPart((row(1, 3, "3"), row(2, 4, "4"), row(2, 6, "6", "b"), row(5, 4, None, "c")))
    elsewhere = MoneyPart((row(1, 7, "7", "b"), row(3, 9, "9")))
    pending = MoneyPart((row(4, 1, "1"),))
    left = money._left(reached, frozen, elsewhere, pending)
    told = CaseMoney("USD", reached, frozen, elsewhere, pending, left, (), ())
    assert account_states(told) == {
        UUID(int=1): "frozen", UUID(int=2): "frozen", UUID(int=3): "partly",
        UUID(int=4): "pending", UUID(int=5): "partly",
    }  # fmt: skip
    states = {(account.int, asset): state for (account, asset), state in row_states(told).items()}
    assert states == {
        (1, "a"): "partly", (1, "b"): "frozen", (2, "a"): "partly", (2, "b"): "frozen",
        (3, "a"): "partly", (4, "a"): "pending", (5, "c"): "partly",
    }  # fmt: skip
    nothing = MoneyPart()
    untouched = CaseMoney("USD", reached, nothing, nothing, nothing, reached, (), ())
    assert set(account_states(untouched).values()) == {"left"}


def test_what_counts_as_arrived_and_as_pending_is_what_was_reviewed() -> None:
    assert set(money.IN_KINDS) == {"deposit", "fiat_in"}
    assert set(money.NOT_ARRIVED) == {
        "failed", "rejected", "refused", "cancelled", "reversed", "stopped", "pending",
    }  # fmt: skip
    assert set(money.PENDING_FREEZES) == {
        "submitted", "in_review", "provisional", "approved", "executing",
    }  # fmt: skip
    assert set(money.PENDING_LINES) == {"planned", "sent", "unknown"}


def test_what_a_case_holds_is_held_elsewhere_for_one_that_reached_the_account() -> None:
    run = (1, UUID(int=1)), (2, UUID(int=2))
    mine, theirs = amount(1, "a", 1, "k"), replace(amount(1, "b", 1, "l"), case_id=2)
    asked = amount(1, "c", 1, "m")
    stranger = replace(amount(9, "d", 1, "n"), case_id=2)
    facts = Facts([mine], [mine, theirs, stranger], [asked], [], list(run), {1: {1}, 2: {9}})
    assert facts.assets() == {"a", "b", "c", "d"}
    assert facts.of((1,)) == Facts([mine], [mine], [asked], [theirs], [run[0]], {1: {1}})
    assert facts.of((2,)) == Facts([], [theirs, stranger], [], [], [run[1]], {2: {9}})
    assert facts.of((1, 2)) == facts


def test_the_columns_hold_seventy_eight_digits_and_nothing_else() -> None:
    field = BaseUnitsField(name="base", db_column="base")
    field.column = "base"
    assert field.db_type(POSTGRESQL) == "numeric(78, 0)"
    assert field.db_type(SQLITE) == "varchar(78)"
    assert field.db_check(POSTGRESQL) == '"base" >= 0 AND "base" < 1e78'
    assert field.db_check(SQLITE) == 'length("base") = 78 AND "base" NOT GLOB \'*[^0-9]*\''


def test_the_edges_of_an_amount() -> None:
    assert int("9" * 78) == MAX_BASE_UNITS
    assert FIELD.get_prep_value(0) == "0" * 78
    assert FIELD.get_prep_value(MAX_BASE_UNITS) == "9" * 78
    assert FIELD.get_prep_value("7") == f"{7:078d}"
    assert FIELD.get_prep_value(None) is None
    assert FIELD.to_python(None) is None
    assert FIELD.to_python(5) == FIELD.to_python("5") == 5
    for wrong in (True, False):
        with pytest.raises(ValidationError):
            FIELD.to_python(wrong)
    with pytest.raises(ValueError, match="base is outside"):
        FIELD.get_prep_value(-1)
    with pytest.raises(ValueError) as refused:
        parse_base_units("x" * 200)
    assert str(refused.value).count("x") == 80
    assert FIELD.from_db_value(None, SimpleNamespace(), None) is None
