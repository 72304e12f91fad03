"""Saying that two suspects are one: asserted, reviewed, confirmed, and taken apart again.

Nothing is ever merged: a confirmed link is read on both cards, a refuted one on neither.
"""

from dataclasses import asdict

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, IdentityLink, Suspect
from cases.models.identities import INFORMATION_GRADES, SOURCE_GRADES
from cases.name_matching import NameMatch
from cases.policy import Action, Actor, PermissionDenied, Role, require, require_second_person
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_sentence, require_text
from cases.states import IDENTITY, IdentityAction, IdentityState


@transaction.atomic
def assert_identity(
    suspect: Suspect,
    other: Suspect,
    *,
    basis: str,
    source_grade: str,
    information_grade: str,
    confidence: int,
    match: NameMatch | None = None,
    by: Actor,
) -> IdentityLink:
    """Say that two suspects, of one case or two, are one person, and what it rests on.

    Args:
        match: what a comparison of their names found, kept beside the basis.

    Raises PermissionDenied unless the actor may change the one case and see the other;
    CaseworkError.
    """
    case = enter_case(suspect.case_id, Action.ADD_SUSPECT, by=by)
    if not Suspect.objects.visible_to(by).filter(pk=other.pk).exists():
        raise PermissionDenied("You may not see this suspect.")
    if suspect.pk == other.pk:
        raise CaseworkError(_("Choose another suspect."))
    grades = dict(SOURCE_GRADES), dict(INFORMATION_GRADES)
    if source_grade not in grades[0] or information_grade not in grades[1]:
        raise CaseworkError(_("Grade the source A to X and the information 1 to 4."))
    if not 0 <= confidence <= 100:
        raise CaseworkError(_("Give a confidence from 0 to 100."))
    first, last = sorted((suspect, other), key=lambda each: each.pk)
    link = IdentityLink(
        case=case, suspect=first, other=last,
        basis=require_text(basis, _("Say what the link rests on.")),
        match=asdict(match) if match else {}, source_grade=source_grade,
        information_grade=information_grade, confidence=confidence,
        asserted_by_id=by.person, asserted_at=timezone.now(),
    )  # fmt: skip
    check_fields(link, "basis")
    try:
        with transaction.atomic():
            link.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("A link between these two stands already.")) from error
    record_event(
        case, "assert_identity", f"identity:{link.public_id}", by=by,
        data={"grades": source_grade + information_grade, "confidence": confidence},
    )  # fmt: skip
    return link


@transaction.atomic
def review_identity(link: IdentityLink, *, reason: str, by: Actor) -> IdentityLink:
    """As somebody else: the basis was looked at and can go to a decision.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    case = _enter(link, Action.ADD_SUSPECT, by=by)
    require_second_person(by, link.asserted_by_id)
    return _step(case, link, IdentityAction.REVIEW, reason, by=by, reviewed_by_id=by.person)


@transaction.atomic
def confirm_identity(link: IdentityLink, *, reason: str, by: Actor) -> IdentityLink:
    """As a senior who did not assert it: from now on the two count as one, and stay two rows.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    case = _enter(link, Action.CONFIRM_IDENTITY, by=by)
    require_second_person(by, link.asserted_by_id)
    return _decided(case, link, IdentityAction.CONFIRM, reason, by=by)


@transaction.atomic
def refute_identity(link: IdentityLink, *, reason: str, by: Actor) -> IdentityLink:
    """The two are not one. A confirmed link is taken apart by a senior alone.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    case = _enter(link, Action.ADD_SUSPECT, by=by)
    if link.state == IdentityState.CONFIRMED:
        require(by, Action.CONFIRM_IDENTITY)
    return _decided(case, link, IdentityAction.REFUTE, reason, by=by)


def _enter(link: IdentityLink, action: Action, *, by: Actor) -> Case:
    """Lock the case of the link, and look at it as it is now; both cases must be seen."""
    case = enter_case(link.case_id, action, by=by)
    if by.role != Role.SYSTEM and not (
        IdentityLink.objects.visible_to(by).filter(pk=link.pk).exists()
    ):
        raise PermissionDenied("You may not see both suspects.")
    link.refresh_from_db()
    return case


def _decided(
    case: Case, link: IdentityLink, action: IdentityAction, reason: str, *, by: Actor
) -> IdentityLink:
    return _step(
        case, link, action, reason, by=by,
        decided_by_id=by.person, decided_at=timezone.now(), decision=reason.strip(),
    )  # fmt: skip


def _step(
    case: Case, link: IdentityLink, action: IdentityAction, reason: str, *, by: Actor,
    **fields: object,
) -> IdentityLink:  # fmt: skip
    text = require_sentence(reason)
    swap_state(link, IDENTITY, action, _("this link"), **fields)
    record_event(case, action, f"identity:{link.public_id}", by=by, reason=text)
    return link
