"""Triage of alerts: take, dismiss (a grave one by two people), reopen, lead to a case."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from cases.models import Alert, AlertWall, AuditEvent, Case, Rule
from cases.policy import Actor, PermissionDenied
from cases.queries.alerts import alert_queue
from cases.queries.inbox import inbox
from cases.services.alerts import (
    assign_alert,
    dismiss_alert,
    link_alert,
    propose_dismissal,
    reopen_alert,
)
from cases.services.audit import verify_chains
from cases.services.cases import block_user
from cases.services.errors import CaseworkError, NotFound
from cases.states import InvalidTransition
from tests.casework import make_actor, make_case, make_user, person
from tests.report_desk import make_alert

pytestmark = pytest.mark.django_db
WHY = {"disposition": "false_positive", "reason": "Own wallet, proved."}


@pytest.fixture
def alert() -> Alert:
    return make_alert()


@pytest.fixture
def analyst() -> Actor:
    return person("analyst")


def test_an_analyst_takes_an_alert_and_the_second_one_loses(alert: Alert, analyst: Actor) -> None:
    assert assign_alert(alert, by=analyst).assigned_to_id == analyst.pk
    with pytest.raises(InvalidTransition):
        assign_alert(alert, by=person("analyst"))
    assert verify_chains().breaks == []


@pytest.mark.parametrize("role", ["liaison", "auditor", "admin"])
def test_nobody_outside_the_casework_triages(alert: Alert, role: str) -> None:
    with pytest.raises(PermissionDenied):
        assign_alert(alert, by=person(role))
    assert not Alert.objects.visible_to(person(role)).exists()


def test_a_grave_alert_takes_two_people(alert: Alert, analyst: Actor) -> None:
    assert alert.is_grave
    supervisor = person("supervisor")
    with pytest.raises(PermissionDenied):
        dismiss_alert(alert, **WHY, by=analyst)
    with pytest.raises(CaseworkError, match="first person"):
        dismiss_alert(alert, **WHY, by=supervisor)
    propose_dismissal(alert, **WHY, by=supervisor)
    with pytest.raises(PermissionDenied, match="second person"):
        dismiss_alert(alert, **WHY, by=supervisor)
    closed = dismiss_alert(alert, **WHY, by=person("compliance"))
    assert (closed.state, closed.disposition) == ("dismissed", "false_positive")
    with pytest.raises(InvalidTransition):
        dismiss_alert(alert, **WHY, by=person("compliance"))
    with pytest.raises(InvalidTransition):
        propose_dismissal(alert, **WHY, by=analyst)


def test_the_database_refuses_a_grave_dismissal_by_one(alert: Alert, analyst: Actor) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(
            state="dismissed", proposed_by_id=analyst.pk, dismissed_by_id=analyst.pk
        )


def test_the_database_keeps_what_an_alert_and_a_rule_say(alert: Alert) -> None:
    for change in ({"values": []}, {"fiat": 1}, {"state": "merged", "merged_into_id": alert.pk}):
        if "merged_into_id" in change:
            continue
        with pytest.raises(IntegrityError), transaction.atomic():
            Alert.objects.filter(pk=alert.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Rule.objects.filter(pk=alert.rule_id).update(parameters={})
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM cases_alert WHERE id = %s", [alert.pk])


def test_a_reason_and_a_disposition_are_needed(alert: Alert, analyst: Actor) -> None:
    with pytest.raises(CaseworkError):
        propose_dismissal(alert, disposition="false_positive", reason=" ", by=analyst)
    with pytest.raises(CaseworkError):
        propose_dismissal(alert, disposition="boring", reason="Because.", by=analyst)


def test_a_supervisor_reopens_and_an_analyst_does_not(alert: Alert, analyst: Actor) -> None:
    propose_dismissal(alert, **WHY, by=analyst)
    dismiss_alert(alert, **WHY, by=person("supervisor"))
    with pytest.raises(PermissionDenied):
        reopen_alert(alert, reason="New facts.", by=analyst)
    again = reopen_alert(alert, reason="New facts.", by=person("supervisor"))
    assert (again.state, again.disposition) == ("assigned", "")
    with pytest.raises(InvalidTransition):
        reopen_alert(alert, reason="Twice.", by=person("supervisor"))


def test_an_alert_opens_a_case_with_its_account(alert: Alert, analyst: Actor) -> None:
    case = link_alert(alert, None, by=analyst)
    assert case.priority == "P2"
    assert [link.account for s in case.suspects.all() for link in s.accounts.all()] == [
        alert.account
    ]
    assert AuditEvent.objects.filter(case=case, action="link_alert").count() == 1
    with pytest.raises(InvalidTransition):
        link_alert(alert, None, by=person("analyst"))


def test_an_alert_in_a_case_is_seen_by_those_who_see_the_case(alert: Alert) -> None:
    lead, outsider, blocked = person("analyst"), person("analyst"), person("compliance")
    sealed = make_case(lead, visibility="sealed")
    block_user(sealed, blocked.person, "Knows the customer.", by=person("compliance"))
    with pytest.raises(PermissionDenied):
        link_alert(alert, sealed, by=outsider)
    link_alert(alert, sealed, by=lead)
    assert Alert.objects.visible_to(lead).count() == 1
    assert not Alert.objects.visible_to(outsider).exists()
    assert not Alert.objects.visible_to(blocked).exists()
    with pytest.raises(NotFound):
        assign_alert(alert, by=outsider)
    # A firing after that is an alert of its own again.
    assert make_alert(shift=40).state == "new"


def test_a_merged_firing_goes_where_its_survivor_goes(alert: Alert) -> None:
    lead, outsider = person("analyst"), person("analyst")
    merged = make_alert(shift=40)
    assert merged.merged_into_id == alert.pk
    assert Alert.objects.visible_to(outsider).count() == 2
    link_alert(alert, make_case(lead, visibility="sealed"), by=lead)
    assert not Alert.objects.visible_to(outsider).exists()
    assert Alert.objects.visible_to(lead).count() == 2


@pytest.mark.parametrize("role", ["analyst", "supervisor", "compliance"])
def test_an_alert_does_not_exist_for_whoever_may_hold_its_account(role: str) -> None:
    holder = make_actor(make_user(role, first_name="Kai-Wen", last_name="DEMOSON"))
    alert = make_alert()  # the holder of its account is called Kai-Wen Demoson
    again = make_alert(shift=40)
    assert again.merged_into_id == alert.pk
    boss = person("supervisor")
    assert Alert.objects.visible_to(boss).count() == 2
    assert not Alert.objects.visible_to(holder).exists()
    assert alert_queue(holder).rows == []
    assert not [row for row in inbox(holder) if row.kind == "alert"]
    for do in (
        lambda: assign_alert(alert, by=holder),
        lambda: link_alert(alert, None, by=holder),
        lambda: assign_alert(alert, to_id=holder.person, by=boss),
    ):
        with pytest.raises(NotFound):
            do()
    with pytest.raises(DatabaseError), transaction.atomic():
        AlertWall.objects.all().delete()
    person("compliance")  # so that the case has oversight without the holder
    case = link_alert(alert, None, by=boss)
    assert not Case.objects.visible_to(holder).filter(pk=case.pk).exists()
    assert Case.objects.visible_to(boss).filter(pk=case.pk).exists()
