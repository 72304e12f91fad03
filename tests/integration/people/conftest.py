"""What tests of people signing in stand on."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.urls import set_urlconf

PAGES = "tests.integration.people.test_sign_in"


@pytest.fixture
def pages_of_a_person(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The routes of PAGES before those of the installation.

    `pytest.mark.urls` also forgets all resolvers, before each test and after it, and the next one
    reads 360 routes again. They are kept by the name of their module: nothing is mixed up.
    """
    monkeypatch.setattr(settings, "ROOT_URLCONF", PAGES)
    set_urlconf(None)
    yield
    set_urlconf(None)  # the last request left its own
