"""Suspects: cards, names, linked accounts, customer data behind a purpose."""

from typing import Any

import pytest
from django.urls import reverse

from cases.models import ReadEvent, Suspect
from cases.queries.suspects import case_suspects, suspect_list
from cases.services.suspects import link_account
from tests.casework import make_suspect
from tests.integration.web.conftest import Room

pytestmark = pytest.mark.django_db


def suspect_of(room: Room) -> Suspect:
    return Suspect.objects.get(case=room.case)


def test_the_card_masks_the_account(room: Room) -> None:
    link_account(suspect_of(room), room.account.uid, "Same document", by=room.by)
    page = room.client.get(reverse("case_suspects", args=[room.case.public_id])).content.decode()
    assert "••4417" in page
    assert room.account.uid not in page
    assert room.account.holder_name not in page


def test_customer_data_needs_a_purpose_and_leaves_a_trace(room: Room) -> None:
    suspect = suspect_of(room)
    link_account(suspect, room.account.uid, "Same document", by=room.by)
    url = reverse("suspect_account_reveal", args=[suspect.public_id, room.account.public_id])
    assert room.account.holder_name not in room.client.get(url).content.decode()
    assert room.client.post(url, {"purpose": "x"}).status_code == 422
    assert not ReadEvent.objects.filter(action="reveal_customer").exists()
    page = room.client.post(url, {"purpose": "Compare the passport"})
    assert room.account.holder_name in page.content.decode()
    assert ReadEvent.objects.get(action="reveal_customer").purpose == "Compare the passport"
    assert room.outsider.post(url, {"purpose": "Compare the passport"}).status_code == 404


def test_a_suspect_is_added_with_a_name_then_more(room: Room) -> None:
    fields = {"full": "Faros", "type": "ALIA", "kind": "persona", "standing": "suspect", "role": ""}
    url = reverse("suspect_new", args=[room.case.public_id])
    assert room.client.post(url, fields).status_code == 302
    suspect = Suspect.objects.exclude(pk=suspect_of_first(room)).get()
    more = reverse("suspect_name_add", args=[suspect.public_id])
    assert room.client.post(more, {"full": "Pharos", "type": "ALIA"}).status_code == 302
    again = room.client.post(more, {"full": "Pharos", "type": "ALIA"})
    assert again.status_code == 422
    assert "already" in again.content.decode()


def suspect_of_first(room: Room) -> int:
    return Suspect.objects.filter(case=room.case).order_by("pk").values_list("pk", flat=True)[0]


def test_an_unknown_account_is_refused_in_the_form(room: Room) -> None:
    url = reverse("suspect_account_link", args=[suspect_of(room).public_id])
    page = room.client.post(url, {"account_uid": "nobody", "basis": "Same document"})
    assert page.status_code == 422
    assert room.client.post(
        url, {"account_uid": room.account.uid, "basis": "Same document"}
    ).status_code == 302  # fmt: skip


@pytest.mark.parametrize("more", [0, 3])
def test_cards_and_list_ask_the_same_number_of_times(
    room: Room, more: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(more):
        make_suspect(room.case, room.by, f"Name {number}")
    with django_assert_max_num_queries(5):
        assert len(case_suspects(room.case)) == 1 + more
    with django_assert_max_num_queries(4):
        assert len(suspect_list(room.by).rows) == 1 + more


def test_the_global_list_shows_only_what_one_may_see(room: Room) -> None:
    reference = suspect_of(room).reference
    assert reference in room.client.get(reverse("suspect_list")).content.decode()
    assert reference not in room.outsider.get(reverse("suspect_list")).content.decode()
