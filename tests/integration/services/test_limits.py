"""Limits of calls and exports: counted in the database, told in one sentence with the wait (S4)."""

from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries, Settings

from cases.models import Pace
from cases.services.errors import TooFast
from cases.services.limits import Limit, forget_pace, seconds_to_wait, take_export, take_upload
from tests.casework import make_actor, make_user

pytestmark = pytest.mark.django_db
NOW = 1_750_000_000.0
FIVE_A_SECOND = Limit("test", step_ms=200, burst=20)


def test_twenty_pass_at_once_then_five_a_second() -> None:
    waits = [seconds_to_wait(FIVE_A_SECOND, "user:1", NOW) for _ in range(21)]
    assert waits == [0] * 20 + [1]
    passed = [seconds_to_wait(FIVE_A_SECOND, "user:1", NOW + n * 0.1) for n in range(1, 21)]
    assert passed.count(0) == 10, "two seconds on, ten more"


def test_who_waits_as_told_passes_and_others_never_waited() -> None:
    one_an_hour = Limit("test", step_ms=3_600_000, burst=1)
    assert seconds_to_wait(one_an_hour, "user:1", NOW) == 0
    assert seconds_to_wait(one_an_hour, "user:1", NOW + 600) == 3000
    assert seconds_to_wait(one_an_hour, "user:1", NOW + 3599.5) == 1
    assert seconds_to_wait(one_an_hour, "user:2", NOW + 600) == 0
    assert seconds_to_wait(one_an_hour, "user:1", NOW + 3600) == 0


def test_being_refused_costs_nothing_further() -> None:
    one = Limit("test", step_ms=1000, burst=1)
    waits = [seconds_to_wait(one, "user:1", NOW + n * 0.1) for n in range(11)]
    assert waits == [0] + [1] * 9 + [0]


def test_passing_is_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    seconds_to_wait(FIVE_A_SECOND, "user:1", NOW)
    with django_assert_num_queries(1):
        seconds_to_wait(FIVE_A_SECOND, "user:1", NOW)


def test_of_two_first_callers_at_once_both_pass() -> None:
    seen = []

    def other_caller(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Its row appears after we found none to change, and before we look why."""
        answer = execute(sql, params, many, context)
        if sql.startswith("UPDATE") and not seen:
            seen.append(sql)
            Pace.objects.create(key="test:user:1", rest_at=int(NOW * 1000) + 200)
        return answer

    with connection.execute_wrapper(other_caller):
        assert seconds_to_wait(FIVE_A_SECOND, "user:1", NOW) == 0
    assert Pace.objects.get().rest_at == NOW * 1000 + 400


def test_who_is_at_rest_is_forgotten() -> None:
    seconds_to_wait(FIVE_A_SECOND, "user:1", NOW)
    seconds_to_wait(FIVE_A_SECOND, "user:2", 99_000_000_000.0)
    assert forget_pace() == 1
    assert list(Pace.objects.values_list("key", flat=True)) == ["test:user:2"]


def test_the_eleventh_export_of_an_hour_waits(settings: Settings) -> None:
    settings.EXPORTS_PER_HOUR = 10
    by = make_actor(make_user("supervisor"))
    for _ in range(10):
        take_export(by=by)
    with pytest.raises(TooFast) as refused:
        take_export(by=by)
    assert str(refused.value) == "You have made 10 exports within an hour: wait 6 minutes."
    assert 350 <= refused.value.seconds <= 360
    take_export(by=make_actor(make_user("supervisor")))


def test_a_person_sends_in_so_much_a_day(settings: Settings) -> None:
    settings.UPLOAD_MEGABYTES_PER_DAY = 100
    by, size = make_actor(make_user("analyst")), 25 * 1024 * 1024
    for _ in range(4):
        take_upload(size, by=by)
    with pytest.raises(TooFast, match="You have sent in 100 MB within a day: wait 360 minutes"):
        take_upload(size, by=by)
    with pytest.raises(TooFast):
        take_upload(1024 * 1024, by=by)
    take_upload(size, by=make_actor(make_user("analyst")))
