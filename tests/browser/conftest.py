"""One demo installation and one seat per person for each file of journeys."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.site import LAUNCH, Seat, Site, chromium, take_seat

SeatOf = Callable[[str], Seat]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: install Debian's package `chromium`")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=LAUNCH)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    started = Site(tmp_path_factory.mktemp("demo") / "home")
    try:
        started.wait_for_demo()
        yield started
    finally:
        status = started.stop()
    assert status == 0


@pytest.fixture(scope="module")
def seat_of(site: Site, browser: Browser) -> SeatOf:
    """A code works once: so each person signs in once and keeps the window."""
    seats: dict[str, Seat] = {}

    def seat(name: str) -> Seat:
        if name not in seats:
            seats[name] = take_seat(site, browser, name)
        return seats[name]

    return seat
