"""No field of a customer leaves its masked form without a purpose, and each look is kept."""

import json
from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import BookRun, CohortMember, ExchangeAccount, ExchangeRecord, ReadEvent
from cases.services.suspects import link_account, standing_purpose
from tests.casework import make_actor, make_agency, make_asset, make_user
from tests.conftest import client_of
from tests.integration.services.test_cohorts import make_cohort, make_member
from tests.integration.web.conftest import Room, ledger_home, room

__all__ = ["ledger_home", "room"]
pytestmark = pytest.mark.django_db
CANARIES = ("Canary Holder", "CUST-CANARY", "NQ-CANARY-774411")


@pytest.fixture
def held(room: Room) -> tuple[Room, CohortMember]:
    """A customer of whom every field is a canary: linked to a suspect, and in a cohort."""
    ExchangeAccount.objects.filter(pk=room.account.pk).update(
        holder_name=CANARIES[0], customer=CANARIES[1], uid=CANARIES[2]
    )
    room.account.refresh_from_db()
    link_account(room.case.suspects.get(), room.account.uid, "Order 12", by=room.by)
    cohort = make_cohort(room.case, room.by)
    return room, make_member(cohort, account=room.account, customer=CANARIES[1])


def pages(room: Room, member: CohortMember) -> Iterator[str]:
    """Every page and answer for programs on which the customer stands."""
    case, account = room.case.public_id, room.account.public_id
    cohort, suspect = member.cohort.public_id, room.case.suspects.get().public_id
    for tab in (
        "",
        "suspects/",
        "cohorts/",
        "wallets/",
        "money/",
        "exposure/",
        "flow/",
        "timeline/",
    ):
        yield f"/cases/{case}/{tab}"
    yield from (
        f"/cases/{case}/accounts/{account}/{part}/" for part in ("exposure", "links", "books")
    )
    yield f"/cases/{case}/books/"
    yield f"/suspects/{suspect}/accounts/{account}/reveal/"
    yield f"/suspects/{suspect}/identity/"
    yield from (f"/cohorts/{cohort}/{part}/" for part in ("sample", "numbers", "split"))
    yield f"/cohorts/members/{member.public_id}/"
    yield f"/api/v1/suspects/{suspect}"
    for part in ("exposure", "links", "books"):
        yield f"/api/v1/cases/{case}/accounts/{account}/{part}"
    for part in ("", "/members", "/samples", "/numbers"):
        yield f"/api/v1/cohorts/{cohort}{part}"
    yield f"/api/v1/cohort-members/{member.public_id}/payments"
    yield "/api/v1/book-runs"
    yield "/api/v1/suspects"


def leaks(client: Client, addresses: Iterator[str], expected: int = 200) -> list[tuple[str, str]]:
    found = []
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == expected, address
        text = answer.content.decode()
        found += [(address, canary) for canary in CANARIES if canary in text]
    return found


def test_every_page_shows_the_customer_masked(held: tuple[Room, CohortMember]) -> None:
    room, member = held
    assert leaks(room.client, pages(room, member)) == []
    assert not ReadEvent.objects.filter(action="reveal_customer").exists()


def test_a_look_has_its_purpose_which_is_asked_once_in_a_case(
    held: tuple[Room, CohortMember],
) -> None:
    room, member = held
    for number, address in enumerate(
        (f"/cohorts/members/{member.public_id}/",
         f"/suspects/{room.case.suspects.get().public_id}/accounts/{room.account.public_id}/reveal/"),
        1,
    ):  # fmt: skip
        assert room.client.post(address, {"purpose": " "}).status_code == 422
        shown = room.client.post(address, {"purpose": "Order 12 of the court"}).content.decode()
        assert all(canary in shown for canary in CANARIES)
        looks = ReadEvent.objects.filter(action="reveal_customer", actor=room.analyst)
        assert (looks.count(), looks.latest("pk").purpose) == (number, "Order 12 of the court")
        assert 'value="Order 12 of the court"' in room.client.get(address).content.decode()
    assert standing_purpose(room.case, by=make_actor(room.supervisor)) == ""
    assert leaks(room.client, pages(room, member)) == []


def test_no_file_or_sealed_answer_names_the_customer(held: tuple[Room, CohortMember]) -> None:
    """The table of a cohort, and what our books answered and keep."""
    room, member = held
    CohortMember.objects.filter(pk=member.pk).update(is_exportable=True)
    export = f"/cohorts/{member.cohort.public_id}/export/"
    senior = client_of(make_user("compliance"))
    written = senior.post(export).content.decode()
    assert "••4411" in written
    ExchangeRecord.objects.create(
        ref="R1", kind="deposit", account=room.account, asset=make_asset(), base=5,
        at=timezone.now(), status="completed",
    )  # fmt: skip
    books = f"/cases/{room.case.public_id}/accounts/{room.account.public_id}/books/"
    page = room.client.post(books, follow=True).content.decode()
    kept = BookRun.objects.get()
    told = [
        written, page, json.dumps(kept.result),
        room.client.get(f"/api/v1/book-runs/{kept.public_id}").content.decode(),
        room.client.get(f"/api/v1/book-runs/{kept.public_id}/repeat").content.decode(),
    ]  # fmt: skip
    assert not any(canary in text for canary in CANARIES for text in told)
    for address in (export, books, f"/book-runs/{kept.public_id}/"):
        assert room.outsider.get(address).status_code in (404, 405)


def test_a_liaison_reaches_none_of_it(held: tuple[Room, CohortMember]) -> None:
    room, member = held
    officer = client_of(make_user("liaison", agency=make_agency()))
    for address in pages(room, member):
        answer = officer.get(address)
        assert answer.status_code in (302, 401, 404), address
        assert not any(canary in answer.content.decode() for canary in CANARIES)
    lists = ("/api/v1/book-runs", "/api/v1/suspects")
    assert leaks(room.outsider, iter(lists)) == []  # they hold only what one may see
    hidden = (address for address in pages(room, member) if address not in lists)
    assert leaks(room.outsider, hidden, expected=404) == []
