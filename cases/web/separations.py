"""Separations: proposed on the page of a cluster, decided by a second person."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases.http import AuthedRequest, casework
from cases.models import Separation, Wallet
from cases.policy import Action
from cases.queries.cases import may_change
from cases.queries.separations import kept_apart, visible_separations
from cases.services.errors import CaseworkError
from cases.services.separations import (
    activate_separation,
    dispute_separation,
    propose_separation,
    refuse_separation,
    retract_separation,
)
from cases.states import TAG, TagAction, TagState
from cases.web.acts import Act, Fact, perform, why_not
from cases.web.forms_separations import SeparationForm
from cases.web.shell import render_case

TAB = "case_wallets"
STEPS = {
    "activate": (TagAction.ACTIVATE, activate_separation),
    "refuse": (TagAction.REFUSE, refuse_separation),
    "dispute": (TagAction.DISPUTE, dispute_separation),
    "retract": (TagAction.RETRACT, retract_separation),
}


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def separation_new(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    rows = Wallet.objects.visible_to(request.actor).select_related("case")
    wallet = get_object_or_404(rows, public_id=wallet_id)
    form = SeparationForm(request.POST or None)
    if request.method == "POST" and not form.is_bound:
        form = SeparationForm({})
    if form.is_valid():
        try:
            separation = propose_separation(wallet, **form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Proposed. A second person decides."))
            return redirect("separation_detail", separation.public_id)
    status = 422 if form.errors else 200
    context = {"form": form, "wallet": wallet}
    return render_case(request, "cases/separation_form.html", wallet.case, TAB, context, status)


@require_safe
@casework
def separation_detail(request: AuthedRequest, separation_id: UUID) -> HttpResponse:
    separation = _get(request, separation_id)
    state = TagState(separation.state)
    acts = [
        _act(request, separation, name)
        for name, (action, _service) in STEPS.items()
        if (state, action) in TAG and may_change(separation.case, request.actor)
    ]
    pair = (separation.first, separation.second)
    wallets = Wallet.objects.visible_to(request.actor).filter(case=separation.case)
    wallet = wallets.filter(ledger=separation.ledger, address__in=pair).order_by("pk").first()
    row = kept_apart(wallet, *pair, request.actor) if wallet and separation.is_in_force else None
    context = {
        "separation": separation, "acts": acts, "wallet": wallet,
        "apart": row.apart if row and row.apart.ruling == separation.public_id else None,
    }  # fmt: skip
    return render_case(request, "cases/separation_detail.html", separation.case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def separation_decide(request: AuthedRequest, separation_id: UUID, step: str) -> HttpResponse:
    separation = _get(request, separation_id)
    _action, service = STEPS[step]
    return perform(
        request,
        _act(request, separation, step),
        lambda reason, _hash: service(separation, reason=reason, by=request.actor),
        _("Decision recorded."),
    )


def _get(request: AuthedRequest, separation_id: UUID) -> Separation:
    found: Separation = get_object_or_404(
        visible_separations(request.actor), public_id=separation_id
    )
    return found


def _act(request: AuthedRequest, separation: Separation, name: str) -> Act:
    is_disputed = separation.state == TagState.DISPUTED
    title, effect, verb, icon = {
        "activate": (
            _("Let it stand?") if is_disputed else _("Hold them apart?"),
            _("No transaction joins their clusters, in every case of this house."),
            _("Let it stand") if is_disputed else _("Hold apart"), "circle-check",
        ),
        "refuse": (
            _("Refuse this proposal?"), _("The clusters stay as they are."), _("Refuse"),
            "circle-x",
        ),
        "dispute": (
            _("Dispute this?"), _("They stay apart until a second person decided."), _("Dispute"),
            "triangle-alert",
        ),
        "retract": (
            _("Take it back?"),
            _("Transactions that spend from both join them again; the record remains."),
            _("Take back"), "undo-2",
        ),
    }[name]  # fmt: skip
    doubts = name == "dispute"
    right = Action.PROPOSE_SEPARATION if doubts else Action.DECIDE_SEPARATION
    first = () if doubts else (separation.asked_by_id,)
    return Act(
        id=f"{name}-{separation.public_id}",
        url=reverse(f"separation_{name}", args=[separation.public_id]),
        title=title,
        effect=effect,
        verb=verb,
        icon=icon,
        cancel_url=reverse("separation_detail", args=[separation.public_id]),
        facts=[
            Fact(_("Why"), separation.reason),
            Fact(_("Rests on"), separation.basis),
            Fact(_("Spent together"), _spent_together(separation)),
        ],
        danger=name in ("refuse", "retract"),
        blocked=why_not(request.actor, right, *first),
    )


def _spent_together(separation: Separation) -> str:
    """What speaks against it on the chain, as a sentence."""
    if not separation.joins:
        return _("No transaction joined them when it was proposed.")
    txid, both = separation.joins[0]
    if both:
        return _("Transaction %(txid)s spends coins of both.") % {"txid": txid}
    return _("%(n)d transactions joined them, the first is %(txid)s.") % {
        "n": len(separation.joins), "txid": txid,
    }  # fmt: skip


ONE = "separations/<uuid:separation_id>/"
urlpatterns = [
    path("wallets/<uuid:wallet_id>/separation/", separation_new, name="separation_new"),
    path(ONE, separation_detail, name="separation_detail"),
    *(
        path(f"{ONE}{step}/", separation_decide, {"step": step}, name=f"separation_{step}")
        for step in STEPS
    ),
]
