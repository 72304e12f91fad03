"""Search: the kind is recognised, the text is posted, and only visible rows are found."""

from typing import Any

import pytest
from django.urls import reverse

from cases.models import Suspect
from cases.queries.search import search
from cases.services.freezes import LineSpec, request_freeze
from cases.services.suspects import link_account
from tests.casework import make_account, make_asset, make_finding
from tests.integration.web.conftest import BANK, DEPOSIT, Room
from tests.report_desk import make_alert

pytestmark = pytest.mark.django_db


def test_each_kind_is_recognised_and_found(room: Room) -> None:
    case_run = room.run_trace()
    suspect = Suspect.objects.get(case=room.case)
    link_account(suspect, room.account.uid, "Same document", by=room.by)
    finding = make_finding(room.case, room.by)
    outpoint = case_run.reached.get().outpoint
    for text, kind, rows in (
        (BANK.upper(), "address", "wallets"),
        (DEPOSIT, "address", "reached"),
        (outpoint.split(":")[0], "transaction", "reached"),
        (room.case.reference.lower(), "reference", "cases"),
        (suspect.reference, "reference", "suspects"),
        (finding.reference, "reference", "findings"),
        ("4417", "account", "accounts"),
        ("••4417", "account", "reached"),
        (room.account.uid, "account", "accounts"),
        ("op-1", "words", "suspects"),
        (room.case.title[:5], "words", "cases"),
        ("market", "words", "wallets"),
    ):
        found = search(text, room.by)
        assert found.kind == kind, text
        assert getattr(found, rows), text


def test_an_account_is_found_as_the_screens_show_it(room: Room) -> None:
    account = make_account("NQ-7001-OX-7")
    freeze = request_freeze(
        room.case, legal_basis="internal_suspicion", restriction="all", urgency="urgent",
        agency_id=None, reason="R.", lines=[LineSpec(account.pk, make_asset().pk, 5)], by=room.by,
    )  # fmt: skip
    alert = make_alert("NQ-7001-OX-8")
    for text in (account.masked, f"Account {account.masked}", "ox-7", account.uid[-4:]):
        found = search(text, room.by)
        assert (found.kind, found.freezes) == ("account", [freeze]), text
    assert search("••OX-8", room.by).alerts == [alert]
    page = room.client.post(reverse("search"), {"q": "••OX-8"}).content.decode()
    assert reverse("alert_detail", args=[alert.public_id]) in page
    assert not room.outsider.post(reverse("search"), {"q": account.masked}).context["found"]


def test_an_outsider_finds_nothing_of_it(room: Room) -> None:
    room.run_trace()
    link_account(Suspect.objects.get(case=room.case), room.account.uid, "Same", by=room.by)
    for text in (BANK, DEPOSIT, room.case.reference, "4417", "OP-1", room.case.title):
        page = room.outsider.post(reverse("search"), {"q": text})
        assert room.case.reference not in page.content.decode().replace(text, "")
        assert not page.context["found"]


def test_the_text_is_posted_and_an_empty_one_asks_nothing(
    room: Room, django_assert_max_num_queries: Any
) -> None:
    page = room.client.get(reverse("search"), {"q": BANK})
    assert BANK not in page.content.decode()
    with django_assert_max_num_queries(0):
        search("  ", room.by)
    with django_assert_max_num_queries(6):
        search("market", room.by)
