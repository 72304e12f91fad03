"""The ties of an account of a case to others, each with its basis; everybody stays masked."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from cases.http import AuthedRequest, casework
from cases.queries.account_links import ties_of
from cases.queries.exposures import account_of_case
from cases.web.shell import get_case, render_case


@require_safe
@casework
def account_links(request: AuthedRequest, case_id: UUID, account_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    account = account_of_case(case, account_id)
    if account is None:
        raise Http404
    context = {"account": account, "found": ties_of(account)}
    return render_case(request, "cases/account_links.html", case, "case_suspects", context)


urlpatterns = [
    path(
        "cases/<uuid:case_id>/accounts/<uuid:account_id>/links/",
        account_links,
        name="account_links",
    )
]
