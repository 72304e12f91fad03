"""Which rows a person reaches: each role, each kind of case, by name, by time, behind a wall."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.utils import timezone

from cases.models import (
    Alert,
    Case,
    CaseAccess,
    CaseBlock,
    EmergencyAccess,
    InformationRequest,
    Operation,
    Rule,
    SelfLookup,
    SuspicionReport,
)
from cases.policy import (
    SYSTEM,
    Actor,
    Role,
    emergencies_to_look_at,
    visible_alerts,
    visible_cases,
    visible_operations,
    visible_reports,
    visible_requests,
    visible_self_lookups,
    writable_cases,
)
from tests.casework import make_account, make_actor, make_agency, make_case, make_user, person

pytestmark = pytest.mark.django_db
ROLES = ("analyst", "supervisor", "compliance", "liaison", "auditor", "admin")
OUTSIDE = ("liaison", "auditor", "admin")


def cases(which: Q) -> set[str]:
    return set(Case.objects.filter(which).values_list("title", flat=True).distinct())


def make(visibility: str) -> Case:
    return Case.objects.create(
        reference=visibility, title=visibility, visibility=visibility, opened_at=timezone.now()
    )


def admit(case: Case, actor: Actor, level: str, minutes: float | None = None) -> None:
    ends = None if minutes is None else timezone.now() + timedelta(minutes=minutes)
    CaseAccess.objects.create(case=case, user_id=actor.user_id, level=level, expires_at=ends)


def test_a_unit_case_is_open_to_those_who_work_on_cases_and_a_team_case_to_compliance() -> None:
    for visibility in ("unit", "team", "sealed"):
        make(visibility)
    seen = {role: cases(visible_cases(person(role))) for role in ROLES}
    assert seen == {
        "analyst": {"unit"},
        "supervisor": {"unit"},
        "compliance": {"unit", "team", "sealed"},
        "liaison": set(),
        "auditor": set(),
        "admin": set(),
    }
    assert seen == {role: cases(writable_cases(person(role))) for role in ROLES}
    assert cases(visible_cases(SYSTEM)) == set()


@pytest.mark.parametrize("role", ["analyst", "supervisor"])
def test_who_is_named_sees_the_case_until_the_name_ends(role: str) -> None:
    team, actor = make("team"), person(role)
    make("sealed")
    for level, may_write in (("read", False), ("write", True), ("lead", True)):
        for minutes, stands in ((None, True), (5, True), (-5, False)):
            admit(team, actor, level, minutes)
            assert cases(visible_cases(actor)) == ({"team"} if stands else set())
            assert cases(writable_cases(actor)) == ({"team"} if stands and may_write else set())
            CaseAccess.objects.all().delete()
    admit(team, person("analyst"), "lead")
    assert cases(visible_cases(actor)) == set()


@pytest.mark.parametrize("role", ["analyst", "supervisor", "compliance"])
def test_a_wall_beats_every_role_and_every_name(role: str) -> None:
    actor, other = person(role), person(role)
    for visibility in ("unit", "team"):
        case = make(visibility)
        admit(case, actor, "lead")
        CaseBlock.objects.create(case=case, user_id=actor.user_id, reason="R.")
    assert cases(visible_cases(actor)) == cases(writable_cases(actor)) == set()
    assert "unit" in cases(visible_cases(other))


def test_compliance_looks_at_every_emergency_but_the_own_and_owners_at_theirs() -> None:
    owner, opener, compliance = person("analyst"), person("supervisor"), person("compliance")
    case, other = make_case(owner), make_case(person("analyst"))
    now = timezone.now()
    rows = {
        (each, by): EmergencyAccess.objects.create(
            case=each, user_id=by.user_id, reason="R.", opened_at=now, ends_at=now + timedelta(1)
        ).pk
        for each in (case, other)
        for by in (opener, owner, compliance)
    }

    def seen(actor: Actor) -> set[int]:
        rows = EmergencyAccess.objects.filter(emergencies_to_look_at(actor))
        return set(rows.values_list("pk", flat=True))

    assert seen(compliance) == {pk for (_, by), pk in rows.items() if by != compliance}
    assert seen(owner) == {rows[case, opener], rows[case, compliance]}
    assert seen(opener) == set()


def test_compliance_looks_at_every_self_lookup_but_the_own_and_behind_no_wall() -> None:
    analyst, compliance, other = person("analyst"), person("compliance"), person("compliance")
    open_case, walled = make_case(analyst), make_case(analyst)
    CaseBlock.objects.create(case=walled, user_id=compliance.user_id, reason="Conflict.")
    rows = {
        (case, by): SelfLookup.objects.create(
            user_id=by.user_id, what="search", case=case, at=timezone.now()
        ).pk
        for case in (None, open_case, walled)
        for by in (analyst, compliance, other)
    }

    def seen(actor: Actor) -> set[int]:
        rows = SelfLookup.objects.filter(visible_self_lookups(actor))
        return set(rows.values_list("pk", flat=True))

    assert seen(compliance) == {
        pk for (case, by), pk in rows.items() if by != compliance and case != walled
    }
    assert seen(other) == {pk for (_case, by), pk in rows.items() if by != other}
    assert [seen(each) for each in (analyst, person("auditor"), SYSTEM)] == [set()] * 3


def test_an_operation_is_seen_by_compliance_its_opener_and_who_sees_a_case_of_it() -> None:
    opener, member = person("supervisor"), person("analyst")
    operation = Operation.objects.create(
        reference="OP", code_name="X", opened_by_id=opener.user_id, opened_at=timezone.now(),
        starts_on=timezone.now().date(),
    )  # fmt: skip
    Case.objects.create(
        reference="C", title="C", visibility="team", operation=operation, opened_at=timezone.now()
    )
    admit(Case.objects.get(), member, "read")

    def sees(actor: Actor) -> bool:
        return Operation.objects.filter(visible_operations(actor)).exists()

    assert [sees(opener), sees(member), sees(person("compliance"))] == [True] * 3
    assert [sees(person(role)) for role in ("analyst", "supervisor", *OUTSIDE)] == [False] * 5
    Operation.objects.update(opened_by=make_user("auditor"))
    assert not sees(make_actor(operation.__class__.objects.get().opened_by))


def test_a_request_is_its_agencys_and_of_those_who_see_its_case() -> None:
    liaison, mine = make_user("liaison"), person("analyst")
    case = make("team")
    admit(case, mine, "read")
    values: dict[str, Any] = {
        "agency": liaison.agency, "liaison": liaison, "received_at": timezone.now(),
        "instrument_type": "court_order", "issued_on": timezone.now().date(),
        "due_at": timezone.now(), "content_hash": "0" * 64,
    }  # fmt: skip
    InformationRequest.objects.create(reference="free", agency_ref="1", **values)
    InformationRequest.objects.create(reference="linked", agency_ref="2", case=case, **values)

    def seen(actor: Actor) -> set[str]:
        rows = InformationRequest.objects.filter(visible_requests(actor))
        return set(rows.values_list("reference", flat=True))

    both = {"free", "linked"}
    assert seen(make_actor(liaison)) == seen(mine) == seen(person("compliance")) == both
    assert seen(person("analyst")) == {"free"}
    assert seen(person("liaison")) == seen(person("auditor")) == seen(person("admin")) == set()
    nobodys = Actor(user_id=liaison.pk, role=Role.LIAISON, agency_id=None)
    analyst_of_agency = Actor(user_id=mine.user_id, role=Role.AUDITOR, agency_id=make_agency().pk)
    assert seen(nobodys) == seen(analyst_of_agency) == set()


def make_alert(number: int) -> Alert:
    now = timezone.now()
    rule, _ = Rule.objects.get_or_create(
        code="R", defaults={"red_flags": [], "parameters": {}, "severity": "low"}
    )
    return Alert.objects.create(
        rule=rule, account=make_account(), fingerprint=f"{number:064d}", values=[], window_from=now,
        window_to=now, fiat=1, severity="low", rank=1, score=1, raised_at=now, last_raised_at=now,
    )  # fmt: skip


def test_an_alert_goes_where_its_case_or_its_survivor_goes() -> None:
    mine, team = person("analyst"), make("team")
    admit(team, mine, "read")
    free, survivor, linked, merged_free, merged_linked = (make_alert(n) for n in range(5))
    for alert in (survivor, linked):
        Alert.objects.filter(pk=alert.pk).update(state="assigned")
        Alert.objects.filter(pk=alert.pk).update(state="linked", case=team)
    for alert, into in ((merged_free, free), (merged_linked, survivor)):
        Alert.objects.filter(pk=alert.pk).update(state="merged", merged_into=into)

    def seen(actor: Actor) -> set[int]:
        return set(Alert.objects.filter(visible_alerts(actor)).values_list("pk", flat=True))

    everything = {each.pk for each in (free, survivor, linked, merged_free, merged_linked)}
    assert seen(mine) == seen(person("compliance")) == everything
    assert seen(person("supervisor")) == {free.pk, merged_free.pk}
    assert [seen(person(role)) for role in OUTSIDE] == [set()] * 3


def test_a_report_exists_for_compliance_and_who_has_the_right_and_sees_its_case() -> None:
    team = make("team")
    report = SuspicionReport.objects.create(
        reference="REP", case=team, drafted_by=(author := make_user("compliance")),
        drafted_at=timezone.now(), last_edited_by=author,
    )  # fmt: skip
    reader = make_actor(make_user("analyst", may_view_reports=True))
    without, elsewhere = person("analyst"), make_actor(make_user("analyst", may_view_reports=True))
    for actor in (reader, without):
        admit(team, actor, "lead")

    def sees(actor: Actor) -> bool:
        return SuspicionReport.objects.filter(visible_reports(actor), pk=report.pk).exists()

    assert [sees(reader), sees(person("compliance"))] == [True, True]
    assert [sees(actor) for actor in (without, elsewhere, person("auditor"))] == [False] * 3
