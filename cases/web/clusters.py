"""The cluster of a wallet's address: its version to cite, the guard of tags, the probable layer."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.views.decorators.http import require_safe

from cases.heuristics import error_of
from cases.http import AuthedRequest, casework
from cases.models import Wallet
from cases.policy import Action, may
from cases.queries.cases import may_change
from cases.queries.separations import separations_about, with_separations
from cases.queries.wallets import cluster_look
from cases.web.shell import render_case


@require_safe
@casework
def address_cluster(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    wallets = Wallet.objects.visible_to(request.actor).select_related("case")
    wallet = get_object_or_404(wallets, public_id=wallet_id)
    look = cluster_look(wallet)
    is_open = may_change(wallet.case, request.actor)
    context = {
        "wallet": wallet,
        "look": look,
        "apart": with_separations(look.apart if look else (), request.actor),
        "said": separations_about(wallet, request.actor),
        "errors": error_of("change"),
        "may_propose": is_open and may(request.actor, Action.PROPOSE_TAG),
        "may_separate": is_open and may(request.actor, Action.PROPOSE_SEPARATION),
    }
    return render_case(request, "cases/cluster_page.html", wallet.case, "case_wallets", context)


urlpatterns = [path("wallets/<uuid:wallet_id>/cluster/", address_cluster, name="address_cluster")]
