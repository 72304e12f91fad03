"""Watches, related cases, webhooks and legacy cases by program: the same services and answers."""

import pytest

from cases.models import Case, Webhook, WebhookDelivery
from cases.services.cases import block_user
from cases.services.webhooks import announce
from tests.casework import person
from tests.held import make_held
from tests.integration.api.conftest import Program, made, told

pytestmark = pytest.mark.django_db


def test_a_watch_is_of_the_person_whose_token_it_is(analyst: Program, stranger: Program) -> None:
    freeze = make_held().freeze
    body = {"kind": "freeze", "subject": str(freeze.public_id)}
    watch = made(analyst.post("watches", body))
    assert (watch["name"], watch["subject"]) == (freeze.reference, body["subject"])
    assert made(stranger.get("watches"), 200)["rows"] == []
    assert made(analyst.get("watches"), 200)["rows"] == [watch]
    told(analyst.post("watches", body | {"kind": "task"}), 400, "invalid")
    assert made(analyst.get("notices"), 200)["rows"] == []


def test_a_wall_holds_against_the_replay_of_a_call_too(
    analyst: Program, compliance: Program
) -> None:
    held = make_held()
    body = {"kind": "freeze", "subject": str(held.freeze.public_id)}
    made(analyst.post("watches", body, key="once"))
    again = analyst.post("watches", body, key="once")
    assert made(again)["case"], "who sees it gets the same answer"
    row = {"system": "Old", "number": "7", "title": "Harbour", "opened_on": "2019-05-20"}
    cases = {"cases": [row], "visibility": "unit"}
    [first] = made(compliance.post("legacy-cases", cases, key="once"))["rows"]
    assert made(compliance.post("legacy-cases", cases, key="once"))["rows"] == [first]
    boss = person("compliance")
    for case, program in (
        (held.case, analyst), (Case.objects.get(public_id=first["case"]), compliance)
    ):  # fmt: skip
        block_user(case, program.user.pk, "A relative.", by=boss)
    told(analyst.post("watches", body, key="once"), 422, "not-possible")
    [now] = made(compliance.post("legacy-cases", cases, key="once"))["rows"]
    assert now == first | {"case": None, "reference": ""}


def test_cases_are_related_and_merged_by_two_people(analyst: Program, supervisor: Program) -> None:
    opened = {"case_type": "fraud", "priority": "P3", "visibility": "unit"}
    into, twin = (
        made(analyst.post("cases", opened | {"title": title}))["id"] for title in ("Main", "Twin")
    )
    path = f"cases/{twin}"
    body = {"other": into, "kind": "duplicate", "reason": "The same wallets."}
    relation = made(analyst.post(f"{path}/relations", body))
    assert relation["other"]["id"] == into
    assert [row["id"] for row in made(analyst.get(f"{path}/relations"), 200)] == [relation["id"]]
    told(analyst.post(f"{path}/merge", {"into": into, "reason": "Y."}), 403, "refused")
    merged = made(supervisor.post(f"{path}/merge", {"into": into, "reason": "Y."}), 200)
    assert (merged["state"], merged["closure_reason"]) == ("merged", "merged")
    told(analyst.post(f"relations/{relation['id']}/end", {"reason": "N."}), 409, "state-changed")


def test_deliveries_are_listed_and_sent_again(analyst: Program, compliance: Program) -> None:
    hook = Webhook.objects.create(
        name="Core", url="https://core.example/", events=["run"], added_at="2026-01-01T00:00:00Z"
    )
    announce("run", hook.public_id)
    row = WebhookDelivery.objects.get()
    told(analyst.get("webhook-deliveries"), 404, "not-found")
    assert made(compliance.get("webhooks"), 200)[0]["name"] == "Core"
    (listed,) = made(compliance.get("webhook-deliveries", state="pending"), 200)["rows"]
    assert (listed["id"], listed["event"]) == (str(row.pk), "run")
    told(compliance.post(f"webhook-deliveries/{row.pk}/redeliver"), 409, "state-changed")
    WebhookDelivery.objects.update(state="sending", lease_until="2026-01-01T00:00:00Z")
    WebhookDelivery.objects.update(state="failed", lease_until=None)
    again = made(compliance.post(f"webhook-deliveries/{row.pk}/redeliver"), 200)
    assert again["state"] == "pending"


def test_legacy_cases_are_taken_row_by_row(supervisor: Program, compliance: Program) -> None:
    row = {"system": "Old", "number": "1", "title": "Harbour", "opened_on": "2019-05-20"}
    body = {"cases": [row, row | {"number": "2", "opened_on": "soon"}, row], "visibility": "unit"}
    told(supervisor.post("legacy-cases", body), 404, "not-found")
    report = made(compliance.post("legacy-cases", body))
    assert (report["num_added"], report["num_known"]) == (1, 1)
    first, bad, same = report["rows"]
    assert (first["case"], bad["case"]) == (same["case"], None)
    assert "no day" in bad["reason"]


def test_what_was_asked_of_a_freeze_is_listed_under_it(analyst: Program, stranger: Program) -> None:
    held = make_held()
    path = f"freezes/{held.freeze.public_id}"
    for name in ("releases", "extensions", "seizures"):
        assert made(analyst.get(f"{path}/{name}"), 200)["rows"] == []
    lines = [{"line": str(held.line().public_id), "amount": "100000000"}]
    asked = made(analyst.post(f"{path}/releases", {"lines": lines, "reason": "Order HDIB-7."}))
    assert made(analyst.get(f"{path}/releases"), 200) == {"rows": [asked], "next": ""}
    assert made(analyst.get(f"freeze-releases/{asked['id']}"), 200) == asked
    Case.objects.filter(pk=held.case.pk).update(visibility="sealed")
    told(stranger.get(f"{path}/releases"), 404, "not-found")
