"""Legal acts in their dialogs, by keyboard: a reason, the confirming word, a code where asked."""

from playwright.sync_api import Locator, expect

from tests.browser.hand import press_on, write
from tests.browser.site import Seat

SLOW = 60_000  # a run, an order to the exchange or a sealed copy with its PDF has this long
# The answer takes the place of the form: away with the dialog, or back with what is missing.
ANSWERED = """() => {
  const open = document.querySelector('dialog[open]');
  return !open || !open.querySelector('form').dataset.pressed;
}"""


def decide(seat: Seat, words: str, reason: str, confirm: str = "") -> None:
    """Open a legal act's dialog, give the reason, confirm, and do it."""
    press_on(seat.page.locator("a[data-dialog]", has_text=words).first)
    dialog = seat.page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    seat.check()
    write(dialog.locator("textarea[name=reason]"), reason)
    finish(seat, dialog, confirm)


def finish(seat: Seat, dialog: Locator, confirm: str = "") -> None:
    """Confirm, and press the button, until the dialog is gone.

    A second factor may grow old, and a code may end, between two keys: then it is asked for again.
    """
    page = seat.page
    for _ in range(3):
        if confirm:
            write(dialog.locator("input[name=confirm]"), confirm)
        if (code := dialog.locator("input[name=code]")).count():
            write(code, seat.code())
        dialog.locator("form").evaluate("form => { form.dataset.pressed = 'yes' }")
        press_on(dialog.locator("button[type=submit]"))
        page.wait_for_function(ANSWERED, timeout=SLOW)
        if not dialog.locator(".errors").count():
            break
        seat.messages[:] = [line for line in seat.messages if "422" not in line]
    expect(dialog).to_have_count(0, timeout=SLOW)
    page.wait_for_load_state("networkidle")
