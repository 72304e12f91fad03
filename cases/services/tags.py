"""Tags of the house: proposed with a source, decided by a second person, open to dispute."""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, HouseTag, Wallet
from cases.policy import Action, Actor, require_second_person
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_sentence, require_text
from cases.states import TAG, TagAction
from tracing import jobs

LEVELS = ("ownership", "forensic_investigation", "authority_data", "forensic", "heuristic")
"""Confidence that people of a house may give, of the TagPack levels."""
CATEGORIES = (
    "exchange", "wallet_service", "payment_processor", "market", "mixing_service", "gambling",
    "coinswap_exchange", "scam", "ransomware", "child_sexual_abuse", "hosting", "defi", "user",
)  # fmt: skip
"""Concepts offered, of the taxonomy of tags."""


@transaction.atomic
def propose_tag(
    wallet: Wallet,
    *,
    label: str,
    category: str,
    confidence: str,
    source: str,
    reason: str,
    by: Actor,
) -> HouseTag:
    """Propose what the house should say of a wallet's address; nothing shows it as a tag yet.

    Args:
        category: a concept of the taxonomy; source: where one can check it.

    Raises PermissionDenied, CaseworkError.
    """
    case = enter_case(wallet.case_id, Action.PROPOSE_TAG, by=by)
    if confidence not in LEVELS:
        raise CaseworkError(_("Choose the confidence from the list."))
    if category not in CATEGORIES:
        raise CaseworkError(_("Choose the category from the list."))
    tag = HouseTag(
        case=case,
        ledger=wallet.ledger,
        address=wallet.address,
        label=require_text(label, _("Say whose address it is.")),
        category=category,
        confidence=confidence,
        source=require_text(source, _("Say where this can be checked.")),
        reason=require_text(reason, _("Give your reason in one sentence.")),
        asked_by_id=by.person,
        asked_at=timezone.now(),
    )
    check_fields(tag, "label", "source", "reason")
    try:
        with transaction.atomic():
            tag.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("This label stands on this address already.")) from error
    record_event(
        case, "propose_tag", f"tag:{tag.public_id}", by=by,
        data={"category": category, "confidence": confidence},
    )  # fmt: skip
    return tag


@transaction.atomic
def activate_tag(tag: HouseTag, *, reason: str, by: Actor) -> HouseTag:
    """As a second person: from now on the tag stands among all others of its address.

    Raises PermissionDenied, CaseworkError, InvalidTransition if somebody decided before.
    """
    return _decide(tag, TagAction.ACTIVATE, reason, by=by)


@transaction.atomic
def refuse_tag(tag: HouseTag, *, reason: str, by: Actor) -> HouseTag:
    """As a second person: the proposal ends. Raises as `activate_tag`."""
    return _decide(tag, TagAction.REFUSE, reason, by=by)


@transaction.atomic
def retract_tag(tag: HouseTag, *, reason: str, by: Actor) -> HouseTag:
    """As a second person: a disputed tag is taken back for good. Raises as `activate_tag`."""
    return _decide(tag, TagAction.RETRACT, reason, by=by)


@transaction.atomic
def dispute_tag(tag: HouseTag, *, reason: str, by: Actor) -> HouseTag:
    """Doubt an active tag: it is no longer told of its address until a second person decided.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    case = _enter(tag, Action.PROPOSE_TAG, by=by)
    text = require_sentence(reason)
    swap_state(
        tag, TAG, TagAction.DISPUTE, tag.label, asked_by_id=by.person, asked_at=timezone.now(),
        reason=text, decided_by_id=None, decided_at=None, decision="",
    )  # fmt: skip
    if tag.published is not None:
        jobs.withdraw_tag(tag.published)
    record_event(case, TagAction.DISPUTE, f"tag:{tag.public_id}", by=by, reason=text)
    return tag


def _decide(tag: HouseTag, action: TagAction, reason: str, *, by: Actor) -> HouseTag:
    case = _enter(tag, Action.DECIDE_TAG, by=by)
    require_second_person(by, tag.asked_by_id)
    text = require_sentence(reason)
    swap_state(
        tag, TAG, action, tag.label,
        decided_by_id=by.person, decided_at=timezone.now(), decision=text,
    )  # fmt: skip
    if action == TagAction.ACTIVATE:
        names = ("ledger", "address", "label", "category", "confidence", "source")
        words = {name: getattr(tag, name) for name in names}
        tag.published = jobs.publish_tag(jobs.HouseTag(**words))
        tag.save(update_fields=["published"])
    record_event(case, action, f"tag:{tag.public_id}", by=by, reason=text)
    return tag


def _enter(tag: HouseTag, action: Action, *, by: Actor) -> Case:
    """Lock the case and look at the tag as it is now: who asked last may have changed."""
    case = enter_case(tag.case_id, action, by=by)
    tag.refresh_from_db()
    return case
