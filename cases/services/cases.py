"""Cases: open, edit, walk through their states, and who may see them."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import acting_as
from cases.models import Case, CaseAccess, CaseBlock
from cases.policy import (
    SYSTEM,
    Action,
    Actor,
    Role,
    require,
    require_second_person,
)
from cases.retention import kept_until
from cases.services.audit import record_event
from cases.services.closing import open_ends, require_end_of_decided
from cases.services.errors import CaseworkError, NotFound, VersionChanged
from cases.services.locks import enter_case
from cases.services.references import next_reference
from cases.services.steps import swap_state
from cases.services.validation import check_fields, present_values, require_reason
from cases.states import (
    CASE,
    CaseAction,
    CaseState,
    FindingState,
)

DECISIONS = ("report", "refer", "freeze", "no_action")
CLOSURE_REASONS = ("reported", "no_suspicion", "referred", "insufficient")
EDITABLE = frozenset(
    {"title", "summary", "case_type", "priority", "visibility", "tlp", "owner_by_id", "tags"}
)
# Who sees a case, and who works on it, is for those who may grant access.
ASSIGNMENT = frozenset({"visibility", "owner_by_id"})
TAG = re.compile(r"\w[\w-]{0,23}")
MOST_TAGS = 8
CASE_ROLES = (Role.ANALYST.value, Role.SUPERVISOR.value, Role.COMPLIANCE.value)


@transaction.atomic
def open_case(
    *,
    title: str,
    case_type: str,
    priority: str,
    summary: str = "",
    visibility: str = "unit",
    by: Actor,
) -> Case:
    """Open a case, owned by who opens it; a team's or sealed one admits that person as lead.

    Raises PermissionDenied, CaseworkError.
    """
    require(by, Action.OPEN_CASE)
    now = timezone.now()
    case = Case(
        title=title.strip(),
        summary=summary.strip(),
        case_type=case_type,
        priority=priority,
        visibility=visibility,
        owner_by_id=by.user_id,
        opened_by_id=by.user_id,
        opened_at=now,
    )
    check_fields(case, "title", "summary", "case_type", "priority", "visibility")
    case.reference = next_reference("CASE")
    case.save(force_insert=True)
    if visibility != "unit":
        _admit(case, by.user_id, by=by)
    record_event(
        case, "open_case", case.reference, by=by,
        data={"case_type": case_type, "priority": priority, "visibility": visibility},
    )  # fmt: skip
    return case


@transaction.atomic
def edit_case(case: Case, *, version: int, by: Actor, **fields: Any) -> Case:
    """Change fields of a case as it was at `version`; of a merged one, who may see it alone.

    Raises VersionChanged with the present values when somebody saved it since, PermissionDenied,
    CaseworkError.
    """
    is_assignment = bool(fields) and set(fields) <= ASSIGNMENT
    right = Action.GRANT_ACCESS if is_assignment else Action.EDIT_CASE
    fresh = enter_case(case.pk, right, by=by)
    unknown = sorted(set(fields) - EDITABLE)
    if unknown:
        raise CaseworkError(f"A case has no field {unknown[0]} that can be edited.")
    if fresh.version != version:
        raise VersionChanged(
            _("Somebody else has saved this case in the meantime."), present_values(fresh, fields)
        )
    if "tags" in fields:
        fields["tags"] = tags_of(fields["tags"])
    changed = present_values(fresh, fields)
    if not changed:
        return fresh
    if set(changed) & ASSIGNMENT:
        require(by, Action.GRANT_ACCESS)
    for name, value in fields.items():
        setattr(fresh, name, value)
    check_fields(fresh, *(name for name in fields if name != "owner_by_id"))
    if "owner_by_id" in changed:
        require_person(fresh.owner_by_id, fresh)
    if fresh.visibility != "unit":  # first: nobody writes a row that the writer would not see
        for user_id in {fresh.owner_by_id, by.user_id}:
            _admit(fresh, user_id, by=by)
    saved = Case.objects.filter(pk=fresh.pk, version=version).update(
        **fields, version=F("version") + 1
    )
    if not saved:
        raise VersionChanged(_("Somebody else has saved this case in the meantime."))
    fresh.version = version + 1
    record_event(fresh, "edit_case", fresh.reference, by=by, data={"fields": sorted(changed)})
    return fresh


def tags_of(text: str) -> str:
    """Tags as they are kept: small letters, each once, in order. Raises CaseworkError."""
    words = sorted({word.strip("#,;").lower() for word in text.split()} - {""})
    if wrong := [word for word in words if not TAG.fullmatch(word)]:
        raise CaseworkError(
            _("%(word)s: a tag is one word of letters, digits and dashes.") % {"word": wrong[0]}
        )
    if len(words) > MOST_TAGS:
        raise CaseworkError(_("A case takes 8 tags: fewer find more."))
    return " ".join(words)


@transaction.atomic
def start_case(case: Case, *, by: Actor, reason: str = "") -> Case:
    """Intake to investigating. Raises InvalidTransition, PermissionDenied, CaseworkError."""
    fresh = enter_case(case.pk, Action.EDIT_CASE, by=by)
    if fresh.owner_by_id is None:
        raise CaseworkError(_("Give the case an owner first."))
    return _advance(fresh, CaseAction.START, by=by, reason=reason)


@transaction.atomic
def submit_case(case: Case, *, reason: str, by: Actor) -> Case:
    """Hand the case to a second person for its decision; no finding may wait for review."""
    fresh = enter_case(case.pk, Action.EDIT_CASE, by=by)
    text = require_reason(reason)
    if fresh.findings.filter(state=FindingState.SUBMITTED.value).exists():
        raise CaseworkError(_("A finding of this case still waits for its review."))
    return _advance(
        fresh, CaseAction.SUBMIT, by=by, reason=text,
        submitted_by_id=by.user_id, decided_by_id=None,
    )  # fmt: skip


@transaction.atomic
def return_case(case: Case, *, reason: str, by: Actor) -> Case:
    """Send a submitted case back. The one who submitted it cannot."""
    fresh = enter_case(case.pk, Action.DECIDE_CASE, by=by)
    require_second_person(by, fresh.submitted_by_id)
    return _advance(fresh, CaseAction.RETURN, by=by, reason=require_reason(reason))


@transaction.atomic
def decide_case(case: Case, *, decisions: list[str], reason: str, by: Actor) -> Case:
    """Decide what happens: report, refer, freeze or no_action. A second person decides."""
    fresh = enter_case(case.pk, Action.DECIDE_CASE, by=by)
    require_second_person(by, fresh.submitted_by_id)
    text = require_reason(reason)
    if not decisions or not set(decisions) <= set(DECISIONS):
        raise CaseworkError(_("Choose at least one decision."))
    if "no_action" in decisions and len(decisions) > 1:
        raise CaseworkError(_("No action excludes every other decision."))
    ordered = [decision for decision in DECISIONS if decision in decisions]
    return _advance(
        fresh, CaseAction.DECIDE, by=by, reason=text, data={"decisions": ordered},
        decisions=ordered, decided_by_id=by.user_id,
    )  # fmt: skip


@transaction.atomic
def close_case(case: Case, *, closure_reason: str, reason: str, by: Actor) -> Case:
    """Close a decided case; refused while anything of it is open (services/closing.py).

    Who submitted it cannot; after a report, a referral or a freeze only compliance can.
    """
    fresh = enter_case(case.pk, Action.DECIDE_CASE, by=by)
    require_second_person(by, fresh.submitted_by_id)
    require_end_of_decided(fresh, by=by)
    text = require_reason(reason)
    if closure_reason not in CLOSURE_REASONS:
        raise CaseworkError(_("Choose why the case is closed."))
    if fresh.state == CaseState.DECIDED.value and (ends := open_ends(fresh, by=by)):
        raise CaseworkError(" ".join(ends))
    now = timezone.now()
    return _advance(
        fresh, CaseAction.CLOSE, by=by, reason=text, data={"closure_reason": closure_reason},
        closure_reason=closure_reason, closed_at=now,
        retention_until=kept_until(fresh.case_type, now.date()), escalated_at=None,
        escalated_by_id=None, escalation_reason="",
    )  # fmt: skip


@transaction.atomic
def reopen_case(case: Case, *, reason: str, by: Actor) -> Case:
    """Take a decided or closed case up again."""
    fresh = enter_case(case.pk, Action.DECIDE_CASE, by=by)
    return _advance(
        fresh, CaseAction.REOPEN, by=by, reason=require_reason(reason),
        closed_at=None, closure_reason="", retention_until=None, submitted_by_id=None,
        decided_by_id=None,
    )  # fmt: skip


@transaction.atomic
def grant_access(
    case: Case, user_id: int, level: str, *, by: Actor, expires_at: datetime | None = None
) -> CaseAccess:
    """Name a person on a case at a level (read, write, lead); a second call changes the level."""
    fresh = enter_case(case.pk, Action.GRANT_ACCESS, by=by)
    require_person(user_id, fresh)
    access = CaseAccess(case=fresh, user_id=user_id, level=level)
    check_fields(access, "level")
    if expires_at is not None and expires_at <= timezone.now():
        raise CaseworkError(_("The access would have ended already."))
    access, _created = CaseAccess.objects.update_or_create(
        case=fresh,
        user_id=user_id,
        defaults={"level": level, "granted_by_id": by.user_id, "expires_at": expires_at},
    )
    record_event(
        fresh, "grant_access", f"user:{user_id}", by=by,
        data={"level": level, "expires_at": expires_at.isoformat() if expires_at else None},
    )  # fmt: skip
    return access


@transaction.atomic
def block_user(case: Case, user_id: int, reason: str, *, by: Actor) -> CaseBlock:
    """Shut a person out of a case for a conflict of interest, whatever the role.

    A walled-off owner owns it no longer. Refused for the last of compliance who sees the case: it
    would have no oversight.
    """
    fresh = enter_case(case.pk, Action.GRANT_ACCESS, by=by)
    text = require_reason(reason)
    person = get_user_model().objects.filter(pk=user_id).first()
    if person is None:
        raise NotFound(_("There is no such person."))
    if person.role == Role.COMPLIANCE and not _sees_as_compliance(fresh, without=user_id):
        raise CaseworkError(_("Nobody else of compliance could see this case any more."))
    return _raise_wall(fresh, user_id, text, by=by)


def wall_off_holders(case: Case, people: Iterable[int], *, by: Actor) -> None:
    """Shut people of the house out of a case about an account that they may hold.

    Call it under the case lock. The last of compliance who sees the case stays: it would have no
    oversight. 5 queries a person.
    """
    roles = dict(get_user_model().objects.filter(pk__in=people).values_list("pk", "role"))
    for user_id, role in sorted(roles.items()):
        if role != Role.COMPLIANCE or _sees_as_compliance(case, without=user_id):
            _raise_wall(case, user_id, _("May hold an account that an alert is about."), by=by)


def _raise_wall(fresh: Case, user_id: int, text: str, *, by: Actor) -> CaseBlock:
    block, created = CaseBlock.objects.get_or_create(
        case=fresh,
        user_id=user_id,
        defaults={"reason": text, "blocked_by_id": by.user_id, "blocked_at": timezone.now()},
    )
    if created:
        with acting_as(SYSTEM):  # who raised a wall before oneself no longer sees the case
            was_owner = Case.objects.filter(pk=fresh.pk, owner_by_id=user_id).update(
                owner_by_id=None, version=F("version") + 1
            )
        record_event(
            fresh, "block_user", f"user:{user_id}", by=by, reason=text,
            data={"was_owner": bool(was_owner)},
        )  # fmt: skip
    return block


def _sees_as_compliance(case: Case, *, without: int) -> bool:
    others = get_user_model().objects.filter(is_active=True, role=Role.COMPLIANCE.value)
    others = others.exclude(pk=without).exclude(pk__in=case.blocks.values("user"))
    return bool(others.exists())


def require_person(user_id: int | None, case: Case) -> None:
    """Raise NotFound unless this is an active person whose role works on cases, not blocked."""
    people = get_user_model().objects.filter(is_active=True, role__in=CASE_ROLES)
    is_there = user_id is not None and people.filter(pk=user_id).exists()
    if not is_there or user_id in case.blocks.values_list("user_id", flat=True):
        raise NotFound(_("There is no such person for this case."))


def _admit(case: Case, user_id: int | None, *, by: Actor) -> None:
    if user_id is not None:
        CaseAccess.objects.get_or_create(
            case=case, user_id=user_id, defaults={"level": "lead", "granted_by_id": by.user_id}
        )


def _advance(
    case: Case,
    action: CaseAction,
    *,
    by: Actor,
    reason: str,
    data: dict[str, Any] | None = None,
    **fields: Any,
) -> Case:
    """Compare and swap the state: of two callers at once exactly one wins."""
    swap_state(case, CASE, action, case.reference, version=F("version") + 1, **fields)
    case.refresh_from_db()
    record_event(case, action.value, case.reference, by=by, reason=reason, data=data)
    return case
