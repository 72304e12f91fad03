"""The cohort tab: who of our customers paid a platform, how sure, and what may leave."""

import csv
import io
from collections.abc import Iterable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.http import AuthedRequest, casework
from cases.models import CohortMember
from cases.policy import Action, may
from cases.queries import cohorts as queries
from cases.services.cohorts import build_cohort, export_cohort
from cases.services.errors import CaseworkError
from cases.services.suspects import reveal_customer, standing_purpose
from cases.web.flow import plain
from cases.web.forms_cohorts import CohortForm
from cases.web.forms_suspects import RevealForm
from cases.web.shell import get_case, render_case


@require_safe
@casework
def case_cohorts(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    asked = request.GET.get("cohort", "")
    try:
        cohort_id = UUID(asked) if asked else None
    except ValueError:
        raise Http404 from None
    view = queries.cohort_view(
        case, request.actor, cohort_id, request.GET.get("part", ""), request.GET.get("page", "")
    )
    if view is None and cohort_id is not None:
        raise Http404
    context = {
        "view": view,
        "may_build": may(request.actor, Action.BUILD_COHORT),
        "may_export": may(request.actor, Action.EXPORT_COHORT)
        and view is not None
        and view.cohort.built_by_id != request.actor.pk,
    }
    return render_case(request, "cases/cohort_tab.html", case, "case_cohorts", context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def cohort_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = CohortForm(request.POST or None, case=case)
    if form.is_valid():
        fields = dict(form.cleaned_data)
        try:
            cohort = build_cohort(
                case, **{**fields, "wallets": list(fields["wallets"])}, by=request.actor
            )
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The cohort stands."))
            return redirect("case_cohorts", cohort.case.public_id)
    status = 422 if form.errors or request.method == "POST" else 200
    context = {"form": form}
    return render_case(request, "cases/cohort_form.html", case, "case_cohorts", context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def cohort_member(request: AuthedRequest, member_id: UUID) -> HttpResponse:
    """The payments of one member; a post with a purpose shows the customer once."""
    member = get_object_or_404(queries.visible_member(request.actor, member_id))
    case = member.cohort.case
    first = {"purpose": standing_purpose(case, by=request.actor)}
    form = RevealForm(request.POST if request.method == "POST" else None, initial=first)
    customer = None
    if form.is_valid():
        purpose = form.cleaned_data["purpose"]
        customer = reveal_customer(case, member.account, purpose, by=request.actor)
    context = {
        "member": member,
        "cohort": member.cohort,
        "payments": queries.member_payments(member, request.actor),
        "alternative": queries.alternative(member),
        "form": form,
        "customer": customer,
        "may_reveal": may(request.actor, Action.REVEAL_CUSTOMER),
    }
    status = 422 if form.errors else 200
    return render_case(request, "cases/cohort_member.html", case, "case_cohorts", context, status)


@require_POST
@casework
def cohort_export(request: AuthedRequest, cohort_id: UUID) -> HttpResponse:
    """The exportable members as a table, masked as on the screen."""
    cohort = get_object_or_404(queries.visible_cohort(request.actor, cohort_id))
    members = export_cohort(cohort, by=request.actor)
    response = HttpResponse(table(members), content_type="text/csv; charset=utf-8")
    name = f"{cohort.case.reference}-cohort.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def table(members: Iterable[CohortMember]) -> bytes:
    """One line a member; the customer stays masked."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow([
        _("Member"), _("Account"), _("Country"), _("Tier"), _("Payments"), _("Base units"),
        _("First"), _("Last"), _("Other explanation"),
    ])  # fmt: skip
    for member in members:
        rows.writerow([
            str(member.public_id), plain(member.account.masked), plain(member.country),
            str(member.tier), str(member.num_payments), str(member.amount),
            member.first_at.isoformat(), member.last_at.isoformat(),
            plain(str(queries.alternative(member))),
        ])  # fmt: skip
    return text.getvalue().encode("utf-8")


urlpatterns = [
    path("cases/<uuid:case_id>/cohorts/", case_cohorts, name="case_cohorts"),
    path("cases/<uuid:case_id>/cohorts/new/", cohort_new, name="cohort_new"),
    path("cohorts/members/<uuid:member_id>/", cohort_member, name="cohort_member"),
    path("cohorts/<uuid:cohort_id>/export/", cohort_export, name="cohort_export"),
]
