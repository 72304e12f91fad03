"""Exposure of a case and of a customer, by category; each amount opens the coins behind it."""

from collections.abc import Sequence
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cases.http import AuthedRequest, casework
from cases.models import Case
from cases.queries import exposures as queries
from cases.queries.exposures import LedgerExposure
from cases.queries.wallets import exposure_row
from cases.web.shell import get_case, render_case


@require_safe
@casework
def case_exposure(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    heading = _("Exposure of the case")
    return _page(request, case, queries.case_exposure(case), heading, "case_wallets")


@require_safe
@casework
def customer_exposure(request: AuthedRequest, case_id: UUID, account_id: UUID) -> HttpResponse:
    """The customer behind an account of this case, who stays masked."""
    case = get_case(request, case_id)
    account = queries.account_of_case(case, account_id)
    if account is None:
        raise Http404
    heading = _("Exposure of the customer behind account %(number)s") % {"number": account.masked}
    return _page(request, case, queries.customer_exposure(account), heading, "case_suspects")


def _page(
    request: AuthedRequest,
    case: Case,
    found: Sequence[LedgerExposure],
    heading: str,
    tab: str,
) -> HttpResponse:
    """All ledgers, or with a row's parts in the query the coins behind that row."""
    context: dict[str, object] = {"found": found, "heading": heading}
    asked, ledger = request.GET.get("direction", ""), request.GET.get("ledger", "")
    if asked:
        one = queries.exposure_on(found, ledger)
        if one is None or one.view is None:
            raise Http404
        is_direct = request.GET.get("distance", "") == "direct"
        category, asset = request.GET.get("category", ""), request.GET.get("asset", "")
        row = exposure_row(one.view, asked, category, is_direct, asset)
        if row is None:
            raise Http404
        context |= {"row": row, "view": one.view}
    return render_case(request, "cases/exposure_whole.html", case, tab, context)


ONE = "cases/<uuid:case_id>/"
urlpatterns = [
    path(f"{ONE}exposure/", case_exposure, name="case_exposure"),
    path(f"{ONE}accounts/<uuid:account_id>/exposure/", customer_exposure, name="customer_exposure"),
]
