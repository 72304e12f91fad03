"""Findings: the tab, drafting, the review by a second person, the list of all."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.http import AuthedRequest, casework, seen_version
from cases.models import Case, Finding
from cases.policy import Action, may
from cases.queries import findings as queries
from cases.services.errors import CaseworkError
from cases.services.findings import (
    add_counter_evidence,
    approve_finding,
    draft_finding,
    edit_finding,
    mark_seen,
    reject_finding,
    return_finding,
    submit_finding,
    supersede_finding,
    withdraw_finding,
)
from cases.states import FindingState, InvalidTransition
from cases.web.acts import Act, Fact, needs_code, perform, why_not
from cases.web.forms_findings import CounterEvidenceForm, FindingForm, NewFindingForm
from cases.web.shell import get_case, render_case

TAB = "case_findings"
PARTS = ("wallets", "suspects", "exhibits")
Form = FindingForm | NewFindingForm | CounterEvidenceForm


def _get(request: AuthedRequest, finding_id: UUID) -> Finding:
    findings = Finding.objects.visible_to(request.actor).select_related("case")
    people = ("drafted_by", "submitted_by", "reviewed_by", "case__owner_by")
    found: Finding = get_object_or_404(findings.select_related(*people), public_id=finding_id)
    return found


@require_safe
@casework
def case_findings(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    context = {
        "findings": queries.case_findings(case),
        "may_draft": may(request.actor, Action.DRAFT_FINDING),
    }
    return render_case(request, "cases/finding_tab.html", case, TAB, context)


@require_safe
@casework
def finding_list(request: AuthedRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    page = queries.finding_list(request.actor, state, request.GET.get("after", ""))
    context = {"page": page, "state": state, "states": queries.FILTERS}
    return render(request, "cases/finding_list.html", context)


@require_safe
@casework
def finding_detail(request: AuthedRequest, finding_id: UUID) -> HttpResponse:
    finding = _get(request, finding_id)
    page = queries.finding_page(finding, request.actor)
    context = {
        "finding": finding,
        "page": page,
        "acts": [
            _act(request, finding, name, page.num_unseen)
            for name in ACTS
            if (name in OF_APPROVED) == (finding.state == "approved")
        ]
        if finding.state in ("submitted", "approved")
        else [],
        "is_sent_back": any(each.content_hash == finding.content_hash for each in page.approvals),
        "may_edit": may(request.actor, Action.DRAFT_FINDING)
        and finding.state in ("draft", "submitted"),
    }
    return render_case(request, "cases/finding_detail.html", finding.case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def finding_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = NewFindingForm(case, request.POST or None, initial={"confidence": 50})
    if form.is_valid():
        fields = dict(form.cleaned_data)
        against = [("analyst", fields.pop("against"))]
        try:
            finding = draft_finding(
                case, amounts=[], counter_evidence=against, **fields, by=request.actor
            )
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            return redirect("finding_detail", finding.public_id)
    return _form_page(request, case, form, _("Draft a finding"), _("Save draft"))


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def finding_edit(request: AuthedRequest, finding_id: UUID) -> HttpResponse:
    finding = _get(request, finding_id)
    initial: dict[str, Any] = {
        name: getattr(finding, name) for name in FindingForm.base_fields if name not in PARTS
    }
    initial |= {name: getattr(finding, name).all() for name in PARTS}
    form = FindingForm(finding.case, request.POST or None, initial=initial)
    version = seen_version(request, finding.version)
    if form.is_valid():
        try:
            edit_finding(finding, version=version, **form.cleaned_data, by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            return redirect("finding_detail", finding.public_id)
    words = (_("Edit the finding"), _("Save"))
    return _form_page(request, finding.case, form, *words, finding=finding)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def finding_against(request: AuthedRequest, finding_id: UUID) -> HttpResponse:
    finding = _get(request, finding_id)
    form = CounterEvidenceForm(request.POST or None)
    if form.is_valid():
        try:
            add_counter_evidence(finding, **form.cleaned_data, by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            return redirect("finding_detail", finding.public_id)
    words = (_("Add counter-evidence"), _("Add"))
    return _form_page(request, finding.case, form, *words, finding=finding)


def _form_page(
    request: AuthedRequest,
    case: Case,
    form: Form,
    heading: str,
    verb: str,
    finding: Finding | None = None,
) -> HttpResponse:
    context = {"form": form, "heading": heading, "verb": verb, "finding": finding}
    status = 422 if form.errors else 200
    return render_case(request, "cases/finding_form.html", case, TAB, context, status)


@require_POST
@casework
def finding_submit(request: AuthedRequest, finding_id: UUID) -> HttpResponse:
    finding = _get(request, finding_id)
    try:
        submit_finding(finding, by=request.actor)
    except (CaseworkError, InvalidTransition) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Handed to review."))
    return redirect("finding_detail", finding.public_id)


@require_POST
@casework
def finding_seen(request: AuthedRequest, finding_id: UUID, evidence_id: int) -> HttpResponse:
    finding = _get(request, finding_id)
    try:
        mark_seen(evidence_id, finding=finding, by=request.actor)
    except (CaseworkError, InvalidTransition) as error:
        messages.error(request, str(error))
    return redirect("finding_detail", finding.public_id)


OF_APPROVED = ("withdraw", "supersede")
ACTS = {
    "approve": approve_finding,
    "return": return_finding,
    "reject": reject_finding,
    "withdraw": withdraw_finding,
    "supersede": supersede_finding,
}


def _act(request: AuthedRequest, finding: Finding, name: str, num_unseen: int) -> Act:
    right = Action.WITHDRAW_FINDING if name in OF_APPROVED else Action.APPROVE_FINDING
    title, effect, verb, icon = _act_words(name, finding.reference)
    first = (finding.drafted_by_id, finding.last_edited_by_id, finding.submitted_by_id)
    blocked = _not_now(finding, name) or why_not(request.actor, right, *first)
    if name == "approve" and not blocked and num_unseen:
        blocked = _("Open the counter-evidence first: %(number)d left.") % {"number": num_unseen}
    return Act(
        id=f"{name}-{finding.public_id}",
        url=reverse(f"finding_{name}", args=[finding.public_id]),
        title=title,
        effect=effect,
        verb=verb,
        icon=icon,
        cancel_url=reverse("finding_detail", args=[finding.public_id]),
        facts=[Fact(_("Statement"), finding.statement)],
        confirm=_("Reference of the approved finding in its place") if name == "supersede" else "",
        danger=name in ("reject", *OF_APPROVED),
        content_hash=finding.content_hash,
        blocked=blocked,
        needs_code=name == "approve" and needs_code(request.actor),
    )


def _not_now(finding: Finding, name: str) -> str:
    """Why the finding is not there for this decision any more: a dialog may have stood open."""
    if name in OF_APPROVED or finding.state == FindingState.SUBMITTED.value:
        return ""
    if finding.state == FindingState.DRAFT.value:
        return _("It is a draft again: somebody changed it or sent it back. Nothing to decide yet.")
    return _("Somebody has decided on it already.")


def _act_words(name: str, reference: str) -> tuple[str, str, str, str]:
    return {
        "approve": (
            _("Approve %(reference)s?") % {"reference": reference},
            _("It may then carry a freeze and leave the house in a referral."),
            _("Approve finding"), "circle-check",
        ),
        "return": (
            _("Return %(reference)s?") % {"reference": reference},
            _("It becomes a draft again; its author sees your reason."),
            _("Return to draft"), "undo-2",
        ),
        "reject": (
            _("Reject %(reference)s?") % {"reference": reference},
            _("This content is refused for good. A new finding can be drafted."),
            _("Reject finding"), "circle-x",
        ),
        "withdraw": (
            _("Withdraw %(reference)s?") % {"reference": reference},
            _("It no longer carries anything new; what was released with it stays on record."),
            _("Withdraw finding"), "undo-2",
        ),
        "supersede": (
            _("Supersede %(reference)s?") % {"reference": reference},
            _("Another approved finding takes its place; whoever cites this one gets a task."),
            _("Supersede finding"), "history",
        ),
    }[name]  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def finding_decide(request: AuthedRequest, finding_id: UUID, decision: str) -> HttpResponse:
    finding = _get(request, finding_id)
    num_unseen = queries.finding_page(finding, request.actor).num_unseen

    def do(reason: str, content_hash: str) -> None:
        if decision == "approve":
            approve_finding(finding, content_hash=content_hash, reason=reason, by=request.actor)
        elif decision == "supersede":
            typed = request.POST.get("confirm", "").strip()
            others = Finding.objects.visible_to(request.actor).filter(case=finding.case)
            successor = others.filter(reference__iexact=typed).values_list("pk", flat=True).first()
            supersede_finding(finding, successor_id=successor, reason=reason, by=request.actor)
        else:
            ACTS[decision](finding, reason=reason, by=request.actor)  # type: ignore[operator]

    act = _act(request, finding, decision, num_unseen)
    return perform(request, act, do, _("Decision recorded."))


ONE = "findings/<uuid:finding_id>/"
urlpatterns = [
    path("cases/<uuid:case_id>/findings/", case_findings, name="case_findings"),
    path("cases/<uuid:case_id>/findings/new/", finding_new, name="finding_new"),
    path("findings/", finding_list, name="finding_list"),
    path(ONE, finding_detail, name="finding_detail"),
    path(f"{ONE}edit/", finding_edit, name="finding_edit"),
    path(f"{ONE}against/", finding_against, name="finding_against"),
    path(f"{ONE}against/<int:evidence_id>/seen/", finding_seen, name="finding_seen"),
    path(f"{ONE}submit/", finding_submit, name="finding_submit"),
    *(
        path(f"{ONE}{name}/", finding_decide, {"decision": name}, name=f"finding_{name}")
        for name in ACTS
    ),
]
