"""Whoever looks up what has their own name is told of to compliance, and does not notice (A7)."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from cases.models import AuditEvent, Case, SelfLookup
from cases.services.audit import verify_chains
from cases.services.cases import block_user
from cases.services.self_lookups import watch_self
from cases.services.suspects import add_suspect, link_account, reveal_customer
from fiu.models import User
from tests.casework import make_account, make_actor, make_case, make_user
from tests.conftest import client_of
from tests.integration.api.conftest import program_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return make_user("analyst", first_name="Ana", last_name="Šimić-Kova", email="ana@fiu.example")


@pytest.fixture
def case(ana: User) -> Case:
    return make_case(make_actor(ana), started=True)


def suspect(case: Case, name: str, by: User) -> None:
    add_suspect(
        case, kind="person", standing="suspect", role="", names=[("LEGL", name)], by=make_actor(by)
    )


def told() -> list[tuple[str, str]]:
    rows = SelfLookup.objects.order_by("pk").select_related("case")
    return [(row.what, row.case.reference if row.case else "") for row in rows]


@pytest.mark.parametrize(
    ("text", "is_self"),
    [
        ("Ana Šimić-Kova", True),
        ("SIMIC KOVA, ana", True),
        ("ana@FIU.example ", True),
        ("Ana", False),
        ("Šimić-Kova", False),
        ("Ana Maria Šimić-Kova", False),
        ("Ben Other", False),
        ("", False),
    ],
)
def test_the_same_words_of_a_name_count(ana: User, text: str, is_self: bool) -> None:
    assert watch_self("search", [text], by=make_actor(ana)) is is_self
    assert SelfLookup.objects.exists() is is_self


def test_a_person_without_a_name_is_nobody(case: Case) -> None:
    nameless = make_user("analyst", email="")
    assert watch_self("search", ["", " "], by=make_actor(nameless)) is False


def test_search_suspects_and_customers_are_watched(ana: User, case: Case) -> None:
    suspect(case, "Kova Simic Ana", ana)
    account = make_account("acct-1", holder_name="Ana Simic Kova")
    link_account(case.suspects.get(), account.uid, "Their own.", by=make_actor(ana))
    client = client_of(ana)
    client.post(reverse("search"), {"q": "ana simic kova"})
    client.get(reverse("case_suspects", args=[case.public_id]))
    client.get(reverse("suspect_list"))
    reveal_customer(case, account, "To see.", by=make_actor(ana))
    assert told() == [
        ("search", ""), ("suspect", case.reference), ("suspect", ""), ("customer", case.reference),
    ]  # fmt: skip
    assert AuditEvent.objects.filter(case=None, action="look_up_self", actor=ana).count() == 4
    assert verify_chains().is_whole


def test_programs_are_watched_alike(ana: User, case: Case) -> None:
    suspect(case, "Ana Simic Kova", ana)
    program = program_of(ana)
    program.post("search", {"q": "Ana Simic Kova"}, key=None)
    program.get("suspects")
    program.get(f"suspects/{case.suspects.get().public_id}")
    assert told() == [("search", ""), ("suspect", ""), ("suspect", case.reference)]


def test_the_person_notices_nothing_and_is_told_of_once(ana: User, case: Case) -> None:
    client = client_of(ana)
    pages = [client.post(reverse("search"), {"q": "Ana Simic Kova"}) for _ in range(3)]
    assert [page.status_code for page in pages] == [200] * 3
    assert told() == [("search", "")]
    assert "looked up" not in pages[-1].content.decode()
    assert "looked up" not in client.get(reverse("inbox")).content.decode()
    row = SelfLookup.objects.get()
    assert client.get(reverse("self_lookup_detail", args=[row.public_id])).status_code == 404


def test_compliance_looks_at_it_and_the_next_one_counts_anew(ana: User, case: Case) -> None:
    boss = make_user("compliance", first_name="Mara", last_name="Boss")
    watch_self("suspect", ["Ana Simic Kova"], by=make_actor(ana), case=case)
    row = SelfLookup.objects.get()
    page, see = (
        reverse(name, args=[row.public_id]) for name in ("self_lookup_detail", "self_lookup_see")
    )
    client = client_of(boss)
    assert page in client.get(reverse("inbox")).content.decode()
    shown = client.get(page).content.decode()
    assert case.reference in shown
    assert "Ana Šimić-Kova" in shown
    assert see in shown
    assert client.post(see).status_code == 302
    client.post(see)
    assert AuditEvent.objects.filter(action="see_self_lookup").count() == 1
    assert page not in client.get(reverse("inbox")).content.decode()
    watch_self("suspect", ["Ana Simic Kova"], by=make_actor(ana), case=case)
    assert SelfLookup.objects.count() == 2


def test_nobody_of_compliance_looks_at_the_own_or_across_a_wall(ana: User, case: Case) -> None:
    boss, walled = make_user("compliance"), make_user("compliance")
    block_user(case, walled.pk, "A relative.", by=make_actor(boss))
    watch_self("suspect", ["Ana Simic Kova"], by=make_actor(ana), case=case)
    page = reverse("self_lookup_detail", args=[SelfLookup.objects.get().public_id])
    assert client_of(walled).get(page).status_code == 404
    assert client_of(make_user("supervisor")).get(page).status_code == 404
    User.objects.filter(pk=boss.pk).update(email="boss@fiu.example")
    watch_self("search", ["boss@fiu.example"], by=make_actor(boss))
    own = SelfLookup.objects.get(user=boss)
    assert not SelfLookup.objects.visible_to(make_actor(boss)).filter(pk=own.pk).exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        SelfLookup.objects.filter(pk=own.pk).update(seen_by=boss, seen_at=own.at)
