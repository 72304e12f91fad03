"""The audit trail: who did what when, and whether the chain still holds."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from cases.acting import acting_as
from cases.checkpoints import CheckpointError, folder_of_settings, last_checkpoint
from cases.http import AuthedRequest, require_at_the_door
from cases.models import Case
from cases.policy import SYSTEM, Action, Role, may
from cases.queries.audit import audit_trail
from cases.services.audit import Break, VerifyReport
from cases.services.checkpoints import verify_against_checkpoints
from cases.services.verification import altered_contents
from cases.web.events import told
from cases.web.forms_audit import AuditFilterForm


@require_safe
@require_at_the_door(Action.READ_AUDIT, Action.VERIFY_AUDIT)
def audit_list(request: AuthedRequest) -> HttpResponse:
    """Events that the reader may see, filtered, 50 a page: 7 queries."""
    return _page(request, None)


@require_POST
@require_at_the_door(Action.VERIFY_AUDIT)
def audit_verify(request: AuthedRequest) -> HttpResponse:
    """Recompute every chain and every approved content now; a fragment for htmx."""
    with acting_as(SYSTEM):  # every chain, whoever asks; the answer names no more than a place
        try:
            report, _series = verify_against_checkpoints()
        except CheckpointError as error:
            report = VerifyReport(breaks=[Break("", 0, str(error))])
        report.breaks += altered_contents()
    if request.htmx:
        context = _state(request, report)
        return render(request, "cases/audit_state.html", context)
    return _page(request, report)


def _page(request: AuthedRequest, report: VerifyReport | None) -> HttpResponse:
    form = AuditFilterForm(request.GET or None)
    wanted = form.wanted()
    trail = audit_trail(request.actor, wanted, request.GET.get("after", ""))
    keep = request.GET.copy()
    keep.pop("after", None)
    context = {
        "form": form,
        "rows": [(row, told(row.event)) for row in trail.page.rows],
        "page": trail.page,
        "newest": trail.newest,
        "is_filtered": any(keep.values()),
        "keep": keep.urlencode(),
        "may_read": may(request.actor, Action.READ_AUDIT),
        "may_read_lookups": may(request.actor, Action.READ_LOOKUPS),
        "may_manage_webhooks": may(request.actor, Action.MANAGE_WEBHOOKS),
    }
    return render(request, "cases/audit_list.html", context | _state(request, report))


def _state(request: AuthedRequest, report: VerifyReport | None) -> dict[str, object]:
    """What the card of the chain shows; a break in a case one may not see stays unnamed."""
    names = {each.case for each in report.breaks} if report else set()
    cases = Case.objects.visible_to(request.actor).filter(reference__in=names)
    known = set(cases.values_list("reference", flat=True)) if names else set()
    sees_all = request.actor.role in (Role.AUDITOR, Role.ADMIN)
    return {
        "report": report,
        "breaks": [_told(each, sees_all or each.case in known) for each in report.breaks]
        if report
        else [],
        "sees_all": sees_all,
        "may_verify": may(request.actor, Action.VERIFY_AUDIT),
        "checkpoint": last_checkpoint(folder_of_settings()),
    }


def _told(each: Break, is_named: bool) -> Break:
    return each if is_named or not each.case else Break("?", 0, "")


urlpatterns = [
    path("audit/", audit_list, name="audit_list"),
    path("audit/verify/", audit_verify, name="audit_verify"),
]
