"""What stands in the way of closing a case: each reason alone, until it came to its end."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from cases.models import Case
from cases.policy import Actor
from cases.services.closing import open_ends
from cases.services.errors import CaseworkError
from cases.services.findings import submit_finding
from cases.services.freezes.seizures import reject_seizure, request_seizure
from cases.services.instruments import record_instrument, verify_instrument
from cases.services.outbound import draft_outbound, end_outbound
from cases.services.relations import merge_case, relate_case
from cases.services.reports import draft_report
from cases.services.requests import (
    RequestSpec,
    link_request,
    record_request,
    refuse_request,
    start_verification,
)
from cases.services.tasks import add_task, drop_task
from tests.casework import make_agency, make_case, make_finding, person
from tests.held import make_held
from tests.integration.web.referral_desk import make_desk
from tests.report_desk import make_report_desk

pytestmark = pytest.mark.django_db


def told(case: Case, by: Actor | None = None) -> str:
    return " ".join(open_ends(case, by=by or person("compliance")))


def test_a_case_with_nothing_open_has_no_ends() -> None:
    assert told(make_case()) == ""


def test_a_seizure_on_its_way_and_the_freeze_under_it() -> None:
    held = make_held()
    assert told(held.case) == "A freeze of this case still lives: it has to end first."
    paper = record_instrument(
        held.case, type="court_order", number="C-1", agency_id=None, issued_by="Court",
        issued_on=date(2025, 1, 1), valid_until=None, jurisdiction="XX", document=None,
        by=held.analyst,
    )  # fmt: skip
    verify_instrument(paper, by=person("supervisor"))
    seizure = request_seizure(
        held.freeze, amounts={held.line().pk: 1}, agency_id=make_agency().pk,
        destination="bcrt1qauthority0000000000000000000000000000", instrument_id=paper.pk,
        reason="Order C-1.", by=held.analyst,
    )  # fmt: skip
    assert "A seizure of this case has not come to its end." in told(held.case)
    reject_seizure(seizure, reason="Not ours.", by=held.compliance)
    assert "seizure" not in told(held.case)


def test_a_deadline_and_what_we_ask_others() -> None:
    by = person("analyst")
    case = make_case(by, started=True)
    soon = timezone.now() + timedelta(days=10)
    task = add_task(case, title="Answer", due_at=soon, by=by)
    asked = draft_outbound(
        case, kind="exchange", recipient="Southquay", way="email", legal_basis="Art. 5",
        subject="A question", text="Is this one of yours?", due_on=soon.date(), by=by,
    )  # fmt: skip
    assert told(case) == (
        f"A deadline is open: Answer What we ask others is open: {asked.reference}."
    )
    drop_task(task, reason="Not needed.", by=by)
    end_outbound(asked, reason="Known by now.", by=by)
    assert told(case) == ""


def test_a_request_that_nobody_answered() -> None:
    by = person("analyst")
    case = make_case(by)
    asked = record_request(
        RequestSpec(
            agency_ref="77/25", instrument_type="court_order", instrument_number="4 Gs",
            issued_by="Court", issued_on=date(2025, 1, 2), legal_basis="Law 1", offences="Fraud",
            identifiers="NQ-884417", datasets=("balances",),
            due_at=timezone.now() + timedelta(days=5),
        ),
        by=person("liaison"),
    )  # fmt: skip
    link_request(asked, case, by=by)
    assert told(case) == f"The request {asked.reference} is not answered."
    start_verification(asked, by=by)
    refuse_request(
        asked, words="The order is not signed.", content_hash=asked.content_hash, reason="No.",
        by=person("compliance"),
    )  # fmt: skip
    assert told(case) == ""


def test_a_finding_in_review_and_a_referral_on_its_way() -> None:
    desk = make_desk()
    assert told(desk.case) == ""
    desk.referral("draft")
    assert told(desk.case) == "", "what nobody sent out yet holds nobody up"
    desk.referral("redaction")
    assert told(desk.case) == "A referral of this case is on its way: send it or take it back."
    by = person("analyst")
    case = make_case(by)
    submit_finding(make_finding(case, by), by=by)
    assert told(case) == "A finding of this case still waits for its review."


def test_a_report_stands_in_the_way_of_those_alone_who_may_see_it() -> None:
    desk = make_report_desk()
    draft_report(desk.case, [desk.alert], by=desk.author)
    assert told(desk.case, desk.compliance) == "A report of this case is not filed."
    assert told(desk.case, person("supervisor")) == ""


def test_a_merge_waits_for_the_same() -> None:
    by, boss = person("analyst"), person("compliance")
    case, other = make_case(by, started=True), make_case(by, started=True)
    relate_case(case, other, kind="duplicate", reason="One letter.", by=by)
    add_task(case, title="Answer", due_at=timezone.now() + timedelta(days=1), by=by)
    with pytest.raises(CaseworkError, match="A deadline is open: Answer"):
        merge_case(case, into=other.public_id, reason="One matter.", by=boss)
