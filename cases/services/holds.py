"""Legal holds on cases: one person of compliance sets one, another lifts it."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, LegalHold
from cases.policy import Action, Actor, require_second_person, require_step_up
from cases.services.audit import record_event
from cases.services.locks import enter_case
from cases.services.validation import require_reason
from cases.states import InvalidTransition


@transaction.atomic
def set_legal_hold(case: Case, *, reason: str, by: Actor) -> Case:
    """From here on nothing of the case is deleted, held by the database too.

    Raises PermissionDenied, CaseworkError, InvalidTransition where a hold stands already.
    """
    fresh = enter_case(case.pk, Action.SET_LEGAL_HOLD, by=by)
    text = require_reason(reason)
    if fresh.legal_hold:
        raise InvalidTransition(_("A legal hold stands on this case already."))
    LegalHold.objects.create(case=fresh, reason=text, set_by_id=by.person, set_at=timezone.now())
    Case.objects.filter(pk=fresh.pk).update(legal_hold=True, version=F("version") + 1)
    record_event(fresh, "set_legal_hold", fresh.reference, by=by, reason=text)
    fresh.refresh_from_db()
    return fresh


@transaction.atomic
def clear_legal_hold(case: Case, *, reason: str, by: Actor) -> Case:
    """Lift the hold as a second person of compliance.

    Raises PermissionDenied, StepUpRequired, CaseworkError, InvalidTransition where none stands.
    """
    fresh = enter_case(case.pk, Action.SET_LEGAL_HOLD, by=by)
    text = require_reason(reason)
    hold = fresh.holds.filter(cleared_at=None).first()
    if hold is None:
        raise InvalidTransition(_("No legal hold stands on this case."))
    require_second_person(by, hold.set_by_id)
    require_step_up(by)
    LegalHold.objects.filter(pk=hold.pk).update(
        cleared_by_id=by.person, cleared_at=timezone.now(), cleared_reason=text
    )
    Case.objects.filter(pk=fresh.pk).update(legal_hold=False, version=F("version") + 1)
    record_event(fresh, "clear_legal_hold", fresh.reference, by=by, reason=text)
    fresh.refresh_from_db()
    return fresh
