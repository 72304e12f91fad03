"""One demo installation for all journeys, and one seat per person for each file of them."""

import os
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, StorageState, sync_playwright

from tests.browser.site import LAUNCH, Seat, Site, chromium, sign_in, take_seat

SeatOf = Callable[[str], Seat]
STEP_UP_LASTS = 300.0  # seconds; a person who signed in earlier would be asked for a code again


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: install Debian's `chromium-headless-shell`")
    return path


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Closed after each file: Django refuses its database beside Playwright's running loop."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium_path, args=LAUNCH)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def site(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo as people find it; each journey leaves what it did to the next one.

    It ends with the last journey, not with the last test of that process: its services look for
    work all the time.
    """
    started = Site(tmp_path_factory.mktemp("demo") / "home")
    try:
        if "FIU_TEST_SITE" not in os.environ:
            started.wait_for_demo()
        yield started
    finally:
        status = started.stop()
    assert status == 0


@pytest.fixture(scope="session")
def sessions() -> dict[str, tuple[float, StorageState]]:
    """When each person signed in, and the cookies since: a code works once."""
    return {}


@pytest.fixture(scope="module")
def seat_of(
    site: Site, browser: Browser, sessions: dict[str, tuple[float, StorageState]]
) -> SeatOf:
    """Each person signs in once and keeps the window."""
    seats: dict[str, Seat] = {}

    def seat(name: str) -> Seat:
        if name not in seats:
            at, cookies = sessions.get(name, (0.0, None))
            is_fresh = cookies is not None and time.monotonic() - at < STEP_UP_LASTS
            seats[name] = take_seat(site, browser, name, cookies if is_fresh else None)
            if not is_fresh:
                sign_in(seats[name])
                sessions[name] = (time.monotonic(), seats[name].context.storage_state())
        return seats[name]

    return seat
