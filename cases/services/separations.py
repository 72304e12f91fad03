"""Separations: one person says that two clusters are two owners', a second one decides.

While it is in force no transaction joins the two, for everybody who asks for a cluster. One person
alone ends nothing: a disputed separation holds until a second person has taken it back.
"""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, Separation, Wallet
from cases.policy import Action, Actor, require_second_person
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_sentence, require_text
from cases.states import TAG, TagAction, TagState
from tracing import jobs, reads

# The words of the audit trail: what happens to a separation, not to a tag.
EVENTS = {
    TagAction.ACTIVATE: "activate_separation",
    TagAction.REFUSE: "refuse_separation",
    TagAction.DISPUTE: "dispute_separation",
    TagAction.RETRACT: "retract_separation",
}


@transaction.atomic
def propose_separation(
    wallet: Wallet, *, other: str, reason: str, basis: str, by: Actor
) -> Separation:
    """Propose that a wallet's address and another one are two owners'; nothing changes yet.

    Args:
        other: an address that the wallet's ledger has seen; each stands for its cluster.
        basis: what it rests on, such as a document or somebody's word.

    Raises PermissionDenied; CaseworkError for the same or an unknown address, on a ledger of
    accounts, and where it was said of these two before.
    """
    case = enter_case(wallet.case_id, Action.PROPOSE_SEPARATION, by=by)
    text = _canonical(other)
    if text == wallet.address:
        raise CaseworkError(_("Name another address than the wallet's own."))
    first, second = sorted([wallet.address, text])
    separation = Separation(
        case=case,
        ledger=wallet.ledger,
        first=first,
        second=second,
        joins=_joins(wallet.ledger, first, second),
        basis=require_text(basis, _("Say what it rests on.")),
        asked_by_id=by.person,
        asked_at=timezone.now(),
        reason=require_text(reason, _("Give your reason in one sentence.")),
    )
    check_fields(separation, "reason", "basis")
    try:
        with transaction.atomic():
            separation.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("These two are held apart, or it waits for a decision.")) from error
    record_event(
        case, "propose_separation", f"separation:{separation.public_id}", by=by,
        data={"joins": separation.joins},
    )  # fmt: skip
    return separation


@transaction.atomic
def activate_separation(separation: Separation, *, reason: str, by: Actor) -> Separation:
    """As a second person: from now on no transaction joins the two; a dispute of it is over.

    Raises PermissionDenied; CaseworkError where other transactions join them than when it was
    proposed; InvalidTransition if somebody decided before.
    """
    case = _enter(separation, Action.DECIDE_SEPARATION, by=by)
    is_new = separation.state == TagState.PROPOSED
    _decide(case, separation, TagAction.ACTIVATE, reason, by=by)
    if is_new:
        pair = (separation.first, separation.second)
        if _joins(separation.ledger, *pair) != separation.joins:
            raise CaseworkError(
                _("What joins the two changed since this was proposed: refuse it, propose it anew.")
            )
        jobs.hold_apart(separation.ledger, pair, ruling=separation.public_id)
    return separation


@transaction.atomic
def refuse_separation(separation: Separation, *, reason: str, by: Actor) -> Separation:
    """As a second person: the clusters stay as they are. Raises PermissionDenied, CaseworkError."""
    case = _enter(separation, Action.DECIDE_SEPARATION, by=by)
    return _decide(case, separation, TagAction.REFUSE, reason, by=by)


@transaction.atomic
def retract_separation(separation: Separation, *, reason: str, by: Actor) -> Separation:
    """As a second person: a disputed separation is taken back for good. Raises as a refusal."""
    case = _enter(separation, Action.DECIDE_SEPARATION, by=by)
    _decide(case, separation, TagAction.RETRACT, reason, by=by)
    jobs.join_again(separation.public_id)
    return separation


@transaction.atomic
def dispute_separation(separation: Separation, *, reason: str, by: Actor) -> Separation:
    """Doubt a separation: it holds on until a second person decided.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    case = _enter(separation, Action.PROPOSE_SEPARATION, by=by)
    text = require_sentence(reason)
    swap_state(
        separation, TAG, TagAction.DISPUTE, separation.first, asked_by_id=by.person,
        asked_at=timezone.now(), reason=text, decided_by_id=None, decided_at=None, decision="",
    )  # fmt: skip
    _record(case, separation, TagAction.DISPUTE, text, by=by)
    return separation


def _decide(
    case: Case, separation: Separation, action: TagAction, reason: str, *, by: Actor
) -> Separation:
    require_second_person(by, separation.asked_by_id)
    text = require_sentence(reason)
    swap_state(
        separation, TAG, action, separation.first,
        decided_by_id=by.person, decided_at=timezone.now(), decision=text,
    )  # fmt: skip
    _record(case, separation, action, text, by=by)
    return separation


def _record(
    case: Case, separation: Separation, action: TagAction, reason: str, *, by: Actor
) -> None:
    about = f"separation:{separation.public_id}"
    record_event(case, EVENTS[action], about, by=by, reason=reason)


def _enter(separation: Separation, action: Action, *, by: Actor) -> Case:
    """Lock the case and look at it as it is now: who asked last may have changed."""
    case = enter_case(separation.case_id, action, by=by)
    separation.refresh_from_db()
    return case


def _canonical(text: str) -> str:
    """The address as ledgers write it."""
    try:
        return reads.parse_address(require_text(text, _("Name the other address."))).canonical
    except reads.AddressError as error:
        raise CaseworkError(_("This is no address: %(reason)s") % {"reason": error}) from None


def _joins(ledger: str, first: str, second: str) -> list[list[object]]:
    try:
        return [[txid, both] for txid, both in reads.joins_of(ledger, first, second)]
    except reads.LedgerError as error:
        raise CaseworkError(_("Not possible here: %(why)s.") % {"why": error}) from None
