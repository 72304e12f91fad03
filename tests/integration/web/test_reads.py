"""Looks at a case, its suspects and the search are kept, one line each (H4)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.guards import install_guards, remove_guards
from cases.models import AuditEvent, Case, ReadEvent
from cases.services.audit import keyed
from cases.services.reads import altered_reads, keep_search, seal_reads
from cases.services.suspects import add_suspect
from cases.services.verification import altered_contents
from fiu.models import User
from tests.casework import make_actor, make_case, make_user
from tests.conftest import client_of
from tests.integration.api.conftest import program_of

pytestmark = pytest.mark.django_db


@contextmanager
def unguarded() -> Iterator[None]:
    """As somebody with the database in hand: no trigger stands in the way."""
    remove_guards()
    yield
    install_guards()


@pytest.fixture
def ana() -> User:
    return make_user("analyst")


@pytest.fixture
def case(ana: User) -> Case:
    found = make_case(make_actor(ana), started=True)
    add_suspect(
        found, kind="person", standing="suspect", role="", names=[("LEGL", "Bo Qxname")],
        by=make_actor(ana),
    )  # fmt: skip
    return found


def looks() -> list[tuple[str, str, str]]:
    rows = ReadEvent.objects.order_by("pk").values_list("action", "object", "purpose")
    return [(action, told, purpose) for action, told, purpose in rows]


def test_each_page_of_a_case_is_one_look(ana: User, case: Case) -> None:
    client = client_of(ana)
    for tab in ("case_detail", "case_suspects", "case_timeline", "case_detail"):
        assert client.get(reverse(tab, args=[case.public_id])).status_code == 200
    names = ("view_case", "view_suspects", "view_timeline", "view_case")
    assert looks() == [(name, case.reference, "") for name in names]
    row = ReadEvent.objects.latest("pk")
    assert (row.case, row.actor, row.actor_ip) == (case, ana, "127.0.0.1")


def test_a_page_that_is_not_shown_is_no_look(ana: User, case: Case) -> None:
    case_page = reverse("case_detail", args=[case.public_id])
    assert client_of(ana).get(case_page, headers={"X-Fiu-Poll": "1"}).status_code == 200
    Case.objects.update(visibility="sealed")
    assert client_of(make_user("analyst")).get(case_page).status_code == 404
    assert Client().get(case_page).status_code == 302
    assert client_of(make_user("auditor")).get(case_page).status_code == 404
    assert looks() == []


def test_a_look_at_reports_stands_with_the_reports_alone(case: Case) -> None:
    compliance = client_of(make_user("compliance"))
    assert compliance.get(reverse("case_reports", args=[case.public_id])).status_code == 200
    assert looks() == []


def test_a_search_is_kept_without_its_words(ana: User, case: Case) -> None:
    client = client_of(ana)
    client.get(reverse("search"))
    client.post(reverse("search"), {"q": "  "})
    answer = client.post(reverse("search"), {"q": " Bo QXNAME "})
    assert "Bo Qxname" in answer.content.decode()
    client.post(reverse("search"), {"q": case.reference})
    assert [action for action, _told, _purpose in looks()] == ["search", "search"]
    assert looks()[0][1] == f"words:{keyed('bo qxname')}", "who knows the name finds the look"
    assert looks()[1][1].startswith("reference:")
    assert "qxname" not in str(looks()).lower()


def test_the_list_of_suspects_is_kept_by_reference(ana: User, case: Case) -> None:
    client_of(ana).get(reverse("suspect_list"))
    reference = case.suspects.get().reference
    assert looks() == [("list_suspects", f"{reference} to {reference}", "")]


def test_programs_are_kept_alike(ana: User, case: Case) -> None:
    program, suspect = program_of(ana), case.suspects.get()
    program.get(f"cases/{case.public_id}")
    program.get(f"suspects/{suspect.public_id}")
    program.get("suspects")
    program.post("search", {"q": "bo qxname"}, key=None)
    assert looks() == [
        ("view_case", case.reference, "program"),
        ("view_suspect", suspect.reference, "program"),
        ("list_suspects", f"{suspect.reference} to {suspect.reference}", "program"),
        ("search", f"words:{keyed('bo qxname')}", "program"),
    ]


def test_looking_changes_no_chain(ana: User, case: Case) -> None:
    before = AuditEvent.objects.count()
    client_of(ana).get(reverse("case_detail", args=[case.public_id]))
    assert AuditEvent.objects.count() == before


def search_an_hour_ago(ana: User, number: int) -> None:
    for each in range(number):
        keep_search("words", f"name {each}", by=make_actor(ana))
    with unguarded():
        ReadEvent.objects.update(at=timezone.now() - timedelta(hours=1))


@pytest.mark.owner
def test_looks_are_sealed_once_in_the_chain_of_the_system(ana: User) -> None:
    search_an_hour_ago(ana, 3)
    keep_search("words", "just now", by=make_actor(ana))
    assert (seal_reads(), seal_reads()) == (3, 0)
    event = AuditEvent.objects.get(action="seal_reads")
    assert (event.case, event.actor, json.loads(event.data)["number"]) == (None, None, 3)
    with unguarded():
        ReadEvent.objects.update(at=F("at") - timedelta(hours=1))
    assert seal_reads() == 1, "the one that was too young"


@pytest.mark.owner
@pytest.mark.parametrize("change", ["words", "gone", "between", "other reader"])
def test_a_sealed_look_that_was_changed_is_found(ana: User, change: str) -> None:
    search_an_hour_ago(ana, 5)
    seal_reads()
    assert list(altered_reads()) == altered_contents() == []
    seal = AuditEvent.objects.get(action="seal_reads")
    middle = ReadEvent.objects.order_by("pk")[2]
    with unguarded():
        if change == "gone":
            ReadEvent.objects.filter(pk=middle.pk).delete()
        elif change == "words":
            ReadEvent.objects.filter(pk=middle.pk).update(object="words:of somebody else")
        elif change == "other reader":
            ReadEvent.objects.filter(pk=middle.pk).update(actor=make_user("analyst"))
        else:
            ReadEvent.objects.filter(pk__gt=middle.pk).delete()
    assert [(each.case, each.seq) for each in altered_contents()] == [("", seal.seq)]
