"""Rows of the legal matrix: proposed by one person with their source, put in force by another."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import LegalRow
from cases.policy import Action, Actor, require
from cases.request_words import DATASETS, join_datasets
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError
from cases.services.proposals import decide_proposal, enter_proposal, require_as_shown, supersede
from cases.services.validation import check_fields, is_country, require_reason, require_text
from cases.states import POLICY, PolicyAction, PolicyState


def legal_hash_of(row: LegalRow) -> str:
    """SHA-256 of what is put in force."""
    return content_digest(_content(row) | {"proposed_by": row.proposed_by_id})


def _content(row: LegalRow) -> dict[str, Any]:
    return {
        "instrument": row.instrument,
        "country": row.country,
        "datasets": row.datasets.split(),
        "note": row.note,
        "source": row.source,
        "is_verified": row.is_verified,
        "reason": row.reason,
    }


@transaction.atomic
def propose_legal_row(
    *,
    instrument: str,
    country: str,
    datasets: Iterable[str],
    note: str,
    source: str,
    reason: str,
    is_verified: bool = False,
    by: Actor,
) -> LegalRow:
    """Propose what an instrument may obtain; nothing changes before a second person says so.

    `country` are two letters, or "*" for any; no dataset at all is a row as well: it obtains
    nothing. Raises PermissionDenied, CaseworkError.
    """
    require(by, Action.PROPOSE_POLICY)
    asked = list(datasets)
    unknown = sorted(set(asked) - set(DATASETS))
    if unknown:
        raise CaseworkError(_("“%(name)s” is none of the datasets.") % {"name": unknown[0][:40]})
    row = LegalRow(
        instrument=instrument,
        country=country.strip().upper() or "*",
        datasets=join_datasets(asked),
        note=require_text(note, _("Say in one sentence what the row means.")),
        source=require_text(source, _("Name the source: the law, or who in this house says so.")),
        is_verified=is_verified,
        reason=require_reason(reason),
        proposed_by_id=by.person,
        proposed_at=timezone.now(),
    )
    check_fields(row, "instrument", "note", "source")
    if row.country != "*" and not is_country(row.country):
        raise CaseworkError(_("A country is two letters, such as TW; empty for all."))
    row.content_hash = legal_hash_of(row)
    row.save(force_insert=True)
    _note("propose_legal_row", row, by=by, reason=row.reason)
    return row


@transaction.atomic
def approve_legal_row(row: LegalRow, *, content_hash: str, reason: str, by: Actor) -> LegalRow:
    """Put it in force as a second person; the row before it for the same is superseded.

    What was accepted already stays accepted. Raises PermissionDenied, StepUpRequired,
    ContentChanged, CaseworkError, InvalidTransition.
    """
    enter_proposal(row, Action.DECIDE_POLICY, POLICY, PolicyAction.APPROVE, by=by)
    require_as_shown(row, content_hash, legal_hash_of(row))
    before = LegalRow.objects.filter(
        instrument=row.instrument, country=row.country, state=PolicyState.IN_FORCE.value
    )
    ended = supersede(before, "this row")
    try:
        with transaction.atomic():
            words = decide_proposal(row, PolicyAction.APPROVE, reason, by=by)
    except IntegrityError as error:
        raise CaseworkError(_("Another row for the same was put in force meanwhile.")) from error
    _note("approve_legal_row", row, by=by, reason=words, data=ended)
    return row


@transaction.atomic
def reject_legal_row(row: LegalRow, *, reason: str, by: Actor) -> LegalRow:
    """Refuse a proposal as a second person: what was in force stays."""
    enter_proposal(row, Action.DECIDE_POLICY, POLICY, PolicyAction.REJECT, by=by)
    _note("reject_legal_row", row, by=by, reason=decide_proposal(
        row, PolicyAction.REJECT, reason, by=by
    ))  # fmt: skip
    return row


def _note(
    event: str, row: LegalRow, *, by: Actor, reason: str, data: Mapping[str, Any] | None = None
) -> None:
    record_event(
        None, event, f"legal:{row.public_id}", by=by, reason=reason,
        data=_content(row) | {"content_hash": row.content_hash} | dict(data or {}),
    )  # fmt: skip
