"""Findings, freezes, referrals, alerts, reports and requests by programs and people."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from cases.models import AuditEvent, Case, FreezeRequest, InformationRequest
from cases.services.requests import RequestSpec, record_request
from tests.casework import BTC, make_account, make_balance, make_price, make_user, person
from tests.integration.api.conftest import (
    FINDING,
    Program,
    browser_of,
    made,
    program_of,
    told,
)
from tests.officer_desk import make_officer
from tests.report_desk import make_report_desk

pytestmark = pytest.mark.django_db


def approved(analyst: Program, case: Case, by: Program) -> str:
    """The id of a finding that `by` reviewed and approved."""
    finding = made(analyst.post(f"cases/{case.public_id}/findings", FINDING))
    path = f"findings/{finding['id']}"
    made(analyst.post(f"{path}/submit"), 200)
    for each in finding["counter_evidence"]:
        made(by.post(f"{path}/counter-evidence/{each['number']}/seen"), 200)
    shown = made(by.get(path), 200)["content_hash"]
    done = made(by.post(f"{path}/approve", {"content_hash": shown, "reason": "Yes."}), 200)
    assert done["state"] == "approved"
    return str(finding["id"])


def test_a_finding_is_edited_by_version_and_decided_by_hash(
    analyst: Program, stranger: Program, compliance: Program, case: Case
) -> None:
    finding = made(analyst.post(f"cases/{case.public_id}/findings", FINDING))
    path = f"findings/{finding['id']}"
    amount = finding["amounts"][0]
    assert (amount["base"], amount["asset"]) == ("820180000", BTC)
    told(stranger.post(f"cases/{case.public_id}/findings", FINDING), 404, "not-found")
    edited = made(analyst.patch(path, {"version": finding["version"], "confidence": 70}), 200)
    assert edited["confidence"] == 70
    told(analyst.patch(path, {"version": 1, "confidence": 60}), 409, "version-changed")
    made(analyst.post(f"{path}/submit"), 200)
    body = {"content_hash": "0" * 64, "reason": "Yes."}
    number = finding["counter_evidence"][0]["number"]
    made(compliance.post(f"{path}/counter-evidence/{number}/seen"), 200)
    told(compliance.post(f"{path}/approve", body), 409, "content-changed")
    told(stranger.post(f"{path}/approve", body), 404, "not-found")
    returned = made(compliance.post(f"{path}/return", {"reason": "Say more."}), 200)
    assert returned["state"] == "draft"
    assert [row["id"] for row in made(analyst.get("findings", state="draft"), 200)["rows"]] == [
        finding["id"]
    ]
    assert made(stranger.get("findings"), 200)["rows"] == []


@pytest.mark.parametrize("amount", [860000000, 1.5, "1.5", "-1", "١", "1_0", "1" * 79, None, True])
def test_an_amount_is_text_of_digits_and_nothing_else(
    analyst: Program, case: Case, amount: object
) -> None:
    amounts = [FINDING["amounts"][0] | {"value": amount}]  # type: ignore[index]
    body = FINDING | {"amounts": amounts}
    problem = told(analyst.post(f"cases/{case.public_id}/findings", body), 400, "invalid")
    assert problem["errors"][0]["field"] == "amounts.0.value"


def test_a_freeze_is_asked_for_by_one_and_approved_by_another(
    analyst: Program, stranger: Program, compliance: Program, case: Case
) -> None:
    make_price()
    account = make_account()
    make_balance(account, 500_000_000)
    finding = approved(analyst, case, compliance)
    body = {
        "legal_basis": "internal_suspicion", "reason": "Proceeds of the market.",
        "lines": [
            {"account": str(account.public_id), "asset": BTC, "requested": "400000000",
             "finding": finding},
        ],
    }  # fmt: skip
    told(stranger.post(f"cases/{case.public_id}/freezes", body), 404, "not-found")
    freeze = made(analyst.post(f"cases/{case.public_id}/freezes", body))
    path = f"freezes/{freeze['id']}"
    line = freeze["lines"][0]
    assert (line["requested"], line["asset"]["decimals"]) == ("400000000", 8)
    made(analyst.post(f"{path}/submit"), 200)
    in_review = made(analyst.post(f"{path}/triage"), 200)
    body = {"content_hash": in_review["content_hash"], "reason": "Yes."}
    told(program_of(compliance.user).post(f"{path}/approve", body), 403, "step-up-by-person")
    told(stranger.post(f"{path}/approve", body), 404, "not-found")
    wrong = body | {"content_hash": "0" * 64}
    told(compliance.post(f"{path}/approve", wrong), 409, "content-changed")
    done = made(compliance.post(f"{path}/approve", body, key="approve-1"), 200)
    assert done["state"] == "executing"
    # A retry after a lost answer is no second decision.
    assert made(compliance.post(f"{path}/approve", body, key="approve-1"), 200) == done
    told(compliance.post(f"{path}/approve", body), 409, "state-changed")
    assert len(made(analyst.get("freezes", state="executing"), 200)["rows"]) == 1
    assert made(stranger.get("freezes"), 200)["rows"] == []


def test_a_standing_freeze_is_extended_and_released_by_two(
    analyst: Program, compliance: Program, case: Case
) -> None:
    make_price()
    account = make_account()
    make_balance(account, 500_000_000)
    finding = approved(analyst, case, compliance)
    made(
        analyst.post(
            f"cases/{case.public_id}/freezes",
            {
                "legal_basis": "internal_suspicion", "reason": "Proceeds.",
                "lines": [{"account": str(account.public_id), "asset": BTC,
                           "requested": "5", "finding": finding}],
            },
        )
    )  # fmt: skip
    freeze = FreezeRequest.objects.get()
    until = (timezone.now() + timedelta(days=9)).isoformat()
    extension = {"basis": "internal_suspicion", "until": until, "reason": "Longer."}
    path = f"freezes/{freeze.public_id}"
    told(analyst.post(f"{path}/extensions", extension), 409, "state-changed")
    lines = [{"line": str(freeze.lines.get().public_id), "amount": "1"}]
    told(analyst.post(f"{path}/releases", {"lines": lines, "reason": "Part."}),
         409, "state-changed")  # fmt: skip
    lines[0]["line"] = str(UUID(int=1))
    told(analyst.post(f"{path}/releases", {"lines": lines, "reason": "Part."}),
         400, "invalid")  # fmt: skip


def test_an_instrument_is_recorded_by_one_and_verified_by_another(
    analyst: Program, stranger: Program, compliance: Program, case: Case
) -> None:
    body = {
        "type": "court_order", "number": "4 Gs 17/25", "issued_by": "District court",
        "issued_on": "2025-01-02", "jurisdiction": "XX",
    }  # fmt: skip
    instrument = made(analyst.post(f"cases/{case.public_id}/instruments", body))
    path = f"instruments/{instrument['id']}"
    told(analyst.post(f"{path}/verify"), 403, "refused")
    told(stranger.post(f"{path}/verify"), 404, "not-found")
    done = made(compliance.post(f"{path}/verify"), 200)
    assert done["verified_by"]["name"] == compliance.user.username
    assert len(made(analyst.get("instruments"), 200)["rows"]) == 1


def test_a_referral_is_drafted_redacted_decided_and_sent(
    analyst: Program, stranger: Program, supervisor: Program, compliance: Program, case: Case
) -> None:
    case.accesses.create(user=supervisor.user, level="write")
    officer = make_officer()
    finding = approved(analyst, case, compliance)
    body = {
        "agency": str(officer.agency.public_id), "kind": "spontaneous", "subject": "Lanterns",
        "summary": "Value reached us.", "purpose": "Criminal proceedings",
        "legal_gateway": "Art. 1", "tlp": "AMBER", "handling_code": "H1", "findings": [finding],
    }  # fmt: skip
    told(stranger.post(f"cases/{case.public_id}/referrals", body), 404, "not-found")
    referral = made(analyst.post(f"cases/{case.public_id}/referrals", body))
    path = f"referrals/{referral['id']}"
    edited = made(analyst.patch(path, {"version": 1, "subject": "Lanterns out"}), 200)
    told(analyst.patch(path, {"version": 1, "subject": "Again"}), 409, "version-changed")
    assert edited["subject"] == "Lanterns out"
    keys = [each["key"] for each in made(analyst.get(f"{path}/redactable"), 200)]
    told(
        analyst.post(f"{path}/redact", {"redactions": [{"field": "no.such", "code": "R1"}]}),
        422, "not-possible",
    )  # fmt: skip
    assert keys
    shown = made(analyst.post(f"{path}/redact", {"redactions": []}), 200)["content_hash"]
    decision = {"content_hash": shown, "reason": "Yes."}
    told(program_of(supervisor.user).post(f"{path}/approve", decision), 403, "step-up-by-person")
    assert made(supervisor.post(f"{path}/approve", decision), 200)["state"] == "approved"
    assert made(compliance.post(f"{path}/clear", decision), 200)["state"] == "cleared"
    assert made(supervisor.post(f"{path}/package"), 200)["state"] == "packaged"
    officers = made(analyst.get(f"{path}/officers"), 200)
    until = (timezone.now() + timedelta(days=30)).isoformat()
    sent = made(
        supervisor.post(f"{path}/send", {"liaisons": [officers[0]["id"]], "expires_at": until}),
        200,
    )
    grant = sent["releases"][0]["grants"][0]
    assert grant["liaison"]["name"] == officer.username
    copy = f"{path}/copies/{grant['watermark']}"
    assert supervisor.get(copy).content[:2] == b"PK"
    told(analyst.get(copy), 404, "not-found")
    told(stranger.get(path), 404, "not-found")
    assert made(compliance.post(f"{path}/recall", {"reason": "Stop."}), 200)["state"] == "recalled"


def test_alerts_are_taken_led_and_dismissed() -> None:
    desk = make_report_desk()
    analyst, overseer = program_of(make_user("analyst")), program_of(make_user("auditor"))
    path = f"alerts/{desk.alert.public_id}"
    shown = made(analyst.get(path), 200)
    assert (shown["state"], shown["case"]["reference"]) == ("linked", desk.case.reference)
    told(overseer.get(path), 404, "not-found")
    told(analyst.post(f"{path}/assign"), 409, "state-changed")
    told(
        analyst.post(f"{path}/dismiss", {"disposition": "duplicate", "reason": "Known."}),
        403, "refused",
    )  # fmt: skip
    assert len(made(analyst.get("alerts", state="linked"), 200)["rows"]) == 1


def test_without_the_right_no_report_exists() -> None:
    desk = make_report_desk()
    author = program_of(make_user("analyst", may_view_reports=True))
    outsider = program_of(make_user("analyst"))
    body = {"alerts": [str(desk.alert.public_id)]}
    report = made(author.post(f"cases/{desk.case.public_id}/reports", body))
    path = f"reports/{report['id']}"
    absent = outsider.get("nothing")
    for answer in (
        outsider.get("reports"), outsider.get(path), outsider.get(f"{path}/download"),
        outsider.post(f"cases/{desk.case.public_id}/reports", body),
        outsider.post(f"{path}/approve", {"reason": "x", "content_hash": "0" * 64}),
        outsider.patch(path, {"version": 1}),
    ):  # fmt: skip
        assert (answer.status_code, answer.content) == (404, absent.content)
    edited = made(author.patch(path, {"version": report["version"], "reason": "Swap."}), 200)
    told(author.patch(path, {"version": report["version"]}), 409, "version-changed")
    subject = edited["subjects"][0]["id"]
    filled = made(
        author.patch(f"{path}/subjects/{subject}", {"version": edited["version"], "gender": "F"}),
        200,
    )
    assert filled["subjects"][0]["gender"] == "F"
    told(author.post(f"{path}/review"), 403, "refused")
    # A refusal about a report stands in no chain that others read.
    assert not AuditEvent.objects.filter(action="permission_refused").exists()


def make_request() -> InformationRequest:
    return record_request(
        RequestSpec(
            agency_ref="77/25", instrument_type="court_order", instrument_number="4 Gs 17/25",
            issued_by="District court", issued_on=date(2025, 1, 2), legal_basis="Law 1",
            offences="Fraud", identifiers="NQ-884417", datasets=("balances",),
            due_at=timezone.now() + timedelta(days=5),
        ),
        by=person("liaison"),
    )  # fmt: skip


def test_a_request_is_checked_by_one_and_decided_by_another(
    analyst: Program, stranger: Program, compliance: Program, case: Case
) -> None:
    asked = make_request()
    path = f"requests/{asked.public_id}"
    assert made(analyst.post(f"{path}/start"), 200)["state"] == "verifying"
    told(analyst.post(f"{path}/start"), 409, "state-changed")
    told(analyst.post(f"{path}/verify"), 422, "not-possible")
    for item in ("identity", "domain", "authority", "instrument", "scope"):
        made(analyst.post(f"{path}/check", {"item": item}), 200)
    verified = made(analyst.post(f"{path}/verify"), 200)
    assert {each["item"] for each in verified["checks"]} >= {"identity", "scope"}
    body = {"content_hash": verified["content_hash"], "reason": "Lawful.", "datasets": ["balances"]}
    told(program_of(compliance.user).post(f"{path}/accept", body), 403, "step-up-by-person")
    told(analyst.post(f"{path}/accept", body), 403, "refused")
    assert made(compliance.post(f"{path}/accept", body), 200)["accepted_datasets"] == ["balances"]
    # From here on only those see it who see the case.
    assert made(stranger.get(path), 200)["reference"] == asked.reference
    made(analyst.post(f"{path}/link", {"case": str(case.public_id)}), 200)
    told(stranger.get(path), 404, "not-found")
    assert made(stranger.get("requests"), 200)["rows"] == []
    told(browser_of(make_user("liaison")).get(path), 401, "not-authenticated")


def test_a_hold_before_any_finding_is_given_its_evidence(
    analyst: Program, stranger: Program, compliance: Program, case: Case
) -> None:
    account = make_account()
    make_balance(account, 500_000_000)
    body = {
        "legal_basis": "internal_suspicion", "reason": "It leaves now.", "urgency": "urgent",
        "expires_at": (timezone.now() + timedelta(days=3)).isoformat(),
        "lines": [{"account": str(account.public_id), "asset": BTC, "requested": "400000000"}],
    }  # fmt: skip
    freeze = made(analyst.post(f"cases/{case.public_id}/freezes", body))
    path = f"freezes/{freeze['id']}"
    made(analyst.post(f"{path}/submit"), 200)
    made(compliance.post(f"{path}/place-provisional", {"reason": "It leaves now."}), 200)
    problem = told(analyst.post(f"{path}/cite"), 422, "not-possible")
    assert "Cite a finding" in problem["detail"]
    finding = approved(analyst, case, compliance)
    told(stranger.post(f"{path}/cite", {"finding": finding}), 404, "not-found")
    cited = made(analyst.post(f"{path}/cite", {"finding": finding}), 200)
    assert cited["content_hash"] != freeze["content_hash"]
    told(analyst.post(f"{path}/cite", {"finding": finding}), 422, "not-possible")


def test_an_approval_policy_is_proposed_by_one_person_and_put_in_force_by_another(
    analyst: Program, supervisor: Program, compliance: Program
) -> None:
    body = {
        "action": "extend_freeze", "amount_over": "5000.00", "min_approvals": 2,
        "roles": "compliance supervisor", "expires_after": 24, "reason": "Two of us.",
    }  # fmt: skip
    told(analyst.get("approval-policies"), 404, "not-found")
    told(supervisor.post("approval-policies", body | {"roles": "analyst"}), 400, "invalid")
    policy = made(supervisor.post("approval-policies", body))
    assert {name: policy[name] for name in body} == body
    path = f"approval-policies/{policy['id']}"
    shown = {"content_hash": policy["content_hash"], "reason": "Yes."}
    told(supervisor.post(f"{path}/approve", shown), 403, "refused")
    told(program_of(compliance.user).post(f"{path}/approve", shown), 403, "step-up-by-person")
    told(compliance.post(f"{path}/approve", shown | {"content_hash": "0" * 64}), 409,
         "content-changed")  # fmt: skip
    assert made(compliance.post(f"{path}/approve", shown), 200)["state"] == "in_force"
    told(compliance.post(f"{path}/reject", {"reason": "No."}), 409, "state-changed")
    rows = made(supervisor.get("approval-policies", state="in_force"), 200)["rows"]
    assert [row["id"] for row in rows] == [policy["id"]]
    assert made(supervisor.get(path), 200)["decided_by"]["name"]


def test_a_clock_is_proposed_with_its_source_and_put_in_force_by_another(
    supervisor: Program, compliance: Program
) -> None:
    body = {
        "act": "freeze", "country": "XX", "length": 6, "unit": "months", "warn_hours": [120, 24],
        "source": "Some Act s. 3.", "is_verified": True, "reason": "It says so.",
    }  # fmt: skip
    told(supervisor.post("clocks", body | {"warn_hours": ["soon"]}), 400, "invalid")
    told(supervisor.post("clocks", body | {"source": " "}), 400, "invalid")
    clock = made(supervisor.post("clocks", body))
    assert {name: clock[name] for name in body} == body
    shown = {"content_hash": clock["content_hash"], "reason": "Yes."}
    path = f"clocks/{clock['id']}"
    told(supervisor.post(f"{path}/approve", shown), 403, "refused")
    assert made(compliance.post(f"{path}/approve", shown), 200)["state"] == "in_force"
    rows = made(supervisor.get("clocks", act="freeze", state="in_force"), 200)["rows"]
    assert [row["id"] for row in rows] == [clock["id"]]
