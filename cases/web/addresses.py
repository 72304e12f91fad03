"""The page of one address, reached by the wallet that holds it so that no address is in a URL."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.http import AuthedRequest, casework, require_at_the_door
from cases.models import Wallet
from cases.policy import Action, may
from cases.queries.cases import may_change
from cases.queries.separations import kept_apart
from cases.queries.wallet_scores import wallet_score
from cases.queries.wallets import (
    address_page,
    exposure_of,
    exposure_row,
    why_together,
)
from cases.queries.watches import watch_of
from cases.services.deconfliction import ask_owner
from cases.services.errors import CaseworkError
from cases.web.forms_wallets import TogetherForm
from cases.web.shell import render_case


@require_safe
@casework
def address_detail(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    wallet = _wallet(request, wallet_id)
    page = address_page(wallet, request.actor, request.GET.get("after", ""))
    form = TogetherForm(initial={"first": wallet.address})
    context = {
        "page": page,
        "wallet": wallet,
        "watch": watch_of(request.actor, "wallet", wallet.public_id),
        "form": form,
        "may_triage": may(request.actor, Action.TRIAGE_ALERT),
        "may_propose": may(request.actor, Action.PROPOSE_TAG)
        and may_change(wallet.case, request.actor),
    }
    return render_case(request, "cases/address_page.html", wallet.case, "case_wallets", context)


@require_safe
@casework
def address_exposure(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    """Exposure by category; with a row's parts in the query, the coins behind that row."""
    wallets = Wallet.objects.visible_to(request.actor).select_related("case")
    wallet = get_object_or_404(wallets, public_id=wallet_id)
    view = exposure_of(wallet)
    context: dict[str, object] = {"wallet": wallet, "view": view}
    asked = request.GET.get("direction", "")
    if asked and view is not None:
        is_direct = request.GET.get("distance", "") == "direct"
        category, asset = request.GET.get("category", ""), request.GET.get("asset", "")
        row = exposure_row(view, asked, category, is_direct, asset)
        if row is None:
            raise Http404
        context["row"] = row
    page = "cases/exposure_page.html"
    return render_case(request, page, wallet.case, "case_wallets", context)


@require_safe
@require_at_the_door(Action.TRIAGE_ALERT)
def address_score(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    """What the learned score says of the wallet, and why. Reads only."""
    wallet = _wallet(request, wallet_id)
    context = {"wallet": wallet, "score": wallet_score(wallet, request.actor)}
    return render_case(request, "cases/score_page.html", wallet.case, "case_wallets", context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def address_together(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    """Why two addresses are in one cluster: the merges between them. Reads only."""
    wallet = _wallet(request, wallet_id)
    form = TogetherForm(request.POST or None, initial={"first": wallet.address})
    found = apart = None
    if form.is_valid():
        first, last = form.cleaned_data["first"], form.cleaned_data["last"]
        found = why_together(wallet, first, last)
        apart = kept_apart(wallet, first, last, request.actor)
        if found is None and apart is None:
            form.add_error("last", _("These two are not in one cluster of the loaded ledger."))
    if request.method == "POST" and not form.is_bound:
        form = TogetherForm({})
    page = address_page(wallet, request.actor, limit=1)
    context = {"page": page, "wallet": wallet, "form": form, "found": found, "row": apart}
    status = 422 if form.errors else 200
    return render_case(
        request, "cases/address_together.html", wallet.case, "case_wallets", context, status
    )


@require_POST
@casework
def address_ask(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    """Ask whoever owns another case with this address; which case that is stays unsaid."""
    try:
        ask_owner(_wallet(request, wallet_id), by=request.actor)
    except CaseworkError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Asked. Whoever owns it sees your name and the address."))
    return redirect("address_detail", wallet_id)


def _wallet(request: AuthedRequest, wallet_id: UUID) -> Wallet:
    """The wallet if the person may see its case, else the 404 of one that does not exist."""
    wallets = Wallet.objects.visible_to(request.actor).select_related("case", "added_by")
    wallet: Wallet = get_object_or_404(wallets, public_id=wallet_id)
    return wallet


urlpatterns = [
    path("wallets/<uuid:wallet_id>/exposure/", address_exposure, name="address_exposure"),
    path("wallets/<uuid:wallet_id>/score/", address_score, name="address_score"),
    path("wallets/<uuid:wallet_id>/", address_detail, name="address_detail"),
    path("wallets/<uuid:wallet_id>/ask/", address_ask, name="address_ask"),
    path("wallets/<uuid:wallet_id>/together/", address_together, name="address_together"),
]
