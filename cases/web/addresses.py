"""The page of one address, reached by the wallet that holds it so that no address is in a URL."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.views.decorators.http import require_safe

from cases.http import AuthedRequest, casework
from cases.models import Wallet
from cases.queries.wallets import address_page, exposure_of, exposure_row
from cases.web.shell import render_case


@require_safe
@casework
def address_detail(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    wallets = Wallet.objects.visible_to(request.actor).select_related("case", "added_by")
    wallet = get_object_or_404(wallets, public_id=wallet_id)
    page = address_page(wallet, request.actor, request.GET.get("after", ""))
    context = {"page": page, "wallet": wallet}
    return render_case(request, "cases/address_page.html", wallet.case, "case_wallets", context)


@require_safe
@casework
def address_exposure(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    """Exposure by category; with a row's three parts in the query, the coins behind that row."""
    wallets = Wallet.objects.visible_to(request.actor).select_related("case")
    wallet = get_object_or_404(wallets, public_id=wallet_id)
    view = exposure_of(wallet)
    context: dict[str, object] = {"wallet": wallet, "view": view}
    asked = request.GET.get("direction", "")
    if asked and view is not None:
        is_direct = request.GET.get("distance", "") == "direct"
        row = exposure_row(view, asked, request.GET.get("category", ""), is_direct)
        if row is None:
            raise Http404
        context["row"] = row
    page = "cases/exposure_page.html"
    return render_case(request, page, wallet.case, "case_wallets", context)


urlpatterns = [
    path("wallets/<uuid:wallet_id>/exposure/", address_exposure, name="address_exposure"),
    path("wallets/<uuid:wallet_id>/", address_detail, name="address_detail"),
]
