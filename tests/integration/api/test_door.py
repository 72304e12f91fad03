"""The door for programs: tokens, sessions, keys, pages, problems."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cases.models import AuditEvent, Case, IdempotencyKey
from cases.services.idempotency import forget_answers
from fiu.models import ApiToken, User
from fiu.tokens import digest_of, make_token
from tests.casework import make_actor, make_case, make_user
from tests.conftest import client_of
from tests.integration.api.conftest import (
    FINDING,
    PREFIX,
    Program,
    browser_of,
    made,
    program_of,
    told,
)

pytestmark = pytest.mark.django_db
CASE = {"title": "Lanternbox", "case_type": "darknet", "priority": "P2"}


def test_a_token_is_shown_once_and_kept_as_a_hash() -> None:
    user = make_user("analyst")
    page = client_of(user).post("/accounts/tokens/", {"name": "Nightly", "days": "30"})
    row = ApiToken.objects.get(user=user)
    token = page.content.decode().partition('id="new-token">')[2].partition("<")[0]
    assert digest_of(token) == row.digest
    assert token not in str(ApiToken.objects.values_list().get())
    assert token not in client_of(user).get("/accounts/tokens/").content.decode()
    assert AuditEvent.objects.filter(action="make_token", actor=user).count() == 1
    answer = Client().get(f"{PREFIX}cases", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    row.refresh_from_db()
    assert row.used_at is not None


def test_making_a_token_asks_for_a_fresh_second_factor() -> None:
    user = make_user("analyst")
    stale = client_of(user, second_factor_age=400)
    answer = stale.post("/accounts/tokens/", {"name": "Nightly", "days": "30"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/2fa/reauthenticate/")
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"revoked_at": timezone.now()},
        {"expires_at": timezone.now()},
        {"user__is_active": False},
        {"user__role": "supervisor"},  # a token never grows with its person
        {"digest": "0" * 64},
    ],
)
def test_a_token_that_ended_opens_nothing(analyst: Program, change: dict[str, object]) -> None:
    assert analyst.get("cases").status_code == 200
    for name, value in change.items():
        if name.startswith("user__"):
            User.objects.filter(pk=analyst.user.pk).update(**{name[6:]: value})
        else:
            row = ApiToken.objects.filter(user=analyst.user)
            extra = {"made_at": timezone.now() - timedelta(days=1)} if "exp" in name else {}
            row.update(**{name: value}, **extra)
    answer = analyst.get("cases")
    told(answer, 401, "authentication-failed")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_its_person_revokes_a_token_and_nobody_else(analyst: Program) -> None:
    token = ApiToken.objects.get(user=analyst.user)
    path = f"/accounts/tokens/{token.public_id}/revoke/"
    assert client_of(make_user("analyst")).post(path).status_code == 404
    assert analyst.get("cases").status_code == 200
    client_of(analyst.user).post(path)
    told(analyst.get("cases"), 401, "authentication-failed")


def test_officers_have_no_tokens_and_no_door() -> None:
    officer = make_user("liaison")
    assert client_of(officer).get("/accounts/tokens/").status_code == 404
    # Their cookie is not read here, and a token of the house is none of theirs.
    assert client_of(officer).get(f"{PREFIX}cases").status_code == 401
    user = make_user("analyst")
    token = make_token(user, "Old", 3, by=make_actor(user))
    ApiToken.objects.update(user=officer, role="liaison")
    answer = Client().get(f"{PREFIX}cases", headers={"Authorization": f"Bearer {token}"})
    told(answer, 404, "not-found")


def test_a_session_needs_its_csrf_token_to_change_something() -> None:
    user = make_user("analyst")
    client = Client(enforce_csrf_checks=True)
    client.cookies = client_of(user).cookies
    headers = {"Idempotency-Key": "k1"}
    body = json.dumps(CASE)
    answer = client.post(f"{PREFIX}cases", body, content_type="application/json", headers=headers)
    told(answer, 403, "permission-denied")
    assert client.get(f"{PREFIX}cases").status_code == 200
    assert not Case.objects.exists()


def test_the_same_key_and_body_write_once_and_answer_the_same(analyst: Program) -> None:
    first = analyst.post("cases", CASE, key="open-1")
    again = analyst.post("cases", dict(reversed(CASE.items())), key="open-1")
    assert made(first) == made(again)
    assert ("Idempotent-Replayed" in first, again["Idempotent-Replayed"]) == (False, "true")
    assert Case.objects.count() == 1


def test_the_same_key_with_another_body_is_a_conflict(analyst: Program, case: Case) -> None:
    made(analyst.post("cases", CASE, key="open-1"))
    told(analyst.post("cases", CASE | {"title": "Other"}, key="open-1"), 409, "key-reused")
    # Another address is another request too.
    told(
        analyst.post(f"cases/{case.public_id}/tasks", {"title": "Call"}, key="open-1"),
        409, "key-reused",
    )  # fmt: skip
    assert Case.objects.count() == 2


def test_keys_of_two_people_have_nothing_to_do_with_each_other(
    analyst: Program, stranger: Program
) -> None:
    mine, theirs = (each.post("cases", CASE, key="open-1") for each in (analyst, stranger))
    assert made(mine)["id"] != made(theirs)["id"]


@pytest.mark.parametrize("key", [None, "ümlaut", "x" * 256, "two words"])
def test_a_write_needs_a_key(analyst: Program, key: str | None) -> None:
    told(analyst.post("cases", CASE, key=key), 400, "parse-error")
    assert not Case.objects.exists()


def test_a_refused_write_keeps_nothing_and_frees_its_key(analyst: Program) -> None:
    told(analyst.post("cases", CASE | {"title": "   "}, key="open-1"), 400, "invalid")
    assert not IdempotencyKey.objects.exists()
    made(analyst.post("cases", CASE, key="open-1"))


def test_a_replay_is_only_for_who_may_still_see_the_case(analyst: Program, case: Case) -> None:
    path, body = f"cases/{case.public_id}/tasks", {"title": "Call the bank"}
    made(analyst.post(path, body, key="task-1"))
    case.accesses.all().delete()
    told(analyst.post(path, body, key="task-1"), 404, "not-found")


def test_answers_are_forgotten_after_thirty_days(analyst: Program) -> None:
    made(analyst.post("cases", CASE, key="old"))
    made(analyst.post("cases", CASE, key="new"))
    IdempotencyKey.objects.filter(key="old").update(at=timezone.now() - timedelta(days=31))
    assert forget_answers() == 1
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["new"]


def test_pages_follow_one_another_without_a_gap(analyst: Program) -> None:
    for number in range(5):
        make_case(analyst.actor, title=f"Case {number}")
    seen, after = [], ""
    while True:
        page = made(analyst.get("cases", size="2", after=after), 200)
        seen += [row["title"] for row in page["rows"]]
        after = page["next"]
        if not after:
            break
        make_case(analyst.actor, title="Opened meanwhile")
    assert seen == [f"Case {number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    "query",
    [
        {"after": "nonsense"},
        {"after": "MjAyNS0wMS0wMVQwMDowMDowMCswMDowMCA5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"},  # row 10^22
        {"after": "MjAyNS0wMS0wMVQwMDowMDowMCA1"},  # no zone
        {"size": "0"},
        {"size": "²"},
        {"state": "unheard"},
        {"updated_since": "yesterday"},
    ],
)
def test_a_query_that_cannot_be_read_is_refused(analyst: Program, query: dict[str, str]) -> None:
    told(analyst.get("cases", **query), 400, "invalid")


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("cases", "stat=open", "stat"),
        ("cases", "state=closed&state=investigating", "state"),
        ("cases", "updated_since=2025-01-01", "updated_since"),
        ("cases", "updated_since=0001-01-01T00:00:00%2B14:00", "updated_since"),
        ("cases", "updated_since=9999-12-31T23:59:59-12:00", "updated_since"),
        ("tasks", "mine=1", "mine"),
        ("tasks", "mine=True", "mine"),
        ("audit", "size=0", "size"),
    ],
)
def test_a_filter_that_is_misread_never_answers_more(
    analyst: Program, path: str, query: str, field: str
) -> None:
    problem = told(analyst.get(f"{path}?{query}"), 400, "invalid")
    assert [each["field"] for each in problem["errors"]] == [field]


def test_tasks_are_mine_or_of_others(analyst: Program, case: Case) -> None:
    for assignee in (str(analyst.user.public_id), None):
        task = {"title": "Call the registry", "assignee": assignee}
        made(analyst.post(f"cases/{case.public_id}/tasks", task))
    mine = made(analyst.get("tasks?mine=true"), 200)["rows"]
    others = made(analyst.get("tasks?mine=false"), 200)["rows"]
    assert [len(rows) for rows in (mine, others)] == [1, 1]
    assert mine[0]["assignee"]["id"] == str(analyst.user.public_id)


def test_the_audit_trail_has_pages_of_the_size_that_is_asked_for(
    analyst: Program, case: Case
) -> None:
    assert len(made(analyst.get("audit?size=1"), 200)["rows"]) == 1


def test_a_case_that_changes_keeps_its_place(analyst: Program) -> None:
    opened = {"case_type": "fraud", "priority": "P3", "visibility": "unit"}
    ids = [
        made(analyst.post("cases", opened | {"title": title}))["id"] for title in ("A", "B", "C")
    ]
    first = made(analyst.get("cases?size=1"), 200)
    made(analyst.patch(f"cases/{ids[0]}", {"title": "A, renamed", "version": 1}), 200)
    rest = made(analyst.get(f"cases?size=9&after={first['next']}"), 200)
    assert [row["id"] for row in first["rows"] + rest["rows"]] == ids[::-1]


def send_bytes(program: Program, body: bytes) -> HttpResponse:
    """A new case in words that no library would write."""
    return program.client.post(
        f"{PREFIX}cases", body, content_type="application/json",
        headers={"Authorization": f"Bearer {program.token}", "Idempotency-Key": "k"},
    )  # fmt: skip


def test_half_a_character_is_refused_wherever_it_stands(analyst: Program) -> None:
    body = b'{"title": "x", "case_type": "\\ud800", "priority": "P1"}'
    problem = told(send_bytes(analyst, body), 400, "parse-error")
    assert "half a character" in problem["detail"]
    whole = {"title": "\U0001f40b", "case_type": "fraud", "priority": "P1", "visibility": "unit"}
    assert made(analyst.post("cases", whole))["title"] == "\U0001f40b"


def test_a_time_without_its_zone_is_no_deadline(analyst: Program, case: Case) -> None:
    path = f"cases/{case.public_id}/tasks"
    for at in ("2030-01-01", "2030-01-01T00:00:00"):
        problem = told(analyst.post(path, {"title": "T", "due_at": at}), 400, "invalid")
        assert "with its zone" in problem["errors"][0]["detail"]
    made(analyst.post(path, {"title": "T", "due_at": "2030-01-01T00:00:00+08:00"}))


def test_a_value_that_names_nothing_is_said_and_is_no_wrong_address(
    analyst: Program, case: Case
) -> None:
    body = {"kind": "wallet", "subject": str(uuid4())}
    problem = told(analyst.post("watches", body), 422, "not-possible")
    assert problem["detail"] == "There is nothing of this kind to watch."


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"title": NaN}', b"[" * 100_000, b"\xff\xfe", b"[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]"],
)
def test_what_is_no_json_is_refused_in_one_sentence(analyst: Program, body: bytes) -> None:
    told(send_bytes(analyst, body), 400, "parse-error")


def test_a_body_has_a_size_and_no_unknown_field(analyst: Program) -> None:
    told(analyst.post("cases", CASE | {"summary": "x" * 2**20}), 413, "too-large")
    problem = told(analyst.post("cases", CASE | {"state": "closed"}), 400, "invalid")
    assert problem["errors"] == [{"field": "state", "detail": "There is no such field."}]
    assert not Case.objects.exists()


def test_what_may_not_be_seen_is_the_same_404_as_what_is_not_there(
    stranger: Program, case: Case
) -> None:
    hidden = stranger.get(f"cases/{case.public_id}")
    absent = stranger.get("cases/3f0c9a52-7d3e-4b6a-9a71-5f0e2c8d4b19")
    no_route = stranger.get("nothing/at/all")
    assert hidden.content == absent.content == no_route.content
    told(hidden, 404, "not-found")


def test_an_auditor_reads_events_and_no_case(case: Case) -> None:
    auditor = program_of(make_user("auditor"))
    told(auditor.get("cases"), 404, "not-found")
    told(auditor.get(f"cases/{case.public_id}"), 404, "not-found")
    rows = made(auditor.get("audit", case=case.reference), 200)["rows"]
    assert {row["case_reference"] for row in rows} == {case.reference}
    assert {row["case"] for row in rows} == {None}
    assert made(auditor.post("audit/verify", key=None), 200) == {"holds": True, "breaks": []}


def test_a_session_does_what_a_token_may_not(
    analyst: Program, compliance: Program, case: Case
) -> None:
    """Step-up: the second factor is the person's; the refusal names no way around it."""
    finding = made(analyst.post(f"cases/{case.public_id}/findings", FINDING))
    made(analyst.post(f"findings/{finding['id']}/submit"), 200)
    program = program_of(compliance.user)
    path = f"findings/{finding['id']}"
    number = finding["counter_evidence"][0]["number"]
    made(program.post(f"{path}/counter-evidence/{number}/seen"), 200)
    shown = made(program.get(path), 200)["content_hash"]
    body = {"reason": "Checked.", "content_hash": shown}
    told(program.post(f"{path}/approve", body), 403, "step-up-by-person")
    stale = Program(compliance.user, client_of(compliance.user, second_factor_age=400))
    told(stale.post(f"{path}/approve", body), 403, "step-up")
    approved = made(browser_of(compliance.user).post(f"{path}/approve", body), 200)
    assert approved["state"] == "approved"


def test_a_refusal_is_an_event(analyst: Program, case: Case) -> None:
    told(analyst.post("operations", {"name": "N", "code_name": "C", "starts_on": "2025-01-02"}),
         403, "refused")  # fmt: skip
    event = AuditEvent.objects.get(action="permission_refused")
    assert (event.actor_id, json.loads(event.data)) == (
        analyst.user.pk, {"asked": "operation_list"},
    )  # fmt: skip


def slow_down(settings: Settings) -> None:
    settings.API_PER_SECOND, settings.API_BURST = 1, 3


def test_a_program_that_asks_too_fast_is_told_how_long_to_wait(
    analyst: Program, stranger: Program, settings: Settings
) -> None:
    slow_down(settings)
    assert [analyst.get("cases").status_code for _ in range(3)] == [200] * 3
    answer = analyst.get("cases")
    problem = told(answer, 429, "too-fast")
    assert problem["detail"] == "Too many calls: wait 1 second."
    assert answer["Retry-After"] == "1"
    # The pace is the person's, whatever the token; nobody else is slowed.
    told(browser_of(analyst.user).get("inbox"), 429, "too-fast")
    assert stranger.get("cases").status_code == 200


def test_nothing_is_written_by_a_call_too_many(analyst: Program, settings: Settings) -> None:
    slow_down(settings)
    for number in range(5):
        analyst.post("cases", CASE, key=f"fast-{number}")
    assert Case.objects.count() == 3
    assert IdempotencyKey.objects.count() == 3


def test_wrong_tokens_are_counted_by_address(settings: Settings) -> None:
    slow_down(settings)
    for number in range(3):
        headers = {"Authorization": f"Bearer thk_guess{number}"}
        told(Client().get(f"{PREFIX}cases", headers=headers), 401, "authentication-failed")
    assert Client().get(f"{PREFIX}cases", headers=headers)["Retry-After"] == "1"
    told(Client().get(f"{PREFIX}cases"), 429, "too-fast")
    elsewhere = Client(REMOTE_ADDR="192.0.2.7").get(f"{PREFIX}cases", headers=headers)
    told(elsewhere, 401, "authentication-failed")


def test_what_may_not_be_seen_costs_as_much_as_what_may(
    stranger: Program, case: Case, settings: Settings
) -> None:
    slow_down(settings)
    statuses = [stranger.get(f"cases/{case.public_id}").status_code for _ in range(4)]
    assert statuses == [404, 404, 404, 429]


def test_the_page_for_people_names_what_their_role_may_ask() -> None:
    analyst = browser_of(make_user("analyst"))
    with_right = browser_of(make_user("analyst", may_view_reports=True))
    shown = analyst.get("docs").content.decode()
    assert "/api/v1/cases" in shown
    assert "/api/v1/reports" not in shown
    assert "/api/v1/reports" in with_right.get("docs").content.decode()
