"""Hands on the keyboard: reach a thing by Tab, press it, write into it; no pointer anywhere.

What Tab does not come to fails, and so does what a key does not do. To save a hundred presses a
page the focus is put on the stop before the wanted one; the last step is a real Tab.
"""

from playwright.sync_api import Locator

# The stops of Tab in the order of the page, or of the dialog that is open; then the one before.
BEFORE = """target => {
  const open = [...document.querySelectorAll('dialog[open]')].pop() || document;
  const stops = [...open.querySelectorAll(
    'a[href], button, input, select, textarea, summary, [tabindex]'
  )].filter(each => each.tabIndex >= 0 && !each.matches(':disabled') && each.type !== 'hidden'
    && each.getClientRects().length && getComputedStyle(each).visibility === 'visible');
  const place = stops.indexOf(target);
  if (place < 0) return '';
  (stops[place - 1] || stops[1] || target).focus();
  return place ? 'Tab' : 'Shift+Tab';
}"""
# Whether what is pressed leads to another page. A click waits for that by itself, a key does not.
LEADS = """target => {
  window.isOld = true;
  const link = target.closest('a[href]'), form = target.form;
  if (link) return !link.download && !link.dataset.dialog && !link.hasAttribute('hx-get')
    && !link.hasAttribute('download') && !link.getAttribute('href').startsWith('#');
  return !!form && target.type === 'submit' && !form.hasAttribute('hx-post')
    && !target.hasAttribute('hx-post') && !form.closest('dialog');
}"""
LONGEST_MS = 10_000
MOST_STOPS = 8  # a scroll area or the rest of a group of radios lies between


def reach(target: Locator) -> None:
    """Tab to it. Raises AssertionError where Tab does not lead there."""
    target.wait_for(state="visible")
    key = target.evaluate(BEFORE)
    assert key, f"{target}: no stop of Tab"
    for _ in range(MOST_STOPS):
        target.page.keyboard.press(key)
        if target.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"{target}: Tab does not come to it")


def press_on(target: Locator, key: str = "Enter", *, stays: bool = False) -> None:
    """A link or a button, as Enter does it, until the page it leads to begins.

    `stays` is for what looks like it led elsewhere, and is a download.
    """
    reach(target)
    page = target.page
    leads = target.evaluate(LEADS) and not stays
    page.keyboard.press(key)
    if leads:
        page.wait_for_function("() => !window.isOld", timeout=LONGEST_MS)


def tick(target: Locator) -> None:
    """A box or a choice, by Space; one that is ticked stays so."""
    if not target.is_checked():
        press_on(target, "Space")
        assert target.is_checked()


def write(target: Locator, text: str) -> None:
    """Put a text in the place of what stands there."""
    reach(target)
    target.page.keyboard.press("ControlOrMeta+a")
    target.page.keyboard.insert_text(text)
    assert target.input_value() == text


def write_day(target: Locator, moment: str) -> None:
    """A day, or a day and a time (2031-01-01T12:00), part by part as the browser asks for it."""
    reach(target)
    day, _, time = moment.partition("T")
    year, month, number = day.split("-")
    keyboard = target.page.keyboard
    keyboard.type(f"{month}{number}{year}")
    if time:
        hour, minute = time.split(":")
        keyboard.press("ArrowRight")
        keyboard.type(f"{(int(hour) - 1) % 12 + 1:02}{minute}{'AM' if int(hour) < 12 else 'PM'}")
    assert target.input_value() == moment, target.input_value()


def choose(target: Locator, wanted: str = "", *, index: int | None = None) -> None:
    """An entry of a list by its value or words, or by its place, with the arrows."""
    reach(target)
    steps = target.evaluate(
        """(list, [wanted, index]) => (index ?? [...list.options].findIndex(
             each => each.value === wanted || each.label === wanted)) - list.selectedIndex""",
        [wanted, index],
    )
    for _ in range(abs(steps)):
        target.page.keyboard.press("ArrowDown" if steps > 0 else "ArrowUp")
    found = target.evaluate(
        "list => [list.value, list.selectedOptions[0].label, list.selectedIndex]"
    )
    assert wanted in found[:2] if index is None else found[2] == index, f"{target}: {found}"
