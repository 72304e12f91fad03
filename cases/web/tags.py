"""Tags of the house: proposed on the page of a wallet's address, decided by a second person."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases.http import AuthedRequest, casework
from cases.models import HouseTag, Wallet
from cases.policy import Action
from cases.queries.cases import may_change
from cases.services.errors import CaseworkError
from cases.services.tags import activate_tag, dispute_tag, propose_tag, refuse_tag, retract_tag
from cases.states import TAG, TagAction, TagState
from cases.web.acts import Act, Fact, perform, why_not
from cases.web.forms_tags import TagForm
from cases.web.shell import render_case

TAB = "case_wallets"
STEPS = {
    "activate": (TagAction.ACTIVATE, activate_tag),
    "refuse": (TagAction.REFUSE, refuse_tag),
    "dispute": (TagAction.DISPUTE, dispute_tag),
    "retract": (TagAction.RETRACT, retract_tag),
}


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def tag_new(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    rows = Wallet.objects.visible_to(request.actor).select_related("case")
    wallet = get_object_or_404(rows, public_id=wallet_id)
    form = TagForm(request.POST or None)
    if request.method == "POST" and not form.is_bound:
        form = TagForm({})
    if form.is_valid():
        try:
            tag = propose_tag(wallet, **form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Proposed. A second person decides."))
            return redirect("tag_detail", tag.public_id)
    status = 422 if form.errors else 200
    context = {"form": form, "wallet": wallet}
    return render_case(request, "cases/tag_form.html", wallet.case, TAB, context, status)


@require_safe
@casework
def tag_detail(request: AuthedRequest, tag_id: UUID) -> HttpResponse:
    tag = _get(request, tag_id)
    state = TagState(tag.state)
    acts = [
        _act(request, tag, name)
        for name, (action, _service) in STEPS.items()
        if (state, action) in TAG and may_change(tag.case, request.actor)
    ]
    wallets = Wallet.objects.visible_to(request.actor).filter(case=tag.case)
    wallet = wallets.filter(ledger=tag.ledger, address=tag.address).first()
    context = {"tag": tag, "acts": acts, "wallet": wallet}
    return render_case(request, "cases/tag_detail.html", tag.case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def tag_decide(request: AuthedRequest, tag_id: UUID, step: str) -> HttpResponse:
    tag = _get(request, tag_id)
    _action, service = STEPS[step]
    return perform(
        request,
        _act(request, tag, step),
        lambda reason, _hash: service(tag, reason=reason, by=request.actor),
        _("Decision recorded."),
    )


def _get(request: AuthedRequest, tag_id: UUID) -> HouseTag:
    rows = HouseTag.objects.visible_to(request.actor)
    people = ("case", "asked_by", "decided_by")
    found: HouseTag = get_object_or_404(rows.select_related(*people), public_id=tag_id)
    return found


def _act(request: AuthedRequest, tag: HouseTag, name: str) -> Act:
    title, effect, verb, icon = {
        "activate": (
            _("Publish this tag?"),
            _("It is told of the address, and of its cluster, to everybody in this house."),
            _("Publish"), "circle-check",
        ),
        "refuse": (_("Refuse this proposal?"), _("It ends here."), _("Refuse"), "circle-x"),
        "dispute": (
            _("Dispute this tag?"),
            _("It is told of the address no longer until a second person decided."),
            _("Dispute"), "triangle-alert",
        ),
        "retract": (
            _("Take this tag back?"), _("It stays taken back; the record remains."),
            _("Take back"), "undo-2",
        ),
    }[name]  # fmt: skip
    doubts = name == "dispute"
    right = Action.PROPOSE_TAG if doubts else Action.DECIDE_TAG
    first = () if doubts else (tag.asked_by_id,)
    return Act(
        id=f"{name}-{tag.public_id}",
        url=reverse(f"tag_{name}", args=[tag.public_id]),
        title=title,
        effect=effect,
        verb=verb,
        icon=icon,
        cancel_url=reverse("tag_detail", args=[tag.public_id]),
        facts=[Fact(_("Label"), tag.label), Fact(_("Source"), tag.source)],
        danger=name in ("refuse", "retract"),
        blocked=why_not(request.actor, right, *first),
    )


ONE = "tags/<uuid:tag_id>/"
urlpatterns = [
    path("wallets/<uuid:wallet_id>/tags/new/", tag_new, name="tag_new"),
    path(ONE, tag_detail, name="tag_detail"),
    *(path(f"{ONE}{step}/", tag_decide, {"step": step}, name=f"tag_{step}") for step in STEPS),
]
