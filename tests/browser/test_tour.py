"""The main job end to end, in a real browser, as the people who do it.

One test a step; each goes on where the one before ended. Every page is checked by axe, its console
must be empty and nothing may leave the origin (Seat.check).
"""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acts import SLOW, decide, finish
from tests.browser.conftest import SeatOf
from tests.browser.hand import choose, press_on, reach, tick, write
from tests.browser.pictures import Album
from tests.browser.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

HDIB = "HDIB · Harbour District Investigation Bureau"
expect.set_options(timeout=20_000)


class Story:
    """What one step leaves for the next."""

    case = ""
    finding = ""
    freeze = ""
    referral = ""
    release = ""


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    return Album(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def facts(site: Site) -> dict[str, list[str]]:
    """What the people of the demo have in their letters."""
    loaded: dict[str, list[str]] = json.loads(
        (site.home / "demo" / "case_file.json").read_text("utf-8")
    )
    return loaded


def path_of(page: Page) -> str:
    return re.sub(r"^https?://[^/]+", "", page.url)


def press(page: Page, words: str) -> None:
    press_on(page.get_by_role("button", name=words, exact=False).first)
    page.wait_for_load_state("networkidle")


def test_the_dashboard_opens_mid_work(seat_of: SeatOf, album: Album) -> None:
    mei = seat_of("mei")
    page = mei.go("/")
    expect(page.locator("h1")).to_have_text("Dashboard")
    expect(page.get_by_text("Five steps through a case")).to_be_visible()
    expect(page.get_by_text("Frozen by month")).to_be_visible()
    album.take(
        mei, "dashboard", "The dashboard",
        "What is frozen, pending and left over all cases, what waits for you, deadlines and "
        "running traces. A five-step guide leads through a first case.", dark=True,
    )  # fmt: skip
    page = mei.go("/cases/")
    album.take(mei, "cases", "Cases", "Every case you may see, with the money of each.")


def test_the_sums_agree_between_the_tabs(seat_of: SeatOf, album: Album) -> None:
    """One strip on every tab, the same to the cent, and each sum opens its rows."""
    mei = seat_of("mei")
    page = mei.go("/cases/")
    press_on(page.get_by_role("link", name="Obelisk Market: from the bank to its operator"))
    page.wait_for_load_state("networkidle")
    case = path_of(page)
    album.take(
        mei, "overview", "A case at a glance",
        "Summary, next steps, top findings and what speaks against them, accounts reached.",
        dark=True,
    )  # fmt: skip
    strips = set()
    for tab in ("", "flow/", "wallets/", "traces/", "suspects/", "findings/", "freezes/",
                "referrals/", "timeline/"):  # fmt: skip
        page = mei.go(case + tab)
        mei.check()
        strips.add(page.locator(".money-strip, [data-money-strip]").first.inner_text())
    assert len(strips) == 1
    page = mei.go(f"{case}money/?part=frozen")
    mei.check()
    expect(page.locator("table").first).to_be_visible()


def test_the_money_flow_is_a_graph_and_an_equal_table(seat_of: SeatOf, album: Album) -> None:
    mei = seat_of("mei")
    page = mei.go("/cases/")
    press_on(page.get_by_role("link", name="Obelisk Market: from the bank to its operator"))
    press_on(page.get_by_role("link", name="Money flow").first)
    page.wait_for_selector("fiu-graph canvas")
    page.wait_for_timeout(600)
    album.take(
        mei, "flow", "The money flow",
        "From the market's bank to accounts here, laid out by the server: the same picture on "
        "screen, in print and in the release.", dark=True,
    )  # fmt: skip
    reach(page.locator("fiu-graph [role=application]"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-say]")).to_contain_text("BTC")
    page.keyboard.press("Enter")
    expect(page.locator("#flow-inspector")).to_be_focused()
    expect(page.locator("#flow-inspector dl").first).to_be_visible()
    press_on(page.get_by_role("link", name="Table").first)
    page.wait_for_load_state("networkidle")
    expect(page.locator("table").first).to_be_visible()
    album.take(mei, "flow-table", "The same as a table", "Every group and every edge, for hands "
               "on the keyboard and for screen readers.")  # fmt: skip


def test_an_analyst_opens_a_case_and_adds_wallets(
    seat_of: SeatOf, album: Album, story: Story, facts: dict[str, list[str]]
) -> None:
    mei = seat_of("mei")
    page = mei.go("/cases/new/")
    mei.check()
    write(page.locator("[name=title]"), "Seller northern_parcels cashes out")
    choose(page.locator("[name=case_type]"), "darknet")
    choose(page.locator("[name=priority]"), "P2")
    write(page.locator("[name=summary]"), "Paid by the market's bank; deposits at this exchange.")
    press(page, "Open case")
    story.case = path_of(page)
    press(page, "Start")
    page = mei.go(f"{story.case}wallets/new/")
    bad = facts["bank"][1][:-1] + ("q" if facts["bank"][1][-1] != "q" else "p")
    write(page.locator("[name=text]"), f"{facts['bank'][0]}\n{bad}\nnot an address")
    choose(page.locator("[name=role]"), "bank")
    write(page.locator("[name=provenance_note]"), "Letter of the agency, annex 2, page 1")
    press(page, "Add wallets")
    expect(page.get_by_text("1 wallet added.")).to_be_visible()
    expect(page.get_by_text("2 lines were not taken")).to_be_visible()
    mei.messages[:] = [line for line in mei.messages if "422" not in line]
    album.take(mei, "wallets-paste", "Wallets by bulk paste",
               "Each bad line is reported with its number and its reason; nothing is dropped in "
               "silence.")  # fmt: skip


def test_a_trace_is_watched_and_finds_an_account(
    seat_of: SeatOf, album: Album, story: Story, facts: dict[str, list[str]]
) -> None:
    mei = seat_of("mei")
    page = mei.go(f"{story.case}traces/new/")
    write(page.locator("textarea[name=seeds]"), "\n".join(facts["seller_payouts"]))
    choose(page.locator("[name=policy]"), "fifo")
    press(page, "Estimate")
    expect(page.get_by_text("Outputs to start at")).to_be_visible()
    album.take(mei, "trace-new", "A new trace", "Defaults in sight, the cost before the start.")
    press(page, "Start trace")
    expect(page.get_by_text("Balance sheet").first).to_be_visible(timeout=SLOW)
    page.wait_for_load_state("networkidle")
    album.take(
        mei, "trace-result", "The result of a run",
        "Seeds = ends + fees + cut, in base units, difference zero; sealed with snapshot, engine "
        "and parameters.", dark=True,
    )  # fmt: skip


def test_the_analyst_hands_the_finding_to_review(
    seat_of: SeatOf, album: Album, story: Story
) -> None:
    mei = seat_of("mei")
    page = mei.go(f"{story.case}findings/")
    link = page.locator("a.title").first
    expect(link).to_contain_text("received", timeout=SLOW)
    press_on(link)
    page.wait_for_load_state("networkidle")
    story.finding = path_of(page)
    press_on(page.get_by_role("link", name="Edit").first)
    mei.check()
    write(page.locator("[name=alternatives]"), "Sale of goods outside the market.")
    press(page, "Save")
    press_on(page.get_by_role("link", name="Add counter-evidence").first)
    write(
        page.locator("[name=text]"), "One run over one ledger; no second source names the seller."
    )
    press(page, "Add")
    mei.check()
    press(page, "Hand to review")
    expect(page.locator(".badge", has_text="Needs review").first).to_be_visible()
    mei.check()


def test_a_second_person_reviews_it(seat_of: SeatOf, album: Album, story: Story) -> None:
    tomas = seat_of("tomas")
    page = tomas.go(story.finding)
    while page.get_by_role("button", name="I have read this").count():
        press(page, "I have read this")
    album.take(
        tomas, "finding-review", "A second person reviews",
        "The claim with its amounts, what speaks against it, and a decision that stays off until "
        "the counter-evidence was opened.", dark=True,
    )  # fmt: skip
    decide(tomas, "Approve finding", "Run repeated; deposits are in our own records.")
    expect(page.locator(".badge", has_text="Approved").first).to_be_visible()


def test_a_freeze_is_asked_for(seat_of: SeatOf, album: Album, story: Story) -> None:
    mei = seat_of("mei")
    page = mei.go(f"{story.case}freezes/new/")
    line = page.locator("form tbody tr").filter(has_text="BTC").first
    tick(line.locator("input[type=checkbox]"))
    choose(line.locator("select"), index=1)
    write(page.locator("[name=reason]"), "Proceeds of the market; the balance can leave any time.")
    album.take(mei, "freeze-request", "Asking for a freeze",
               "Account and asset line by line, each resting on an approved finding or a verified "
               "instrument.")  # fmt: skip
    press(page, "Save draft")
    story.freeze = path_of(page)
    press(page, "Submit")
    tomas = seat_of("tomas")
    page = tomas.go(story.freeze)
    press(page, "Take into review")
    # It waits for compliance: for a supervisor the act is off and says why.
    off = page.locator("button[aria-disabled=true]", has_text="Approve and freeze")
    expect(off).to_contain_text("Your role may not do this.")
    tomas.check()


def test_compliance_approves_and_the_exchange_holds(
    seat_of: SeatOf, album: Album, story: Story
) -> None:
    nora = seat_of("nora")
    page = nora.go(story.freeze)
    press_on(page.locator("a[data-dialog]", has_text="Approve and freeze").first)
    page.wait_for_timeout(300)
    album.take(nora, "freeze-approve", "Two people, one legal act",
               "What happens, to whom, who is told and who is not. A reason, the account's last "
               "four, a fresh second factor.", dark=True)  # fmt: skip
    page.keyboard.press("Escape")
    decide(nora, "Approve and freeze", "Finding approved by a second person.", "-V-1")
    held = page.locator(".badge", has_text=re.compile("^(Held|Frozen)"))
    for _attempt in range(30):
        if held.count():
            break
        page.wait_for_timeout(1000)
        nora.go(story.freeze)
    expect(held.first).to_be_visible()
    album.take(nora, "freeze-held", "Held, with its lineage",
               "Line, finding, run and receipt: each held unit says why.")  # fmt: skip
    nora.go("/freezes/")
    album.take(nora, "freeze-board", "The freeze board",
               "Draft, approval, executing, frozen, closed. Every step is a legal act, so cards "
               "have buttons and are never dragged.", dark=True)  # fmt: skip
    nora.go("/freezes/register/")
    nora.check()


def test_a_release_is_drafted_approved_cleared_and_sent(
    seat_of: SeatOf, album: Album, story: Story
) -> None:
    mei = seat_of("mei")
    page = mei.go(f"{story.case}referrals/new/")
    choose(page.locator("[name=agency]"), HDIB)
    write(page.locator("[name=subject]"), "A seller's account")
    write(page.locator("[name=summary]"), "Payouts of the market reached one account; it is held.")
    write(page.locator("[name=purpose]"), "Criminal investigation")
    write(page.locator("[name=legal_gateway]"), "Request HDIB-114-0101")
    tick(page.locator("[name=findings]").first)
    tick(page.locator("[name=freezes]").first)
    mei.check()
    press(page, "Save draft")
    story.referral = path_of(page)
    mei.check()
    press_on(page.locator("form:has(select[name^=field_]) button.primary").first)
    page.wait_for_load_state("networkidle")
    tomas = seat_of("tomas")
    tomas.go(story.referral)
    album.take(tomas, "release-preview", "Exactly what the recipient will read",
               "Only approved findings; what is left out shows as a labelled box with its "
               "reason.", dark=True)  # fmt: skip
    decide(tomas, "Approve", "Only what was asked for.")
    nora = seat_of("nora")
    page = nora.go(story.referral)
    decide(nora, "Clear", "The gateway is open.")
    decide(nora, "Seal", "Ready.")
    press_on(page.locator("a[data-dialog]", has_text="Send").first)
    dialog = page.locator("dialog[open]")
    nora.check()
    tick(dialog.locator("input[type=checkbox]").first)
    number = page.locator(".ref", has_text=re.compile(r"^R-\d{4}-\d+")).first.inner_text()
    story.release = number.split()[0]
    write(dialog.locator("textarea[name=reason]"), "Asked for in writing.")
    finish(nora, dialog, story.release[-4:])
    expect(page.get_by_text("Not read yet").first).to_be_visible()
    nora.check()


def test_the_liaison_reads_downloads_and_acknowledges(
    seat_of: SeatOf, album: Album, story: Story, tmp_path: Path
) -> None:
    chen = seat_of("chen")
    page = chen.go("/liaison/")
    album.take(chen, "liaison-list", "The liaison's door",
               "A calm shell of its own: releases to this agency and nothing else.")  # fmt: skip
    press_on(page.locator("li", has_text=story.release).locator("a.title"))
    page.wait_for_load_state("networkidle")
    release = path_of(page)
    album.take(chen, "liaison-release", "The release as law enforcement reads it",
               "The answer in one paragraph, findings in plain words, the files of this copy and "
               "how to verify them.", dark=True)  # fmt: skip
    with page.expect_download() as started:
        press_on(page.get_by_role("link", name="dossier.json").first, stays=True)
    saved = tmp_path / "dossier.json"
    started.value.save_as(saved)
    assert json.loads(saved.read_text("utf-8"))
    press(page, "Acknowledge")
    expect(page.get_by_text("You acknowledged this release")).to_be_visible()
    chen.check()
    for foreign in (story.case, story.finding, story.freeze, story.referral, "/", "/audit/"):
        answer = page.request.get(chen.site.url + foreign, max_redirects=0)
        assert answer.status in (302, 404), foreign
        assert "northern_parcels" not in answer.text()
    ortiz = seat_of("ortiz")
    answer = ortiz.page.request.get(ortiz.site.url + release)
    assert answer.status == 404


def test_the_auditor_sees_every_step_and_the_chain_holds(
    seat_of: SeatOf, album: Album, site: Site
) -> None:
    aud = seat_of("aud")
    aud.go("/audit/")
    album.take(aud, "audit", "The audit trail",
               "Every change with who, when and why, each carrying the hash of the one before. "
               "`manage.py audit_verify` finds the first break.", dark=True)  # fmt: skip
    report = json.loads(site.manage("audit_verify", "--json"))
    assert report["ok"] is True, report


def test_the_tour_is_written(album: Album) -> None:
    assert len(album.pages) >= 17
    album.write()
