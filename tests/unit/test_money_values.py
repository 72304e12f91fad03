"""What an amount is worth, and how parts and sums of a case's money are made of their rows."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError

from cases.models.fields import MAX_BASE_UNITS, BaseUnitsField, parse_base_units
from cases.queries import money
from cases.queries.money import (
    ZERO,
    AssetPrice,
    CaseMoney,
    MoneyPart,
    MoneyRow,
    fiat_of,
    parts_at_execution,
    value_of,
)

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


def amount(number: int, asset: str, base: int, key: str, executed: str | None = None) -> object:
    account = money._Account(number, UUID(int=number), f"••{number:04d}")
    at_execution = None if executed is None else Decimal(executed)
    return money._Amount(1, account, asset, base, key, at_execution)


def strip(left: MoneyPart, prices: tuple[AssetPrice, ...] = ()) -> CaseMoney:
    nothing = MoneyPart()
    return CaseMoney("USD", nothing, nothing, nothing, left, prices, ())


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


def test_without_a_price_there_is_no_value() -> None:
    assert fiat_of(5, 0, None) is None
    assert fiat_of(5, 1, SimpleNamespace(price=Decimal("2"))) == Decimal("1.00")


def line(fiat: str | None, *, released: int, held: int, worth: str | None) -> SimpleNamespace:
    return SimpleNamespace(
        fiat_value=None if fiat is None else Decimal(fiat), released=released, held=held,
        price=None if worth is None else SimpleNamespace(price=Decimal(worth)),
        asset=SimpleNamespace(decimals=0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("frozen", "parts"),
    [
        (line(None, released=1, held=1, worth="2"), None),
        (line("10", released=0, held=5, worth="2"), ("10", "0")),
        (line("10", released=3, held=2, worth=None), ("10", "0")),
        (line("10", released=5, held=0, worth="2"), ("0", "10")),
        (line("10", released=3, held=2, worth="2"), ("4", "6")),
    ],
)
def test_what_is_held_and_given_back_adds_up_to_what_was_frozen(
    frozen: SimpleNamespace, parts: tuple[str, str] | None
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
    part = money._part(
        [
            amount(1, "a", 100, "k", "1.50"), amount(1, "a", 300, "k", "2.50"),
            amount(1, "a", 200, "k", "9"), amount(1, "a", 50, "other", "0.50"),
            amount(2, "a", 700, "k"), amount(1, "b", 9, "k2"),
        ],  # type: ignore[list-item]
        prices,
    )  # fmt: skip
    assert [
        (each.masked, each.asset, each.base, each.fiat, each.num_parts, each.at_execution)
        for each in part.rows
    ] == [
        ("••0002", "a", 700, Decimal("14.00"), 1, None),
        ("••0001", "a", 350, Decimal("7.00"), 2, Decimal("3.00")),
        ("••0001", "b", 9, None, 1, None),
    ]


def test_left_is_reached_without_frozen_and_pending_row_by_row() -> None:
    reached = MoneyPart((row(1, 10, "10"), row(2, 4, "4"), row(4, 3, None, "c")))
    frozen = MoneyPart((row(1, 3, "3"), row(2, 4, "4"), row(3, 5, "5")))
    pending = MoneyPart((row(1, 2, "2"), row(4, 1, None, "c")))
    left = money._left(reached, frozen, pending)
    assert [(each.masked, each.base, each.fiat, each.num_parts) for each in left.rows] == [
        ("••0001", 5, Decimal("5"), 3), ("••0004", 2, None, 2), ("••0003", -5, Decimal("-5"), 1),
    ]  # fmt: skip


def test_what_counts_as_arrived_and_as_pending_is_what_was_reviewed() -> None:
    assert set(money.IN_KINDS) == {"deposit", "fiat_in"}
    assert set(money.NOT_ARRIVED) == {
        "failed", "rejected", "refused", "cancelled", "reversed", "stopped", "pending",
    }  # fmt: skip
    assert set(money.PENDING_FREEZES) == {
        "submitted", "in_review", "provisional", "approved", "executing",
    }  # fmt: skip
    assert set(money.PENDING_LINES) == {"planned", "sent", "unknown"}


def test_facts_name_all_their_assets_and_are_told_apart_by_case() -> None:
    facts = money._Facts(
        [amount(1, "a", 1, "k")], [amount(1, "b", 1, "k")], [amount(1, "c", 1, "k")],
        [(1, UUID(int=1)), (2, UUID(int=2))],
    )  # type: ignore[list-item]  # fmt: skip
    assert facts.assets() == {"a", "b", "c"}
    assert facts.of((1,)) == money._Facts(
        facts.reached, facts.frozen, facts.pending, [(1, UUID(int=1))]
    )
    assert facts.of((2,)) == money._Facts([], [], [], [(2, UUID(int=2))])


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
