"""Clocks as rows: proposed by one person with their source, put in force by another."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.clocks import LONGEST
from cases.models import ClockRule
from cases.policy import Action, Actor, require
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError, NotFound
from cases.services.proposals import decide_proposal, enter_proposal, require_as_shown, supersede
from cases.services.validation import check_fields, is_country, require_reason, require_text
from cases.states import POLICY, PolicyAction, PolicyState

LONGEST_HOLD = 72  # hours: what one person may hold alone (E7)
MOST_WARNINGS = 6
EARLIEST_WARNING = 24 * 90  # hours


def clock_hash_of(rule: ClockRule) -> str:
    """SHA-256 of what is put in force."""
    return content_digest(_content(rule) | {"proposed_by": rule.proposed_by_id})


def _content(rule: ClockRule) -> dict[str, Any]:
    return {
        "act": rule.act,
        "country": rule.country,
        "agency": rule.agency_id,
        "length": rule.length,
        "unit": rule.unit,
        "warn_hours": list(rule.warn_hours),
        "source": rule.source,
        "is_verified": rule.is_verified,
        "valid_from": rule.valid_from.isoformat(),
        "reason": rule.reason,
    }


@transaction.atomic
def propose_clock(
    *,
    act: str,
    length: int,
    unit: str,
    source: str,
    reason: str,
    country: str = "",
    agency_id: int | None = None,
    warn_hours: Sequence[int] = (),
    is_verified: bool = False,
    valid_from: date | None = None,
    by: Actor,
) -> ClockRule:
    """Propose a clock; nothing changes before a second person puts it in force.

    `country` are two letters or nothing for all; `warn_hours` count back from the end;
    `is_verified` says that counsel read the source. Raises PermissionDenied, CaseworkError.
    """
    require(by, Action.PROPOSE_POLICY)
    rule = ClockRule(
        act=act,
        country=country.strip().upper(),
        agency_id=agency_id,
        length=length,
        unit=unit,
        warn_hours=sorted(set(warn_hours), reverse=True),
        source=require_text(source, _("Name the source: the law, or who in this house says so.")),
        is_verified=is_verified,
        valid_from=valid_from or timezone.now().date(),
        reason=require_reason(reason),
        proposed_by_id=by.person,
        proposed_at=timezone.now(),
    )
    _check(rule)
    rule.content_hash = clock_hash_of(rule)
    rule.save(force_insert=True)
    _note("propose_clock", rule, by=by, reason=rule.reason)
    return rule


def _check(rule: ClockRule) -> None:
    check_fields(rule, "act", "unit", "source")
    if rule.country and not is_country(rule.country):
        raise CaseworkError(_("A country is two letters, such as TW; empty for all."))
    if rule.agency_id is not None:
        if not apps.get_model("fiu", "Agency").objects.filter(pk=rule.agency_id).exists():
            raise NotFound(_("This agency is not known."))
        if rule.country:
            raise CaseworkError(_("Name an authority or a country, not both."))
    if not 1 <= rule.length <= LONGEST[rule.unit]:
        raise CaseworkError(
            _("In %(unit)s a clock takes 1 to %(n)d.")
            % {"unit": rule.get_unit_display(), "n": LONGEST[rule.unit]}
        )
    if rule.act == "provisional_hold" and (rule.unit != "hours" or rule.length > LONGEST_HOLD):
        raise CaseworkError(
            _("What one person holds alone lasts 1 to %(n)d hours.") % {"n": LONGEST_HOLD}
        )
    if len(rule.warn_hours) > MOST_WARNINGS or any(
        not 1 <= hours <= EARLIEST_WARNING for hours in rule.warn_hours
    ):
        raise CaseworkError(
            _("Name at most %(most)d warnings, 1 to %(n)d hours before the end.")
            % {"most": MOST_WARNINGS, "n": EARLIEST_WARNING}
        )


@transaction.atomic
def approve_clock(rule: ClockRule, *, content_hash: str, reason: str, by: Actor) -> ClockRule:
    """Put a clock in force as a second person; the one before it for the same is superseded.

    One that two people put in force for a later day comes all the same. What runs already keeps
    its end. Raises PermissionDenied, StepUpRequired, ContentChanged,
    InvalidTransition.
    """
    enter_proposal(rule, Action.DECIDE_POLICY, POLICY, PolicyAction.APPROVE, by=by)
    require_as_shown(rule, content_hash, clock_hash_of(rule))
    before = ClockRule.objects.filter(
        act=rule.act, country=rule.country, agency=rule.agency_id,
        state=PolicyState.IN_FORCE.value,
    ).exclude(pk=rule.pk)  # fmt: skip
    today = timezone.now().date()
    if rule.valid_from > today:  # until then the one before it holds
        before = before.filter(valid_from=rule.valid_from)
    else:
        before = before.filter(valid_from__lte=today)
    ended = supersede(before, "this clock")
    try:
        with transaction.atomic():
            words = decide_proposal(rule, PolicyAction.APPROVE, reason, by=by)
            _note("approve_clock", rule, by=by, reason=words, data=ended)
    except IntegrityError as error:
        raise CaseworkError(_("Another clock for the same was put in force meanwhile.")) from error
    return rule


@transaction.atomic
def reject_clock(rule: ClockRule, *, reason: str, by: Actor) -> ClockRule:
    """Refuse a proposal as a second person: what was in force stays."""
    enter_proposal(rule, Action.DECIDE_POLICY, POLICY, PolicyAction.REJECT, by=by)
    words = decide_proposal(rule, PolicyAction.REJECT, reason, by=by)
    _note("reject_clock", rule, by=by, reason=words)
    return rule


def _note(
    event: str, rule: ClockRule, *, by: Actor, reason: str, data: Mapping[str, Any] | None = None
) -> None:
    record_event(
        None, event, f"clock:{rule.public_id}", by=by, reason=reason,
        data=_content(rule) | {"content_hash": rule.content_hash} | dict(data or {}),
    )  # fmt: skip
