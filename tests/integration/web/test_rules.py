"""The pages of detection rules, and their twins for programs."""

from typing import Any

import pytest

from cases.clocks import known_clocks
from cases.detection import RULES
from cases.models import Rule, RuleChange
from cases.models.clocks import CLOCK_ACTS
from cases.policy import Actor
from cases.services.detection_runs import work_on_due_runs
from cases.services.rules import propose_rule_change
from tests.casework import make_user, person
from tests.conftest import client_of
from tests.report_desk import make_alert

pytestmark = pytest.mark.django_db
FORM = {
    "figure_privacy_assets": "XMR", "figure_window_hours": "24", "figure_share_pct": "95",
    "figure_min_fiat": "1000", "switch_on": "on", "severity": "high", "reason": "Fewer.",
}  # fmt: skip


def propose(by: Actor) -> RuleChange:
    return propose_rule_change(
        "privacy_swap", parameters={"share_pct": 99}, severity="high", switch_on=True,
        reason="Fewer.", by=by,
    )  # fmt: skip


def test_clocks_of_the_law_are_told_in_words() -> None:
    known = known_clocks()[0]
    page = client_of(make_user("supervisor")).get("/clocks/").content.decode()
    assert f"<strong>{dict(CLOCK_ACTS)[known.act]}</strong> · {known.country}" in page


def test_an_analyst_reads_every_rule_and_proposes_none() -> None:
    make_alert()
    client = client_of(make_user("analyst"))
    page = client.get("/rules/").content.decode()
    assert "Swapped at once into a privacy coin" in page
    assert f"8 of {len(RULES)} run" in page
    one = client.get("/rules/privacy_swap/").content.decode()
    assert "Amount, in USD, at least" in one
    assert "min_fiat" not in one
    assert "XMR, ZEC, DASH" in one
    assert "••4417" in one
    assert "Propose a change" not in one
    assert client.get("/rules/privacy_swap/change/").status_code == 404
    assert client.get("/rules/nothing/").status_code == 404


def test_a_supervisor_proposes_and_compliance_sees_what_it_does_on_history() -> None:
    make_alert()
    client = client_of(make_user("supervisor"))
    assert client.get("/rules/privacy_swap/change/").status_code == 200
    assert client.post("/rules/privacy_swap/change/", FORM | {"reason": ""}).status_code == 422
    answer = client.post("/rules/privacy_swap/change/", FORM)
    assert answer.status_code == 302
    change = RuleChange.objects.get()
    assert "It is being tried on history" in client.get("/rules/privacy_swap/").content.decode()
    client = client_of(make_user("compliance"))
    page = client.get("/rules/privacy_swap/").content.decode()
    assert f"/rule-changes/{change.public_id}/approve/" not in page
    work_on_due_runs(5)
    page = client.get("/rules/privacy_swap/").content.decode()
    assert f"/rule-changes/{change.public_id}/approve/" in page
    assert "Would fire" in page
    asked = client.get(f"/rule-changes/{change.public_id}/approve/").content.decode()
    assert "1 firings in place of 1: 0 more, 0 gone" in asked
    done = client.post(
        f"/rule-changes/{change.public_id}/approve/",
        {"reason": "Good.", "content_hash": change.content_hash},
    )
    assert done.status_code == 302
    assert Rule.objects.get(code="privacy_swap", is_on=True).version == 2
    assert "v2" in client.get("/rules/privacy_swap/").content.decode()
    assert "privacy_swap" in client.get("/rules/").content.decode()


def test_the_pages_ask_a_known_number_of_queries(django_assert_max_num_queries: Any) -> None:
    make_alert()
    propose(person("supervisor"))
    client = client_of(make_user("compliance"))
    client.get("/rules/")
    for address, most in (("/rules/", 24), ("/rules/privacy_swap/", 28)):
        with django_assert_max_num_queries(most):
            client.get(address)
