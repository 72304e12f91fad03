"""The register of the loaded demo: six lines, seven receipts, three and a half million dollars."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SeatOf
from tests.browser.hand import press_on

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
OPERATOR = "Obelisk Market: from the bank to its operator"
WHOLE, TASK_FORCE, BUREAU = "$3,500,000.00", "$2,950,000.00", "$550,000.00"
WIDER = "each => each.scrollWidth - each.clientWidth"


def cells(page: Page, name: str) -> list[str]:
    """Lines and the three sums of one group of the totals."""
    row = page.locator("section[aria-labelledby=totals] tbody tr").filter(
        has=page.get_by_role("rowheader", name=name, exact=True)
    )
    return row.locator("td.num").all_inner_texts()


def check_sums(page: Page, reference: str) -> None:
    """As it was executed; other journeys may have lifted a part since, or frozen elsewhere."""
    assert cells(page, "SANDGLASS")[:2] == ["6", WHOLE]
    assert cells(page, reference)[:2] == ["6", WHOLE]
    assert cells(page, "FNTF")[:2] == ["5", TASK_FORCE]
    assert cells(page, "HDIB")[:2] == ["1", BUREAU]


def test_the_page_of_three_and_a_half_million(seat_of: SeatOf) -> None:
    nora = seat_of("nora")
    page = nora.go("/cases/")
    case = page.locator("tr", has=page.get_by_role("link", name=OPERATOR))
    reference = case.locator(".ref").first.inner_text()

    page = nora.go("/freezes/register/")
    nora.check()
    check_sums(page, reference)
    lines = page.locator("section[aria-labelledby=lines] tbody tr", has_text=reference)
    words = lines.all_inner_texts()
    assert len(words) == 6
    assert sum(int(re.findall(r"(\d+) receipts?", each)[0]) for each in words) == 7
    assert sorted(re.findall(r"\$[0-9,.]+", each)[0] for each in words) == [
        "$1,451,160.00", "$249,540.00", "$300,000.00", "$399,600.00", "$549,700.00",
        "$550,000.00",
    ]  # fmt: skip
    assert all("20 May 2025" in each or "2025-05-20" in each for each in words), words
    due = page.locator("section[aria-labelledby=renewals] tbody tr").first
    expect(due).to_contain_text("HDIB")
    expect(due).to_contain_text(re.compile(r"1 d \d+ h"))
    expect(page.locator("section[aria-labelledby=lifts]")).to_be_visible()

    # On paper the same sums stand, and no table is wider than the sheet.
    page.emulate_media(media="print")
    check_sums(page, reference)
    expect(page.locator("nav.rail")).to_be_hidden()
    page.set_viewport_size({"width": 673, "height": 980})  # A4 without its margins
    for table in page.locator(".table-wrap").all():
        assert table.evaluate(WIDER) <= 0, table
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(media="screen")

    # So do the operation and the programs.
    page = nora.go("/operations/")
    press_on(page.get_by_role("link", name="SANDGLASS"))
    page.wait_for_load_state("networkidle")
    expect(page.locator("table").first.locator("tfoot td").first).to_have_text(WHOLE)
    told = page.request.get(f"{nora.site.url}/api/v1/freeze-totals").json()
    by_name = {each["name"]: each for each in told["operation"] + told["case"] + told["authority"]}
    for name, num_lines, executed in (
        ("SANDGLASS", 6, "3500000.00"), (reference, 6, "3500000.00"), ("FNTF", 5, "2950000.00"),
        ("HDIB", 1, "550000.00"),
    ):  # fmt: skip
        assert (by_name[name]["num_lines"], by_name[name]["executed"]) == (num_lines, executed)
