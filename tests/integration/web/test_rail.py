"""The rail counts what waits, asks little for it, and is never behind an act."""

from typing import Any

import pytest
from django.core.cache import caches

from cases.services.cases import block_user
from cases.services.tasks import add_task
from fiu.dashboard import waiting
from tests.casework import make_case, person

pytestmark = pytest.mark.django_db


def test_a_page_asks_once_while_nothing_happens(django_assert_num_queries: Any) -> None:
    by = person("analyst")
    case = make_case(by, started=True)
    add_task(case, title="Ask the bank", by=by)
    assert waiting(by)["inbox"] == 1
    with django_assert_num_queries(1):
        assert waiting(by)["inbox"] == 1


def test_the_next_page_counts_every_act() -> None:
    by, boss = person("analyst"), person("supervisor")
    case = make_case(by, started=True)
    assert waiting(by) == {}
    add_task(case, title="Ask the bank", by=by)
    assert waiting(by)["inbox"] == 1
    block_user(case, by.person, "A relative.", by=boss)
    assert waiting(by) == {}


def test_nobody_is_given_the_numbers_of_another() -> None:
    by, other = person("analyst"), person("analyst")
    case = make_case(by, started=True, visibility="sealed")
    add_task(case, title="Ask the bank", by=by)
    assert waiting(by)["inbox"] == 1
    assert waiting(other) == {}
    caches["nearby"].clear()
    assert waiting(other) == {}
