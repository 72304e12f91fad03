"""From the operation down to the receipt, the inbox by keyboard, and an exhibit: one walk."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SeatOf

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
DIGITS = re.compile(r"[0-9,]+\.[0-9]{2}")


def test_casework_from_the_inbox_to_the_receipt(seat_of: SeatOf) -> None:
    nora, mei = seat_of("nora"), seat_of("mei")

    # The inbox by keyboard: the nearest deadline first, Enter opens.
    page = nora.go("/inbox/")
    nora.check()
    expect(page.get_by_text("Ends within 14 days: extend or release it")).to_be_visible()
    page.get_by_role("link", name="Releases of freezes").click()
    page.wait_for_load_state("networkidle")
    nora.check()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/freezes/**")
    page.wait_for_load_state("networkidle")
    nora.check()

    # A part is released by a second person and the exchange answers.
    page.locator("a[data-dialog^=release-approve]").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    account = dialog.locator("dl dt").first.inner_text()
    dialog.locator("textarea[name=reason]").fill("The proof was checked.")
    dialog.locator("input[name=confirm]").fill(account[-4:])
    if dialog.locator("input[name=code]").count():
        dialog.locator("input[name=code]").fill(nora.code())
    dialog.locator("button[type=submit]").click()
    page.wait_for_load_state("networkidle")
    for _ in range(30):
        page.reload()
        if page.locator("section[aria-labelledby=asked] .badge", has_text="Executed").count():
            break
        page.wait_for_timeout(500)
    expect(page.locator("section[aria-labelledby=asked]")).to_contain_text("Executed")
    nora.check()

    # The operation: what is executed is released and held, and each sum opens what it is made of.
    page = nora.go("/operations/")
    nora.check()
    page.get_by_role("link", name="SANDGLASS").click()
    page.wait_for_load_state("networkidle")
    nora.check()
    foot = page.locator("table").first.locator("tfoot td").all_inner_texts()
    executed, released, held = (
        int(DIGITS.findall(text)[0].replace(",", "").replace(".", "")) for text in foot
    )
    assert executed == released + held
    assert released > 0
    page.get_by_role("link", name="Obelisk Market: from the bank to its operator").click()
    page.wait_for_load_state("networkidle")
    nora.check()
    page.locator("a[href*='/freeze-lines/']").first.click()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", name="Receipts of the exchange")).to_be_visible()
    nora.check()

    # Tasks and files of the case.
    page = mei.go("/inbox/")
    page.get_by_role("button", name="Take next").click()
    page.wait_for_load_state("networkidle")
    page = mei.go("/cases/")
    page.get_by_role("link", name="Obelisk Market: from the bank to its operator").click()
    page.get_by_role("link", name="Tasks").first.click()
    page.wait_for_load_state("networkidle")
    mei.check()
    page.get_by_role("button", name="Done").first.click()
    page.wait_for_load_state("networkidle")
    page.get_by_role("link", name="Files").first.click()
    page.wait_for_load_state("networkidle")
    mei.check()
    page.get_by_role("link", name="Request of the task force, with its annexes named").click()
    page.wait_for_load_state("networkidle")
    with page.expect_download() as download:
        page.get_by_role("link", name="Open the file").click()
    assert download.value.suggested_filename == "FNTF-2025-0417.txt"
    page.get_by_role("button", name="Verify now").click()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("The stored bytes are what was sealed.")).to_be_visible()
    mei.check()
