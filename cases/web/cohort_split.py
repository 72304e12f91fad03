"""Splitting a cohort: one referral an agency, each with the customers of its countries alone."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from cases.http import AuthedRequest, casework
from cases.queries.cohorts import exportable_countries, visible_cohort
from cases.services.cohort_split import split_cohort
from cases.services.errors import CaseworkError
from cases.web.forms_cohort_split import SplitForm
from cases.web.shell import render_case

TAB = "case_cohorts"


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def cohort_split(request: AuthedRequest, cohort_id: UUID) -> HttpResponse:
    cohort = get_object_or_404(visible_cohort(request.actor, cohort_id))
    countries = exportable_countries(cohort, request.actor)
    form = SplitForm(cohort.case, countries, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            drafted = split_cohort(cohort, **form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            words = ngettext("%s referral drafted.", "%s referrals drafted.", len(drafted))
            messages.success(request, words % len(drafted))
            return redirect("case_referrals", cohort.case.public_id)
    status = 422 if form.errors else 200
    context = {"form": form, "cohort": cohort, "countries": countries}
    return render_case(request, "cases/cohort_split.html", cohort.case, TAB, context, status)


urlpatterns = [path("cohorts/<uuid:cohort_id>/split/", cohort_split, name="cohort_split")]
