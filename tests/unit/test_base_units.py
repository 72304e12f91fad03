"""Amounts in base units: what is parsed, what is refused, and that nothing is lost."""

from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from cases.models.fields import MAX_BASE_UNITS, BaseUnitsField, parse_base_units

AMOUNTS = st.integers(0, MAX_BASE_UNITS)
FIELD = BaseUnitsField(name="base")


@given(AMOUNTS)
def test_an_amount_survives_as_text(amount: int) -> None:
    assert parse_base_units(str(amount)) == amount


@given(AMOUNTS, AMOUNTS)
def test_stored_amounts_sort_like_numbers(one: int, other: int) -> None:
    left, right = FIELD.get_prep_value(one), FIELD.get_prep_value(other)
    assert left is not None
    assert right is not None
    assert len(left) == len(right) == 78
    assert (left < right) == (one < other)


@pytest.mark.parametrize(
    "text",
    ["", "1_1", "+1", "-1", "1.0", "1e3", " 1", "1\n", "0x1", "\u0661", "\uff11", "9" * 79, "NaN"],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_base_units(text)
    with pytest.raises((ValueError, ValidationError)):
        FIELD.get_prep_value(text)


@pytest.mark.parametrize("value", [-1, MAX_BASE_UNITS + 1, True, 1.5])
def test_what_does_not_fit_the_column_is_refused(value: object) -> None:
    with pytest.raises((ValueError, ValidationError)):
        FIELD.get_prep_value(value)


def test_a_sum_in_sql_is_refused() -> None:
    with pytest.raises(TypeError, match="in Python"):
        FIELD.from_db_value("1", SimpleNamespace(), None)
