"""The tab of suspects and a cohort's sample in a real browser: who asserts never decides alone."""

from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import SeatOf
from tests.browser.site import Seat

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
SELLERS = "Obelisk Market: sellers who cash out here"
LANTERNBOX = "Lanternbox: payment wallets"


def program(seat: Seat, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the person's session may do at the door for programs; without a body it reads."""
    url, request = f"{seat.site.url}/api/v1/{path}", seat.page.request
    [token] = [each for each in seat.context.cookies() if each["name"] == "fiu_csrf"]
    headers = {
        "X-CSRFToken": str(token["value"]), "Idempotency-Key": str(uuid4()),
        "Origin": seat.site.url,
    }  # fmt: skip
    answer = request.get(url) if body is None else request.post(url, data=body, headers=headers)
    assert answer.ok, answer.text()
    return answer.json()


def case_called(seat: Seat, title: str) -> str:
    rows = program(seat, "cases")["rows"]
    return next(str(row["id"]) for row in rows if row["title"] == title)


def button(seat: Seat, words: str) -> Locator:
    return seat.page.get_by_role("button", name=words, exact=True)


def link(seat: Seat, words: str) -> Locator:
    return seat.page.get_by_role("link", name=words, exact=True)


def act(seat: Seat, words: str, reason: str, then: str) -> None:
    """Open the act's dialog, give the reason, do it, and see what stands then."""
    seat.page.get_by_role("link", name=words).first.click()
    dialog = seat.page.locator("dialog[open]")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=words).click()
    expect(seat.page.locator(".badge", has_text=then).first).to_be_visible()


def test_two_suspects_become_one_when_a_second_person_says_so(seat_of: SeatOf) -> None:
    mei, tomas = seat_of("mei"), seat_of("tomas")
    case = case_called(mei, SELLERS)
    mei.page.goto(f"{mei.site.url}/cases/{case}/suspects/new/")
    mei.page.get_by_label("Name", exact=True).fill("Northern Parcel")
    button(mei, "Add suspect").click()
    card = mei.page.locator("section.card", has_text="Northern Parcel").last
    card.get_by_role("link", name="Identity").click()
    alike = mei.page.locator("tbody tr", has_text="northern_parcels")
    expect(alike).to_have_count(1)
    mei.check()
    alike.get_by_role("link", name="They are one").click()
    mei.page.get_by_label("What it rests on").fill("Both signed the same notice.")
    button(mei, "Assert").click()
    expect(mei.page.get_by_text("Both signed the same notice.").first).to_be_visible()
    claim = mei.page.url
    blocked = mei.page.locator("button[aria-disabled=true]", has_text="Reviewed")
    expect(blocked).to_have_count(1)  # for the one who asserted it
    tomas.page.goto(claim)
    act(tomas, "Reviewed", "Read the notice.", "Reviewed")
    act(tomas, "Confirm", "One hand wrote both.", "Confirmed")
    assert tomas.messages == []
    mei.page.goto(claim)
    mei.page.locator("dl a", has_text="Northern Parcel").last.click()
    expect(mei.page.locator("ul.rows a", has_text="northern_parcels")).to_have_count(1)


def test_a_cohort_is_sampled_by_others_and_split_by_country(seat_of: SeatOf) -> None:
    mei, tomas = seat_of("mei"), seat_of("tomas")
    case = case_called(mei, LANTERNBOX)
    [wallet] = program(mei, f"wallets?case={case}&size=1")["rows"]
    finding = program(mei, f"cases/{case}/findings", {
        "kind": "exposure", "severity": "high", "tier": 2, "confidence": 80,
        "statement": "The vault sweeps every address.", "wallets": [wallet["id"]],
        "counter_evidence": [{"kind": "analyst", "text": "A service may share the vault."}],
    })  # fmt: skip
    path = f"findings/{finding['id']}"
    sent = program(mei, f"{path}/submit", {})
    tab = f"{mei.site.url}/cases/{case}/cohorts/"
    mei.page.goto(tab)
    link(mei, "Sample").click()
    button(mei, "Draw the sample").click()
    expect(mei.page.get_by_text("somebody else judges its sample")).to_be_visible()
    tomas.page.goto(mei.page.url)
    button(tomas, "Paid the platform").first.click()
    expect(tomas.page.locator("tbody tr").first).to_contain_text("1 of")
    assert tomas.messages == []
    for against in sent["counter_evidence"]:
        program(tomas, f"{path}/counter-evidence/{against['number']}/seen", {})
    program(tomas, f"{path}/approve", {"content_hash": sent["content_hash"], "reason": "Checked."})
    mei.page.goto(tab)
    link(mei, "Split").click()
    mei.page.get_by_role("checkbox").first.check()
    mei.page.get_by_label("Purpose").fill("Criminal proceedings")
    mei.page.locator("select[name^=to_]").first.select_option(index=1)
    mei.check()
    button(mei, "Draft the referrals").click()
    expect(mei.page.get_by_text("1 referral drafted.")).to_be_visible()
