"""Conflicts of tags: one person says which side holds, a second one decides; all of it is kept.

A resolution is about the claims that stood side by side when it was proposed. One that is loaded
later opens the conflict again.
"""

import json
from collections.abc import Sequence
from hashlib import sha256

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, TagConflict, Wallet
from cases.policy import Action, Actor, require_second_person
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_sentence, require_text
from cases.states import TAG, TagAction
from tracing import jobs, reads
from tracing.reads import Side

# The words of the audit trail: what happens to a resolution, not to a tag.
EVENTS = {
    TagAction.ACTIVATE: "activate_resolution",
    TagAction.REFUSE: "refuse_resolution",
    TagAction.DISPUTE: "dispute_resolution",
    TagAction.RETRACT: "retract_resolution",
}


@transaction.atomic
def propose_resolution(wallet: Wallet, *, keep: str, reason: str, by: Actor) -> TagConflict:
    """Propose which side of a conflict holds for a wallet's address; nothing counts otherwise yet.

    Args:
        keep: the label of a side; empty where none of them holds.

    Raises PermissionDenied, CaseworkError where the tags agree or somebody proposed before.
    """
    case = enter_case(wallet.case_id, Action.PROPOSE_TAG, by=by)
    sides = reads.sides_of(wallet.ledger, wallet.address)
    if not sides:
        raise CaseworkError(_("The tags of this address do not disagree."))
    if keep and keep not in {side.label for side in sides}:
        raise CaseworkError(_("Choose one of the names that stand side by side."))
    conflict = TagConflict(
        case=case,
        ledger=wallet.ledger,
        address=wallet.address,
        keep=keep,
        sides=[
            [
                side.label, side.category, side.level, side.confidence, side.pack,
                side.pack_sha256, len(side.claims),
            ]
            for side in sides
        ],
        claims_sha256=claims_sha256(sides),
        asked_by_id=by.person,
        asked_at=timezone.now(),
        reason=require_text(reason, _("Give your reason in one sentence.")),
    )  # fmt: skip
    check_fields(conflict, "reason")
    try:
        with transaction.atomic():
            conflict.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("A resolution of this conflict waits for a decision.")) from error
    record_event(
        case, "propose_resolution", f"tag_conflict:{conflict.public_id}", by=by,
        data={"num_sides": len(sides), "claims_sha256": conflict.claims_sha256},
    )  # fmt: skip
    return conflict


@transaction.atomic
def activate_resolution(conflict: TagConflict, *, reason: str, by: Actor) -> TagConflict:
    """As a second person: from now on the other sides count nowhere, and are still shown.

    Raises PermissionDenied; CaseworkError where the tags are not those of the proposal any more;
    InvalidTransition if somebody decided before.
    """
    _decide(conflict, TagAction.ACTIVATE, reason, by=by)
    sides = reads.sides_of(conflict.ledger, conflict.address)
    if claims_sha256(sides) != conflict.claims_sha256:
        raise CaseworkError(
            _("The tags changed since this was proposed: refuse it, and propose it anew.")
        )
    claims = [claim for side in sides if side.label != conflict.keep for claim in side.claims]
    jobs.overrule_claims(conflict.ledger, claims, ruling=conflict.public_id)
    return conflict


@transaction.atomic
def refuse_resolution(conflict: TagConflict, *, reason: str, by: Actor) -> TagConflict:
    """As a second person: the tags go on to disagree. Raises PermissionDenied, CaseworkError."""
    return _decide(conflict, TagAction.REFUSE, reason, by=by)


@transaction.atomic
def retract_resolution(conflict: TagConflict, *, reason: str, by: Actor) -> TagConflict:
    """As a second person: a disputed resolution is taken back for good. Raises as a refusal."""
    return _decide(conflict, TagAction.RETRACT, reason, by=by)


@transaction.atomic
def dispute_resolution(conflict: TagConflict, *, reason: str, by: Actor) -> TagConflict:
    """Doubt a resolution: the tags disagree again until a second person decided.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    case = _enter(conflict, Action.PROPOSE_TAG, by=by)
    text = require_sentence(reason)
    try:
        with transaction.atomic():
            swap_state(
                conflict, TAG, TagAction.DISPUTE, conflict.address, asked_by_id=by.person,
                asked_at=timezone.now(), reason=text, decided_by_id=None, decided_at=None,
                decision="",
            )  # fmt: skip
    except IntegrityError as error:
        raise CaseworkError(_("A resolution of this conflict waits for a decision.")) from error
    jobs.lift_ruling(conflict.public_id)
    _record(case, conflict, TagAction.DISPUTE, text, by=by)
    return conflict


def claims_sha256(sides: Sequence[Side]) -> str:
    """What a decision is bound to: every claim of every side, in one order."""
    claims = sorted([address, label] for side in sides for address, label in side.claims)
    return sha256(json.dumps(claims, separators=(",", ":")).encode()).hexdigest()


def _decide(conflict: TagConflict, action: TagAction, reason: str, *, by: Actor) -> TagConflict:
    case = _enter(conflict, Action.DECIDE_TAG, by=by)
    require_second_person(by, conflict.asked_by_id)
    text = require_sentence(reason)
    swap_state(
        conflict, TAG, action, conflict.address,
        decided_by_id=by.person, decided_at=timezone.now(), decision=text,
    )  # fmt: skip
    _record(case, conflict, action, text, by=by)
    return conflict


def _record(
    case: Case, conflict: TagConflict, action: TagAction, reason: str, *, by: Actor
) -> None:
    record_event(case, EVENTS[action], f"tag_conflict:{conflict.public_id}", by=by, reason=reason)


def _enter(conflict: TagConflict, action: Action, *, by: Actor) -> Case:
    """Lock the case and look at the conflict as it is now: who asked last may have changed."""
    case = enter_case(conflict.case_id, action, by=by)
    conflict.refresh_from_db()
    return case
