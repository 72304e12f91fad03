"""The end of a report, its time being over: asked for by one person, decided by another.

What goes are its words, its file and everything about the people in it. Its number, its hashes, who
decided what, and its chain stay, where they always were: nothing else tells of it.
"""

from datetime import date

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import acting_as
from cases.models import SuspicionReport
from cases.policy import SYSTEM, Action, Actor, require_second_person, require_step_up
from cases.retention import kept_until
from cases.services.disposal import require_time_over
from cases.services.errors import CaseworkError
from cases.services.reports.chain import advance_report, enter_report, record_report_event
from cases.services.steps import swap_state
from cases.services.validation import require_reason
from cases.states import REPORT, ReportAction, ReportState, next_state


def report_kept_until(report: SuspicionReport) -> date | None:
    """The last day on which a filed report and what supports it must be there."""
    if report.filed_at is None:
        return None
    return kept_until(report.case.case_type, report.filed_at.date())


def is_time_over(report: SuspicionReport) -> bool:
    """Whether the report's own time is over; its case, a hold or a later report may keep it."""
    until = report_kept_until(report)
    return until is not None and until < timezone.now().date()


@transaction.atomic
def request_report_disposal(report: SuspicionReport, *, reason: str, by: Actor) -> SuspicionReport:
    """Ask for the end of a filed report. Raises PermissionDenied, CaseworkError, InvalidTransition.

    Nothing is destroyed before a second person decides.
    """
    fresh = enter_report(report, Action.DISPOSE_REPORT, by=by)
    text = require_reason(reason)
    next_state(REPORT, ReportState(fresh.state), ReportAction.REQUEST_DISPOSAL)
    _require_over(fresh)
    advance_report(
        fresh, ReportAction.REQUEST_DISPOSAL, by=by, reason=text, disposal_reason=text,
        disposal_asked_by_id=by.person, disposal_asked_at=timezone.now(),
    )  # fmt: skip
    return fresh


@transaction.atomic
def dispose_report(report: SuspicionReport, *, reason: str, by: Actor) -> SuspicionReport:
    """Destroy what the report says, as a second person.

    Raises PermissionDenied, StepUpRequired, CaseworkError under a hold or before the time is over,
    InvalidTransition.
    """
    fresh = enter_report(report, Action.DISPOSE_REPORT, by=by)
    text = require_reason(reason)
    require_second_person(by, fresh.disposal_asked_by_id)
    require_step_up(by)
    next_state(REPORT, ReportState(fresh.state), ReportAction.DISPOSE)
    _require_over(fresh)
    told = {"content_hash": fresh.content_hash, "num_subjects": fresh.subjects.count()}
    old, new = swap_state(
        fresh, REPORT, ReportAction.DISPOSE, fresh.reference,
        file="", reason="", action="", indicators=[], facts={}, losses=[],
        disposed_by_id=by.person, disposed_at=timezone.now(),
    )  # fmt: skip
    fresh.subjects.all().delete()
    fresh.records.clear()
    fresh.alerts.clear()
    fresh.acknowledgements.update(file="", errors=[])
    record_report_event(
        fresh, ReportAction.DISPOSE.value, by=by, reason=text,
        data={"from": old.value, "to": new.value, **told},
    )  # fmt: skip
    return fresh


@transaction.atomic
def keep_report(report: SuspicionReport, *, reason: str, by: Actor) -> SuspicionReport:
    """Refuse the disposal as a second person: the report stays as it was filed.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    fresh = enter_report(report, Action.DISPOSE_REPORT, by=by)
    text = require_reason(reason)
    require_second_person(by, fresh.disposal_asked_by_id)
    advance_report(
        fresh, ReportAction.KEEP, by=by, reason=text, disposal_reason="",
        disposal_asked_by_id=None, disposal_asked_at=None,
    )  # fmt: skip
    return fresh


def _require_over(report: SuspicionReport) -> None:
    """Its own time, that of its case, and that of whatever rests on it."""
    until = report_kept_until(report)
    if until is None or not is_time_over(report):
        raise CaseworkError(
            _("This report is kept until %(day)s.") % {"day": until.isoformat() if until else "-"}
        )
    require_time_over(report.case)
    with acting_as(SYSTEM):  # a later report may be hidden from the actor, and counts all the same
        later = SuspicionReport.objects.filter(follows=report).exclude(state=ReportState.DISPOSED)
        if later.exists():
            raise CaseworkError(_("A report that follows this one is kept: so is this one."))
