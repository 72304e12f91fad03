"""What still stands in the way of closing a case, in sentences."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from cases.models import Case, FreezeRequest, OutboundRequest, Seizure, SuspicionReport
from cases.policy import Action, Actor, PermissionDenied, Role, may
from cases.states import (
    SENT_REPORT_STATES,
    FindingState,
    FreezeState,
    OutboundState,
    ReferralState,
    RequestState,
    SeizureState,
    TaskState,
)

ENDED_FREEZES = (
    FreezeState.DRAFT, FreezeState.REJECTED, FreezeState.CANCELLED, FreezeState.LAPSED,
    FreezeState.CLOSED,
)  # fmt: skip
ENDED_SEIZURES = (SeizureState.TRANSFERRED, SeizureState.FAILED, SeizureState.REJECTED)
ENDED_REQUESTS = (
    RequestState.RELEASED, RequestState.NO_MATCH, RequestState.REFUSED, RequestState.CLOSED,
)  # fmt: skip
ENDED_OUTBOUND = (OutboundState.ANSWERED, OutboundState.CLOSED, OutboundState.WITHDRAWN)
MOVING_REFERRALS = (
    ReferralState.REDACTION, ReferralState.APPROVED, ReferralState.CLEARED, ReferralState.PACKAGED,
)  # fmt: skip


def require_end_of_decided(case: Case, *, by: Actor) -> None:
    """Raise PermissionDenied unless this person may end a case for which this was decided."""
    if set(case.decisions) - {"no_action"} and by.role != Role.COMPLIANCE:
        raise PermissionDenied("Only compliance closes a case with a report, referral or freeze.")


def open_ends(case: Case, *, by: Actor) -> list[str]:
    """Why the case cannot be closed yet, one sentence each: 7 queries, 8 with reports.

    Of suspicion reports only to those who may see them: for all others they do not exist (P1).
    """
    return list(_open_ends(case, by))


def _open_ends(case: Case, by: Actor) -> Iterator[str]:
    if FreezeRequest.objects.filter(case=case).exclude(state__in=ENDED_FREEZES).exists():
        yield _("A freeze of this case still lives: it has to end first.")
    if Seizure.objects.filter(freeze__case=case).exclude(state__in=ENDED_SEIZURES).exists():
        yield _("A seizure of this case has not come to its end.")
    tasks = case.tasks.filter(state=TaskState.OPEN.value, due_at__isnull=False)
    if title := tasks.order_by("due_at").values_list("title", flat=True).first():
        yield _("A deadline is open: %(title)s") % {"title": title}
    requests = case.requests.exclude(state__in=ENDED_REQUESTS)
    if reference := requests.order_by("due_at").values_list("reference", flat=True).first():
        yield _("The request %(reference)s is not answered.") % {"reference": reference}
    asked = OutboundRequest.objects.filter(case=case).exclude(state__in=ENDED_OUTBOUND)
    if reference := asked.order_by("due_on").values_list("reference", flat=True).first():
        yield _("What we ask others is open: %(reference)s.") % {"reference": reference}
    if case.findings.filter(state=FindingState.SUBMITTED.value).exists():
        yield _("A finding of this case still waits for its review.")
    if case.referrals.filter(state__in=MOVING_REFERRALS).exists():
        yield _("A referral of this case is on its way: send it or take it back.")
    if may(by, Action.VIEW_REPORT):
        reports = list(SuspicionReport.objects.filter(case=case).values_list("state", flat=True))
        if any(state not in SENT_REPORT_STATES for state in reports):
            yield _("A report of this case is not filed.")
        if "report" in case.decisions and not reports:
            yield _("The case was decided for a report: file it, or take the case up again.")
