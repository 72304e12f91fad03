"""The page of one address, reached by the wallet that holds it so that no address is in a URL."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.views.decorators.http import require_safe

from cases.http import AuthedRequest, casework
from cases.models import Wallet
from cases.queries.wallets import address_page
from cases.web.shell import render_case


@require_safe
@casework
def address_detail(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    wallets = Wallet.objects.visible_to(request.actor).select_related("case", "added_by")
    wallet = get_object_or_404(wallets, public_id=wallet_id)
    page = address_page(wallet, request.actor, request.GET.get("after", ""))
    context = {"page": page, "wallet": wallet}
    return render_case(request, "cases/address_page.html", wallet.case, "case_wallets", context)


urlpatterns = [
    path("wallets/<uuid:wallet_id>/", address_detail, name="address_detail"),
]
