"""Operations: opened over several cases, started and led to their action day by two people."""

from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import acting_as
from cases.models import Case, Operation, OperationPartner
from cases.policy import SYSTEM, Action, Actor, require, require_second_person
from cases.services.audit import record_event
from cases.services.errors import CaseworkError, NotFound
from cases.services.locks import enter_case
from cases.services.references import next_reference
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_reason
from cases.states import OPERATION, OVER_OPERATIONS, OperationAction


@transaction.atomic
def open_operation(
    *,
    name: str,
    code_name: str,
    starts_on: date,
    ends_on: date | None = None,
    lead_agency_id: int | None = None,
    partner_ids: list[int] | None = None,
    embargo_until: datetime | None = None,
    objective: str = "",
    by: Actor,
) -> Operation:
    """Open an operation with its agencies; cases join it afterwards.

    Raises PermissionDenied, NotFound, CaseworkError.
    """
    require(by, Action.EDIT_OPERATION)
    operation = Operation(
        name=name.strip(),
        code_name=code_name.strip().upper(),
        objective=objective.strip(),
        lead_agency_id=lead_agency_id,
        starts_on=starts_on,
        ends_on=ends_on,
        embargo_until=embargo_until,
        opened_by_id=by.person,
        opened_at=timezone.now(),
    )
    check_fields(operation, "name", "code_name")
    if ends_on is not None and ends_on < starts_on:
        raise CaseworkError(_("An operation ends after it starts."))
    partners = [pk for pk in dict.fromkeys(partner_ids or []) if pk != lead_agency_id]
    agencies = {pk for pk in (lead_agency_id, *partners) if pk is not None}
    if apps.get_model("fiu", "Agency").objects.filter(pk__in=agencies).count() != len(agencies):
        raise NotFound(_("This agency is not known."))
    operation.reference = next_reference("OP")
    try:
        with transaction.atomic():
            operation.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("Another operation has this code name.")) from error
    for agency_id in partners:
        OperationPartner.objects.create(operation=operation, agency_id=agency_id)
    record_event(None, "open_operation", operation.reference, by=by)
    return operation


def _locked(operation: Operation) -> Operation:
    found: Operation = Operation.objects.select_for_update(no_key=True).get(pk=operation.pk)
    return found


@transaction.atomic
def put_case(case: Case, operation: Operation | None, *, reason: str, by: Actor) -> Case:
    """Make a case part of an operation, or with None take it out.

    The case is locked first, then the operation. Raises PermissionDenied, CaseworkError.
    """
    fresh = enter_case(case.pk, Action.EDIT_CASE, by=by)
    require(by, Action.EDIT_OPERATION)
    text = require_reason(reason)
    if operation is not None and operation.pk == fresh.operation_id:
        raise CaseworkError(_("The case belongs to this operation already."))
    for pk in sorted(pk for pk in (fresh.operation_id, operation and operation.pk) if pk):
        with acting_as(SYSTEM):  # the one it leaves may be behind a wall
            part = Operation.objects.select_for_update(no_key=True).get(pk=pk)
        if part.state in OVER_OPERATIONS:
            raise CaseworkError(_("A closed operation keeps the cases it has."))
    Case.objects.filter(pk=fresh.pk).update(operation=operation)
    fresh.operation = operation
    record_event(
        fresh, "put_case", fresh.reference, by=by, reason=text,
        data={"operation": operation.reference if operation else None},
    )  # fmt: skip
    return fresh


@transaction.atomic
def start_operation(operation: Operation, *, reason: str, by: Actor) -> Operation:
    """Start it as a second person: compliance, and not who opened it."""
    require(by, Action.DECIDE_OPERATION)
    fresh = _locked(operation)
    require_second_person(by, fresh.opened_by_id)
    if not fresh.cases.exists():
        raise CaseworkError(_("An operation without a case cannot start."))
    return _advance(fresh, OperationAction.START, by=by, reason=reason, started_by_id=by.user_id)


@transaction.atomic
def open_action_day(operation: Operation, *, reason: str, by: Actor) -> Operation:
    """From now on customers may notice: the embargo ends with it. Compliance, a second person."""
    require(by, Action.DECIDE_OPERATION)
    fresh = _locked(operation)
    require_second_person(by, fresh.opened_by_id)
    return _advance(
        fresh, OperationAction.OPEN_ACTION_DAY, by=by, reason=reason, embargo_until=None
    )


@transaction.atomic
def close_operation(operation: Operation, *, reason: str, by: Actor) -> Operation:
    """End it; its cases and freezes go on by themselves."""
    require(by, Action.EDIT_OPERATION)
    fresh = _locked(operation)
    return _advance(fresh, OperationAction.CLOSE, by=by, reason=reason, closed_at=timezone.now())


@transaction.atomic
def publish_operation(operation: Operation, *, reason: str, by: Actor) -> Operation:
    """Write down that the public knows of it. Compliance, a second person, after the embargo.

    Nothing leaves the house by this. Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    require(by, Action.DECIDE_OPERATION)
    fresh = _locked(operation)
    require_second_person(by, fresh.opened_by_id)
    if fresh.is_embargoed:
        raise CaseworkError(_("Its embargo still runs: nothing of it is public before that ends."))
    return _advance(fresh, OperationAction.PUBLISH, by=by, reason=reason)


def _advance(
    operation: Operation, action: OperationAction, *, by: Actor, reason: str, **fields: Any
) -> Operation:
    """Compare and swap the state, then the event in the system's chain."""
    text = require_reason(reason)
    swap_state(operation, OPERATION, action, operation.reference, **fields)
    record_event(None, action.value, operation.reference, by=by, reason=text)
    return operation
