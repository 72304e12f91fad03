"""The rail counts what waits, asks little for it, and is never behind an act."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.utils import timezone

from cases.acting import acting_as
from cases.models import CaseAccess
from cases.services.cases import block_user
from cases.services.tasks import add_task
from fiu.dashboard import waiting
from tests.casework import make_case, person
from tests.report_desk import make_alert

pytestmark = pytest.mark.django_db


def test_a_page_asks_once_while_nothing_happens(django_assert_num_queries: Any) -> None:
    by = person("analyst")
    case = make_case(by, started=True)
    add_task(case, title="Ask the bank", by=by)
    assert waiting(by)["inbox"] == 1
    with django_assert_num_queries(1):
        assert waiting(by)["inbox"] == 1


def test_the_next_page_counts_every_act_even_one_the_person_must_not_read() -> None:
    by, boss = person("analyst"), person("supervisor")
    case = make_case(by, started=True)
    with acting_as(by):
        assert waiting(by) == {}
    add_task(case, title="Ask the bank", by=by)
    with acting_as(by):
        assert waiting(by)["inbox"] == 1
    block_user(case, by.person, "A relative.", by=boss)
    make_alert()
    with acting_as(by):
        assert waiting(by) == {"inbox": 1, "alert": 1}


def test_an_access_that_ends_takes_its_numbers_along() -> None:
    by, named = person("analyst"), person("analyst")
    case = make_case(by, started=True, visibility="sealed")
    access = CaseAccess.objects.create(case=case, user_id=named.person, level="write")
    add_task(case, title="Ask the bank", by=by)
    CaseAccess.objects.filter(pk=access.pk).update(
        expires_at=timezone.now() + timedelta(seconds=0.5)
    )
    assert waiting(named)["inbox"] == 1
    time.sleep(0.6)
    assert waiting(named) == {}


def test_nobody_is_given_the_numbers_of_another() -> None:
    by, other = person("analyst"), person("analyst")
    case = make_case(by, started=True, visibility="sealed")
    add_task(case, title="Ask the bank", by=by)
    assert waiting(by)["inbox"] == 1
    assert waiting(other) == {}
    caches["nearby"].clear()
    assert waiting(other) == {}
