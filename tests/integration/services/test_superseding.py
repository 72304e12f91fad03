"""A finding that ends: withdrawn or superseded, with a task for whoever cites it, and versions."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from cases.models import Finding, FindingVersion, Task
from cases.policy import Actor, PermissionDenied
from cases.queries.findings import finding_page
from cases.services.errors import CaseworkError
from cases.services.findings import (
    edit_finding,
    return_finding,
    submit_finding,
    supersede_finding,
    withdraw_finding,
)
from cases.services.referrals import draft_referral, redact_referral
from cases.states import InvalidTransition
from tests.casework import (
    make_agency,
    make_approved_finding,
    make_case,
    make_finding,
    person,
)
from tests.held import make_held

pytestmark = pytest.mark.django_db


def open_tasks(finding: Finding) -> list[str]:
    return list(
        Task.objects.filter(case=finding.case).order_by("pk").values_list("title", flat=True)
    )


def test_whoever_cites_a_withdrawn_finding_gets_a_task() -> None:
    held = make_held()
    finding = held.case.findings.get()
    referral = draft_referral(
        held.case, agency_id=make_agency().pk, kind="spontaneous", subject="S", summary="S",
        purpose="P", legal_gateway="G", caveats="", tlp="AMBER", handling_code="H1",
        findings=[finding], freezes=[], by=held.analyst,
    )  # fmt: skip
    withdraw_finding(finding, reason="The tag was wrong.", by=person("supervisor"))
    assert open_tasks(finding) == [
        f"{finding.reference} ended; {held.freeze.reference} rests on it:"
        " find other evidence or release"
    ]
    task = Task.objects.get()
    assert task.assignee_id == held.analyst.user_id
    assert task.due_at is not None
    assert referral.state == "draft"  # a draft leaves nothing behind: it cannot be approved


def test_a_referral_on_its_way_is_told_as_well() -> None:
    by = person("analyst")
    case = make_case(by)
    finding = make_approved_finding(case, by)
    referral = draft_referral(
        case, agency_id=make_agency().pk, kind="spontaneous", subject="S", summary="S",
        purpose="P", legal_gateway="G", caveats="", tlp="AMBER", handling_code="H1",
        findings=[finding], freezes=[], by=by,
    )  # fmt: skip
    redact_referral(referral, redactions={}, by=by)
    withdraw_finding(finding, reason="Wrong.", by=person("supervisor"))
    assert open_tasks(finding) == [
        f"{finding.reference} ended; {referral.reference} cites it: supersede or recall it"
    ]


def pair(by: Actor) -> tuple[Finding, Finding]:
    case = make_case(by)
    return (
        make_approved_finding(case, by),
        make_approved_finding(case, by, statement="OP-1 received 7.40 BTC.", tier=3),
    )


def test_another_approved_finding_takes_its_place() -> None:
    by, boss = person("analyst"), person("supervisor")
    old, new = pair(by)
    draft = make_finding(old.case, by)
    for wrong in (old.pk, draft.pk, None):
        with pytest.raises(CaseworkError, match="approved finding of this case"):
            supersede_finding(old, successor_id=wrong, reason="R.", by=boss)
    with pytest.raises(PermissionDenied):
        supersede_finding(old, successor_id=new.pk, reason="R.", by=by)
    supersede_finding(old, successor_id=new.pk, reason="A later trace.", by=boss)
    old.refresh_from_db()
    assert (old.state, old.superseded_by) == ("superseded", new)
    with pytest.raises(InvalidTransition):
        withdraw_finding(old, reason="R.", by=boss)
    words = {change.words: (change.old, change.new) for change in finding_page(new, boss).changes}
    assert words["Claim"][1] == "OP-1 received 7.40 BTC."
    assert words["Tier"] == ("2", "3")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE cases_finding SET superseded_by_id = id WHERE state = 'superseded'")


def test_the_review_shows_what_changed_since_the_last_one() -> None:
    by, boss = person("analyst"), person("supervisor")
    finding = submit_finding(make_finding(make_case(by), by), by=by)
    assert finding_page(finding, boss).changes == []
    finding = return_finding(finding, reason="Say how sure.", by=boss)
    finding = edit_finding(
        finding, version=finding.version, assumptions="LIFO.", confidence=60, by=by
    )
    finding = submit_finding(finding, by=by)
    changes = [(each.words, each.old, each.new) for each in finding_page(finding, boss).changes]
    assert changes == [("Confidence", "80", "60"), ("Assumptions", "FIFO.", "LIFO.")]
    assert FindingVersion.objects.count() == 2
    with pytest.raises(DatabaseError), transaction.atomic():
        FindingVersion.objects.all().delete()
