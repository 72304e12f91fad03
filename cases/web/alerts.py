"""Alerts: the queue, why one fired, and what becomes of it."""

import re
from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.http import AuthedRequest, require_at_the_door
from cases.models import Alert, Case
from cases.models.alerts import DISPOSITIONS
from cases.policy import Action, may
from cases.queries import alerts as queries
from cases.queries.cases import may_change
from cases.queries.outcomes import rule_outcomes
from cases.services.alerts import (
    assign_alert,
    dismiss_alert,
    link_alert,
    propose_dismissal,
    reopen_alert,
)
from cases.services.errors import CaseworkError
from cases.states import ALERT, AlertAction, AlertState, CaseState
from cases.web.acts import Act, Fact, perform, why_not

triage = require_at_the_door(Action.TRIAGE_ALERT)


class DispositionForm(forms.Form):
    """How the alert ended."""

    disposition = forms.ChoiceField(label=gettext_lazy("How it ended"), choices=DISPOSITIONS)


@dataclass
class AlertAct(Act):
    """An act with the disposition above its reason."""

    form: DispositionForm | None = None


def _get(request: AuthedRequest, alert_id: UUID) -> Alert:
    found: Alert = get_object_or_404(queries.alert_for_page(request.actor), public_id=alert_id)
    return found


@require_safe
@triage
def alert_list(request: AuthedRequest) -> HttpResponse:
    """The queue: at most 4 queries."""
    state, number = request.GET.get("state", ""), request.GET.get("page", "1")
    page = max(int(number), 1) if re.fullmatch(r"[0-9]{1,3}", number) else 1
    context = {
        "queue": queries.alert_queue(request.actor, state, page),
        "state": state,
        "states": queries.STATES,
    }
    return render(request, "cases/alert_list.html", context)


@require_safe
@triage
def alert_detail(request: AuthedRequest, alert_id: UUID) -> HttpResponse:
    """One alert: 13 queries."""
    alert = _get(request, alert_id)
    state = AlertState(alert.state)
    acts = [
        _act(request, alert, name)
        for name, action in (
            ("propose", AlertAction.DISMISS), ("dismiss", AlertAction.DISMISS),
            ("reopen", AlertAction.REOPEN),
        )
        if (state, action) in ALERT and _fits(alert, name)
    ]  # fmt: skip
    context = {
        "nav": "alert",
        "alert": alert,
        "page": queries.alert_page(alert, request.actor),
        "came_of_it": rule_outcomes(request.actor, alert.rule.code),
        "acts": acts,
        "may_assign": (state, AlertAction.ASSIGN) in ALERT,
        "may_link": (state, AlertAction.LINK) in ALERT,
        "may_report": alert.case is not None
        and alert.case.state != CaseState.MERGED
        and may(request.actor, Action.DRAFT_REPORT)
        and may_change(alert.case, request.actor),
    }
    return render(request, "cases/alert_detail.html", context)


def _fits(alert: Alert, name: str) -> bool:
    """A grave alert is proposed first and dismissed by a second person."""
    if name == "propose":
        return alert.is_grave and alert.proposed_by_id is None
    return name == "reopen" or not alert.is_grave or alert.proposed_by_id is not None


def _act(request: AuthedRequest, alert: Alert, name: str) -> AlertAct:
    right = Action.TRIAGE_ALERT
    first: tuple[int | None, ...] = ()
    if name == "reopen":
        right = Action.REOPEN_ALERT
    elif name == "dismiss" and alert.is_grave:
        right, first = Action.DISMISS_GRAVE_ALERT, (alert.proposed_by_id,)
    title, effect, verb, icon = {
        "propose": (
            _("Ask for this alert to be dismissed?"),
            _("It stays open until a second person of higher rank dismisses it."),
            _("Ask for dismissal"), "undo-2",
        ),
        "dismiss": (
            _("Dismiss this alert?"),
            _("It leaves the queue. A new firing of the rule raises a new alert."),
            _("Dismiss"), "circle-x",
        ),
        "reopen": (
            _("Take this alert up again?"), _("It is yours then."), _("Reopen"), "history",
        ),
    }[name]  # fmt: skip
    form = None
    if name != "reopen":
        initial = {"disposition": alert.disposition or DISPOSITIONS[0][0]}
        form = DispositionForm(request.POST or None, initial=initial)
    return AlertAct(
        id=f"{name}-{alert.public_id}",
        url=reverse(f"alert_{name}", args=[alert.public_id]),
        title=title,
        effect=effect,
        verb=verb,
        icon=icon,
        cancel_url=reverse("alert_detail", args=[alert.public_id]),
        facts=[Fact(_("Rule"), alert.rule.title), Fact(_("Account"), alert.account.masked)],
        blocked=why_not(request.actor, right, *first),
        form=form,
    )


@require_POST
@triage
def alert_assign(request: AuthedRequest, alert_id: UUID) -> HttpResponse:
    assign_alert(_get(request, alert_id), by=request.actor)
    messages.success(request, _("This alert is yours."))
    return redirect("alert_detail", alert_id)


@require_POST
@triage
def alert_link(request: AuthedRequest, alert_id: UUID) -> HttpResponse:
    """To the chosen case, or to a new one."""
    alert, chosen = _get(request, alert_id), request.POST.get("case", "")
    case = None
    if chosen:
        try:
            number = UUID(chosen)
        except ValueError:
            number = UUID(int=0)
        case = get_object_or_404(Case.objects.visible_to(request.actor), public_id=number)
    case = link_alert(alert, case, by=request.actor)
    messages.success(request, _("The alert is in the case now."))
    return redirect("case_detail", case.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@triage
def alert_decide(request: AuthedRequest, alert_id: UUID, decision: str) -> HttpResponse:
    alert = _get(request, alert_id)
    act = _act(request, alert, decision)

    def do(reason: str, _content_hash: str) -> object:
        if decision == "reopen":
            return reopen_alert(alert, reason=reason, by=request.actor)
        if act.form is None or not act.form.is_valid():
            raise CaseworkError(_("Choose how the alert ended."))
        close = propose_dismissal if decision == "propose" else dismiss_alert
        disposition = act.form.cleaned_data["disposition"]
        return close(alert, disposition=disposition, reason=reason, by=request.actor)

    return perform(request, act, do, _("Decision recorded."))


ONE = "alerts/<uuid:alert_id>/"
urlpatterns = [
    path("alerts/", alert_list, name="alert_list"),
    path(ONE, alert_detail, name="alert_detail"),
    path(f"{ONE}assign/", alert_assign, name="alert_assign"),
    path(f"{ONE}case/", alert_link, name="alert_link"),
    *(
        path(f"{ONE}{name}/", alert_decide, {"decision": name}, name=f"alert_{name}")
        for name in ("propose", "dismiss", "reopen")
    ),
]
