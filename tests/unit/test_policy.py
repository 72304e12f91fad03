"""Who may: grants by role, the second person, the second factor."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases.policy import (
    EMERGENCY,
    GRANTS,
    OF_WALLS,
    PERSONAL,
    STEP_UP,
    SYSTEM,
    Action,
    Actor,
    PermissionDenied,
    Role,
    StepUpRequired,
    holds_office,
    may,
    require,
    require_office,
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
    Action.APPROVE_SEIZURE,
    Action.TRANSFER_SEIZURE,
    Action.EXPORT_EVIDENCE,
    Action.REQUEST_DISPOSAL,
    Action.DISPOSE_EVIDENCE,
    Action.SET_LEGAL_HOLD,
    Action.DECIDE_REQUEST,
    Action.RELEASE_RESPONSE,
    Action.DECIDE_POLICY,
    Action.DECIDE_RULE,
    Action.DECIDE_OFFICER,
    Action.DECIDE_OUTBOUND,
    Action.DECIDE_SEPARATION,
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


# Reviewed: which roles may do what, by first letters (u: auditor, d: admin, y: system).
LETTERS = {
    "a": Role.ANALYST, "s": Role.SUPERVISOR, "c": Role.COMPLIANCE, "l": Role.LIAISON,
    "u": Role.AUDITOR, "d": Role.ADMIN, "y": Role.SYSTEM,
}  # fmt: skip
REVIEWED = {
    "asc": """
        view_case open_case edit_case add_task add_note acquire_evidence add_wallet
        add_suspect queue_trace cancel_trace propose_tag propose_separation build_cohort
        submit_finding
        record_instrument
        request_freeze cancel_freeze triage_freeze draft_referral redact_referral
        view_request verify_requester close_request reveal_customer triage_alert
        view_report draft_report draft_outbound
    """,
    "sc": """
        confirm_identity
        decide_case decide_tag decide_separation assign_work grant_access edit_operation
        export_evidence export_cohort
        approve_finding withdraw_finding verify_instrument place_provisional_freeze
        approve_referral send_referral decide_request release_response dismiss_grave_alert
        reopen_alert train_model sign_freeze approve_seizure request_disposal
        answer_question propose_officer suspend_officer
    """,
    "c": """
        set_legal_hold dispose_evidence lift_block decide_operation approve_freeze
        extend_freeze release_freeze transfer_seizure
        clear_referral recall_referral decide_personal_request review_report
        approve_report file_report dispose_report see_self_lookup decide_policy decide_rule
        load_prices manage_webhooks import_cases decide_officer decide_outbound
    """,
    "scd": """
        propose_policy propose_rule
    """,
    "cd": """
        push_records
    """,
    "s": """
        break_glass
    """,
    "y": """
        collect_findings raise_alert
    """,
    "ascy": """
        draft_finding
    """,
    "scy": """
        execute_freeze
    """,
    "scl": """
        read_release
    """,
    "l": """
        acknowledge_release ask_about_release report_outcome record_request answer_request
    """,
    "ascu": """
        read_audit
    """,
    "cu": """
        read_lookups
    """,
    "scud": """
        verify_audit
    """,
}


def test_each_role_has_the_grants_that_were_reviewed() -> None:
    """A changed right is changed here too, so that two people see it."""
    told = {(letter, action) for letters, words in REVIEWED.items()
            for letter in letters for action in words.split()}  # fmt: skip
    granted = {
        (letter, action.value) for letter, role in LETTERS.items() for action in GRANTS[role]
    }
    assert granted == told


def test_reports_take_a_personal_right_but_not_of_compliance() -> None:
    assert {Action.VIEW_REPORT, Action.DRAFT_REPORT} == PERSONAL
    for action in PERSONAL:
        for role in (Role.ANALYST, Role.SUPERVISOR):
            assert not may(Actor(user_id=1, role=role), action)
            assert may(Actor(user_id=1, role=role, may_view_reports=True), action)
        assert may(Actor(user_id=1, role=Role.COMPLIANCE), action)
        assert not may(Actor(user_id=1, role=Role.AUDITOR, may_view_reports=True), action)
    assert may(ANALYST, Action.VIEW_CASE)


def test_what_tells_of_walls_is_known() -> None:
    assert {"block_user", "lift_block", "refuse_break_glass"} == OF_WALLS


def test_an_actor_is_nobody_in_particular_until_said() -> None:
    assert (ANALYST.agency_id, ANALYST.address, ANALYST.mfa_at) == (None, "", None)
    assert not ANALYST.may_view_reports
    assert ANALYST.pk == ANALYST.person == 1
    assert SYSTEM.pk is None
    assert SYSTEM.role == Role.SYSTEM
    with pytest.raises(PermissionDenied, match="Only a person"):
        _ = SYSTEM.person


def test_the_windows_are_five_and_sixty_minutes() -> None:
    assert (STEP_UP.total_seconds(), EMERGENCY.total_seconds()) == (300, 3600)


def test_a_second_factor_counts_up_to_the_last_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    require_step_up(Actor(user_id=1, role=Role.COMPLIANCE, mfa_at=now - STEP_UP))
    with pytest.raises(StepUpRequired):
        require_step_up(
            Actor(user_id=1, role=Role.COMPLIANCE, mfa_at=now - STEP_UP - timedelta(microseconds=1))
        )


def test_the_system_decides_nothing_even_where_nobody_asked() -> None:
    with pytest.raises(PermissionDenied, match="Only a person"):
        require_second_person(SYSTEM)


@pytest.mark.parametrize("roles", [{Role.COMPLIANCE}, {Role.COMPLIANCE, Role.SUPERVISOR}])
def test_a_policy_of_the_house_opens_a_decision_to_supervisors_alone(roles: set[Role]) -> None:
    holding = {
        role for role in Role
        if holds_office(Actor(user_id=1, role=role), Action.APPROVE_FREEZE, roles)
    }  # fmt: skip
    assert holding == roles
    for role in roles:
        require_office(Actor(user_id=1, role=role), Action.APPROVE_FREEZE, roles)
    everybody = frozenset(Role)
    for role in (Role.ANALYST, Role.LIAISON, Role.AUDITOR, Role.ADMIN, Role.SYSTEM):
        with pytest.raises(PermissionDenied, match="may not extend freeze"):
            require_office(Actor(user_id=1, role=role), Action.EXTEND_FREEZE, everybody)
