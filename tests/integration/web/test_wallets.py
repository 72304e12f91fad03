"""Wallets: the tab, the bulk paste line by line, the list, the page of an address."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import override_settings
from django.urls import reverse

from cases.models import Wallet
from cases.queries.wallets import address_page, case_wallets, wallet_list
from cases.services.wallets import add_wallet
from tests.blockmaker import SUBSIDY, address
from tests.casework import make_case
from tests.integration.web.conftest import BANK, HOPS, Room
from tracing import reads

pytestmark = pytest.mark.django_db
FIELDS = {"role": "unknown", "provenance": "document", "provenance_note": "Order 12"}


def test_the_tab_shows_role_source_and_figures(room: Room) -> None:
    page = room.client.get(reverse("case_wallets", args=[room.case.public_id])).content.decode()
    for words in ("Market bank", "Order 12, page 4", "49.99999 BTC"):
        assert words in page


def test_every_bad_line_comes_back_with_its_number_and_reason(room: Room) -> None:
    url = reverse("wallets_add", args=[room.case.public_id])
    text = f"{HOPS[0]}\nnonsense\n{HOPS[1][:-1]}q"
    page = room.client.post(url, FIELDS | {"text": text})
    assert page.status_code == 422
    assert [line.number for line in page.context["report"].rejected] == [2, 3]
    assert page.context["form"].initial["text"] == f"nonsense\n{HOPS[1][:-1]}q"
    assert room.case.wallets.filter(address=HOPS[0]).exists()


def test_a_clean_list_leads_back_to_the_tab(room: Room) -> None:
    url = reverse("wallets_add", args=[room.case.public_id])
    page = room.client.post(url, FIELDS | {"text": "\n".join(HOPS)})
    assert page.url == reverse("case_wallets", args=[room.case.public_id])
    assert room.case.wallets.count() == 1 + len(HOPS)
    assert room.outsider.post(url, FIELDS | {"text": address(77)}).status_code == 404


def test_a_list_of_blank_lines_is_told_instead_of_leading_back_in_silence(room: Room) -> None:
    url = reverse("wallets_add", args=[room.case.public_id])
    page = room.client.post(url, FIELDS | {"text": "  \n \n"})
    assert page.status_code == 422
    assert "Paste at least one address." in page.content.decode()


def test_more_than_a_request_may_hold_is_told_as_such(room: Room) -> None:
    url = reverse("wallets_add", args=[room.case.public_id])
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        page = room.client.post(url, FIELDS | {"text": "x" * 200}, secure=True)
    assert page.status_code == 400
    assert "Send a long list in parts." in page.content.decode()


def test_a_list_without_its_source_is_refused_at_the_field(room: Room) -> None:
    url = reverse("wallets_add", args=[room.case.public_id])
    page = room.client.post(url, FIELDS | {"text": HOPS[0], "provenance_note": ""})
    assert page.status_code == 422
    assert page.context["form"].errors["provenance_note"]


def test_the_page_of_an_address_tells_history_and_cases(room: Room) -> None:
    url = reverse("address_detail", args=[room.bank.public_id])
    page = room.client.get(url).context["page"]
    assert page.summary.received == SUBSIDY - 1_000
    assert [row.height for row in page.history] == [3, 2]
    assert page.elsewhere == []
    other = make_case(room.by, visibility="unit")
    add_wallet(other, address=BANK, label="", **FIELDS, by=room.by)
    assert [each.case for each in room.client.get(url).context["page"].elsewhere] == [other]
    assert room.outsider.get(url).status_code == 404


def test_why_two_addresses_are_together(room: Room) -> None:
    url = reverse("address_together", args=[room.bank.public_id])
    same = room.client.post(url, {"first": BANK, "last": BANK})
    assert same.status_code == 200
    assert "one and the same address" in same.content.decode()
    apart = room.client.post(url, {"first": BANK, "last": HOPS[0]})
    assert apart.status_code == 422
    assert "not in one cluster" in apart.content.decode()
    assert room.client.get(url).status_code == 200
    assert room.client.post(url).status_code == 422
    assert room.outsider.post(url, {"first": BANK, "last": BANK}).status_code == 404


def test_the_cluster_page_tells_how_to_cite_it_and_what_is_only_probable(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = reverse("address_cluster", args=[room.bank.public_id])
    assert url in room.client.get(reverse("address_detail", args=[room.bank.public_id])).text
    look = room.client.get(url).context["look"]
    assert (look.version.anchor, look.withheld) == (BANK, ())
    assert look.version.members_sha256 in room.client.get(url).text
    assert room.outsider.get(url).status_code == 404
    at = datetime(2025, 1, 6, tzinfo=UTC)
    withheld = reads.WithheldMerge("ab" * 32, 7, at, BANK, HOPS[0], ("One",), ("Two",), 3, 1, 2)
    change = reads.ProbableChange("cd" * 32, 8, at, HOPS[1], 69_001, "p2wpkh", 90_000, 2)
    told = replace(look, withheld=(withheld,), whole_size=9, probable=(change,), num_probable=400)
    monkeypatch.setattr(reads, "cluster_look", lambda *_: told)
    page = " ".join(room.client.get(url).text.split())
    for words in (
        "address stays with this one, where 9 would.", "and 2 later ones", "Say which one holds",
        "Never seen before, p2wpkh like all that was spent", "The newest 100 of 400.",
    ):  # fmt: skip
        assert words in page


def test_an_address_the_ledger_never_saw_is_told_as_such(room: Room) -> None:
    wallet = add_wallet(room.case, address=address(999), label="", **FIELDS, by=room.by)
    page = room.client.get(reverse("address_detail", args=[wallet.public_id]))
    assert page.status_code == 200
    assert page.context["page"].summary is None
    tab = room.client.get(reverse("case_wallets", args=[room.case.public_id])).content.decode()
    assert "never seen in the loaded ledger" in tab


@pytest.mark.parametrize("more", [0, 3])
def test_lists_ask_the_same_number_of_times(
    room: Room, more: int, django_assert_max_num_queries: Any
) -> None:
    for hop in HOPS[:more]:
        add_wallet(room.case, address=hop, label="", **FIELDS, by=room.by)
    with django_assert_max_num_queries(9):  # tags and walls are read when they changed
        assert len(case_wallets(room.case)) == 1 + more
    with django_assert_max_num_queries(6):
        assert len(case_wallets(room.case)) == 1 + more
    with django_assert_max_num_queries(6):
        assert len(wallet_list(room.by).rows) == 1 + more
    wallet = Wallet.objects.select_related("case").get(pk=room.bank.pk)
    with django_assert_max_num_queries(11):
        address_page(wallet, room.by)


def test_the_global_list_shows_only_what_one_may_see(room: Room) -> None:
    assert room.case.reference in room.client.get(reverse("wallet_list")).content.decode()
    assert room.case.reference not in room.outsider.get(reverse("wallet_list")).content.decode()


def test_the_merges_of_a_cluster_are_shown_with_what_they_hold(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime(2025, 1, 6, tzinfo=UTC)
    merges = [
        reads.Merge("ab" * 32, 7, at, BANK, HOPS[0], False, 3, 2, 1),
        reads.Merge("cd" * 32, 8, at, HOPS[0], HOPS[1], True, None, None, None),
        reads.Merge("ef" * 32, 9, at, HOPS[1], HOPS[2], None, None, None, None),
    ]
    answer = reads.Together(BANK, HOPS[2], 6, merges)
    monkeypatch.setattr(reads, "why_together", lambda *_: answer)
    url = reverse("address_together", args=[room.bank.public_id])
    page = room.client.post(url, {"first": BANK, "last": HOPS[2]}).content.decode()
    for words in (
        "cluster of 6 addresses",
        "They split into 3 and 2 addresses. 1 address is with neither.",
        "They stay together by other transactions.",
        "Not tested: the cluster is too large.",
    ):
        assert words in " ".join(page.split())
