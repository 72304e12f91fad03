"""A report walked in a real browser: from a case over two people to the receiver's answer."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cases.exports.suspicion.schema import validate
from tests.browser.acts import decide
from tests.browser.conftest import SeatOf
from tests.browser.hand import choose, press_on, tick, write, write_day
from tests.browser.site import Seat, Site
from tests.browser.test_tour import path_of, press
from tests.shared_data import schema_path

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
SCHEMAS = {
    "ae-5.0.2": "goaml/vyttah-5.0.2/assets-goAMLSchema.xsd",
    "us-sarx-1.2": "fincen/EFL_SARXBatchSchema.xsd",
}
FILER = """
fincen: {tin: "458985215", tcc: PABC1234, street: 1 Harbour Road, city: Arlington, state: VA,
         zip: "22201", phone: "+1 703 555 0100"}
"""


@pytest.fixture(scope="module")
def schemas(site: Site) -> Path:
    """The receivers' schemas, and what FinCEN asks of a filer, put there as an operator does."""
    folder = site.home / "schemas" / "goaml"
    folder.mkdir(parents=True, exist_ok=True)
    for profile, name in SCHEMAS.items():
        (folder / f"{profile}.xsd").write_bytes(schema_path(name).read_bytes())
    entity = site.home / "reporting_entity.yaml"
    if "fincen:" not in entity.read_text("utf-8"):
        entity.write_text(entity.read_text("utf-8") + FILER, encoding="utf-8")
    return folder


def to_a_case(seat: Seat) -> str:
    """Triage by keyboard: the first alert of the queue leads to a case. Returns its path."""
    page = seat.go("/alerts/")
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.wait_for_url(re.compile("/cases/"))
    expect(page.get_by_text("The alert is in the case now.")).to_be_visible()
    page.wait_for_load_state("networkidle")
    return path_of(page)


def draft(seat: Seat, case: str, receiver: str, indicator: str) -> str:
    """A draft with everything that the receiver demands. Returns its path."""
    page = seat.go(f"{case}reports/new/")
    tick(page.locator("[name=alerts]").first)
    choose(page.locator("[name=profile]"), receiver)
    seat.check()
    press_on(page.get_by_role("button", name="Draft", exact=True))
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", name="What is still missing")).to_be_visible()
    seat.check()
    report = path_of(page)
    press_on(page.get_by_role("link", name="Edit the words"))
    page.wait_for_load_state("networkidle")
    words = page.locator("[name=reason]")
    write(words, f"{words.input_value()}\n\nThe customer gave no reason when asked.")
    write(page.locator("[name=indicators]"), indicator)
    write(page.locator("[name=local_rate]"), "3.6725")
    write(page.locator("[name=local_rate_source]"), "Central bank, daily rate")
    seat.check()
    press(page, "Save")
    for place in range(page.get_by_role("link", name=re.compile("^Fill in")).count()):
        press_on(page.get_by_role("link", name=re.compile("^Fill in")).nth(place))
        page.wait_for_load_state("networkidle")
        fill_in(page)
        seat.check()
        press(page, "Save")
    assert path_of(page) == report
    return report


def fill_in(page: Page) -> None:
    """What a customer's papers say."""
    for name, value in (
        ("first_name", "Ada"), ("last_name", "Sample"), ("nationality", "TW"), ("residence", "TW"),
        ("id_number", "X1234567"), ("id_country", "TW"), ("phone", "+886 900 000 000"),
    ):  # fmt: skip
        write(page.locator(f"[name={name}]"), value)
    choose(page.locator("[name=gender]"), "F")
    choose(page.locator("[name=id_type]"), index=2)
    for name, day in (
        ("birth_on", "1980-04-03"), ("id_issued_on", "2020-01-01"), ("id_expires_on", "2030-01-01"),
    ):  # fmt: skip
        write_day(page.locator(f"[name={name}]"), day)


def file_it(seat: Seat, report: str, folder: Path, profile: str, tmp_path: Path) -> None:
    """The second person: review, approval of what was shown, the file, and that it went."""
    page = seat.go(report)
    seat.check()
    press(page, "Take into review")
    decide(seat, "Approve", "Compared with the records.")
    with page.expect_download() as waiting:
        press_on(page.get_by_role("link", name="File", exact=True), stays=True)
    made = tmp_path / "report.xml"
    waiting.value.save_as(made)
    assert waiting.value.suggested_filename.startswith("REP-")
    assert validate(made.read_bytes(), folder, f"{profile}.xsd").is_valid
    decide(seat, "Note as filed", "Portal of the receiver, upload 1")
    expect(page.get_by_text("Filed").first).to_be_visible()
    seat.check()


def test_a_goaml_report_from_the_queue_to_the_receivers_number(
    seat_of: SeatOf, schemas: Path, tmp_path: Path
) -> None:
    mei, nora = seat_of("mei"), seat_of("nora")
    report = draft(mei, to_a_case(mei), "ae-5.0.2", "CRYMX")
    page = mei.page
    press(page, "Validate")
    expect(page.get_by_text("Validated").first).to_be_visible()
    expect(page.get_by_role("heading", name="What the file could not carry")).to_be_visible()
    mei.check()
    expect(page.get_by_role("link", name=re.compile("^Approve"))).to_have_count(0)
    file_it(nora, report, schemas, "ae-5.0.2", tmp_path)
    page = nora.page
    press_on(page.get_by_role("link", name="Answer of the receiver"))
    page.wait_for_load_state("networkidle")
    choose(page.locator("[name=answer]"), "accepted")
    write(page.locator("[name=number]"), "FIU-2026-1")
    nora.check()
    press(page, "Save")
    expect(page.get_by_text("FIU-2026-1").first).to_be_visible()
    nora.check()
    page = mei.go(report)
    press(page, "Correction")
    assert path_of(page) != report
    expect(page.get_by_role("heading", name="Reason for the suspicion")).to_be_visible()
    mei.check()


def test_fincens_acknowledgement_is_read_from_its_file(
    seat_of: SeatOf, schemas: Path, tmp_path: Path
) -> None:
    mei, nora = seat_of("mei"), seat_of("nora")
    report = draft(mei, to_a_case(mei), "us-sarx-1.2", "1/113")
    press(mei.page, "Validate")
    expect(mei.page.get_by_text("Validated").first).to_be_visible()
    mei.check()
    file_it(nora, report, schemas, "us-sarx-1.2", tmp_path)
    page = nora.go(f"{report}acknowledge/")
    page.locator("[name=file]").set_input_files(schema_path("fincen/sar_acknowledgement.xml"))
    write(page.locator("[name=number]"), "31000055053784")
    press(page, "Save")
    expect(page.get_by_text("Accepted with warnings").first).to_be_visible()
    expect(page.get_by_text("31000055053784").first).to_be_visible()
    nora.check()
