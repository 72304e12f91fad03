"""Triage of alerts: take, dismiss with a reason, reopen, and lead to a case.

An alert of no case is locked by its own row; its events stand in the system's chain until a case
takes it.
"""

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Alert, AlertWall, Case
from cases.models.alerts import DISPOSITIONS
from cases.policy import Action, Actor, PermissionDenied, require, require_second_person
from cases.services.audit import record_event
from cases.services.cases import CASE_ROLES, open_case, require_person, wall_off_holders
from cases.services.errors import CaseworkError, NotFound
from cases.services.locks import enter_case
from cases.services.second_looks import draw_second_look
from cases.services.steps import swap_state
from cases.services.suspects import add_suspect, link_account
from cases.services.validation import require_reason
from cases.states import (
    ALERT,
    OPEN_ALERT_STATES,
    AlertAction,
    AlertState,
    InvalidTransition,
    next_state,
)

PRIORITIES = {"low": "P4", "medium": "P3", "high": "P2", "severe": "P1"}
NAME = "This alert"


@transaction.atomic
def assign_alert(alert: Alert, *, by: Actor, to_id: int | None = None) -> Alert:
    """Take a new alert oneself, or give an open one to somebody else.

    Raises PermissionDenied, NotFound, InvalidTransition.
    """
    fresh = _enter(alert, Action.TRIAGE_ALERT, by=by)
    data = None
    if to_id is not None and to_id != by.user_id:
        require(by, Action.ASSIGN_WORK)
        _require_triager(fresh, to_id)
        data = {"to": to_id}
    owner = by.person if to_id is None else to_id
    if to_id is not None and fresh.state == AlertState.ASSIGNED.value:
        held = Alert.objects.filter(pk=fresh.pk, state=AlertState.ASSIGNED.value)
        if not held.update(assigned_to_id=owner):
            raise InvalidTransition(_("Somebody else has dealt with this alert in the meantime."))
        fresh.assigned_to_id = owner
    else:
        swap_state(fresh, ALERT, AlertAction.ASSIGN, NAME, assigned_to_id=owner)
    record_event(None, AlertAction.ASSIGN.value, str(fresh.public_id), by=by, data=data)
    return fresh


def _require_triager(alert: Alert, user_id: int) -> None:
    """Raise NotFound unless this is an active person who works on alerts and may see this one."""
    people = get_user_model().objects.filter(is_active=True, role__in=CASE_ROLES)
    person = people.filter(pk=user_id).first()
    if person is None or alert.walls.filter(user_id=user_id).exists():
        raise NotFound(_("There is no such person for this alert."))
    if alert.case is not None:
        require_person(user_id, alert.case)


@transaction.atomic
def propose_dismissal(alert: Alert, *, disposition: str, reason: str, by: Actor) -> Alert:
    """Ask for a grave alert to be dismissed; a second person of higher rank does it.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    fresh = _enter(alert, Action.TRIAGE_ALERT, by=by)
    text = require_reason(reason)
    _check(disposition)
    if not fresh.is_grave:
        raise CaseworkError(_("This alert needs no second person: dismiss it."))
    asked = Alert.objects.filter(pk=fresh.pk, state__in=OPEN_ALERT_STATES, proposed_by=None)
    if not asked.update(proposed_by_id=by.person, disposition=disposition, disposition_reason=text):
        raise InvalidTransition(_("Somebody else has dealt with this alert in the meantime."))
    record_event(
        None, "propose_dismissal", str(fresh.public_id), by=by, reason=text,
        data={"disposition": disposition},
    )  # fmt: skip
    fresh.refresh_from_db()
    return fresh


@transaction.atomic
def dismiss_alert(alert: Alert, *, disposition: str, reason: str, by: Actor) -> Alert:
    """Close an alert without a case; a grave one as a second person.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    fresh = _enter(alert, Action.TRIAGE_ALERT, by=by)
    text = require_reason(reason)
    _check(disposition)
    if fresh.is_grave:
        require(by, Action.DISMISS_GRAVE_ALERT)
        next_state(ALERT, AlertState(fresh.state), AlertAction.DISMISS)
        if fresh.proposed_by_id is None:
            raise CaseworkError(_("A first person has to ask for the dismissal."))
        require_second_person(by, fresh.proposed_by_id)
    swap_state(
        fresh, ALERT, AlertAction.DISMISS, NAME,
        disposition=disposition, disposition_reason=text, dismissed_by_id=by.person,
        closed_at=timezone.now(),
    )  # fmt: skip
    draw_second_look(fresh)
    record_event(
        None, AlertAction.DISMISS.value, str(fresh.public_id), by=by, reason=text,
        data={"disposition": disposition, "rule": str(fresh.rule)},
    )  # fmt: skip
    return fresh


@transaction.atomic
def reopen_alert(alert: Alert, *, reason: str, by: Actor) -> Alert:
    """Take a dismissed alert up again. Raises PermissionDenied, InvalidTransition."""
    fresh = _enter(alert, Action.REOPEN_ALERT, by=by)
    text = require_reason(reason)
    swap_state(
        fresh, ALERT, AlertAction.REOPEN, NAME,
        assigned_to_id=by.person, disposition="", disposition_reason="", proposed_by_id=None,
        dismissed_by_id=None, closed_at=None,
    )  # fmt: skip
    record_event(None, AlertAction.REOPEN.value, str(fresh.public_id), by=by, reason=text)
    return fresh


@transaction.atomic
def link_alert(alert: Alert, case: Case | None, *, by: Actor) -> Case:
    """Lead an open alert to a case; without one a case is opened for it, with the account in it.

    Raises PermissionDenied, NotFound, InvalidTransition.
    """
    if case is None:
        # A new case has no row to lock first: so ask the alert before anything is written.
        open_one = _enter(alert, Action.TRIAGE_ALERT, by=by)
        next_state(ALERT, AlertState(open_one.state), AlertAction.LINK)
        case = open_case(
            title=_("%(rule)s: account %(account)s")
            % {"rule": alert.rule.title, "account": alert.account.masked},
            case_type="proactive",
            priority=PRIORITIES[alert.severity],
            summary=FLAG_SUMMARY % {"flags": ", ".join(alert.rule.red_flags)},
            by=by,
        )
        suspect = add_suspect(
            case, kind="unknown", standing="person_of_interest", role="",
            names=[("ALIA", _("Holder of %(account)s") % {"account": alert.account.masked})],
            by=by,
        )  # fmt: skip
        link_account(suspect, alert.account.uid, _("The alert is about this account"), by=by)
    else:
        case = enter_case(case.pk, Action.EDIT_CASE, by=by)
    fresh = _enter(alert, Action.TRIAGE_ALERT, by=by)
    swap_state(fresh, ALERT, AlertAction.LINK, NAME, case_id=case.pk, closed_at=timezone.now())
    record_event(
        case, AlertAction.LINK.value, str(fresh.public_id), by=by,
        data={"rule": str(fresh.rule), "num_merged": fresh.num_merged},
    )  # fmt: skip
    firings = Alert.objects.filter(Q(pk=fresh.pk) | Q(merged_into=fresh))
    walls = AlertWall.objects.filter(alert__in=firings)
    wall_off_holders(case, set(walls.values_list("user_id", flat=True)), by=by)
    return case


FLAG_SUMMARY = "Opened from an alert; red flags %(flags)s."


def _check(disposition: str) -> None:
    if disposition not in dict(DISPOSITIONS):
        raise CaseworkError(_("Choose how the alert ended."))


def _enter(alert: Alert, action: Action, *, by: Actor) -> Alert:
    """Lock the alert, check the right, and read it fresh."""
    locked = Alert.objects.select_for_update(no_key=True).filter(pk=alert.pk).first()
    require(by, action)
    if locked is None or not Alert.objects.filter(pk=alert.pk).visible_to(by).exists():
        raise NotFound(_("There is no such alert."))
    if locked.case_id is not None and action != Action.TRIAGE_ALERT:
        raise PermissionDenied("An alert in a case stays there.")
    fresh: Alert = locked
    return fresh
