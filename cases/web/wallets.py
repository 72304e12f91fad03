"""Wallets of a case, their bulk paste, and the list of all wallets."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from cases.http import AuthedRequest, casework
from cases.models.wallets import WALLET_ROLES
from cases.policy import Action, may
from cases.queries import wallets as queries
from cases.services.errors import CaseworkError
from cases.services.wallets import add_wallets
from cases.web.forms_wallets import WalletsForm
from cases.web.shell import get_case, render_case

ROLES = dict(WALLET_ROLES)


@require_safe
@casework
def case_wallets(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    role = request.GET.get("role", "")
    context = {
        "rows": queries.case_wallets(case, role if role in ROLES else ""),
        "roles": [(name, ROLES[name]) for name in queries.wallet_roles(case)],
        "role": role,
        "form": WalletsForm(),
        "may_add": may(request.actor, Action.ADD_WALLET),
    }
    return render_case(request, "cases/wallet_tab.html", case, "case_wallets", context)


@require_POST
@casework
def wallets_add(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = WalletsForm(request.POST)
    report = None
    if form.is_valid():
        try:
            report = add_wallets(case, **form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
    if report is not None and not report.rejected:
        messages.success(request, added_words(len(report.added)))
        return redirect("case_wallets", case.public_id)
    if report is not None:  # what is left to correct
        lines = "\n".join(line.text for line in report.rejected)
        form = WalletsForm(initial={**form.cleaned_data, "text": lines})
    context = {
        "form": form,
        "report": report,
        "added_words": added_words(len(report.added)) if report else "",
    }
    return render_case(request, "cases/wallet_add.html", case, "case_wallets", context, status=422)


@require_safe
@casework
def wallets_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    context = {"form": WalletsForm()}
    return render_case(request, "cases/wallet_add.html", case, "case_wallets", context)


@require_safe
@casework
def wallet_list(request: AuthedRequest) -> HttpResponse:
    role = request.GET.get("role", "")
    role = role if role in ROLES else ""
    page = queries.wallet_list(request.actor, role, request.GET.get("after", ""))
    context = {"page": page, "roles": WALLET_ROLES, "role": role}
    return render(request, "cases/wallet_list.html", context)


def added_words(number: int) -> str:
    """How many wallets were added, as a sentence."""
    if not number:
        return _("No wallet was added.")
    words = ngettext("%(number)d wallet added.", "%(number)d wallets added.", number)
    return words % {"number": number}


urlpatterns = [
    path("cases/<uuid:case_id>/wallets/", case_wallets, name="case_wallets"),
    path("cases/<uuid:case_id>/wallets/new/", wallets_new, name="wallets_new"),
    path("cases/<uuid:case_id>/wallets/add/", wallets_add, name="wallets_add"),
    path("wallets/", wallet_list, name="wallet_list"),
]
