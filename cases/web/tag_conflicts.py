"""Conflicts of tags: a resolution is proposed on the address's page, decided by a second person."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases.http import AuthedRequest, casework
from cases.models import TagConflict, Wallet
from cases.policy import Action
from cases.queries.cases import may_change
from cases.services.errors import CaseworkError
from cases.services.tag_conflicts import (
    activate_resolution,
    dispute_resolution,
    propose_resolution,
    refuse_resolution,
    retract_resolution,
)
from cases.states import TAG, TagAction, TagState
from cases.web.acts import Act, Fact, perform, why_not
from cases.web.forms_tag_conflicts import ConflictForm
from cases.web.shell import render_case
from tracing import reads

TAB = "case_wallets"
STEPS = {
    "activate": (TagAction.ACTIVATE, activate_resolution),
    "refuse": (TagAction.REFUSE, refuse_resolution),
    "dispute": (TagAction.DISPUTE, dispute_resolution),
    "retract": (TagAction.RETRACT, retract_resolution),
}


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def tag_conflict_new(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    rows = Wallet.objects.visible_to(request.actor).select_related("case")
    wallet = get_object_or_404(rows, public_id=wallet_id)
    sides = reads.sides_of(wallet.ledger, wallet.address)
    form = ConflictForm(request.POST if request.method == "POST" else None, sides=sides)
    if form.is_valid():
        try:
            conflict = propose_resolution(wallet, **form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Proposed. A second person decides."))
            return redirect("tag_conflict_detail", conflict.public_id)
    status = 422 if form.errors else 200
    context = {"form": form, "wallet": wallet, "sides": sides}
    return render_case(request, "cases/tag_conflict_form.html", wallet.case, TAB, context, status)


@require_safe
@casework
def tag_conflict_detail(request: AuthedRequest, conflict_id: UUID) -> HttpResponse:
    conflict = _get(request, conflict_id)
    state = TagState(conflict.state)
    acts = [
        _act(request, conflict, name)
        for name, (action, _service) in STEPS.items()
        if (state, action) in TAG and may_change(conflict.case, request.actor)
    ]
    wallets = Wallet.objects.visible_to(request.actor).filter(case=conflict.case)
    wallet = wallets.filter(ledger=conflict.ledger, address=conflict.address).first()
    context = {"conflict": conflict, "acts": acts, "wallet": wallet}
    return render_case(request, "cases/tag_conflict_detail.html", conflict.case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def tag_conflict_decide(request: AuthedRequest, conflict_id: UUID, step: str) -> HttpResponse:
    conflict = _get(request, conflict_id)
    _action, service = STEPS[step]
    return perform(
        request,
        _act(request, conflict, step),
        lambda reason, _hash: service(conflict, reason=reason, by=request.actor),
        _("Decision recorded."),
    )


def _get(request: AuthedRequest, conflict_id: UUID) -> TagConflict:
    rows = TagConflict.objects.visible_to(request.actor)
    people = ("case", "asked_by", "decided_by")
    found: TagConflict = get_object_or_404(rows.select_related(*people), public_id=conflict_id)
    return found


def _act(request: AuthedRequest, conflict: TagConflict, name: str) -> Act:
    title, effect, verb, icon = {
        "activate": (
            _("Resolve it so?"),
            _("The other names count nowhere in this house any more; they stay to be read."),
            _("Resolve"), "circle-check",
        ),
        "refuse": (
            _("Refuse this proposal?"), _("The tags go on to disagree."), _("Refuse"), "circle-x",
        ),
        "dispute": (
            _("Dispute this resolution?"),
            _("The tags disagree again until a second person decided."),
            _("Dispute"), "triangle-alert",
        ),
        "retract": (
            _("Take this resolution back?"), _("The tags go on to disagree; the record remains."),
            _("Take back"), "undo-2",
        ),
    }[name]  # fmt: skip
    doubts = name == "dispute"
    right = Action.PROPOSE_TAG if doubts else Action.DECIDE_TAG
    first = () if doubts else (conflict.asked_by_id,)
    return Act(
        id=f"{name}-{conflict.public_id}",
        url=reverse(f"tag_conflict_{name}", args=[conflict.public_id]),
        title=title,
        effect=effect,
        verb=verb,
        icon=icon,
        cancel_url=reverse("tag_conflict_detail", args=[conflict.public_id]),
        facts=[
            Fact(_("Holds"), conflict.keep or _("None of them")),
            Fact(_("Why"), conflict.reason),
        ],
        danger=name in ("refuse", "retract"),
        blocked=why_not(request.actor, right, *first),
    )


ONE = "tag-conflicts/<uuid:conflict_id>/"
urlpatterns = [
    path("wallets/<uuid:wallet_id>/tag-conflict/", tag_conflict_new, name="tag_conflict_new"),
    path(ONE, tag_conflict_detail, name="tag_conflict_detail"),
    *(
        path(f"{ONE}{step}/", tag_conflict_decide, {"step": step}, name=f"tag_conflict_{step}")
        for step in STEPS
    ),
]
