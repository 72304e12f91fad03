"""Disposal of exhibits: asked for by one person, decided by compliance, never under a legal hold.

What goes are the bytes. The row with its hashes, its custody log and who decided why stay, so that
it can always be said what there was and what became of it.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import acting_as
from cases.files import remove_bytes
from cases.models import Case, Evidence
from cases.policy import SYSTEM, Action, Actor, require_second_person, require_step_up
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.evidence import is_needed, log_custody
from cases.services.locks import enter_case
from cases.services.steps import swap_state
from cases.services.validation import require_reason
from cases.states import EVIDENCE, OVER_CASES, EvidenceAction, EvidenceState, next_state


@transaction.atomic
def request_disposal(evidence: Evidence, *, reason: str, by: Actor) -> Evidence:
    """Ask for the bytes of an exhibit to be destroyed, its time being over.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    case = enter_case(evidence.case_id, Action.REQUEST_DISPOSAL, by=by)
    text = require_reason(reason)
    evidence.refresh_from_db()
    next_state(EVIDENCE, EvidenceState(evidence.state), EvidenceAction.REQUEST_DISPOSAL)
    require_time_over(case)
    swap_state(
        evidence, EVIDENCE, EvidenceAction.REQUEST_DISPOSAL, evidence.exhibit_no,
        disposal_asked_by_id=by.person, disposal_asked_at=timezone.now(),
        disposal_reason=text,
    )  # fmt: skip
    record_event(case, "request_disposal", evidence.exhibit_no, by=by, reason=text)
    return evidence


@transaction.atomic
def dispose_evidence(evidence: Evidence, *, reason: str, by: Actor) -> Evidence:
    """Destroy the bytes as a second person; after the commit, and only if nobody else needs them.

    Raises PermissionDenied, StepUpRequired, CaseworkError, InvalidTransition.
    """
    case = enter_case(evidence.case_id, Action.DISPOSE_EVIDENCE, by=by)
    text = require_reason(reason)
    evidence.refresh_from_db()
    require_second_person(by, evidence.disposal_asked_by_id)
    require_step_up(by)
    next_state(EVIDENCE, EvidenceState(evidence.state), EvidenceAction.DISPOSE)
    require_time_over(case)
    swap_state(
        evidence, EVIDENCE, EvidenceAction.DISPOSE, evidence.exhibit_no,
        disposed_by_id=by.person, disposed_at=timezone.now(),
    )  # fmt: skip
    log_custody(evidence, "dispose", text, evidence.sha256, by=by)
    is_last = not is_needed(evidence.sha256)
    record_event(
        case, "dispose_evidence", evidence.exhibit_no, by=by, reason=text,
        data={"sha256": evidence.sha256, "size": evidence.size, "is_last": is_last},
    )  # fmt: skip
    if is_last:
        transaction.on_commit(lambda: remove_bytes(evidence.sha256))
    return evidence


@transaction.atomic
def keep_evidence(evidence: Evidence, *, reason: str, by: Actor) -> Evidence:
    """Refuse the disposal as a second person: the exhibit stays sealed.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    case = enter_case(evidence.case_id, Action.DISPOSE_EVIDENCE, by=by)
    text = require_reason(reason)
    evidence.refresh_from_db()
    require_second_person(by, evidence.disposal_asked_by_id)
    swap_state(
        evidence, EVIDENCE, EvidenceAction.KEEP, evidence.exhibit_no,
        disposal_asked_by_id=None, disposal_asked_at=None, disposal_reason="",
    )  # fmt: skip
    record_event(case, "keep_evidence", evidence.exhibit_no, by=by, reason=text)
    return evidence


def require_time_over(case: Case) -> None:
    """Raise CaseworkError while a hold or its time keeps the file of this case."""
    if case.legal_hold:
        raise CaseworkError(_("A legal hold stands on this case: nothing of it is disposed of."))
    if case.state not in OVER_CASES or case.retention_until is None:
        raise CaseworkError(_("Only of a closed case, after its time, is anything disposed of."))
    if case.retention_until >= timezone.now().date():
        raise CaseworkError(
            _("This case is kept until %(day)s.") % {"day": case.retention_until.isoformat()}
        )
    with acting_as(SYSTEM):  # where it went may be hidden from the actor, and counts all the same
        if case.merged_into is not None and not _is_time_over(case.merged_into):
            raise CaseworkError(_("What was merged is kept as long as the case that it went into."))


def _is_time_over(case: Case) -> bool:
    """Whether the case, and every one that it was merged into, is held and kept no more."""
    return (
        not case.legal_hold
        and case.state in OVER_CASES
        and case.retention_until is not None
        and case.retention_until < timezone.now().date()
        and (case.merged_into is None or _is_time_over(case.merged_into))
    )
