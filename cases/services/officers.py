"""Officers of agencies: one person calls back and proposes, another verifies, and all of it ends.

An account opens with a verified entry alone, for at most a year; suspending it takes one person and
counts at the next request, opening it again takes two.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.lookalikes import DomainVerdict, judge_any
from cases.models import OfficerEntry
from cases.policy import SYSTEM, Action, Actor, Role, require
from cases.services.agencies import entry_of
from cases.services.audit import content_digest, keyed, record_event
from cases.services.errors import CaseworkError
from cases.services.instruments import UploadedBytes, keep_document
from cases.services.proposals import enter_proposal, require_as_shown
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_reason, require_text
from cases.states import OFFICER, OfficerAction, OfficerState
from cases.times import iso

LONGEST = timedelta(days=365)
ENDED = (OfficerState.VERIFIED.value, OfficerState.SUSPENDED.value, OfficerState.EXPIRED.value)


@dataclass(frozen=True, slots=True)
class OfficerSpec:
    """Who an officer is, the paper that says so, and the call that confirmed it."""

    agency_id: int
    username: str
    first_name: str
    last_name: str
    position: str
    email: str
    spoke_with: str
    called_at: datetime
    valid_until: date
    reason: str
    document: UploadedBytes
    badge_no: str = ""


def officer_hash_of(entry: OfficerEntry) -> str:
    """SHA-256 of what is verified."""
    names = (
        "agency_id", "username", "first_name", "last_name", "position", "badge_no", "email",
        "domain_verdict", "authority_sha256", "called_number", "number_source", "spoke_with",
        "reason", "proposed_by_id",
    )  # fmt: skip
    return content_digest(
        {name: getattr(entry, name) for name in names}
        | {"called_at": iso(entry.called_at), "valid_until": entry.valid_until.isoformat()}
    )


@transaction.atomic
def propose_officer(spec: OfficerSpec, *, by: Actor) -> OfficerEntry:
    """Propose an officer whom the actor called back on the number that was known before.

    A domain that only looks like the agency's is kept with the proposal and can never be verified.
    Raises PermissionDenied, CaseworkError.
    """
    require(by, Action.PROPOSE_OFFICER)
    known = entry_of(spec.agency_id)
    if known is None:
        raise CaseworkError(_("Verify the agency first: its domains and the number to call back."))
    now = timezone.now()
    known_since = (known.decided_at or now).replace(second=0, microsecond=0)  # forms tell minutes
    if not known_since <= spec.called_at <= now:
        raise CaseworkError(_("The call must lie between the day the number was verified and now."))
    today = now.date()
    if not today < spec.valid_until <= today + LONGEST:
        raise CaseworkError(_("An account lasts at least a day and at most 365 days."))
    name, sha256 = keep_document(spec.document, by=by)
    entry = OfficerEntry(
        user=_account(spec),
        agency_id=spec.agency_id,
        username=spec.username.strip().lower(),
        first_name=require_text(spec.first_name, _("Give the officer's names.")),
        last_name=require_text(spec.last_name, _("Give the officer's names.")),
        position=require_text(spec.position, _("Say what the officer is at the agency.")),
        badge_no=spec.badge_no.strip(),
        email=spec.email.strip(),
        domain_verdict=judge_any(spec.email, known.domains).value,
        authority_name=name,
        authority_sha256=sha256,
        known_by=known,
        called_number=known.call_back_number,
        number_source=known.number_source,
        called_at=spec.called_at,
        spoke_with=require_text(spec.spoke_with, _("Say with whom you spoke.")),
        valid_until=spec.valid_until,
        reason=require_reason(spec.reason),
        proposed_by_id=by.person,
        proposed_at=now,
    )
    texts = ("username", "first_name", "last_name", "position", "badge_no", "email", "spoke_with")
    check_fields(entry, *texts)
    entry.content_hash = officer_hash_of(entry)
    entry.save(force_insert=True)
    _note("propose_officer", entry, by=by, reason=entry.reason)
    return entry


def _account(spec: OfficerSpec) -> Any:
    """The account that is renewed, None for a new one. Raises CaseworkError."""
    username = spec.username.strip().lower()
    if not username or not username.replace("_", "").replace("-", "").isalnum():
        raise CaseworkError(_("A user name is letters, digits, - and _."))
    found = get_user_model().objects.filter(username=username).first()
    if found is not None and (
        found.role != Role.LIAISON.value or found.agency_id != spec.agency_id
    ):
        raise CaseworkError(_("Somebody else has this user name."))
    return found


@transaction.atomic
def verify_officer(
    entry: OfficerEntry, *, content_hash: str, reason: str, by: Actor
) -> OfficerEntry:
    """Verify as a second person: the account opens until the last day, and replaces any before.

    What is known of the agency counts as it is now, not as it was when the officer was proposed.
    Raises PermissionDenied, StepUpRequired, ContentChanged, InvalidTransition, and CaseworkError
    where the number is another by now, the e-mail is not under a domain of the agency or the paper
    is missing.
    """
    enter_proposal(entry, Action.DECIDE_OFFICER, OFFICER, OfficerAction.VERIFY, by=by)
    require_as_shown(entry, content_hash, officer_hash_of(entry))
    known = entry_of(entry.agency_id)
    if known is None or known.call_back_number != entry.called_number:
        raise CaseworkError(
            _("The agency has another number by now: reject this, call back and propose anew.")
        )
    now_judged = judge_any(entry.email, known.domains)
    if not entry.domain_verdict == now_judged == DomainVerdict.SAME:
        raise CaseworkError(_("The e-mail is not under a domain of the agency: reject this."))
    if not entry.authority_sha256:
        raise CaseworkError(_("The paper that shows the officer's authority is missing."))
    if entry.valid_until <= timezone.now().date():
        raise CaseworkError(_("The last day of this account is over: propose it anew."))
    user = _open_account(entry)
    for old in OfficerEntry.objects.filter(user=user, state__in=ENDED).exclude(pk=entry.pk):
        swap_state(old, OFFICER, OfficerAction.REPLACE, "this officer")
        _note(OfficerAction.REPLACE.value, old, by=by, reason="")
    _decide(entry, OfficerAction.VERIFY, reason, by=by, user_id=user.pk)
    return entry


def _open_account(entry: OfficerEntry) -> Any:
    users = get_user_model().objects
    columns = {
        "first_name": entry.first_name, "last_name": entry.last_name, "email": entry.email,
        "title": entry.position, "is_active": True,
        "access_until": datetime.combine(entry.valid_until, time(23, 59, 59), UTC),
    }  # fmt: skip
    user = (
        entry.user
        or users.filter(
            username=entry.username, role=Role.LIAISON.value, agency_id=entry.agency_id
        ).first()
    )
    if user is not None:
        users.filter(pk=user.pk).update(**columns)
        return user
    if users.filter(username=entry.username).exists():
        raise CaseworkError(_("Somebody else has this user name."))
    user = get_user_model()(
        username=entry.username, role=Role.LIAISON.value, agency_id=entry.agency_id, **columns
    )
    user.set_unusable_password()
    user.save(force_insert=True)
    return user


@transaction.atomic
def reject_officer(entry: OfficerEntry, *, reason: str, by: Actor) -> OfficerEntry:
    """Refuse a proposal as a second person: no account opens. Raises as `verify_officer`."""
    enter_proposal(entry, Action.DECIDE_OFFICER, OFFICER, OfficerAction.REJECT, by=by)
    _decide(entry, OfficerAction.REJECT, reason, by=by)
    return entry


def _decide(
    entry: OfficerEntry, step: OfficerAction, reason: str, *, by: Actor, **columns: object
) -> None:
    words = require_reason(reason)
    swap_state(
        entry, OFFICER, step, "this officer",
        decided_by_id=by.person, decided_at=timezone.now(), **columns,
    )  # fmt: skip
    _note(step.value, entry, by=by, reason=words)


@transaction.atomic
def suspend_officer(entry: OfficerEntry, *, reason: str, by: Actor) -> OfficerEntry:
    """Close a verified account at once: one person is enough, and nothing opens any more.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    require(by, Action.SUSPEND_OFFICER)
    _end(entry, OfficerAction.SUSPEND, require_reason(reason), by=by)
    return entry


@transaction.atomic
def expire_officers(today: date | None = None) -> int:
    """End the entries whose last day is over; returns how many: 1 query when there are none.

    `today` is for tests.
    """
    over = OfficerEntry.objects.filter(
        state=OfficerState.VERIFIED.value, valid_until__lt=today or timezone.now().date()
    )
    entries = list(over.order_by("pk"))
    for entry in entries:
        _end(entry, OfficerAction.EXPIRE, "", by=SYSTEM)
    return len(entries)


def _end(entry: OfficerEntry, step: OfficerAction, reason: str, *, by: Actor) -> None:
    swap_state(
        entry, OFFICER, step, "this officer",
        ended_by_id=by.user_id, ended_at=timezone.now(), end_reason=reason,
    )  # fmt: skip
    get_user_model().objects.filter(pk=entry.user_id or 0).update(is_active=False)
    _note(step.value, entry, by=by, reason=reason)


def _note(event: str, entry: OfficerEntry, *, by: Actor, reason: str) -> None:
    """Of the officer only what names nobody: the trail outlives the person's data (H8)."""
    record_event(
        None, event, f"officer:{entry.public_id}", by=by, reason=reason,
        data={
            "officer": keyed(entry.username), "agency": entry.agency_id,
            "domain": entry.domain_verdict, "authority_sha256": entry.authority_sha256,
            "called_at": iso(entry.called_at), "number_source": entry.number_source,
            "valid_until": entry.valid_until.isoformat(), "content_hash": entry.content_hash,
        },
    )  # fmt: skip
