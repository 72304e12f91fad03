"""The journeys of casework need no pointer: their browser tests have none."""

import re
from pathlib import Path

import pytest

BROWSER = Path(__file__).resolve().parents[1] / "browser"
# J1, J2 and J5: triage to a freeze, the register, reports, requests, drift and the end of a case.
JOURNEYS = (
    "test_detection", "test_tour", "test_casework", "test_register", "test_reports",
    "test_requests", "test_watch",
)  # fmt: skip
POINTER = re.compile(
    r"\.(?:click|dblclick|tap|hover|check|uncheck|set_checked|select_option|fill|drag_to)\(|\.mouse\b"
)
# A person's page against axe, not a box that is ticked.
A_LOOK = re.compile(r"\b(?:seat|mei|ida|tomas|nora|aud|ortiz|chen|seat_of\(\"\w+\"\))\.check\(\)")


@pytest.mark.once
@pytest.mark.parametrize("name", JOURNEYS)
def test_a_journey_is_walked_by_keyboard_alone(name: str) -> None:
    source = A_LOOK.sub("", (BROWSER / f"{name}.py").read_text("utf-8"))
    assert POINTER.findall(source) == []
    assert "press_on(" in source


@pytest.mark.once
def test_the_look_for_a_pointer_sees_one() -> None:
    for source in ("page.locator('a').click()", "box.first.check()", "page.mouse.move(1, 2)"):
        assert POINTER.search(A_LOOK.sub("", source)), source
    assert not POINTER.search(A_LOOK.sub("", "mei.check()"))
