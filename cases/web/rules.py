"""Detection rules: what each means, what it did, and its figures by two people."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases.detection import SPECS
from cases.http import AuthedRequest, require_at_the_door
from cases.models import RuleChange
from cases.policy import Action, Actor, may
from cases.queries import rules as queries
from cases.services.errors import CaseworkError
from cases.services.rules import approve_rule_change, propose_rule_change, reject_rule_change
from cases.states import DetectionState
from cases.web.acts import Act, Fact
from cases.web.forms_rules import RuleChangeForm
from cases.web.proposals import DECISIONS, decide, decision_act, decision_paths

for_readers = require_at_the_door(Action.TRIAGE_ALERT, Action.PROPOSE_RULE)
for_proposers = require_at_the_door(Action.PROPOSE_RULE)


@require_safe
@for_readers
def rule_list(request: AuthedRequest) -> HttpResponse:
    """All rules, by the order of the catalogue: 4 queries."""
    page = queries.rules_page(request.actor)
    titles = {code: spec.title for code, spec in SPECS.items()}
    context = {
        "page": page, "titles": titles,
        "may_read_alerts": may(request.actor, Action.TRIAGE_ALERT),
    }  # fmt: skip
    return render(request, "cases/rule_list.html", context)


@require_safe
@for_readers
def rule_detail(request: AuthedRequest, rule: str) -> HttpResponse:
    """One rule: 5 queries, and one for a trial."""
    page = queries.rule_page(rule, request.actor)
    if page is None:
        raise Http404
    proposed = page.proposed
    context = {
        "page": page,
        "row": page.row,
        "may_propose": may(request.actor, Action.PROPOSE_RULE) and proposed is None,
        "acts": [_act(request.actor, proposed, name) for name in DECISIONS] if proposed else [],
    }
    return render(request, "cases/rule_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_proposers
def rule_change(request: AuthedRequest, rule: str) -> HttpResponse:
    page = queries.rule_page(rule, request.actor)
    if page is None:
        raise Http404
    figures = {figure.name: figure.now for figure in page.figures}
    severity = page.row.rule.severity if page.row.rule else page.row.spec.severity
    start = {"switch_on": page.row.is_on, "severity": severity}
    form = RuleChangeForm(
        figures, request.POST if request.method == "POST" else None, initial=start
    )
    if form.is_valid():
        try:
            propose_rule_change(rule, **form.change(), by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request, _("Proposed. It is tried on history now, then compliance decides.")
            )
            return redirect("rule_detail", rule)
    status = 422 if form.errors else 200
    context = {"form": form, "row": page.row}
    return render(request, "cases/rule_form.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@for_proposers
def rule_decide(request: AuthedRequest, change_id: UUID, decision: str) -> HttpResponse:
    change = get_object_or_404(RuleChange.objects.select_related("rule"), public_id=change_id)
    act = _act(request.actor, change, decision)
    return decide(
        request, change, decision, act, approve=approve_rule_change, reject=reject_rule_change
    )


def _act(actor: Actor, change: RuleChange, name: str) -> Act:
    """Put in force or reject, with what the trial on history found."""
    trial = queries.trial_view(change, actor)
    is_tried = trial is not None and trial.run.state == DetectionState.DONE
    is_waiting = change.switch_on and not is_tried
    facts = [
        Fact(_("Rule"), change.rule.title),
        Fact(_("The rule runs"), _("Yes") if change.switch_on else _("No")),
        Fact(_("Severity"), change.get_severity_display()),
        *(
            Fact(queries.figure_title(name), _words(value))
            for name, value in change.parameters.items()
            if value != change.rule.parameters.get(name)
        ),
        Fact(_("Reason"), change.reason),
    ]
    if trial is not None and is_tried:
        told = trial.told
        words = _("%(then)d firings in place of %(now)d: %(added)d more, %(lost)d gone") % told
        facts.append(Fact(_("On history"), words))
    return decision_act(
        actor, change, name, "rule", permission=Action.DECIDE_RULE,
        title=_("Put this rule in force?"),
        effect=_("The next run fires by these figures. Alerts that stand keep their own version."),
        cancel_url=reverse("rule_detail", args=[change.code]),
        facts=facts,
        unready=_("It is not tried on history yet: wait for the trial to end.")
        if is_waiting
        else "",
    )  # fmt: skip


def _words(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


urlpatterns = [
    path("rules/", rule_list, name="rule_list"),
    path("rules/<slug:rule>/", rule_detail, name="rule_detail"),
    path("rules/<slug:rule>/change/", rule_change, name="rule_change"),
    *decision_paths("rule-changes/<uuid:change_id>/", rule_decide, "rule"),
]
