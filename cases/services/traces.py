"""Traces of a case: asked for and cancelled here, run by tracing."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, CaseRun, FindingAmount, SharedRelease
from cases.policy import SYSTEM, Action, Actor
from cases.services.audit import record_event
from cases.services.errors import CaseworkError, NotFound
from cases.services.limits import require_room_for_trace
from cases.services.locks import enter_case, lock_case
from cases.states import OVER_CASES, InvalidTransition, ReferralState, ReleaseState
from tracing import jobs, reads
from tracing.jobs import TraceParameters


@transaction.atomic
def queue_trace(case: Case, parameters: TraceParameters, *, by: Actor) -> CaseRun:
    """Put a run of this case in the queue. The same question while it runs gives the same run.

    Raises PermissionDenied, and TooFast where the person has too many that are not over.
    """
    fresh = enter_case(case.pk, Action.QUEUE_TRACE, by=by)
    run = jobs.queue(fresh.public_id, by.person, parameters)
    case_run, created = CaseRun.objects.get_or_create(
        case=fresh,
        run=run.public_id,
        defaults={"requested_by_id": by.user_id, "requested_at": timezone.now()},
    )
    if created:
        require_room_for_trace(by=by)
        record_event(
            fresh, "queue_trace", f"run:{run.public_id}", by=by,
            data={
                "ledger": parameters.ledger,
                "mode": parameters.mode,
                "policy": parameters.policy,
                "params_hash": parameters.params_hash,
            },
        )  # fmt: skip
    return case_run


@transaction.atomic
def cancel_trace(case: Case, run: UUID, *, by: Actor) -> None:
    """Ask a live run to end. Raises InvalidTransition when it has ended, NotFound."""
    fresh = enter_case(case.pk, Action.CANCEL_TRACE, by=by)
    _run_of(fresh, run)
    if not jobs.cancel(run, fresh.public_id):
        raise InvalidTransition("This run has ended already, or was cancelled before.")
    record_event(fresh, "cancel_trace", f"run:{run}", by=by)


@transaction.atomic
def set_lead_run(case: Case, run: UUID, *, by: Actor) -> CaseRun:
    """Make a collected run to the destination the one that the money strip names.

    Raises NotFound, CaseworkError for a run that reached nothing it could name.
    """
    fresh = enter_case(case.pk, Action.QUEUE_TRACE, by=by)
    case_run = _run_of(fresh, run)
    view = reads.run_view(run)
    if case_run.collected_at is None or view is None or view.mode != "destination":
        raise CaseworkError(_("Only a collected run to the destination can lead."))
    if not case_run.is_lead:
        CaseRun.objects.filter(case=fresh, is_lead=True).update(is_lead=False)
        CaseRun.objects.filter(pk=case_run.pk).update(is_lead=True)
        case_run.is_lead = True
        record_event(fresh, "set_lead_run", f"run:{run}", by=by)
    return case_run


def note_stale_traces() -> int:
    """Write into the chain of its case each run that a reorganisation made stale; returns how many.

    Runs twice without harm. Cost: one small file a ledger, then 6 queries a run.
    """
    jobs.mark_stale_runs()
    return sum(_note_stale(stale) for stale in jobs.untold_stale_runs())


@transaction.atomic
def _note_stale(stale: reads.Staleness) -> bool:
    case_run = CaseRun.objects.filter(run=stale.run).first()
    case = lock_case(case_run.case_id) if case_run is not None else None
    if not jobs.mark_stale_told(stale.run):
        return False
    if case is None:
        return False  # a run that no case asked for
    record_event(
        case, "stale_trace", f"run:{stale.run}", by=SYSTEM,
        reason="Blocks that this trace rests on are no longer part of the chain.",
        data={
            "ledger": stale.ledger,
            "fork_height": stale.fork_height,
            "num_blocks": stale.num_blocks,
            "num_transactions": stale.num_transactions,
            "num_gone": stale.num_gone,
        },
    )  # fmt: skip
    return True


@dataclass(frozen=True)
class DriftReport:
    """How many sealed runs are watched, were asked again, and were newly found to drift."""

    num_watched: int
    num_asked: int
    num_noticed: int


def watch_drift(*, pause: float = 0, seconds: float | None = None) -> DriftReport:
    """Ask the sealed runs of open cases and of released findings again, and note what drifted.

    Only runs whose ledger, walls or tags changed since the last look are asked.

    Args:
        pause, seconds: as of `jobs.watch_runs`; without them all are asked now.

    Cost: that of the runs, and few queries where nothing changed.
    """
    watched = set(
        CaseRun.objects.exclude(collected_at=None)
        .exclude(case__state__in=[state.value for state in OVER_CASES])
        .values_list("run", flat=True)
    )
    out = [ReferralState.SENT.value, ReferralState.ACKNOWLEDGED.value]
    watched |= set(
        FindingAmount.objects.filter(finding__referrals__state__in=out, run__isnull=False)
        .values_list("run", flat=True)
        .distinct()
    )
    asked = jobs.watch_runs(watched, pause=pause, seconds=seconds)
    noticed = sum(_note_drift(drift) for drift in jobs.untold_drifts())
    return DriftReport(len(watched), asked, noticed)


def _releases_on(run: UUID) -> list[str]:
    """The numbers of the releases that officers can read and that cite this run: 1 query."""
    rows = SharedRelease.objects.filter(
        state=ReleaseState.SHARED.value, referral__findings__amounts__run=run
    )
    return sorted(set(rows.values_list("number", flat=True)))


@transaction.atomic
def _note_drift(drift: reads.Drift) -> bool:
    case_run = CaseRun.objects.filter(run=drift.run).first()
    case = lock_case(case_run.case_id) if case_run is not None else None
    if not jobs.mark_drift_told(drift.run) or case is None:
        return False
    CaseRun.objects.filter(run=drift.run).update(drifted_at=drift.noticed_at)
    record_event(
        case, "drifted_trace", f"run:{drift.run}", by=SYSTEM,
        reason="Asked again today, this trace concludes something else.",
        data={
            "ledger": drift.ledger,
            "height": drift.height,
            "num_conclusions": drift.num_conclusions,
            "num_moved": drift.num_moved,
            "releases": _releases_on(drift.run),
        },
    )  # fmt: skip
    return True


def _run_of(case: Case, run: UUID) -> CaseRun:
    case_run: CaseRun | None = CaseRun.objects.filter(case=case, run=run).first()
    if case_run is None:
        raise NotFound(_("This case has no such run."))
    return case_run
