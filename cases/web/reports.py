"""Suspicion reports. To people without the right these addresses do not exist (P1)."""

import re
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.exports.suspicion.profiles import PROFILES, load_profile
from cases.http import AuthedRequest, require_at_the_door
from cases.models import SuspicionReport
from cases.models.reports import FOLLOWING
from cases.policy import Action, PermissionDenied, StepUpRequired, may
from cases.queries import reports as queries
from cases.queries.cases import may_change
from cases.queries.money import CURRENCY
from cases.services import reports as services
from cases.services.errors import CaseworkError
from cases.services.limits import take_export
from cases.services.reports.content import missing
from cases.services.uploads import require_clean
from cases.states import (
    REPORT,
    SENT_REPORT_STATES,
    InvalidTransition,
    ReportAction,
    ReportState,
)
from cases.web.acts import Act, Fact, needs_code, perform, why_not
from cases.web.forms_reports import (
    AcknowledgementForm,
    AnswersForm,
    NewReportForm,
    ReportForm,
    SubjectForm,
)
from cases.web.shell import get_case, offered_to_readers, render_case

viewers = require_at_the_door(Action.VIEW_REPORT)
TAB = "case_reports"
LOOK = "read_report"
ACTS = {
    "return": (ReportAction.RETURN, Action.REVIEW_REPORT),
    "approve": (ReportAction.APPROVE, Action.APPROVE_REPORT),
    "file": (ReportAction.FILE, Action.FILE_REPORT),
    "ask": (ReportAction.REQUEST_DISPOSAL, Action.DISPOSE_REPORT),
    "dispose": (ReportAction.DISPOSE, Action.DISPOSE_REPORT),
    "keep": (ReportAction.KEEP, Action.DISPOSE_REPORT),
}
OUT = (ReportState.APPROVED, ReportState.FILED, ReportState.DISPOSAL_REQUESTED)
CLOSED = (*OUT, ReportState.DISPOSED)
BY_REASON = {
    "return": services.return_report,
    "ask": services.request_report_disposal,
    "dispose": services.dispose_report,
    "keep": services.keep_report,
}


def _get(request: AuthedRequest, report_id: UUID) -> SuspicionReport:
    found: SuspicionReport = get_object_or_404(
        queries.report_for_page(request.actor), public_id=report_id
    )
    return found


def _quietly(do: Callable[[], object]) -> str:
    """Do it; "" or why it was refused. A refusal here goes into no chain that others read."""
    try:
        do()
    except StepUpRequired:
        raise
    except (CaseworkError, InvalidTransition, PermissionDenied) as error:
        return str(error)
    return ""


@require_safe
@viewers
def report_list(request: AuthedRequest) -> HttpResponse:
    page = queries.report_list(request.actor, request.GET.get("after", ""))
    context = {
        "page": page, "nav": "report", "may_answer": may(request.actor, Action.FILE_REPORT),
    }  # fmt: skip
    return render(request, "cases/report_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@viewers
def report_answers(request: AuthedRequest) -> HttpResponse:
    """The form for a receiver's list of answers, and after it what became of each line."""
    if not may(request.actor, Action.FILE_REPORT):
        raise Http404
    is_sent = request.method == "POST"
    form = AnswersForm(request.POST, request.FILES) if is_sent else AnswersForm()
    context: dict[str, object] = {"form": form, "columns": services.COLUMNS, "nav": "report"}
    if is_sent and form.is_valid():
        upload = form.cleaned_data["file"]
        rows: list[services.ImportedAnswer] = []

        def take() -> None:
            require_clean(upload)
            content = upload.read(services.MOST_BYTES + 1)
            rows.extend(services.import_answers(content, by=request.actor))

        refused = _quietly(take)
        if refused:
            form.add_error(None, refused)
        else:
            context |= {
                "rows": rows, "num_kept": sum(row.answer is not None and not row.is_known
                                              for row in rows),
            }  # fmt: skip
    status = 422 if form.errors else 200
    return render(request, "cases/report_answers.html", context, status=status)


@require_safe
@viewers
def case_reports(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    context = {"rows": queries.case_reports(case, request.actor)}
    return render_case(request, "cases/report_tab.html", case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@viewers
def report_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = NewReportForm(case, request.actor, request.POST or None)
    if request.method == "POST" and form.is_valid():
        made: list[SuspicionReport] = []
        alerts = list(form.cleaned_data["alerts"])
        profile = form.cleaned_data["profile"] or PROFILES[0]
        refused = _quietly(
            lambda: made.append(
                services.draft_report(case, alerts, profile=profile, by=request.actor)
            )
        )
        if made:
            return redirect("report_detail", made[0].public_id)
        form.add_error(None, refused)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "has_alerts": form.fields["alerts"].queryset.exists()}  # type: ignore[attr-defined]
    return render_case(request, "cases/report_new.html", case, TAB, context, status)


@require_safe
@viewers
def report_detail(request: AuthedRequest, report_id: UUID) -> HttpResponse:
    """One report with what is missing and what to decide; the look is kept: 26 queries."""
    report = _get(request, report_id)
    services.read_report(report, by=request.actor)
    state = ReportState(report.state)
    drafts = may(request.actor, Action.DRAFT_REPORT)
    told = services.told_facts(report) if state.value not in SENT_REPORT_STATES else {}
    context = {
        "nav": "report",
        "report": report,
        "missing": missing(report) if state == ReportState.DRAFTING else [],
        "subjects": report.subjects.select_related("account").order_by("pk"),
        "alerts": [
            (alert, told.get(str(alert.public_id)))
            for alert in report.alerts.select_related("rule", "account").order_by("pk")
        ],
        "records": [
            (row, told.get(row.ref))
            for row in report.records.select_related("asset", "asset_out").order_by("at", "ref")
        ],
        "events": report.events.exclude(action=LOOK).select_related("actor").order_by("-seq")[:50],
        "num_looks": report.events.filter(action=LOOK).count(),
        "acts": [
            _act(request, report, name)
            for name, (action, _right) in ACTS.items()
            if (state, action) in REPORT and (name != "ask" or services.is_time_over(report))
        ],
        "may_edit": drafts and state not in CLOSED,
        "may_validate": drafts and (state, ReportAction.VALIDATE) in REPORT,
        "may_review": may(request.actor, Action.REVIEW_REPORT)
        and (state, ReportAction.REVIEW) in REPORT,
        "is_out": state in OUT,
        "may_acknowledge": may(request.actor, Action.FILE_REPORT) and state == ReportState.FILED,
        "following": FOLLOWING if drafts and state == ReportState.FILED else [],
        "answers": report.acknowledgements.select_related("recorded_by").order_by("-pk"),
        "is_changed": any(fact.now for fact in told.values()),
        "next": _next_report(report) if state == ReportState.FILED else None,
        "kept_until": services.report_kept_until(report),
        "local_currency": load_profile(report.profile)["local_currency"],
        "own_currency": CURRENCY,
    }
    if not may_change(report.case, request.actor):
        context = offered_to_readers(context)
    return render(request, "cases/report_detail.html", context)


def _next_report(report: SuspicionReport) -> tuple[datetime, str] | None:
    """By when what goes on is reported again, and who says so; None without such a clock."""
    clock = services.clock_of_next(report)
    return (clock.ends(report.filed_at), clock.source) if clock and report.filed_at else None


@require_http_methods(["GET", "HEAD", "POST"])
@viewers
def report_edit(request: AuthedRequest, report_id: UUID) -> HttpResponse:
    report = _get(request, report_id)
    initial = {name: getattr(report, name) for name in ReportForm.base_fields}
    initial["indicators"] = ", ".join(report.indicators)
    form = ReportForm(request.POST or None, initial=initial)
    if form.is_valid():
        refused = _quietly(
            lambda: services.edit_report(
                report, version=_version(request, report), **form.cleaned_data, by=request.actor
            )
        )
        if not refused:
            return redirect("report_detail", report_id)
        form.add_error(None, refused)
    return _form(request, report, form, _("Edit the words"))


@require_http_methods(["GET", "HEAD", "POST"])
@viewers
def report_subject(request: AuthedRequest, report_id: UUID, subject_id: UUID) -> HttpResponse:
    report = _get(request, report_id)
    row = get_object_or_404(report.subjects.select_related("account"), public_id=subject_id)
    form = SubjectForm(row, report.profile, request.POST or None)
    if form.is_valid():
        refused = _quietly(
            lambda: services.edit_subject(
                report, row, version=_version(request, report), **form.cleaned_data,
                by=request.actor,
            )
        )  # fmt: skip
        if not refused:
            return redirect("report_detail", report_id)
        form.add_error(None, refused)
    heading = _("Subject: account %(account)s") % {"account": row.account.masked}
    return _form(request, report, form, heading)


def _version(request: AuthedRequest, report: SuspicionReport) -> int:
    typed = request.POST.get("version", "")
    return int(typed) if re.fullmatch(r"[0-9]{1,9}", typed) else report.version


def _form(
    request: AuthedRequest,
    report: SuspicionReport,
    form: ReportForm | SubjectForm | AcknowledgementForm,
    heading: str,
) -> HttpResponse:
    context = {"form": form, "report": report, "heading": heading, "nav": "report"}
    status = 422 if request.method == "POST" else 200
    return render(request, "cases/report_form.html", context, status=status)


@require_POST
@viewers
def report_step(request: AuthedRequest, report_id: UUID, step: str) -> HttpResponse:
    """Validate, or take into review."""
    report = _get(request, report_id)
    do = services.validate_report if step == "validate" else services.review_report
    refused = _quietly(lambda: do(report, by=request.actor))
    if refused:
        messages.error(request, refused)
    return redirect("report_detail", report_id)


def _act(request: AuthedRequest, report: SuspicionReport, name: str) -> Act:
    first: tuple[int | None, ...] = ()
    if name == "approve":
        first = (report.drafted_by_id, report.last_edited_by_id)
    elif name in ("dispose", "keep"):
        first = (report.disposal_asked_by_id,)
    title, effect, verb, icon = {
        "return": (_("Return %(ref)s?"), _("Its author edits it again; the file goes."),
                   _("Return"), "undo-2"),
        "approve": (_("Approve %(ref)s?"),
                    _("You confirm the file as shown. Nothing leaves yet, nobody is told."),
                    _("Approve"), "circle-check"),
        "file": (_("Note %(ref)s as filed?"),
                 _("Say below by which way the file went. The customer is not told."),
                 _("Note as filed"), "send"),
        "ask": (_("Ask for the disposal of %(ref)s?"),
                _("A second person of compliance decides. Nothing is destroyed before."),
                _("Ask for disposal"), "trash-2"),
        "dispose": (_("Dispose of %(ref)s?"),
                    _("Its words, its file and its people are destroyed; hashes and chain stay."),
                    _("Destroy what it says"), "trash-2"),
        "keep": (_("Keep %(ref)s?"), _("The report stays as it was filed."), _("Keep"), "lock"),
    }[name]  # fmt: skip
    facts = [Fact(_("Receiver"), load_profile(report.profile)["title"])]
    until = services.report_kept_until(report)
    if until is not None:
        facts.append(Fact(_("Kept until"), until.isoformat()))
    if report.disposal_reason:
        facts.append(Fact(_("Asked for because"), report.disposal_reason))
    blocked = why_not(request.actor, ACTS[name][1], *first)
    if report.case.legal_hold and name in ("ask", "dispose") and not blocked:
        blocked = _("A legal hold stands on this case: nothing of it is disposed of.")
    return Act(
        id=f"{name}-{report.public_id}",
        url=reverse(f"report_{name}", args=[report.public_id]),
        title=title % {"ref": report.reference},
        effect=effect,
        verb=verb,
        icon=icon,
        cancel_url=reverse("report_detail", args=[report.public_id]),
        facts=facts,
        danger=name in ("return", "ask", "dispose"),
        content_hash=report.content_hash,
        blocked=blocked,
        needs_code=name in ("approve", "dispose") and needs_code(request.actor),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@viewers
def report_decide(request: AuthedRequest, report_id: UUID, decision: str) -> HttpResponse:
    report, by = _get(request, report_id), request.actor

    def decided(reason: str, content_hash: str) -> object:
        if decision == "approve":
            return services.approve_report(report, content_hash=content_hash, reason=reason, by=by)
        if decision == "file":
            return services.file_report(report, transport=reason, by=by)
        return BY_REASON[decision](report, reason=reason, by=by)

    def do(reason: str, content_hash: str) -> None:
        refused = _quietly(lambda: decided(reason, content_hash))
        if refused:
            raise CaseworkError(refused)

    return perform(request, _act(request, report, decision), do, _("Decision recorded."))


@require_http_methods(["GET", "HEAD", "POST"])
@viewers
def report_acknowledge(request: AuthedRequest, report_id: UUID) -> HttpResponse:
    """Take in what the receiver answered."""
    report = _get(request, report_id)
    if not may(request.actor, Action.FILE_REPORT):
        raise Http404
    form = AcknowledgementForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        refused = _quietly(
            lambda: services.acknowledge_report(report, **form.cleaned_data, by=request.actor)
        )
        if not refused:
            messages.success(request, _("The answer is kept with the report."))
            return redirect("report_detail", report_id)
        form.add_error(None, refused)
    return _form(request, report, form, _("What the receiver answered"))


@require_POST
@viewers
def report_follow(request: AuthedRequest, report_id: UUID) -> HttpResponse:
    """Draft a correction of it, or a report on what goes on."""
    report, made = _get(request, report_id), []
    kind = request.POST.get("kind", "")
    refused = _quietly(
        lambda: made.append(services.follow_report(report, kind=kind, by=request.actor))
    )
    if refused:
        messages.error(request, refused)
    return redirect("report_detail", made[0].public_id if made else report_id)


@require_safe
@viewers
def report_download(request: AuthedRequest, report_id: UUID) -> HttpResponse:
    """The approved file, under a neutral name."""
    report = _get(request, report_id)
    if ReportState(report.state) not in OUT or not may(request.actor, Action.FILE_REPORT):
        raise Http404
    take_export(by=request.actor)
    services.read_report(report, by=request.actor)
    answer = HttpResponse(report.file.encode(), content_type="application/xml")
    answer["Content-Disposition"] = f'attachment; filename="{report.reference}.xml"'
    return answer


ONE = "reports/<uuid:report_id>/"
urlpatterns = [
    path("reports/", report_list, name="report_list"),
    path("reports/answers/", report_answers, name="report_answers"),
    path("cases/<uuid:case_id>/reports/", case_reports, name="case_reports"),
    path("cases/<uuid:case_id>/reports/new/", report_new, name="report_new"),
    path(ONE, report_detail, name="report_detail"),
    path(f"{ONE}edit/", report_edit, name="report_edit"),
    path(f"{ONE}acknowledge/", report_acknowledge, name="report_acknowledge"),
    path(f"{ONE}follow/", report_follow, name="report_follow"),
    path(f"{ONE}subjects/<uuid:subject_id>/", report_subject, name="report_subject"),
    *(
        path(f"{ONE}{name}/", report_step, {"step": name}, name=f"report_{name}")
        for name in ("validate", "review")
    ),
    *(
        path(f"{ONE}{name}/", report_decide, {"decision": name}, name=f"report_{name}")
        for name in ACTS
    ),
    path(f"{ONE}file.xml", report_download, name="report_download"),
]
