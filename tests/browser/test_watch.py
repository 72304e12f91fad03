"""After the hand-over, by keyboard: a moved tag alarms, the release is superseded, cases close."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SeatOf
from tests.browser.hand import choose, press_on, write, write_day
from tests.browser.site import Seat
from tests.browser.test_tour import path_of, press

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
MARKET = "Obelisk Market: from the bank to its operator"


def open_link(seat: Seat, words: str | re.Pattern[str]) -> None:
    press_on(seat.page.get_by_role("link", name=words).first)
    seat.page.wait_for_load_state("networkidle")


def act(seat: Seat, words: str, reason: str) -> None:
    """An act of the case's overview, by its form: what is asked besides the reason is filled in."""
    open_link(seat, words)
    seat.check()
    page = seat.page
    for name, value in (("decisions", "no_action"), ("closure_reason", "no_suspicion")):
        box = page.locator(f"input[name={name}][value={value}]")
        if box.count():
            press_on(box, "Space")
        elif page.locator(f"select[name={name}]").count():
            choose(page.locator(f"select[name={name}]"), value)
    form = page.locator("main form", has=page.locator("textarea[name=reason]"))
    write(form.locator("textarea[name=reason]"), reason)
    press_on(form.locator("button:not([type=button])").first)
    page.wait_for_load_state("networkidle")


def test_a_moved_tag_alarms_and_the_release_is_superseded(seat_of: SeatOf) -> None:
    mei, nora = seat_of("mei"), seat_of("nora")
    page = mei.go("/inbox/")
    open_link(mei, re.compile("^Asked again, this trace concludes something else"))
    card = page.locator("section[aria-labelledby=drift]")
    expect(card).to_contain_text("In all at Ferryswap")
    expect(card).to_contain_text("7.15 BTC → 6.40 BTC")
    expect(card).to_contain_text("Eastmere")
    mei.check()

    page = nora.go("/cases/")
    open_link(nora, MARKET)
    tabs = page.get_by_label("Parts of this case")
    press_on(tabs.get_by_role("link", name=re.compile("^Referrals")))
    page.wait_for_load_state("networkidle")
    press_on(page.locator("main table tbody a, main ul.rows a").first)
    page.wait_for_load_state("networkidle")
    expect(
        page.get_by_text("Asked again today, this release would say something else.")
    ).to_be_visible()
    nora.check()
    press(page, "Draft a superseding release")
    expect(page.get_by_text("Takes the place of")).to_be_visible()
    nora.check()


def test_a_case_closes_only_when_nothing_is_open(seat_of: SeatOf) -> None:
    mei, tomas = seat_of("mei"), seat_of("tomas")
    page = mei.go("/cases/new/")
    write(page.locator("[name=title]"), "A transfer that explained itself")
    choose(page.locator("[name=case_type]"), "darknet")
    choose(page.locator("[name=priority]"), "P3")
    press(page, "Open case")
    case = path_of(page)
    press(page, "Start")
    page = mei.go(f"{case}tasks/new/")
    mei.check()
    write(page.locator("[name=title]"), "Read the invoice")
    write_day(page.locator("[name=due_at]"), "2031-01-01T12:00")
    press(page, "Add task")
    page = mei.go(case)
    act(mei, "Submit for a decision", "The invoice is in the file.")
    expect(page.get_by_text("Done.")).to_be_visible()

    page = tomas.go(case)
    tomas.check()
    act(tomas, "Decide", "Agreed, nothing to pursue.")
    expect(page.get_by_text("Done.")).to_be_visible()
    act(tomas, "Close", "Explained by an invoice.")
    expect(page.locator("main form")).to_contain_text("A deadline is open: Read the invoice")
    tomas.messages[:] = [line for line in tomas.messages if "422" not in line]
    tomas.check()
    mei.go(f"{case}tasks/")
    press(mei.page, "Done")
    page = tomas.go(case)
    act(tomas, "Close", "Explained by an invoice.")
    expect(page.get_by_text("Closed").first).to_be_visible()
    tomas.check()
