"""Related cases, and one case merged into another: said by one person, done by a second.

What was merged keeps all its rows, its custody and its chain, and points to where the work goes on.
The chains of both name the relation alone; its words and its partner are for who sees both.
"""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, CaseRelation
from cases.models.relations import RELATION_KINDS
from cases.policy import Action, Actor, require, require_second_person
from cases.retention import kept_until
from cases.services.audit import record_event
from cases.services.closing import open_ends, require_end_of_decided
from cases.services.errors import CaseworkError, NotFound
from cases.services.locks import enter_case, lock_case
from cases.services.steps import swap_state
from cases.services.validation import require_reason
from cases.states import CASE, OVER_CASES, CaseAction, TaskState
from tracing import reads


@transaction.atomic
def relate_case(case: Case, other: Case, *, kind: str, reason: str, by: Actor) -> CaseRelation:
    """Say that two cases belong together, or that this one is the same matter as the other.

    Raises PermissionDenied, NotFound, CaseworkError.
    """
    mine, theirs = _enter_both(case, other, Action.EDIT_CASE, by=by)
    words = require_reason(reason)
    if kind not in dict(RELATION_KINDS):
        raise CaseworkError(_("Choose how they belong together."))
    if mine.state in OVER_CASES or (kind == "duplicate" and theirs.state in OVER_CASES):
        raise CaseworkError(_("One of these cases is over: reopen it first."))
    relation = CaseRelation(
        case=mine, other=theirs, kind=kind, reason=words, related_by_id=by.person,
        related_at=timezone.now(),
    )  # fmt: skip
    try:
        with transaction.atomic():
            relation.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("This stands there already.")) from error
    # In both chains without the words and the partner: who sees one may not see the other.
    for each in (mine, theirs):
        record_event(each, "relate_case", str(relation.public_id), by=by, data={"kind": kind})
    return relation


@transaction.atomic
def end_relation(relation: CaseRelation, *, reason: str, by: Actor) -> CaseRelation:
    """Take back that two cases belong together; that it was said stays.

    Raises PermissionDenied, CaseworkError where it ended already or a merge rests on it.
    """
    mine, theirs = _enter_both(relation.case, relation.other, Action.EDIT_CASE, by=by)
    words = require_reason(reason)
    if mine.merged_into_id == theirs.pk and relation.kind == "duplicate":
        raise CaseworkError(_("A merge rests on this: it stays."))
    ended = CaseRelation.objects.filter(pk=relation.pk, ended_at=None).update(
        ended_at=timezone.now(), ended_by_id=by.person, ended_reason=words
    )
    if not ended:
        raise CaseworkError(_("This was taken back already."))
    relation.refresh_from_db()
    for each in (mine, theirs):
        record_event(each, "end_relation", str(relation.public_id), by=by)
    return relation


@transaction.atomic
def merge_case(case: Case, *, into: UUID, reason: str, by: Actor) -> Case:
    """Merge the case into another that somebody else called the same matter.

    Its rows stay where they are. A merge ends a case as closing does: who submitted it cannot, and
    where a report, a referral or a freeze was decided only compliance can. Refused while anything
    of it is open: freezes, seizures, requests, referrals on their way, tasks, findings in review,
    traces. Raises PermissionDenied, NotFound, CaseworkError, InvalidTransition.
    """
    require(by, Action.DECIDE_CASE)
    other = Case.objects.visible_to(by).filter(public_id=into).first()
    if other is None:
        raise NotFound(_("There is no such case."))
    mine, theirs = _enter_both(case, other, Action.DECIDE_CASE, by=by)
    words = require_reason(reason)
    relation = CaseRelation.objects.filter(
        case=mine, other=theirs, kind="duplicate", ended_at=None
    ).first()
    if relation is None:
        raise CaseworkError(_("Somebody says first that this is the same matter as that case."))
    require_second_person(by, relation.related_by_id, mine.submitted_by_id)
    require_end_of_decided(mine, by=by)
    if theirs.state in OVER_CASES:
        raise CaseworkError(_("The case that it would be merged into is over: reopen it first."))
    ends = open_ends(mine, by=by)
    if mine.tasks.filter(state=TaskState.OPEN.value, due_at=None).exists():
        ends.append(_("A task is open: finish it, drop it, or write it into the other case."))
    if _has_live_run(mine):
        ends.append(_("A trace of this case is not over or not taken yet: wait, or cancel it."))
    if ends:
        raise CaseworkError(" ".join(ends))
    now = timezone.now()
    swap_state(
        mine, CASE, CaseAction.MERGE, mine.reference, version=F("version") + 1,
        merged_into_id=theirs.pk, merged_by_id=by.person, closed_at=now, closure_reason="merged",
        retention_until=kept_until(mine.case_type, now.date()), held_at=None, resume_on=None,
        escalated_at=None, escalated_by_id=None, escalation_reason="",
    )  # fmt: skip
    mine.refresh_from_db()
    CaseRelation.objects.filter(pk=relation.pk).update(merge_reason=words)
    data = {"said_by": relation.related_by_id}
    for each, event in ((mine, CaseAction.MERGE.value), (theirs, "take_in_case")):
        record_event(each, event, str(relation.public_id), by=by, data=data)
    return mine


def _has_live_run(case: Case) -> bool:
    """Whether a trace still runs, or ended with findings that nobody took yet: 2 queries."""
    open_runs = case.runs.filter(collected_at=None).values_list("run", flat=True)
    states = {view.state for view in reads.runs_by_id(open_runs).values()}
    return bool(states & {"queued", "running", "done"})


def _enter_both(case: Case, other: Case, action: Action, *, by: Actor) -> tuple[Case, Case]:
    """Lock both by ascending number (C4); the right to `action` on the first, to see the second."""
    if case.pk == other.pk:
        raise CaseworkError(_("A case is not related to itself."))
    _require_sight(other, by=by)  # first: what is not there for the actor cannot be locked either
    fresh = {pk: lock_case(pk) for pk in sorted((case.pk, other.pk))}
    mine = enter_case(case.pk, action, by=by)
    _require_sight(other, by=by)  # a wall may have come meanwhile
    return mine, fresh[other.pk]


def _require_sight(other: Case, *, by: Actor) -> None:
    if not Case.objects.visible_to(by).filter(pk=other.pk).exists():
        raise NotFound(_("There is no such case."))
