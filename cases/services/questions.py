"""Questions about one thing in a release: asked by an officer, answered once by the house.

An answer that tells of a person is sent by two people: one proposes the words, another agrees.
"""

import json
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.dossier import from_json
from cases.models import AnswerProposal, Referral, ReleaseQuestion, SuspectName
from cases.policy import Action, Actor, require, require_step_up
from cases.services.audit import record_event
from cases.services.dossier_words import names_any
from cases.services.dossiers import accounts_of, refuse_words
from cases.services.errors import CaseworkError
from cases.services.liaison import open_grant
from cases.services.locks import enter_case, lock_case
from cases.services.validation import require_text
from cases.states import InvalidTransition

LONGEST = 4_000
MOST_OPEN = 20
"""Questions of one officer on one release that may wait at once."""


@transaction.atomic
def ask_about_release(public_id: UUID, *, about: str, text: str, by: Actor) -> ReleaseQuestion:
    """Ask about one numbered thing of a release that is open to the officer, or about all of it.

    Raises PermissionDenied, NotFound where no grant is open, CaseworkError.
    """
    grant = open_grant(public_id, by)
    lock_case(grant.release.referral.case_id)
    require(by, Action.ASK_ABOUT_RELEASE)
    grant = open_grant(public_id, by)  # it may have ended while we waited
    words = require_text(text, _("Write your question."))
    if len(words) > LONGEST:
        raise CaseworkError(_("A question has at most %(n)d characters.") % {"n": LONGEST})
    if about and about not in numbers_in(grant.release.dossier):
        raise CaseworkError(_("This release has nothing of this number."))
    if ReleaseQuestion.objects.filter(grant=grant, answered_at=None).count() >= MOST_OPEN:
        raise CaseworkError(_("Many of your questions wait: let us answer those first."))
    question: ReleaseQuestion = ReleaseQuestion.objects.create(
        release=grant.release, grant=grant, about=about, text=words, asked_at=timezone.now()
    )
    referral = grant.release.referral
    record_event(
        referral.case, "ask_about_release", referral.reference, by=by,
        data={"release": grant.release.number, "about": about, "question": question.pk},
    )  # fmt: skip
    return question


def numbers_in(dossier: str) -> list[str]:
    """The numbers of everything in a sealed dossier that can be asked about, in its order."""
    found = from_json(json.loads(dossier))
    numbers = [each.number for each in found.findings]
    numbers += [each.number for each in found.suspects]
    numbers += [each.number for each in found.wallets]
    numbers += [each.number for each in found.freezes]
    numbers += [each.number for each in found.customers]
    numbers += [each.number for each in found.exhibits]
    return numbers + [each.number for each in found.runs]


@transaction.atomic
def answer_question(
    question: ReleaseQuestion, *, text: str, has_personal: bool = False, by: Actor
) -> ReleaseQuestion:
    """Answer once, in words that may leave the house as a release may.

    Where they tell of a person or an account, by `has_personal` or because they name one of the
    case, they wait until a second person answers the very same; other words are proposed in turn.
    Raises PermissionDenied, StepUpRequired, CaseworkError, InvalidTransition where it is answered.
    """
    referral = question.release.referral
    case = enter_case(referral.case_id, Action.ANSWER_QUESTION, by=by)
    require_step_up(by)
    words = require_text(text, _("Write the answer."))
    if len(words) > LONGEST:
        raise CaseworkError(_("An answer has at most %(n)d characters.") % {"n": LONGEST})
    refuse_words(referral, words)
    now = timezone.now()
    question.refresh_from_db()
    proposed = AnswerProposal.objects.filter(question=question)
    needs_two = has_personal or names_a_person(referral, words) or proposed.exists()
    is_seconded = proposed.filter(text=words).exclude(by_id=by.person).exists()
    if question.answered_at is None and needs_two and not is_seconded:
        AnswerProposal.objects.create(question=question, text=words, by_id=by.person, at=now)
        record_event(
            case, "propose_answer", referral.reference, by=by,
            data={"release": question.release.number, "question": question.pk},
        )  # fmt: skip
        return question
    waiting = ReleaseQuestion.objects.filter(pk=question.pk, answered_at=None)
    if not waiting.update(answer=words, answered_by_id=by.person, answered_at=now):
        raise InvalidTransition(_("Somebody answered this question already."))
    record_event(
        case, "answer_question", referral.reference, by=by,
        data={"release": question.release.number, "question": question.pk, "by_two": needs_two},
    )  # fmt: skip
    question.refresh_from_db()
    return question


def names_a_person(referral: Referral, words: str) -> bool:
    """Whether the words name a suspect, an account holder or an account of the case: 3 queries."""
    people = SuspectName.objects.filter(suspect__case_id=referral.case_id)
    accounts = list(accounts_of(referral))
    named = [*people.values_list("full", flat=True), *(each.holder_name for each in accounts)]
    return names_any(words, [each for each in named if each]) or any(
        each.masked in words for each in accounts
    )
