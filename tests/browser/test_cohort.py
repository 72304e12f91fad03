"""J3 in a real browser: who of our customers paid Lanternbox, and what speaks against it."""

import csv
import io

import pytest

from tests.browser.conftest import SeatOf
from tests.browser.site import Seat

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


def open_case(seat: Seat, title: str) -> None:
    page = seat.go("/cases/")
    page.get_by_role("link", name=title).first.click()
    page.wait_for_load_state("networkidle")


def open_tab(seat: Seat, name: str) -> None:
    seat.page.get_by_role("link", name=name, exact=False).and_(
        seat.page.locator("nav.tabs a, .tabs a")
    ).first.click()
    seat.page.wait_for_load_state("networkidle")


def test_the_cohort_is_told_by_tier_and_exported_by_a_second_person(seat_of: SeatOf) -> None:
    mei, tomas = seat_of("mei"), seat_of("tomas")
    open_case(mei, "Lanternbox: payment wallets")
    open_tab(mei, "Cohort")
    figures = mei.page.locator(".kpis").last.inner_text()
    assert "120" in figures
    assert "of 123 customers" in figures
    assert "162" in figures
    assert "0.0584 BTC" in figures
    assert mei.page.get_by_role("button", name="Export").count() == 0
    mei.check()
    mei.page.get_by_role("link", name="Tier 3: pattern only 3").click()
    assert mei.page.get_by_text("never exported").count() == 3
    mei.page.get_by_role("link", name="Kept out: tags disagree 9").click()
    assert mei.page.locator("table.table tbody tr").count() == 9
    mei.page.locator("table.table tbody th a").first.click()
    mei.page.wait_for_load_state("networkidle")
    assert "Tags give the paid addresses to different services." in mei.page.content()
    mei.check()
    assert "Sample Customer" not in mei.page.content()
    mei.page.get_by_label("Purpose").fill("Order 12 of the court")
    mei.page.get_by_role("button", name="Reveal").click()
    mei.page.wait_for_load_state("networkidle")
    assert "Sample Customer" in mei.page.locator("main").inner_text()
    mei.page.goto(mei.page.url)  # shown once: the page asked anew is masked
    assert "Sample Customer" not in mei.page.locator("main").inner_text()
    mei.page.get_by_role("link", name="Cohort", exact=False).first.click()
    mei.page.get_by_role("link", name="Safe numbers").click()
    mei.page.wait_for_load_state("networkidle")
    numbers = mei.page.locator("main").inner_text()
    assert "Of them referred" in numbers
    assert "Acknowledged by an agency" in numbers
    assert "120" in numbers
    mei.check()
    open_case(tomas, "Lanternbox: payment wallets")
    open_tab(tomas, "Cohort")
    with tomas.page.expect_download() as waiting:
        tomas.page.get_by_role("button", name="Export 120").click()
    rows = list(csv.reader(io.StringIO(waiting.value.path().read_text("utf-8"))))
    assert len(rows) == 121
    assert sum(int(row[5]) for row in rows[1:]) == 5_840_000
    assert {row[3] for row in rows[1:]} == {"1", "2"}
    assert not any("Sample Customer" in cell for row in rows for cell in row)


def test_a_cohort_is_built_by_the_form(seat_of: SeatOf) -> None:
    mei = seat_of("mei")
    open_case(mei, "Lanternbox: payment wallets")
    open_tab(mei, "Cohort")
    mei.page.get_by_role("link", name="Build cohort").click()
    mei.page.wait_for_load_state("networkidle")
    mei.check()
    mei.page.get_by_label("Platform").fill("Lanternbox")
    mei.page.locator("input[name=wallets]").first.check()
    mei.page.get_by_label("Amounts that count").fill("100000")
    mei.page.get_by_role("button", name="Build cohort").click()
    mei.page.wait_for_load_state("networkidle")
    assert "Earlier cohorts" in mei.page.content()
    assert "18" in mei.page.locator(".kpis").last.inner_text()


def test_a_sealed_case_betrays_itself_to_nobody_outside(seat_of: SeatOf) -> None:
    """The case is closed to ida and to every officer: no page, file, list, count or search."""
    mei, ida, ortiz, chen = (seat_of(name) for name in ("mei", "ida", "ortiz", "chen"))
    open_case(mei, "Lanternbox: payment wallets")
    places = [mei.page.url.removeprefix(mei.site.url)]
    reference = mei.page.locator("main .ref, main .sub").get_by_text("CASE-").first.inner_text()
    for name in ("Cohort", "Wallets"):
        open_tab(mei, name)
        places.append(mei.page.url.removeprefix(mei.site.url))
        first = mei.page.locator("main table.table tbody a[href^='/']").first
        places.append(str(first.get_attribute("href")))
    for place in places:
        assert ida.page.request.get(ida.site.url + place).status == 404, place
    for officer in (ortiz, chen):  # at this door nobody is signed in, whatever is there or not
        for place in (*places, "/cases/00000000-0000-4000-8000-000000000000/"):
            answer = officer.page.request.get(officer.site.url + place, max_redirects=0)
            assert (answer.status, "/accounts/login/" in answer.headers["location"]) == (302, True)
        assert "Lanternbox" not in officer.go("/liaison/").content()
    for place in ("/cases/", "/", "/inbox/", "/traces/", "/wallets/"):
        page = ida.go(place)
        assert "Lanternbox" not in page.content(), place
        assert reference not in page.content(), place
    for words in ("Lanternbox", reference):
        page = ida.go("/cases/")
        page.locator("#find").fill(words)
        page.locator("#find").press("Enter")
        page.wait_for_load_state("networkidle")
        assert "payment wallets" not in page.locator("main").inner_text()
        assert page.locator("main").get_by_role("link", name=reference).count() == 0


def test_tags_and_exposure_stand_on_wallet_and_address(seat_of: SeatOf) -> None:
    mei = seat_of("mei")
    open_case(mei, "Obelisk Market: from the bank to its operator")
    open_tab(mei, "Wallets")
    assert mei.page.locator("td .badge", has_text="Namewharf").count() >= 1
    mei.check()
    mei.page.get_by_role("link", name="Pharos, first wallet").click()
    mei.page.wait_for_load_state("networkidle")
    mei.check()
    mei.page.get_by_role("link", name="Exposure").click()
    mei.page.wait_for_load_state("networkidle")
    mei.page.get_by_role("link", name="Hosting provider").first.click()
    mei.page.wait_for_load_state("networkidle")
    assert "0.0018 BTC" in mei.page.content()
    mei.check()
