"""Requests to others: drafted in a case, approved by compliance, sent, answered, ended."""

from typing import Any
from uuid import UUID

from django import forms
from django.apps import apps
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cases.http import AuthedRequest, casework
from cases.models import OutboundRequest
from cases.models.outbound import RECIPIENTS, WAYS
from cases.policy import Action
from cases.queries.outbound import outbound_for_page
from cases.services.errors import CaseworkError
from cases.services.outbound import (
    answer_outbound,
    approve_outbound,
    draft_outbound,
    end_outbound,
    send_outbound,
)
from cases.states import OUTBOUND, OutboundAction, OutboundState
from cases.web.acts import Act, Fact, needs_code, perform, why_not
from cases.web.shell import get_case, render_case

L = gettext_lazy
TAB = "case_referrals"
# Route name -> the steps it takes, and the right.
ACTS = {
    "approve": ((OutboundAction.APPROVE,), Action.DECIDE_OUTBOUND),
    "send": ((OutboundAction.SEND,), Action.DRAFT_OUTBOUND),
    "answer": ((OutboundAction.ANSWER,), Action.DRAFT_OUTBOUND),
    "end": ((OutboundAction.CLOSE, OutboundAction.WITHDRAW), Action.DRAFT_OUTBOUND),
}


class OutboundForm(forms.Form):
    """Whom we ask, on which basis, and in exactly which words."""

    kind = forms.ChoiceField(label=L("Whom"), choices=RECIPIENTS)
    agency = forms.ChoiceField(label=L("Agency"), required=False)
    recipient = forms.CharField(
        label=L("Name of the recipient"), max_length=120, required=False,
        help_text=L("Where it is none of the agencies we know."),
    )  # fmt: skip
    way = forms.ChoiceField(label=L("By which way"), choices=WAYS)
    legal_basis = forms.CharField(label=L("Legal basis"), max_length=200)
    subject = forms.CharField(
        label=L("Subject"), max_length=120, help_text=L("Neutral: others may read it.")
    )
    text = forms.CharField(
        label=L("What we ask"), widget=forms.Textarea(attrs={"rows": 8}),
        help_text=L("To ask is to tell. No internal reference, no other agency."),
    )  # fmt: skip
    due_on = forms.DateField(
        label=L("Answer due on"), widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        agencies = apps.get_model("fiu", "Agency").objects.order_by("short_name")
        self.fields["agency"].choices = [  # type: ignore[attr-defined]
            ("", _("none of these")), *((str(a.pk), f"{a.short_name} · {a.name}") for a in agencies)
        ]  # fmt: skip

    def spec(self) -> dict[str, Any]:
        """The arguments of `draft_outbound`."""
        values = dict(self.cleaned_data)
        agency = values.pop("agency")
        return values | {"agency_id": int(agency) if agency else None}


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def outbound_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = OutboundForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            row = draft_outbound(case, **form.spec(), by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            return redirect("outbound_detail", row.public_id)
    status = 422 if form.errors else 200
    return render_case(request, "cases/outbound_form.html", case, TAB, {"form": form}, status)


def _get(request: AuthedRequest, outbound_id: UUID) -> OutboundRequest:
    found: OutboundRequest = get_object_or_404(
        outbound_for_page(request.actor), public_id=outbound_id
    )
    return found


@require_safe
@casework
def outbound_detail(request: AuthedRequest, outbound_id: UUID) -> HttpResponse:
    row = _get(request, outbound_id)
    acts = [_act(request, row, name) for name in ACTS if _is_next(row, name)]
    is_late = row.state == OutboundState.SENT and row.due_on < timezone.now().date()
    context = {"row": row, "acts": acts, "is_late": is_late}
    return render_case(request, "cases/outbound_detail.html", row.case, TAB, context)


def _is_next(row: OutboundRequest, name: str) -> bool:
    return any((OutboundState(row.state), step) in OUTBOUND for step in ACTS[name][0])


def _act(request: AuthedRequest, row: OutboundRequest, name: str) -> Act:
    first = [row.drafted_by_id] if name == "approve" else []
    title, effect, verb, icon = {
        "approve": (
            _("Approve these words?"),
            _("They may be sent as they stand, to this recipient alone."), _("Approve"),
            "circle-check",
        ),
        "send": (
            _("Was it sent?"),
            _("You say that it went out by the way that was approved. Its answer is waited for."),
            _("Mark as sent"), "send",
        ),
        "answer": (
            _("What came back?"),
            _("Your words are kept as the answer. Files go in as exhibits."),
            _("Keep the answer"), "file-text",
        ),
        "end": (
            _("End this request?"), _("Nothing more is done on it. The record stays."),
            _("End"), "ban",
        ),
    }[name]  # fmt: skip
    blocked = why_not(request.actor, ACTS[name][1], *first)
    if not _is_next(row, name):
        blocked = _("It is not at this step.")
    return Act(
        id=f"outbound-{name}-{row.public_id}",
        url=reverse(f"outbound_{name}", args=[row.public_id]),
        title=title, effect=effect, verb=verb, icon=icon,
        cancel_url=reverse("outbound_detail", args=[row.public_id]),
        facts=[Fact(_("Recipient"), row.recipient), Fact(_("Subject"), row.subject),
               Fact(_("What we ask"), row.text)],
        danger=name == "end", content_hash=row.content_hash, blocked=blocked,
        needs_code=name == "approve" and needs_code(request.actor),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def outbound_decide(request: AuthedRequest, outbound_id: UUID, decision: str) -> HttpResponse:
    row = _get(request, outbound_id)
    by = request.actor

    def do(reason: str, content_hash: str) -> object:
        match decision:
            case "approve":
                return approve_outbound(row, content_hash=content_hash, reason=reason, by=by)
            case "send":
                return send_outbound(row, reason=reason, by=by)
            case "answer":
                return answer_outbound(row, text=reason, by=by)
        return end_outbound(row, reason=reason, by=by)

    return perform(request, _act(request, row, decision), do, _("Decision recorded."))


ONE = "outbound/<uuid:outbound_id>/"
urlpatterns = [
    path("cases/<uuid:case_id>/outbound/new/", outbound_new, name="outbound_new"),
    path(ONE, outbound_detail, name="outbound_detail"),
    *(
        path(f"{ONE}{name}/", outbound_decide, {"decision": name}, name=f"outbound_{name}")
        for name in ACTS
    ),
]
