"""Traces of a case: the list, a new one, its live progress, its result and seal."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.http import AuthedRequest, casework
from cases.models import Case
from cases.policy import Action, may
from cases.queries import breakpoints
from cases.queries import traces as queries
from cases.queries.cases import may_change
from cases.queries.watches import watch_of
from cases.services.errors import CaseworkError
from cases.services.traces import cancel_trace, queue_trace, set_lead_run
from cases.web.forms_traces import MatcherForm, TraceForm
from cases.web.shell import get_case, render_case
from tracing import reads

STOP_POLLING = 286  # htmx ends its polling at this status


@require_safe
@casework
def case_traces(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    context = {"rows": queries.case_runs(case)}
    return render_case(request, "cases/trace_tab.html", case, "case_traces", context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def trace_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    """The form; `action=estimate` shows the cost, any other post starts the run."""
    case = get_case(request, case_id)
    if request.method != "POST":
        shown = {"seed_wallets": request.GET.getlist("wallet")}
        return _form(request, case, TraceForm(case=case, initial=shown))
    form = TraceForm(request.POST, case=case)
    if not form.is_valid() or request.POST.get("action") == "estimate":
        return _form(request, case, form)
    try:
        run = queue_trace(case, form.cleaned_data["parameters"], by=request.actor)
    except CaseworkError as error:
        form.add_error(None, str(error))
        return _form(request, case, form)
    return redirect("trace_detail", case.public_id, run.run)


@require_safe
@casework
def trace_detail(request: AuthedRequest, case_id: UUID, run_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    row = _row(case, run_id)
    if request.headers.get("HX-Request"):
        return _progress(request, row)
    report = queries.report_of(row.case_run) if row.view.is_done else None
    context = {
        "row": row,
        "watch": watch_of(request.actor, "run", run_id),
        "report": report,
        "stale": reads.stale_runs([run_id]).get(run_id) if row.view.is_stale else None,
        "drift": reads.drifts([run_id]).get(run_id),
        **(queries.page_of(report.groups, request.GET.get("page", "")) if report else {}),
        "partial": [] if row.view.is_done else queries.partial_of(row),
        "unit": report.unit if report else queries.partial_unit(row),
        "may_cancel": may(request.actor, Action.CANCEL_TRACE),
        "may_trace": may(request.actor, Action.QUEUE_TRACE),
    }
    return render_case(request, "cases/trace_page.html", case, "case_traces", context)


@require_safe
@casework
def trace_ends(request: AuthedRequest, case_id: UUID, run_id: UUID, number: int) -> HttpResponse:
    """The outputs behind one row of the ends; `number` is its place in the sealed result."""
    case = get_case(request, case_id)
    row = _row(case, run_id)
    report = queries.report_of(row.case_run)
    if report is None or not 1 <= number <= len(report.groups):
        raise Http404
    group = report.groups[number - 1]
    context = {"row": row, "report": report, "group": group, "unit": report.unit}
    return render_case(request, "cases/trace_ends.html", case, "case_traces", context)


@require_safe
@casework
def trace_breaks(request: AuthedRequest, case_id: UUID, run_id: UUID) -> HttpResponse:
    """Where funds entered a swap service, and what arrived at our exchange that fits."""
    case = get_case(request, case_id)
    row = _row(case, run_id)
    form = MatcherForm(request.GET or None)
    found = breakpoints.break_points(run_id, form.matcher)
    if found is None:
        raise Http404
    context = {
        "row": row,
        "form": form,
        "matcher": form.matcher,
        "found": found,
        "moments": breakpoints.MOMENTS,
    }
    status = 422 if form.errors else 200
    return render_case(
        request, "cases/trace_breaks.html", case, "case_traces", context, status=status
    )


@require_POST
@casework
def trace_cancel(request: AuthedRequest, case_id: UUID, run_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    row = _row(case, run_id)
    cancel_trace(case, row.case_run.run, by=request.actor)
    messages.info(request, _("The run ends at its next safe point."))
    return redirect("trace_detail", case.public_id, row.case_run.run)


@require_POST
@casework
def trace_lead(request: AuthedRequest, case_id: UUID, run_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    row = _row(case, run_id)
    set_lead_run(case, row.case_run.run, by=request.actor)
    messages.success(request, _("The sums of this case now follow this trace."))
    return redirect("trace_detail", case.public_id, row.case_run.run)


@require_POST
@casework
def trace_verify(request: AuthedRequest, case_id: UUID, run_id: UUID) -> HttpResponse:
    """Compute the hash of the stored result again and compare it with the seal."""
    case = get_case(request, case_id)
    row = _row(case, run_id)
    if reads.verify_result(row.case_run.run):
        messages.success(request, _("Identical: the stored result has the hash in its seal."))
    else:
        messages.error(request, _("Not identical: the stored result differs from its seal."))
    return redirect("trace_detail", case.public_id, row.case_run.run)


@require_safe
@casework
def trace_list(request: AuthedRequest) -> HttpResponse:
    page = queries.trace_list(request.actor, request.GET.get("after", ""))
    return render(request, "cases/trace_list.html", {"page": page})


def _row(case: Case, run_id: UUID) -> queries.RunRow:
    row = queries.run_row(case, run_id)
    if row is None:
        raise Http404
    return row


def _form(request: AuthedRequest, case: Case, form: TraceForm) -> HttpResponse:
    estimate = form.cleaned_data.get("estimate") if form.is_bound and not form.errors else None
    context = {"form": form, "estimate": estimate, "nodes": reads.followed_nodes()}
    status = 422 if form.errors else 200
    return render_case(request, "cases/trace_form.html", case, "case_traces", context, status)


def _progress(request: AuthedRequest, row: queries.RunRow) -> HttpResponse:
    """The live panel alone; the last answer ends the polling and loads the page with the result."""
    context = {
        "row": row,
        "case": row.case_run.case,
        "partial": queries.partial_of(row),
        "may_cancel": may(request.actor, Action.CANCEL_TRACE)
        and may_change(row.case_run.case, request.actor),
    }
    response = render(request, "cases/trace_progress.html", context)
    if row.is_over:
        response.status_code = STOP_POLLING
        response["HX-Refresh"] = "true"
    return response


urlpatterns = [
    path("traces/", trace_list, name="trace_list"),
    path("cases/<uuid:case_id>/traces/", case_traces, name="case_traces"),
    path("cases/<uuid:case_id>/traces/new/", trace_new, name="trace_new"),
    path("cases/<uuid:case_id>/traces/<uuid:run_id>/", trace_detail, name="trace_detail"),
    path(
        "cases/<uuid:case_id>/traces/<uuid:run_id>/ends/<int:number>/",
        trace_ends,
        name="trace_ends",
    ),
    path("cases/<uuid:case_id>/traces/<uuid:run_id>/breaks/", trace_breaks, name="trace_breaks"),
    path("cases/<uuid:case_id>/traces/<uuid:run_id>/cancel/", trace_cancel, name="trace_cancel"),
    path("cases/<uuid:case_id>/traces/<uuid:run_id>/lead/", trace_lead, name="trace_lead"),
    path("cases/<uuid:case_id>/traces/<uuid:run_id>/verify/", trace_verify, name="trace_verify"),
]
