"""Who may: grants by role, the second person, the second factor."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases.policy import (
    GRANTS,
    SYSTEM,
    Action,
    Actor,
    PermissionDenied,
    Role,
    StepUpRequired,
    may,
    require,
    require_second_person,
    require_step_up,
)

ANALYST = Actor(user_id=1, role=Role.ANALYST)
DECISIONS = {
    Action.DECIDE_CASE,
    Action.APPROVE_FINDING,
    Action.APPROVE_FREEZE,
    Action.APPROVE_REFERRAL,
    Action.CLEAR_REFERRAL,
    Action.VERIFY_INSTRUMENT,
    Action.DECIDE_OPERATION,
    Action.EXTEND_FREEZE,
    Action.RELEASE_FREEZE,
    Action.EXPORT_EVIDENCE,
    Action.DECIDE_REQUEST,
    Action.RELEASE_RESPONSE,
}


def test_every_role_has_its_grants() -> None:
    assert set(GRANTS) == set(Role)


def test_every_action_is_granted_to_somebody() -> None:
    assert set().union(*GRANTS.values()) == set(Action)


def test_an_analyst_decides_nothing() -> None:
    assert not GRANTS[Role.ANALYST] & DECISIONS


def test_the_system_decides_nothing() -> None:
    assert not GRANTS[Role.SYSTEM] & DECISIONS


def test_only_compliance_approves_a_freeze() -> None:
    assert {role for role in Role if Action.APPROVE_FREEZE in GRANTS[role]} == {Role.COMPLIANCE}


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR, Role.LIAISON])
def test_who_stands_outside_casework_sees_no_case(role: Role) -> None:
    assert Action.VIEW_CASE not in GRANTS[role]


def test_a_role_without_the_grant_is_refused_in_a_sentence() -> None:
    with pytest.raises(PermissionDenied, match="analyst may not approve freeze"):
        require(ANALYST, Action.APPROVE_FREEZE)


@given(st.sampled_from(list(Role)), st.sampled_from(list(Action)))
def test_require_and_may_agree(role: Role, action: Action) -> None:
    actor = Actor(user_id=1, role=role)
    if may(actor, action):
        require(actor, action)
    else:
        with pytest.raises(PermissionDenied):
            require(actor, action)


@given(st.integers(1, 5), st.lists(st.one_of(st.none(), st.integers(1, 5)), max_size=4))
def test_the_second_person_is_none_of_the_first(person: int, first: list[int | None]) -> None:
    actor = Actor(user_id=person, role=Role.SUPERVISOR)
    if person in first:
        with pytest.raises(PermissionDenied):
            require_second_person(actor, *first)
    else:
        require_second_person(actor, *first)


def test_the_system_is_never_the_second_person() -> None:
    with pytest.raises(PermissionDenied):
        require_second_person(SYSTEM, 1)


@pytest.mark.parametrize("age", [None, timedelta(minutes=5, seconds=1), timedelta(hours=1)])
def test_an_old_second_factor_is_asked_for_again(age: timedelta | None) -> None:
    at = None if age is None else timezone.now() - age
    with pytest.raises(StepUpRequired):
        require_step_up(Actor(user_id=1, role=Role.COMPLIANCE, mfa_at=at))


def test_a_fresh_second_factor_is_enough() -> None:
    at = timezone.now() - timedelta(minutes=4)
    require_step_up(Actor(user_id=1, role=Role.COMPLIANCE, mfa_at=at))
