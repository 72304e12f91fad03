"""From an alert in the queue, by keyboard, to a case and a report that others never see."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SeatOf
from tests.browser.hand import press_on, tick, write

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


def test_from_the_queue_to_a_draft_that_others_never_see(seat_of: SeatOf) -> None:
    mei = seat_of("mei")
    page = mei.go("/alerts/")
    expect(page.locator("h1")).to_have_text("Alerts")
    mei.check()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", name="Why it fired")).to_be_visible()
    mei.check()
    page.keyboard.press("a")  # take it
    expect(page.get_by_text("This alert is yours.")).to_be_visible()
    page.keyboard.press("c")  # and lead it to a case
    expect(page.get_by_text("The alert is in the case now.")).to_be_visible()
    page.wait_for_load_state("networkidle")
    case = page.url.removeprefix(mei.site.url)
    page = mei.go(f"{case}reports/new/")
    tick(page.locator("[name=alerts]").first)
    mei.check()
    press_on(page.get_by_role("button", name="Draft", exact=True))
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", name="What is still missing")).to_be_visible()
    mei.check()
    report = page.url.removeprefix(mei.site.url)
    reference = page.locator("h1").inner_text()
    press_on(page.get_by_role("link", name="Edit the words"))
    page.wait_for_load_state("networkidle")
    mei.check()
    page = mei.go("/reports/")
    expect(page.get_by_role("link", name=reference)).to_be_visible()
    mei.check()
    ida = seat_of("ida")
    page = ida.go(case)
    assert "/reports/" not in page.content()
    assert reference not in page.content()
    for address in (report, "/reports/", f"{case}reports/"):
        assert page.request.get(ida.site.url + address).status == 404


def test_a_reason_outlives_the_session_it_was_typed_in(seat_of: SeatOf) -> None:
    """Dismissed by keys; the session ends under the dialog, and its person signs in beside it."""
    mei = seat_of("mei")
    page = mei.go("/alerts/?state=new")
    for _ in range(page.locator("tbody tr").count()):
        page.keyboard.press("j")  # to the least urgent one
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="Why it fired")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.keyboard.press("d")
    dialog = page.locator("dialog[open]")
    reason = dialog.locator("textarea")
    expect(reason).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator("[data-key=d]")).to_be_focused()
    page.keyboard.press("d")
    write(reason, "Salary, by the records of the employer.")

    mine = [each for each in mei.context.cookies() if each["name"] == "fiu_session"]
    mei.context.clear_cookies()
    press_on(dialog.locator("button[type=submit]"))
    expect(dialog.get_by_text("Your session is over.")).to_be_visible()
    # A sign-in in another tab: the session is back, the token against forgery is another one.
    mei.context.add_cookies(mine)  # type: ignore[arg-type]  # what it gave, it takes
    press_on(dialog.locator("button[type=submit]"))
    expect(dialog.get_by_text("Send it once more.")).to_be_visible()
    press_on(dialog.locator("button[type=submit]"))
    expect(page.get_by_text("Decision recorded.")).to_be_visible()
    expect(page.get_by_text("Salary, by the records of the employer.")).to_be_visible()
    mei.messages[:] = [line for line in mei.messages if "401" not in line and "403" not in line]
    mei.check()
