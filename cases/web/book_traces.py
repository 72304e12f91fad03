"""Money through the exchange's own books: what a run reached, or the deposits of one account."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from cases.http import AuthedRequest, casework
from cases.models import ExchangeAccount
from cases.queries import book_traces as queries
from cases.queries.exposures import account_of_case
from cases.web.shell import get_case, render_case
from tracing import reads

TAB = "case_suspects"
FIRST_POLICY = "haircut"


@require_safe
@casework
def case_books(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    """From what the lead run reached, over every account that it went to."""
    case = get_case(request, case_id)
    context = {"view": queries.case_books(case)}
    return render_case(request, "cases/book_trace.html", case, TAB, context)


@require_safe
@casework
def account_books(request: AuthedRequest, case_id: UUID, account_id: UUID) -> HttpResponse:
    """From the deposits of one account; everybody stays masked."""
    case = get_case(request, case_id)
    account: ExchangeAccount | None = account_of_case(case, account_id)
    policy = request.GET.get("policy", FIRST_POLICY)
    if account is None or policy not in reads.POLICIES:
        raise Http404
    context = {
        "view": queries.account_books(account, policy),
        "account": account,
        "policies": reads.POLICIES,
    }
    return render_case(request, "cases/book_trace.html", case, TAB, context)


urlpatterns = [
    path("cases/<uuid:case_id>/books/", case_books, name="case_books"),
    path(
        "cases/<uuid:case_id>/accounts/<uuid:account_id>/books/",
        account_books,
        name="account_books",
    ),
]
