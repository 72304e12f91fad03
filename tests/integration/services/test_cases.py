"""Cases through their services: who may, in which state, and who loses a race."""

from typing import Any

import pytest

from cases.models import Case, FreezeRequest
from cases.policy import SYSTEM, PermissionDenied
from cases.services.audit import verify_chains
from cases.services.cases import (
    block_user,
    close_case,
    decide_case,
    edit_case,
    grant_access,
    open_case,
    reopen_case,
    return_case,
    start_case,
    submit_case,
)
from cases.services.errors import CaseworkError, NotFound, VersionChanged
from cases.services.findings import submit_finding
from cases.states import InvalidTransition
from tests.casework import make_case, make_finding, person

pytestmark = pytest.mark.django_db
OPEN: dict[str, Any] = {"title": "Lanternbox", "case_type": "darknet", "priority": "P1"}


def in_review(by: Any) -> Case:
    return submit_case(make_case(by, started=True), reason="Ready.", by=by)


def test_opening_gives_number_owner_and_event() -> None:
    by = person("analyst")
    first, second = open_case(**OPEN, by=by), open_case(**OPEN, by=by)
    assert first.reference[:5] == "CASE-"
    assert int(second.reference[-6:]) == int(first.reference[-6:]) + 1
    assert (first.state, first.owner_by_id) == ("intake", by.user_id)
    assert first.events.get().action == "open_case"


@pytest.mark.parametrize("role", ["auditor", "admin", "liaison"])
def test_who_does_no_casework_opens_no_case(role: str) -> None:
    with pytest.raises(PermissionDenied):
        open_case(**OPEN, by=person(role))
    with pytest.raises(PermissionDenied):
        open_case(**OPEN, by=SYSTEM)
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"title": "  "}, {"title": "x" * 161}, {"case_type": "x"}, {"priority": "P9"},
     {"visibility": "world"}, {"title": "Obelisk \u202egnp.exe"}],
)  # fmt: skip
def test_wrong_fields_are_refused_in_a_sentence(wrong: dict[str, str]) -> None:
    with pytest.raises(CaseworkError):
        open_case(**(OPEN | wrong), by=person("analyst"))


def test_a_sealed_case_admits_who_opened_it_and_compliance_only() -> None:
    by, other, compliance = person("analyst"), person("supervisor"), person("compliance")
    case = open_case(**OPEN, visibility="sealed", by=by)
    assert Case.objects.visible_to(by).get() == case
    assert not Case.objects.visible_to(other).exists()
    assert Case.objects.visible_to(compliance).get() == case
    with pytest.raises(PermissionDenied):
        start_case(case, by=other)


def test_a_person_named_to_read_changes_nothing() -> None:
    by, reader, boss = person("analyst"), person("analyst"), person("compliance")
    case = open_case(**OPEN, visibility="team", by=by)
    grant_access(case, reader.user_id or 0, "read", by=boss)
    assert Case.objects.visible_to(reader).exists()
    with pytest.raises(PermissionDenied):
        start_case(case, by=reader)
    grant_access(case, reader.user_id or 0, "write", by=boss)
    assert start_case(case, by=reader).state == "investigating"


@pytest.mark.parametrize("role", ["analyst", "supervisor", "compliance"])
def test_a_block_beats_every_role(role: str) -> None:
    boss, blocked = person("compliance"), person(role)
    case = make_case()
    block_user(case, blocked.user_id or 0, "A relative.", by=boss)
    assert not Case.objects.visible_to(blocked).exists()
    with pytest.raises(PermissionDenied):
        start_case(case, by=blocked)
    with pytest.raises(NotFound):
        grant_access(case, blocked.user_id or 0, "write", by=boss)


def test_an_analyst_names_nobody_on_a_case() -> None:
    by = person("analyst")
    case = make_case(by)
    with pytest.raises(PermissionDenied):
        grant_access(case, person("analyst").user_id or 0, "read", by=by)
    with pytest.raises(PermissionDenied):
        block_user(case, by.user_id or 0, "Why.", by=by)


def test_only_people_of_casework_are_named_on_a_case() -> None:
    boss, case = person("supervisor"), make_case()
    for role in ("auditor", "admin", "liaison"):
        with pytest.raises(NotFound):
            grant_access(case, person(role).user_id or 0, "read", by=boss)
    with pytest.raises(NotFound):
        grant_access(case, person("analyst", is_active=False).user_id or 0, "read", by=boss)


def test_the_second_of_two_edits_loses_and_learns_the_difference() -> None:
    by = person("analyst")
    case = make_case(by)
    edit_case(case, version=1, title="Obelisk", by=by)
    with pytest.raises(VersionChanged) as lost:
        edit_case(case, version=1, title="Copperdice", priority="P2", by=by)
    assert lost.value.changed == {"title": "Obelisk"}
    case.refresh_from_db()
    assert (case.title, case.version) == ("Obelisk", 2)


def test_an_edit_without_a_change_writes_nothing() -> None:
    by = person("analyst")
    case = make_case(by)
    edit_case(case, version=1, title=case.title, by=by)
    assert case.events.count() == 1


def test_a_change_moves_the_case_up_in_the_lists() -> None:
    by = person("analyst")
    case, other = make_case(by), make_case(by)
    start_case(case, by=by)
    case.refresh_from_db()
    other.refresh_from_db()
    assert case.updated_at > other.updated_at


def test_sealing_a_case_is_for_those_who_grant_access_and_keeps_its_owner_inside() -> None:
    by, boss = person("analyst"), person("supervisor")
    case = make_case(by)
    with pytest.raises(PermissionDenied):
        edit_case(case, version=1, visibility="sealed", by=by)
    edit_case(case, version=1, visibility="sealed", by=boss)
    assert Case.objects.visible_to(by).exists()
    assert Case.objects.visible_to(boss).exists()
    assert not Case.objects.visible_to(person("supervisor")).exists()


def test_the_shortest_walk_from_intake_to_closed() -> None:
    by, boss = person("analyst"), person("supervisor")
    case = in_review(by)
    decide_case(case, decisions=["no_action"], reason="Nothing found.", by=boss)
    case = close_case(case, closure_reason="no_suspicion", reason="Nothing found.", by=boss)
    assert (case.state, case.decisions, case.closure_reason) == (
        "closed", ["no_action"], "no_suspicion",
    )  # fmt: skip
    assert case.closed_at is not None
    assert reopen_case(case, reason="New facts.", by=boss).closed_at is None
    assert [event.action for event in case.events.order_by("seq")] == [
        "open_case", "start_case", "submit_case", "decide_case", "close_case", "reopen_case",
    ]  # fmt: skip
    assert verify_chains().is_whole


def test_who_submitted_a_case_does_not_decide_it() -> None:
    boss = person("supervisor")
    case = in_review(boss)
    with pytest.raises(PermissionDenied):
        decide_case(case, decisions=["refer"], reason="Yes.", by=boss)
    with pytest.raises(PermissionDenied):
        return_case(case, reason="No.", by=boss)


def test_an_analyst_does_not_decide() -> None:
    case = in_review(person("analyst"))
    with pytest.raises(PermissionDenied):
        decide_case(case, decisions=["refer"], reason="Yes.", by=person("analyst"))


def test_the_second_of_two_decisions_loses() -> None:
    case = in_review(person("analyst"))
    stale = Case.objects.get(pk=case.pk)
    decide_case(case, decisions=["refer"], reason="Yes.", by=person("supervisor"))
    with pytest.raises(InvalidTransition):
        decide_case(stale, decisions=["no_action"], reason="No.", by=person("compliance"))
    case.refresh_from_db()
    assert case.decisions == ["refer"]


@pytest.mark.parametrize(
    "decisions", [[], ["jail"], ["no_action", "freeze"]], ids=["none", "unknown", "both"]
)
def test_a_decision_has_to_make_sense(decisions: list[str]) -> None:
    case = in_review(person("analyst"))
    with pytest.raises(CaseworkError):
        decide_case(case, decisions=decisions, reason="Yes.", by=person("supervisor"))


def test_a_decision_has_its_reason() -> None:
    case = in_review(person("analyst"))
    with pytest.raises(CaseworkError):
        decide_case(case, decisions=["refer"], reason="  ", by=person("supervisor"))


def test_a_case_with_a_finding_under_review_is_not_submitted() -> None:
    by = person("analyst")
    case = make_case(by, started=True)
    submit_finding(make_finding(case, by), by=by)
    with pytest.raises(CaseworkError):
        submit_case(case, reason="Ready.", by=by)


def test_only_compliance_closes_after_a_referral() -> None:
    case = in_review(person("analyst"))
    decide_case(case, decisions=["refer"], reason="Yes.", by=person("supervisor"))
    arguments = {"closure_reason": "referred", "reason": "Done."}
    with pytest.raises(PermissionDenied):
        close_case(case, **arguments, by=person("supervisor"))
    with pytest.raises(CaseworkError):  # a merge has an act of its own, which names the other case
        close_case(case, closure_reason="merged", reason="Done.", by=person("compliance"))
    assert close_case(case, **arguments, by=person("compliance")).state == "closed"


def test_a_case_with_a_living_freeze_stays_open() -> None:
    by = person("analyst")
    case = in_review(by)
    decide_case(case, decisions=["no_action"], reason="Yes.", by=person("supervisor"))
    freeze = FreezeRequest.objects.create(
        reference="FRZ-1", case=case, legal_basis="court_order", reason="x",
        requested_by_id=by.user_id, requested_at=case.opened_at, last_edited_by_id=by.user_id,
    )  # fmt: skip
    FreezeRequest.objects.filter(pk=freeze.pk).update(state="submitted")
    arguments = {"closure_reason": "referred", "reason": "Done.", "by": person("compliance")}
    with pytest.raises(CaseworkError):
        close_case(case, **arguments)
    FreezeRequest.objects.filter(pk=freeze.pk).update(state="cancelled")
    assert close_case(case, **arguments).state == "closed"
