"""The page of prices: what every figure in money is made with, and who says so."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from cases.http import AuthedRequest, casework
from cases.queries.prices import price_page


@require_safe
@casework
def price_list(request: AuthedRequest) -> HttpResponse:
    page = price_page(request.GET.get("asset", "")[:120], request.GET.get("after", "")[:200])
    kept = {"asset": page.asset.asset} if page.asset else {}
    context = {"page": page, "next": urlencode(kept | {"after": page.history.after})}
    return render(request, "cases/price_list.html", context)


urlpatterns = [path("prices/", price_list, name="price_list")]
