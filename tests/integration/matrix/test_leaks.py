"""Beside the matrix: lists and counters, search, the next request, forgery, and rubbish."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.files import load_bytes
from cases.models import CaseAccess, CaseBlock, ReleaseFile, SharedRelease, ShareGrant
from cases.services.referrals import recall_referral
from fiu.models import User
from tests import hostile
from tests.casework import make_agency
from tests.integration.matrix.asking import ask, path_of, routes
from tests.integration.matrix.rules import (
    ASKING_AGENCY,
    OFFICERS,
    RULES,
    SHUT_OUT,
)
from tests.integration.matrix.world import CHANGE, DEPOSIT, HOUSE, HOUSE_MARK, SEED, SHARED, World

pytestmark = [
    pytest.mark.django_db, pytest.mark.once, pytest.mark.slow, pytest.mark.xdist_group("leaks"),
]  # fmt: skip

RUBBISH = ("9" * 20, "9" * 5000, "\x00")
FIELD = re.compile(rb'<(?:input|select|textarea|button)\b[^>]*\bname="([^"]+)"')
QUERIES = (
    "after",
    "page",
    "state",
    "part",
    "run",
    "node",
    "asset",
    "role",
    "view",
    "case",
    "since",
)


def test_no_list_no_sum_and_no_counter_changes_for_who_does_not_see_the_case(
    world: World,
) -> None:
    found = []
    for (name, route), before in world.pages_before.items():
        if route == "liaison_requests" and name in ASKING_AGENCY:
            continue  # the agency's own request, which stands beside the case
        after = ask(world.clients[name], "GET", path_of(route, {}))
        if (after.status, after.text) != (before.status, before.text):
            found.append(f"{name} {route}")
    assert world.pages_before
    assert found == []


@pytest.mark.parametrize("name", [*SHUT_OUT, "compliance"])
def test_search_finds_the_case_for_its_people_only(world: World, name: str) -> None:
    path = path_of("search", {})
    account = world.case.suspects.earliest("pk").accounts.get().account
    asked = [
        f"{HOUSE} title", f"{SHARED} alias", f"{SHARED} wallet", HOUSE, SHARED, account.uid,
        account.uid[-4:], SEED, *world.references,
    ]  # fmt: skip
    # The ledger is the same for everybody; which of its addresses a case holds is not.
    marks = world.marks(DEPOSIT, CHANGE)
    for text in asked:
        answer = ask(world.clients[name], "POST", path, {"q": text})
        assert answer.status == 200
        told = [mark for mark in answer.holds(marks, path) if mark not in text]  # but the echo
        # Releases have no search.
        if name == "compliance" and not text.startswith("R-"):
            assert told, f"{text} is not found by who may see it"
        elif name != "compliance":
            assert told == [], f"{text} tells {told}"


@pytest.mark.parametrize("name", [name for name in OFFICERS if name != "liaison_granted"])
def test_an_outsider_liaison_reads_nothing(world: World, name: str) -> None:
    client = world.clients[name]
    listed = ask(client, "GET", path_of("liaison_releases", {}))
    assert listed.holds(world.marks(), "") == []
    for release in SharedRelease.objects.all():
        ids = {"release_id": release.public_id}
        names = ReleaseFile.objects.filter(release=release).values_list("name", flat=True)
        paths = [path_of("liaison_release", ids)]
        paths += [path_of("liaison_download", ids | {"name": each}) for each in names]
        answers = [ask(client, "GET", path) for path in paths]
        answers.append(ask(client, "POST", path_of("liaison_acknowledge", ids)))
        assert {(each.status, each.text) for each in answers} == {(404, world.not_found[name])}
        assert not any(each.written for each in answers)


def test_the_granted_liaison_reads_only_their_own_copy(world: World) -> None:
    client, user = world.clients["liaison_granted"], world.users["liaison_granted"]
    release = SharedRelease.objects.get(public_id=world.ids["release_id"])
    for file in ReleaseFile.objects.filter(release=release):
        ids = {"release_id": release.public_id, "name": file.name}
        answer = ask(client, "GET", path_of("liaison_download", ids))
        is_master = file.grant is None and file.name in ("manifest.json", "release.html")
        is_theirs = file.grant.liaison_id == user.pk if file.grant else not is_master
        assert answer.status == (200 if is_theirs else 404), file.name
        if is_theirs:
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert HOUSE_MARK.encode() not in answer.body


def by_user(name: str, **fields: Any) -> Callable[[World], object]:
    return lambda world: User.objects.filter(pk=world.users[name].pk).update(**fields)


CHANGES: dict[str, tuple[str, str, Callable[[World], object], int]] = {
    "an analyst taken off the case": (
        "analyst_member", "case_detail",
        lambda w: CaseAccess.objects.filter(user=w.users["analyst_member"]).delete(), 404,
    ),
    "an analyst whose time on the case ended": (
        "analyst_member", "finding_detail",
        lambda w: CaseAccess.objects.filter(user=w.users["analyst_member"]).update(
            expires_at=timezone.now()
        ), 404,
    ),
    "compliance with a conflict of interest": (
        "compliance", "freeze_detail",
        lambda w: CaseBlock.objects.create(
            case=w.case, user=w.users["compliance"], reason="Conflict."
        ), 404,
    ),
    "a supervisor who became an admin": (
        "supervisor_member", "case_detail", by_user("supervisor_member", role="admin"), 404,
    ),
    "compliance who became an analyst": (
        "compliance", "case_detail", by_user("compliance", role="analyst"), 404,
    ),
    "a deactivated analyst": (
        "analyst_member", "case_detail", by_user("analyst_member", is_active=False), 302,
    ),
    "a deactivated officer": (
        "liaison_granted", "liaison_release", by_user("liaison_granted", is_active=False), 302,
    ),
    "an officer who moved to another agency": (
        "liaison_granted", "liaison_release",
        lambda w: by_user("liaison_granted", agency=make_agency())(w), 404,
    ),
    "an officer who became an analyst": (
        "liaison_granted", "liaison_download",
        by_user("liaison_granted", role="analyst", agency=None), 404,
    ),
    "a revoked grant": (
        "liaison_granted", "liaison_release",
        lambda w: ShareGrant.objects.update(revoked_at=timezone.now()), 404,
    ),
    "an expired grant": (
        "liaison_granted", "liaison_download",
        lambda w: ShareGrant.objects.update(expires_at=timezone.now()), 404,
    ),
    "a recalled release": (
        "liaison_granted", "liaison_download",
        lambda w: recall_referral(
            SharedRelease.objects.get(public_id=w.ids["release_id"]).referral,
            reason="Stop.", by=w.actor("compliance"),
        ), 404,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_taken_away_is_gone_at_the_next_request(world: World, what: str) -> None:
    name, route, change, status = CHANGES[what]
    path = path_of(route, world.ids)
    assert ask(world.clients[name], "GET", path).status == 200
    change(world)
    answer = ask(world.clients[name], "GET", path)
    assert (answer.status, answer.holds(world.marks(), path)) == (status, [])


def test_a_second_factor_is_asked_for_again_by_the_next_act(world: World) -> None:
    client = world.clients["compliance"]
    session = client.session
    session["account_authentication_methods"][0]["at"] -= 7200
    session.save()
    path = path_of("freeze_approve", world.ids)
    shown = ask(client, "GET", path)
    assert b'name="code"' in shown.body
    fields = {"reason": "Yes.", "content_hash": "x"}
    answer = ask(client, "POST", path, fields)
    assert (answer.status, answer.written) == (422, set())


def test_no_form_is_taken_without_its_token(world: World) -> None:
    taken = []
    for name, house in (("supervisor_member", "house"), ("liaison_granted", "liaison")):
        client = Client(enforce_csrf_checks=True)
        client.cookies = world.clients[name].cookies.copy()
        for route, rule in RULES.items():
            if rule.door not in (house, "sign-in") or "POST" not in rule.answers:
                continue
            answer = ask(client, "POST", path_of(route, world.ids))
            if answer.status != 403 or answer.written:
                taken.append(f"{name} {route} {answer.status}")
    assert taken == []


def mixed(names: Iterable[str], shift: int) -> dict[str, str]:
    """A rubbish for each name, the next one with each shift."""
    return {name: RUBBISH[(at + shift) % len(RUBBISH)] for at, name in enumerate(names)}


def test_rubbish_in_the_address_is_never_a_fault_of_ours(world: World) -> None:
    found = []
    for route, rule in RULES.items():
        if rule.door == "open" or "GET" not in rule.answers or rule.door == "sign-in":
            continue
        name = "liaison_granted" if rule.door == "liaison" else "supervisor_member"
        path = path_of(route, world.ids)
        # Another rubbish for each parameter, and for each page another one first.
        shift = len(route)
        answer = ask(world.clients[name], "GET", path, mixed(QUERIES, shift))
        if answer.status >= 500:
            found.append(f"{route} {shift}: {answer.status}")
    assert found == []


def test_rubbish_in_a_form_is_never_a_fault_of_ours(world: World) -> None:
    found = []
    client = world.clients["supervisor_member"]
    for route, rule in RULES.items():
        if rule.door != "house" or "POST" not in rule.answers:
            continue
        path = path_of(route, world.ids)
        names = {"version", "content_hash", "reason", "q", "theme", "next", "action", "hold"}
        if "GET" in rule.answers:
            names |= {each.decode() for each in FIELD.findall(ask(client, "GET", path).body)}
        shift = len(route)
        answer = ask(client, "POST", path, mixed(sorted(names - {"code"}), shift))
        if answer.status >= 500:
            found.append(f"{route} {shift}: {answer.status}")
    assert found == []


@pytest.mark.parametrize("parameter", ["finding_id", "freeze_id", "referral_id", "run_id"])
def test_every_state_has_its_pages_and_refuses_in_words(world: World, parameter: str) -> None:
    client = world.clients["supervisor_member"]
    found = []
    for route, rule in RULES.items():
        if rule.door != "house" or parameter not in routes()[route]:
            continue
        for number, value in enumerate(world.variants[parameter]):
            path = path_of(route, world.ids | {parameter: value}) + rule.query.format(**world.ids)
            for method in ("GET", "POST"):
                if method not in rule.answers or (
                    number and method == "GET" and "POST" in rule.answers
                ):
                    continue  # a refused POST draws the page of the GET
                data = {"reason": "Because."} if method == "POST" else None
                answer = ask(client, method, path, data)
                # A waiting run has no ends yet, and each evidence belongs to one finding.
                # A copy belongs to one release.
                is_absent = parameter == "run_id" or route in ("finding_seen", "referral_copy")
                if answer.status >= 500 or (answer.status == 404 and not is_absent):
                    found.append(f"{method} {path}: {answer.status}")
    assert found == []


@pytest.mark.parametrize("route", ["case_detail", "case_people", "finding_detail", "case_flow"])
def test_what_people_wrote_runs_on_no_page(world: World, route: str) -> None:
    """By a parser of HTML; the matrix looks at every page of everybody for the same more simply."""
    page = ask(world.clients["compliance"], "GET", path_of(route, world.ids))
    assert hostile.faults(page.body) == []
    assert b"&lt;qx onqx=1&gt;" in page.body


def test_what_was_typed_into_the_search_runs_nowhere(world: World) -> None:
    for text in (HOUSE, hostile.TOGETHER[:200]):
        page = ask(world.clients["compliance"], "POST", path_of("search", {}), {"q": text})
        assert (page.status, hostile.faults(page.body)) == (200, [])
        assert b"&lt;qx" in page.body


def test_nothing_runs_in_the_files_of_a_release(world: World) -> None:
    kinds = set()
    for file in ReleaseFile.objects.filter(release__public_id=world.ids["release_id"]):
        content, kind = load_bytes(file.sha256), file.name.rpartition(".")[2]
        kinds.add(kind)
        if kind == "html":
            assert hostile.faults(content) == [], file.name
            assert b"&lt;qx" in content
        elif kind == "csv":
            assert hostile.formulas(content) == [], file.name
    assert kinds >= {"html", "csv"}
