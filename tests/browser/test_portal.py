"""The portal of two agencies in two languages: read, asked, printed, and without JavaScript."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import SeatOf
from tests.browser.site import Seat, Site
from tests.browser.test_tour import path_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
LISTS = ("", "downloads/", "messages/", "requests/", "requests/new/")


@pytest.fixture
def speaks(seat_of: SeatOf) -> Iterator[dict[str, Seat]]:
    """Ortiz in French and Chen in Chinese; both speak English again for the next journey."""
    seats = {"fr": seat_of("ortiz"), "zh-hant": seat_of("chen")}
    for code, seat in seats.items():
        choose(seat, "language", code)
    yield seats
    for seat in seats.values():
        choose(seat, "language", "en")


def choose(seat: Seat, name: str, value: str) -> None:
    page = seat.go("/liaison/")
    page.locator(f"button[name={name}][value={value}]").click()
    page.wait_for_load_state("networkidle")


def test_two_agencies_read_their_portal_in_two_languages(speaks: dict[str, Seat]) -> None:
    heads = {"fr": "Communications", "zh-hant": "發布"}
    for code, seat in speaks.items():
        page = seat.go("/liaison/")
        expect(page.locator("html")).to_have_attribute("lang", code)
        expect(page.locator("h1")).to_have_text(heads[code])
        for each in LISTS:
            seat.go(f"/liaison/{each}")
            seat.check()
    agencies = {"fr": "FNTF", "zh-hant": "HDIB"}
    for code, seat in speaks.items():
        seat.go("/liaison/").locator("main a.title").first.click()
        seat.page.wait_for_load_state("networkidle")
        seat.check()
        expect(seat.page.locator("svg.flow-svg").first).to_be_visible()
        [other] = [each for each in agencies if each != code]
        assert agencies[other] not in seat.page.content()
        answer = speaks[other].page.request.get(seat.site.url + path_of(seat.page))
        assert answer.status == 404


def test_the_flow_plays_through_time_and_steps_without_javascript(
    seat_of: SeatOf, site: Site, browser: Browser
) -> None:
    ortiz = seat_of("ortiz")
    page = ortiz.go("/liaison/")
    page.locator("main a.title").first.click()
    page.wait_for_load_state("networkidle")
    release = path_of(page)
    whole = page.locator("#flow-card rect.fl-card").count()
    page.locator("#flow-play").click()
    expect(page.locator("#flow-play")).to_have_text("Pause")
    first = page.locator("#flow-card [role=status]").inner_text()
    expect(page.locator("#flow-card [role=status]")).not_to_have_text(first)  # by itself
    page.locator("#flow-play").click()
    expect(page.locator("#flow-play")).to_have_text("Play")
    assert 0 < page.locator("#flow-card rect.fl-card").count() < whole
    ortiz.check()
    page.locator("#flow-whole").click()
    expect(page.locator("#flow-card rect.fl-card")).to_have_count(whole)
    plain = browser.new_context(
        java_script_enabled=False, storage_state=ortiz.context.storage_state()
    )
    quiet = plain.new_page()
    quiet.goto(site.url + release)
    quiet.locator("#flow-back").click()
    assert "step=" in quiet.url
    expect(quiet.locator("#flow-on")).to_be_visible()
    plain.close()


@pytest.mark.parametrize(("code", "words"), [("fr", "Se connecter"), ("zh-TW", "登入")])
def test_the_way_in_speaks_the_language_of_the_browser(
    site: Site, browser: Browser, code: str, words: str
) -> None:
    stranger = browser.new_context(locale=code)
    seat = Seat(site, "stranger", stranger.new_page(), stranger)
    page = seat.go("/accounts/login/?next=/liaison/")
    expect(page.locator("h1")).to_have_text(words)
    seat.check()
    stranger.close()


def test_an_officers_account_speaks_the_language_of_the_portal(speaks: dict[str, Seat]) -> None:
    for seat in speaks.values():
        for each in ("2fa/", "2fa/keys/add/", "sessions/"):
            page = seat.go(f"/accounts/{each}?next=/liaison/")
            expect(page.locator("html")).not_to_have_attribute("lang", "en")
            seat.check()


def test_times_are_shown_in_utc_when_the_officer_says_so(seat_of: SeatOf) -> None:
    ortiz = seat_of("ortiz")
    choose(ortiz, "times", "utc")
    expect(ortiz.page.locator("fiu-time time").first).to_contain_text("UTC")
    ortiz.check()
    choose(ortiz, "times", "local")
    expect(ortiz.page.locator("fiu-time time").first).not_to_contain_text("UTC")


def test_a_release_prints_without_its_forms_and_reads_without_javascript(
    seat_of: SeatOf, site: Site, browser: Browser
) -> None:
    ortiz = seat_of("ortiz")
    page = ortiz.go("/liaison/")
    page.locator("main a.title").first.click()
    page.wait_for_load_state("networkidle")
    page.emulate_media(media="print")
    expect(page.locator("main form").first).to_be_hidden()
    expect(page.locator("#finding-F1")).to_be_visible()
    page.emulate_media(media="screen")
    plain = browser.new_context(
        java_script_enabled=False, storage_state=ortiz.context.storage_state()
    )
    quiet = plain.new_page()
    quiet.goto(site.url + path_of(page))
    expect(quiet.locator("#finding-F1")).to_be_visible()
    with quiet.expect_download() as waiting:
        quiet.locator("header a[download]").first.click()
    assert waiting.value.suggested_filename.endswith(".zip")
    plain.close()
