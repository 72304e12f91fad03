"""Every route x method x person: what exists for whom, what it tells, and what it changes (A4)."""

from functools import cache

import pytest

from cases.policy import GRANTS, Role
from tests.hostile import RUNS
from tests.integration.matrix.asking import Answer, ask, path_of, routes
from tests.integration.matrix.rules import (
    ASKING_AGENCY,
    AT_THE_DOOR,
    MEMBERS,
    METHODS,
    PRINCIPALS,
    RULES,
    Rule,
)
from tests.integration.matrix.world import DEPOSIT, SEED, SHARED_MARK, World, missing

pytestmark = [
    pytest.mark.django_db, pytest.mark.once, pytest.mark.slow, pytest.mark.xdist_group("matrix"),
]  # fmt: skip

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store, private",
}
POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'",
    "frame-ancestors 'none'", "base-uri 'none'",
}  # fmt: skip
FORM = {"csrfmiddlewaretoken": "x"}  # a form as a browser sends it, with nothing filled in


def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    assert sorted(routes()) == sorted(RULES)


def test_every_role_asks_in_the_matrix(world: World) -> None:
    assert set(world.clients) == set(PRINCIPALS)
    roles = {user.role for user in world.users.values()}
    assert roles == {role.value for role in GRANTS} - {Role.SYSTEM.value}


def address(world: World, route: str) -> str:
    query = RULES[route].query.format(**world.ids)
    return path_of(route, world.ids) + query


@cache
def marks_for(world: World, principal: str, route: str) -> list[bytes] | None:
    """What this person must not find in the answer; None for who may see all of the case."""
    door = RULES[route].door
    if principal in MEMBERS and door == "house":
        return None
    if principal in ASKING_AGENCY and route.startswith("liaison_request"):
        return world.marks(SHARED_MARK, DEPOSIT, *world.references_of_request)
    if principal == "liaison_granted" and door == "liaison":
        release = world.references_of_release
        return world.marks(SHARED_MARK, SEED, *release, str(world.ids["release_id"]))
    if principal in MEMBERS and door == "api":
        return None
    if principal == "auditor" and route.removeprefix("api_").startswith("audit_"):
        ids = [str(each) for values in world.variants.values() for each in values]
        return world.marks(*world.references, *ids, *map(str, world.ids.values()))
    return world.marks()


def faults(world: World, route: str, rule: Rule, method: str, principal: str) -> list[str]:
    """What is wrong with one cell."""
    path = address(world, route)
    data = FORM if method == "POST" and rule.door != "api" else None
    answer = ask(world.clients[principal], method, path, data)
    expected = rule.expected(method, principal)
    found = []
    if not fits(answer, expected, principal):
        found.append(f"expected {expected}, got {answer.status} {answer.where}".rstrip())
    found += bad_headers(answer)
    if "html" in answer.headers.get("Content-Type", "") and (run := RUNS.search(answer.body)):
        found.append(f"lets run {answer.body[run.start() - 60 : run.end()]!r}")
    marks = marks_for(world, principal, route)
    if marks is not None and (told := answer.holds(marks, path)):
        found.append(f"tells {told[:4]}")
    nothing = world.no_route if rule.door == "api" else world.not_found[principal]
    if answer.status == 404 and method != "HEAD" and answer.text != nothing:
        found.append("its 404 differs from that of an address that does not exist")
    written = answer.written - (rule.writes if may_write(rule, principal, answer) else set())
    if answer.status == 403:
        written -= {"cases_auditevent"}  # the refusal itself is kept
    if written:
        found.append(f"writes {sorted(written)}")
    return [f"{principal} {method} {route}: {fault}" for fault in found]


def fits(answer: Answer, expected: str, principal: str) -> bool:
    status, _, where = expected.partition(" ")
    if str(answer.status) != status:
        return False
    if where == "home":
        where = "/liaison/" if "liaison_" in principal else "/"
    return not where or answer.where == where


def may_write(rule: Rule, principal: str, answer: Answer) -> bool:
    proven = principal in AT_THE_DOOR[rule.door] and principal in rule.sees
    return proven and answer.status not in (403, 404)


def bad_headers(answer: Answer) -> list[str]:
    found = [
        f"{name}: {answer.headers.get(name)}"
        for name, value in HEADERS.items()
        if answer.headers.get(name) != value
    ]
    policy = {part.strip() for part in answer.headers["Content-Security-Policy"].split(";")}
    if not policy >= POLICY or "unsafe" in str(policy):
        found.append(f"policy {sorted(policy)}")
    return found


@pytest.mark.parametrize("principal", PRINCIPALS)
def test_each_person_gets_what_the_rules_say(world: World, principal: str) -> None:
    found: list[str] = []
    for route, rule in RULES.items():
        for method in METHODS:
            if rule.is_asked(method, principal):
                found += faults(world, route, rule, method, principal)
    assert found == []


def test_what_does_not_exist_is_the_same_404_on_every_route(world: World) -> None:
    ids = missing(world.ids)
    found = []
    for route, rule in RULES.items():
        if rule.door not in ("house", "liaison", "api") or not set(routes()[route]) & set(ids):
            continue
        principal = "liaison_granted" if rule.door == "liaison" else "supervisor_member"
        if rule.door == "api" and principal not in rule.roles:
            principal = "compliance"
        nothing = world.no_route if rule.door == "api" else world.not_found[principal]
        method = next(each for each in ("GET", "POST", "PATCH") if each in rule.answers)
        data = None if rule.door == "api" else FORM
        answer = ask(world.clients[principal], method, path_of(route, ids), data)
        if (answer.status, answer.text) != (404, nothing) or answer.written:
            found.append(f"{method} {route}: {answer.status} {sorted(answer.written)}")
    assert found == []
    assert len(set(world.not_found.values())) == 1
