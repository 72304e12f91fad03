"""From the operation down to the receipt, the inbox by keyboard, and an exhibit: one walk."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.acts import finish
from tests.browser.conftest import SeatOf
from tests.browser.hand import choose, press_on, write

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
DIGITS = re.compile(r"[0-9,]+\.[0-9]{2}")


def test_casework_from_the_inbox_to_the_receipt(seat_of: SeatOf) -> None:
    nora, mei = seat_of("nora"), seat_of("mei")

    # The inbox by keyboard: the nearest deadline first, Enter opens.
    page = nora.go("/inbox/")
    nora.check()
    expect(page.get_by_text("Ends within 14 days: extend or release it")).to_be_visible()
    press_on(page.get_by_role("link", name="Releases of freezes"))
    page.wait_for_load_state("networkidle")
    nora.check()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/freezes/**")
    page.wait_for_load_state("networkidle")
    nora.check()

    # A part is released by a second person and the exchange answers.
    press_on(page.locator("a[data-dialog^=release-approve]"))
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    account = dialog.locator("dl dt").first.inner_text()
    write(dialog.locator("textarea[name=reason]"), "The proof was checked.")
    finish(nora, dialog, account[-4:])
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
    press_on(page.get_by_role("link", name="SANDGLASS"))
    page.wait_for_load_state("networkidle")
    nora.check()
    foot = page.locator("table").first.locator("tfoot td").all_inner_texts()
    executed, released, seized, held = (
        int(DIGITS.findall(text)[0].replace(",", "").replace(".", "")) for text in foot
    )
    assert executed == released + seized + held
    assert released > 0
    press_on(page.get_by_role("link", name="Obelisk Market: from the bank to its operator"))
    page.wait_for_load_state("networkidle")
    nora.check()
    press_on(page.locator("a[href*='/freeze-lines/']").first)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", name="Receipts of the exchange")).to_be_visible()
    nora.check()

    # Tasks and files of the case.
    page = mei.go("/inbox/")
    press_on(page.get_by_role("button", name="Take next"))
    page.wait_for_load_state("networkidle")
    page = mei.go("/cases/")
    press_on(page.get_by_role("link", name="Obelisk Market: from the bank to its operator"))
    reference = page.locator(".facts .ref").first.inner_text()
    press_on(page.get_by_role("link", name="Tasks").first)
    page.wait_for_load_state("networkidle")
    mei.check()
    press_on(page.get_by_role("button", name="Done").first)
    page.wait_for_load_state("networkidle")
    press_on(page.get_by_role("link", name="Files").first)
    page.wait_for_load_state("networkidle")
    mei.check()
    press_on(page.get_by_role("link", name="Request of the task force, with its annexes named"))
    page.wait_for_load_state("networkidle")
    with page.expect_download() as download:
        press_on(page.get_by_role("link", name="Open the file"), stays=True)
    assert download.value.suggested_filename == "FNTF-2025-0417.txt"
    press_on(page.get_by_role("button", name="Verify now"))
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("The stored bytes are what was sealed.")).to_be_visible()
    mei.check()

    # The same matter twice: one person says so, a second one merges, and the work goes on there.
    page = mei.go("/cases/new/")
    write(page.locator("[name=title]"), "The operator, once more")
    press_on(page.get_by_role("button", name="Open case"))
    twin = page.url.removeprefix(mei.site.url)
    press_on(page.get_by_role("link", name="Relate"))
    mei.check()
    write(page.locator("[name=reference]"), reference)
    choose(page.locator("[name=kind]"), "duplicate")
    write(page.locator("[name=reason]"), "Both began with the same letter.")
    press_on(page.locator("main button.primary").last)
    page = seat_of("tomas").go(twin)
    press_on(page.get_by_role("link", name="Merge"))
    write(page.locator("[name=reason]"), "One matter.")
    press_on(page.locator("main button.primary").last)
    expect(page.get_by_text("Merged: the work goes on here.")).to_be_visible()
    expect(page.get_by_text("Merged into this case; its evidence and its trail")).to_be_visible()
    seat_of("tomas").check()
    page = seat_of("tomas").go(twin)
    expect(page.get_by_text("This case was merged into it: the work goes on")).to_be_visible()
