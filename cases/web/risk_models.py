"""The learned score: its model card, champion and challenger, and the highest points."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases.detection.risk_model import WALLET
from cases.http import AuthedRequest, require_at_the_door
from cases.models import TrainedModel
from cases.policy import Action, Actor
from cases.queries import risk_models as queries
from cases.services.risk_models import approve_model, reject_model
from cases.states import PolicyState
from cases.web.acts import Act, Fact
from cases.web.proposals import DECISIONS, decide, decision_act, decision_paths

for_triage = require_at_the_door(Action.TRIAGE_ALERT)
for_seniors = require_at_the_door(Action.TRAIN_MODEL)


@require_safe
@for_triage
def risk_model_list(request: AuthedRequest) -> HttpResponse:
    page = queries.models_page(request.actor)
    return render(request, "cases/risk_model_list.html", {"page": page})


@require_safe
@for_triage
def risk_model_detail(request: AuthedRequest, model_id: UUID) -> HttpResponse:
    """The model card: 5 queries."""
    model = get_object_or_404(queries.models(request.actor), public_id=model_id)
    waits = model.state == PolicyState.PROPOSED
    context = {
        "row": queries.model_row(model, request.actor),
        "model": model,
        "weights": queries.card_words(model.card),
        "acts": [_act(request.actor, model, name) for name in DECISIONS] if waits else [],
    }
    return render(request, "cases/risk_model_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_seniors
def risk_model_decide(request: AuthedRequest, model_id: UUID, decision: str) -> HttpResponse:
    model = get_object_or_404(queries.models(request.actor), public_id=model_id)
    act = _act(request.actor, model, decision)
    return decide(request, model, decision, act, approve=approve_model, reject=reject_model)


def _act(actor: Actor, model: TrainedModel, name: str) -> Act:
    held, since = model.card["held_out"], queries.model_row(model, actor).since
    facts = [
        Fact(_("Model"), str(model)),
        Fact(_("Scores"), _("Wallets") if model.subject == WALLET else _("Customers")),
        Fact(_("Outcomes learnt from"), str(model.card["num_rows"])),
        Fact(_("Area under the curve, held out"), f"{held['area_under_curve']:.3f}"),
        Fact(_("Reason"), model.reason),
    ]
    if since.percent is not None:
        facts.append(Fact(_("Ordered rightly since it was trained"), f"{since.percent} %"))
    return decision_act(
        actor, model, name, "risk_model", permission=Action.DECIDE_RULE,
        title=_("Make this model the champion?"),
        effect=_("Its points stand on the pages of wallets from now on. It decides nothing.")
        if model.subject == WALLET
        else _("Its points stand at alerts from the next run on. It decides nothing."),
        facts=facts, cancel_url=reverse("risk_model_detail", args=[model.public_id]),
    )  # fmt: skip


ONE = "risk-models/<uuid:model_id>/"
urlpatterns = [
    path("risk-models/", risk_model_list, name="risk_model_list"),
    path(ONE, risk_model_detail, name="risk_model_detail"),
    *decision_paths(ONE, risk_model_decide, "risk_model"),
]
