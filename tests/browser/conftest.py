"""One demo installation and one seat per person for each file of journeys."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.site import LAUNCH, Seat, Site, chromium, take_seat

SeatOf = Callable[[str], Seat]


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: install Debian's package `chromium`")
    return path


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Closed after each file: Django refuses its database beside Playwright's running loop."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium_path, args=LAUNCH)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def demo_home(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """A folder with the demo world just made, or None where FIU_TEST_SITE names a running one."""
    if "FIU_TEST_SITE" in os.environ:
        return None
    home = tmp_path_factory.mktemp("world") / "home"
    started = Site(home)
    try:
        started.wait_for_demo()
    finally:
        status = started.stop()
    assert status == 0
    return home


@pytest.fixture(scope="module")
def site(demo_home: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("demo") / "home"
    if demo_home is not None:
        shutil.copytree(demo_home, home)
    started = Site(home)
    try:
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
