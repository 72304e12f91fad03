"""The demo as people find it, before the first journey: the times of its casework hang together."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SeatOf
from tests.browser.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
IN_ORDER = (
    "Freeze ends", "Answer to HDIB", "A conclusion of 2 releases changed", "Report to file",
    "Nobody at HDIB has opened it", "Freeze ends",
)  # fmt: skip


def test_a_supervisor_sees_first_what_would_harm_most(seat_of: SeatOf) -> None:
    tomas = seat_of("tomas")
    page = tomas.go("/")
    card = page.locator("section.card", has=page.get_by_role("heading", name="Not to be missed"))
    rows = card.locator("li")
    expect(rows).to_have_count(len(IN_ORDER))
    for number, words in enumerate(IN_ORDER):
        expect(rows.nth(number)).to_contain_text(words)
    for number, told in ((0, "in 1 d 1[56] h"), (1, "in (19|20) h"), (3, "in 5 d"), (4, "6 days")):
        expect(rows.nth(number)).to_contain_text(re.compile(told))
    tomas.check()


def test_every_chain_of_events_goes_forward_and_the_freezes_stand_at_their_minute(
    site: Site,
) -> None:
    with closing(sqlite3.connect(f"file:{site.home / 'db.sqlite3'}?mode=ro", uri=True)) as rows:
        events = rows.execute("SELECT case_id, at FROM cases_auditevent ORDER BY case_id, seq")
        last: dict[int | None, str] = {}
        for chain, at in events:
            assert at >= last.get(chain, ""), (chain, at)
            last[chain] = at
        executed = rows.execute(
            "SELECT executed_at FROM cases_freezerequest WHERE executed_at IS NOT NULL"
        ).fetchall()
    mark = json.loads((site.home / "demo" / "installation.json").read_text("utf-8"))
    minute = datetime.fromisoformat(mark["now"]) - timedelta(days=5, hours=18, minutes=53)
    assert executed
    for (at,) in executed:
        assert abs(datetime.fromisoformat(f"{at}+00:00") - minute) < timedelta(minutes=1)
