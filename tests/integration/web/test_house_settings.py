"""Settings: the admin proposes them, reads nothing of any case on the way, and decides on none."""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from cases.models import ApprovalPolicy, ClockRule, RuleChange
from cases.policy import PermissionDenied
from cases.services.approval_policies import approve_policy, propose_policy
from cases.services.clocks import approve_clock, propose_clock
from cases.services.legal_rows import propose_legal_row, reject_legal_row
from cases.services.risk_models import train_model
from cases.services.rules import approve_rule_change, propose_rule_change
from tests.casework import make_user, person
from tests.conftest import client_of

pytestmark = pytest.mark.django_db

CLOCK: dict[str, Any] = {
    "act": "provisional_hold", "country": "TW", "length": 12, "unit": "hours", "source": "A law.",
    "reason": "Shorter here.",
}  # fmt: skip
POLICY: dict[str, Any] = {
    "action": "approve_freeze", "amount_over": Decimal(1_000_000), "min_approvals": 2,
    "expires_after": 48, "reason": "Large sums.",
}  # fmt: skip


def test_the_admin_proposes_and_compliance_decides() -> None:
    admin, office = person("admin"), person("compliance")
    clock, policy = propose_clock(**CLOCK, by=admin), propose_policy(**POLICY, by=admin)
    row = propose_legal_row(
        instrument="court_order", country="TW", datasets=["kyc"], note="As the court says.",
        source="A law.", reason="Asked for.", by=admin,
    )  # fmt: skip
    change = propose_rule_change(
        "privacy_swap", parameters={"share_pct": 44}, severity="high", switch_on=True,
        reason="Too many.", by=admin,
    )  # fmt: skip
    for decide, proposal in (
        (approve_clock, clock), (approve_policy, policy), (approve_rule_change, change),
    ):  # fmt: skip
        for nobody in (admin, person("admin")):
            with pytest.raises(PermissionDenied, match="admin may not"):
                decide(proposal, content_hash=proposal.content_hash, reason="Yes.", by=nobody)
    with pytest.raises(PermissionDenied, match="admin may not"):
        reject_legal_row(row, reason="No.", by=person("admin"))
    with pytest.raises(PermissionDenied, match="admin may not train model"):
        train_model(reason="New outcomes.", by=admin)
    approve_clock(clock, content_hash=clock.content_hash, reason="Read.", by=office)
    approve_policy(policy, content_hash=policy.content_hash, reason="Agreed.", by=office)
    assert ClockRule.objects.get().state == ApprovalPolicy.objects.get().state == "in_force"
    assert RuleChange.objects.get().state == "proposed"


def test_each_role_is_led_to_the_settings_that_it_may_read() -> None:
    routes = {
        "admin": {"approval_policy_list", "clock_list", "legal_list", "rule_list"},
        "analyst": {"rule_list", "risk_model_list", "label_list", "price_list"},
    }
    routes["supervisor"] = {*routes["admin"], *routes["analyst"], "officer_list"}
    routes["compliance"] = {*routes["supervisor"], "webhook_list"}
    for role, expected in routes.items():
        client = client_of(make_user(role))
        page = client.get(reverse("settings_list")).content.decode()
        main = page.partition("<main")[2]
        for route in sorted(routes["compliance"]):
            assert (f'href="{reverse(route)}"' in main) == (route in expected), (role, route)
        for route in sorted(expected):
            answer = client.get(reverse(route))
            assert answer.status_code == 200, (role, route)
            rail = answer.content.decode().partition("</nav>")[0]
            assert f'href="{reverse("settings_list")}" data-go="h" aria-current="page"' in rail
    assert client_of(make_user("auditor")).get(reverse("settings_list")).status_code == 404


def test_an_admin_reads_rules_without_what_their_alerts_tell() -> None:
    admin, analyst = client_of(make_user("admin")), client_of(make_user("analyst"))
    for route, words in (
        (reverse("rule_list"), ("False alarms", "Precision")),
        (reverse("rule_detail", args=["privacy_swap"]), ("How its alerts ended", "Newest alerts")),
    ):
        mine, theirs = admin.get(route).content.decode(), analyst.get(route).content.decode()
        for each in words:
            assert each in theirs
            assert each not in mine
    told = admin.get("/api/v1/rules").json()
    assert all(each["fired"] is None and each["precision_low"] is None for each in told)
    assert all(each["fired"] == 0 for each in analyst.get("/api/v1/rules").json())
    links = admin.get(reverse("clock_list")).content.decode()
    assert reverse("freeze_list") not in links
