"""What a rule may conclude, and what not, from records that begin somewhere."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from cases.detection import Account, Movement, evaluate

PARAMS = {"large_fiat": "10000", "new_days": 30, "dormant_days": 180}
RECORDS = datetime(2025, 1, 1, tzinfo=UTC)


def large(days: int) -> Movement:
    at = RECORDS + timedelta(days=days)
    return Movement("m-1", "deposit", at, "USDT", 20_000_000_000, Decimal(20_000))


@pytest.mark.parametrize(("days", "hits"), [(179, 0), (180, 1)])
def test_silence_before_the_records_is_not_sleep(days: int, hits: int) -> None:
    account = Account("1", date(2019, 1, 1), RECORDS)
    found = list(evaluate("large_into_new_or_slept", account, [large(days)], PARAMS))
    assert len(found) == hits


def test_an_account_opened_after_the_records_begin_sleeps_from_its_opening() -> None:
    account = Account("1", date(2025, 3, 1), RECORDS)
    assert not list(evaluate("large_into_new_or_slept", account, [large(200)], PARAMS))
    (found,) = evaluate("large_into_new_or_slept", account, [large(300)], PARAMS)
    assert [value.name for value in found.values] == ["amount", "days asleep"]
