"""A request walked in a real browser: filed by an officer, checked, decided, answered, verified."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.acts import decide
from tests.browser.conftest import SeatOf
from tests.browser.hand import choose, press_on, tick, write, write_day
from tests.browser.test_tour import path_of, press

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


def test_a_request_is_filed_checked_and_decided_by_two(seat_of: SeatOf) -> None:
    chen, mei, tomas = seat_of("chen"), seat_of("mei"), seat_of("tomas")
    page = chen.go("/liaison/requests/")
    chen.check()
    expect(page.get_by_text("HDIB-114-0188")).to_be_visible()
    page = chen.go("/liaison/requests/new/")
    write(page.locator("#id_identifiers"), "no such thing 1\nname: Sample Courier 000003")
    page.keyboard.press("Tab")  # what was typed counts when the field is left
    expect(page.locator("#lines")).to_contain_text("neither address")
    chen.check()
    write(page.locator("#id_agency_ref"), "HDIB-TOUR-1")
    choose(page.locator("#id_instrument_type"), "police_request")
    write(page.locator("#id_instrument_number"), "77")
    write(page.locator("#id_issued_by"), "Harbour desk")
    write_day(page.locator("#id_issued_on"), "2026-01-05")
    write(page.locator("#id_legal_basis"), "Art. 1")
    write(page.locator("#id_offences"), "Fraud")
    tick(page.get_by_label("Balances"))
    press(page, "File request")
    status = path_of(page)
    expect(page.get_by_text("Filed as REQ-").first).to_be_visible()
    chen.check()

    page = mei.go("/requests/")
    mei.check()
    press_on(page.get_by_role("row", name=re.compile("HDIB-TOUR-1")).get_by_role("link").first)
    page.wait_for_load_state("networkidle")
    request = path_of(page)
    expect(page.get_by_text("name of the holder")).to_be_visible()
    mei.check()
    press(page, "Start verification")
    for _point in range(5):
        press(page, "Confirm")
    press(page, "Requester verified")
    mei.check()

    page = tomas.go(request)
    decide(tomas, "Accept", "Scope and officer checked.")
    tomas.check()
    expect(page.get_by_text("Accepted, answer in preparation").first).to_be_visible()
    page = chen.go(status)
    chen.check()
    expect(page.get_by_text("Accepted, answer in preparation").first).to_be_visible()
    expect(page.get_by_text("••")).to_have_count(0)


def test_a_release_downloads_as_a_zip_that_names_a_flipped_byte(
    seat_of: SeatOf, tmp_path: Path
) -> None:
    ortiz = seat_of("ortiz")
    page = ortiz.go("/liaison/requests/")
    press_on(page.get_by_role("link", name="FNTF-2025-0417"))
    page.wait_for_load_state("networkidle")
    ortiz.check()
    press_on(page.get_by_role("link", name="Open release"))
    page.wait_for_load_state("networkidle")
    ortiz.check()
    with page.expect_download() as waiting:
        press_on(page.get_by_role("link", name="Download release"), stays=True)
    zipped = tmp_path / "release.zip"
    waiting.value.save_as(zipped)
    page.reload()
    assert hashlib.sha256(zipped.read_bytes()).hexdigest() in page.content()
    subprocess.run(
        [sys.executable, "-m", "zipfile", "-e", str(zipped), str(tmp_path / "out")], check=True
    )
    [folder] = (tmp_path / "out").iterdir()

    def verified() -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "verify.py"], cwd=folder, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    status, words = verified()
    assert status == 0, words
    content = bytearray((folder / "data/freezes.csv").read_bytes())
    content[-10] ^= 1
    (folder / "data/freezes.csv").write_bytes(bytes(content))
    status, words = verified()
    assert status == 1
    assert "CHANGED  data/freezes.csv" in words
