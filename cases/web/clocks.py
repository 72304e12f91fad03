"""Clocks: how long things may take, with their source; proposed by one person, put in force by
another."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases.clocks import known_clocks
from cases.http import AuthedRequest, require_at_the_door
from cases.models import ClockRule
from cases.policy import Action, Actor
from cases.queries.clocks import clock_page
from cases.services.clocks import approve_clock, propose_clock, reject_clock
from cases.web.acts import Act, Fact
from cases.web.forms_clocks import ClockForm
from cases.web.proposals import decide, decision_act, decision_paths, propose, with_decisions

for_proposers = require_at_the_door(Action.PROPOSE_POLICY)


@require_safe
@for_proposers
def clock_list(request: AuthedRequest) -> HttpResponse:
    page = clock_page()
    acts = with_decisions(page.proposed, lambda rule, name: _act(request.actor, rule, name))
    return render(request, "cases/clock_list.html", {"page": page, "proposed": acts})


@require_http_methods(["GET", "HEAD", "POST"])
@for_proposers
def clock_new(request: AuthedRequest) -> HttpResponse:
    wanted = request.GET.get("known", "")
    known = next((each for each in known_clocks() if each.id == wanted), None)
    form = ClockForm(request.POST if request.method == "POST" else None, known=known)
    return propose(
        request, form, lambda: propose_clock(**form.rule(), by=request.actor),
        "cases/clock_form.html", "clock_list",
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@for_proposers
def clock_decide(request: AuthedRequest, clock_id: UUID, decision: str) -> HttpResponse:
    rule = get_object_or_404(ClockRule.objects.select_related("agency"), public_id=clock_id)
    act = _act(request.actor, rule, decision)
    return decide(request, rule, decision, act, approve=approve_clock, reject=reject_clock)


def _act(actor: Actor, rule: ClockRule, name: str) -> Act:
    agency = rule.agency
    return decision_act(
        actor, rule, name, "clock", permission=Action.DECIDE_POLICY,
        title=_("Put this clock in force?"),
        effect=_("It counts for what begins from now on; what runs already keeps its end."),
        cancel_url=reverse("clock_list"),
        facts=[
            Fact(_("What it is about"), rule.get_act_display()),
            Fact(_("For"), agency.short_name if agency else rule.country or _("All")),
            Fact(_("How long"), f"{rule.length} {rule.get_unit_display()}"),
            Fact(_("Warnings, in hours before the end"), ", ".join(map(str, rule.warn_hours))),
            Fact(_("Source"), rule.source),
            Fact(_("Counsel has read the source"), _("Yes") if rule.is_verified else _("No")),
            Fact(_("Holds from"), rule.valid_from.isoformat()),
            Fact(_("Reason"), rule.reason),
        ],
    )  # fmt: skip


urlpatterns = [
    path("clocks/", clock_list, name="clock_list"),
    path("clocks/new/", clock_new, name="clock_new"),
    *decision_paths("clocks/<uuid:clock_id>/", clock_decide, "clock"),
]
