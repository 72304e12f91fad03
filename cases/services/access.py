"""Access to a case beyond naming people on it: taken back, walls lifted, glass broken.

Naming a person (`grant_access`) and raising a wall (`block_user`) stand in cases.py.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import acting_as
from cases.models import Case, CaseAccess, CaseBlock, EmergencyAccess, EmergencyLook
from cases.policy import (
    EMERGENCY,
    SYSTEM,
    Action,
    Actor,
    PermissionDenied,
    emergencies_to_look_at,
    require,
    require_second_person,
    require_step_up,
)
from cases.services.audit import record_event
from cases.services.errors import CaseworkError, NotFound
from cases.services.locks import enter_case, lock_case
from cases.services.validation import require_reason


@transaction.atomic
def revoke_access(case: Case, user_id: int, *, reason: str, by: Actor) -> None:
    """Take back what a person was given by name; gone with the next request.

    Raises NotFound where the person is not named, CaseworkError for the owner, PermissionDenied.
    """
    fresh = enter_case(case.pk, Action.GRANT_ACCESS, by=by)
    text = require_reason(reason)
    access = CaseAccess.objects.filter(case=fresh, user_id=user_id).first()
    if access is None:
        raise NotFound(_("This person is not named on the case."))
    if fresh.owner_by_id == user_id:
        raise CaseworkError(_("This person owns the case: give it another owner first."))
    access.delete()
    record_event(
        fresh, "revoke_access", f"user:{user_id}", by=by, reason=text,
        data={"level": access.level},
    )  # fmt: skip


@transaction.atomic
def lift_block(case: Case, user_id: int, *, reason: str, by: Actor) -> None:
    """End a conflict of interest: compliance, and not who raised the wall.

    What the person was given by name before does not come back. Raises NotFound,
    PermissionDenied, CaseworkError without a reason.
    """
    fresh = enter_case(case.pk, Action.LIFT_BLOCK, by=by)
    text = require_reason(reason)
    block = CaseBlock.objects.filter(case=fresh, user_id=user_id).first()
    if block is None:
        raise NotFound(_("This person is not walled off."))
    require_second_person(by, block.blocked_by_id)
    block.delete()
    CaseAccess.objects.filter(case=fresh, user_id=user_id).delete()
    record_event(fresh, "lift_block", f"user:{user_id}", by=by, reason=text)


def break_glass(reference: str, *, reason: str, by: Actor) -> EmergencyAccess:
    """Open a case that one may not see, to read, for 60 minutes; its owner and compliance learn it.

    Never across an ethical wall: whoever tries is told what would be told of a case that does not
    exist, and the trial stands in the chain of the case. Raises NotFound, CaseworkError,
    PermissionDenied, StepUpRequired.
    """
    require(by, Action.BREAK_GLASS)
    text = require_reason(reason)
    require_step_up(by)
    with acting_as(SYSTEM):  # about a case that the actor does not see
        case = Case.objects.filter(reference=reference.strip().upper()).first()
        opened = _break(case, text, by=by) if case is not None else None
    if opened is None:
        raise NotFound(_("There is no case of this reference that you could open."))
    return opened


@transaction.atomic
def _break(case: Case, reason: str, *, by: Actor) -> EmergencyAccess | None:
    """The access, or None at a wall, where the trial is kept all the same."""
    fresh = lock_case(case.pk)
    if CaseBlock.objects.filter(case=fresh, user_id=by.person).exists():
        record_event(fresh, "refuse_break_glass", f"user:{by.person}", by=by, reason=reason)
        return None
    if Case.objects.visible_to(by).filter(pk=fresh.pk).exists():
        raise CaseworkError(_("You may see this case already."))
    now = timezone.now()
    emergency: EmergencyAccess = EmergencyAccess.objects.create(
        case=fresh, user_id=by.person, reason=reason, opened_at=now, ends_at=now + EMERGENCY
    )
    CaseAccess.objects.update_or_create(
        case=fresh,
        user_id=by.person,
        defaults={"level": "read", "granted_by_id": by.person, "expires_at": emergency.ends_at},
    )
    record_event(
        fresh, "break_glass", str(emergency.public_id), by=by, reason=reason,
        data={"until": emergency.ends_at.isoformat(timespec="seconds")},
    )  # fmt: skip
    return emergency


@transaction.atomic
def look_at_emergency(emergency: EmergencyAccess, *, by: Actor) -> None:
    """Say that one has looked at a broken glass: it leaves the own inbox. Twice is once.

    For compliance and the owner of the case; raises PermissionDenied for others.
    """
    case = lock_case(emergency.case_id)
    require(by, Action.VIEW_CASE)
    rows = EmergencyAccess.objects.visible_to(by).filter(emergencies_to_look_at(by))
    if not rows.filter(pk=emergency.pk).exists():
        raise PermissionDenied("Compliance and the owner of the case look at an emergency access.")
    _look, is_new = EmergencyLook.objects.get_or_create(
        emergency=emergency, user_id=by.person, defaults={"at": timezone.now()}
    )
    if is_new:
        record_event(case, "look_at_emergency", str(emergency.public_id), by=by)
