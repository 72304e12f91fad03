"""Agencies as two people know them: domains, and the number that is called back."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import AgencyEntry
from cases.policy import Action, Actor, require
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError, NotFound
from cases.services.proposals import decide_proposal, enter_proposal, require_as_shown, supersede
from cases.services.validation import check_fields, is_country, require_reason, require_text
from cases.states import POLICY, PolicyAction, PolicyState

MOST_DOMAINS = 10
DOMAIN = re.compile(r"(?=.{4,120}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
NUMBER = re.compile(r"\+?[0-9][0-9 ()./-]{5,38}")


def agency_hash_of(entry: AgencyEntry) -> str:
    """SHA-256 of what is put in force."""
    return content_digest(_content(entry) | {"proposed_by": entry.proposed_by_id})


def _content(entry: AgencyEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "short_name": entry.short_name,
        "kind": entry.kind,
        "country": entry.country,
        "domains": list(entry.domains),
        "call_back_number": entry.call_back_number,
        "number_source": entry.number_source,
        "reason": entry.reason,
    }


@transaction.atomic
def propose_agency(
    *,
    name: str,
    short_name: str,
    kind: str,
    country: str,
    domains: Sequence[str],
    call_back_number: str,
    number_source: str,
    reason: str,
    agency_id: int | None = None,
    by: Actor,
) -> AgencyEntry:
    """Propose a new agency, or what is known of one; nothing holds before a second person says so.

    The first of `domains` is the main one. Raises PermissionDenied, NotFound, CaseworkError.
    """
    require(by, Action.PROPOSE_OFFICER)
    agencies = apps.get_model("fiu", "Agency").objects
    if agency_id is not None and not agencies.filter(pk=agency_id).exists():
        raise NotFound(_("This agency is not known."))
    entry = AgencyEntry(
        agency_id=agency_id,
        name=require_text(name, _("Give the name of the agency.")),
        short_name=require_text(short_name, _("Give the short name of the agency.")),
        kind=kind,
        country=country.strip().upper(),
        domains=_domains(domains),
        call_back_number=_number(call_back_number),
        number_source=require_text(
            number_source, _("Say where the number comes from: never from the request itself.")
        ),
        reason=require_reason(reason),
        proposed_by_id=by.person,
        proposed_at=timezone.now(),
    )
    check_fields(entry, "name", "short_name", "number_source")
    kinds = dict(apps.get_model("fiu", "Agency")._meta.get_field("kind").choices or [])
    if kind not in kinds:
        raise CaseworkError(_("Choose the kind of agency from the list."))
    if not is_country(entry.country):
        raise CaseworkError(_("A country is two letters, such as TW."))
    others = agencies.exclude(pk=agency_id or 0)
    if (
        others.filter(name=entry.name).exists()
        or others.filter(short_name=entry.short_name).exists()
    ):
        raise CaseworkError(_("Another agency has this name."))
    entry.content_hash = agency_hash_of(entry)
    entry.save(force_insert=True)
    _note("propose_agency", entry, by=by, reason=entry.reason)
    return entry


def _domains(domains: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(each.strip().strip(".").lower() for each in domains if each.strip()))
    wrong = [each for each in found if not DOMAIN.fullmatch(each)]
    if wrong:
        raise CaseworkError(
            _("“%(name)s” is no domain such as police.example.") % {"name": wrong[0][:60]}
        )
    if not 1 <= len(found) <= MOST_DOMAINS:
        raise CaseworkError(_("Give 1 to %(n)d domains.") % {"n": MOST_DOMAINS})
    return found


def _number(number: str) -> str:
    plain = number.strip()
    if not NUMBER.fullmatch(plain):
        raise CaseworkError(_("Give a telephone number such as +1 202 555 0100."))
    return plain


@transaction.atomic
def approve_agency(entry: AgencyEntry, *, content_hash: str, reason: str, by: Actor) -> AgencyEntry:
    """Put it in force as a second person; the entry before it is superseded.

    Raises PermissionDenied, StepUpRequired, ContentChanged, CaseworkError, InvalidTransition.
    """
    enter_proposal(entry, Action.DECIDE_OFFICER, POLICY, PolicyAction.APPROVE, by=by)
    require_as_shown(entry, content_hash, agency_hash_of(entry))
    agencies = apps.get_model("fiu", "Agency").objects
    known = {
        "name": entry.name, "short_name": entry.short_name, "kind": entry.kind,
        "country": entry.country, "domain": entry.domains[0],
    }  # fmt: skip
    try:
        with transaction.atomic():
            if entry.agency_id is None:
                agency_id = agencies.create(**known).pk
            else:
                agency_id = entry.agency_id
                agencies.filter(pk=agency_id).update(**known)
            in_force = PolicyState.IN_FORCE.value
            before = AgencyEntry.objects.filter(agency_id=agency_id, state=in_force)
            ended = supersede(before, "this agency")
            words = decide_proposal(entry, PolicyAction.APPROVE, reason, by=by, agency_id=agency_id)
    except IntegrityError as error:
        raise CaseworkError(_("Another agency has this name.")) from error
    _note("approve_agency", entry, by=by, reason=words, data=ended)
    return entry


@transaction.atomic
def reject_agency(entry: AgencyEntry, *, reason: str, by: Actor) -> AgencyEntry:
    """Refuse a proposal as a second person: what was in force stays."""
    enter_proposal(entry, Action.DECIDE_OFFICER, POLICY, PolicyAction.REJECT, by=by)
    words = decide_proposal(entry, PolicyAction.REJECT, reason, by=by)
    _note("reject_agency", entry, by=by, reason=words)
    return entry


def entry_of(agency_id: int) -> AgencyEntry | None:
    """What is in force of an agency, None where nobody verified it here: 1 query."""
    rows = AgencyEntry.objects.filter(agency_id=agency_id, state=PolicyState.IN_FORCE.value)
    return rows.first()


def _note(
    event: str,
    entry: AgencyEntry,
    *,
    by: Actor,
    reason: str,
    data: Mapping[str, Any] | None = None,
) -> None:
    record_event(
        None, event, f"agency:{entry.public_id}", by=by, reason=reason,
        data=_content(entry) | {"content_hash": entry.content_hash} | dict(data or {}),
    )  # fmt: skip
