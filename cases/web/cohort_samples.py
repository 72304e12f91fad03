"""Pages of a cohort: the sample that measures its tiers, and numbers that may be shown around."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.http import AuthedRequest, casework
from cases.models import Asset, SampledMember
from cases.models.cohort_samples import VERDICTS
from cases.policy import Action, may
from cases.queries import cohort_samples as queries
from cases.queries.cohorts import visible_cohort
from cases.services.cohort_samples import draw_samples, judge_member
from cases.services.errors import CaseworkError
from cases.states import InvalidTransition
from cases.web.shell import render_case

TAB = "case_cohorts"


@require_safe
@casework
def cohort_sample(request: AuthedRequest, cohort_id: UUID) -> HttpResponse:
    cohort = get_object_or_404(visible_cohort(request.actor, cohort_id))
    is_builder = cohort.built_by_id == request.actor.pk
    context = {
        "cohort": cohort,
        "views": queries.sample_views(cohort, request.actor),
        "verdicts": VERDICTS,
        "may_draw": may(request.actor, Action.BUILD_COHORT),
        "may_judge": may(request.actor, Action.BUILD_COHORT) and not is_builder,
        "is_builder": is_builder,
    }
    return render_case(request, "cases/cohort_sample.html", cohort.case, TAB, context)


@require_POST
@casework
def cohort_sample_draw(request: AuthedRequest, cohort_id: UUID) -> HttpResponse:
    cohort = get_object_or_404(visible_cohort(request.actor, cohort_id))
    try:
        draw_samples(cohort, by=request.actor)
    except CaseworkError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The sample is drawn."))
    return redirect("cohort_sample", cohort.public_id)


@require_POST
@casework
def cohort_sample_judge(request: AuthedRequest, sampled_id: UUID) -> HttpResponse:
    rows = SampledMember.objects.visible_to(request.actor)
    sampled = get_object_or_404(
        rows.select_related("sample__cohort", "member"), public_id=sampled_id
    )
    verdict, note = request.POST.get("verdict", ""), request.POST.get("note", "")
    try:
        judge_member(sampled, verdict, note=note, by=request.actor)
    except (CaseworkError, InvalidTransition) as error:
        messages.error(request, str(error))
    return redirect("cohort_sample", sampled.sample.cohort.public_id)


@require_safe
@casework
def cohort_numbers(request: AuthedRequest, cohort_id: UUID) -> HttpResponse:
    cohort = get_object_or_404(visible_cohort(request.actor, cohort_id))
    context = {
        "cohort": cohort,
        "view": queries.aggregates(cohort, request.actor),
        "asset": Asset.objects.filter(asset=cohort.asset).first() or cohort.asset,
        "smallest": queries.SMALLEST,
    }
    return render_case(request, "cases/cohort_numbers.html", cohort.case, TAB, context)


ONE = "cohorts/<uuid:cohort_id>/"
urlpatterns = [
    path(f"{ONE}sample/", cohort_sample, name="cohort_sample"),
    path(f"{ONE}sample/draw/", cohort_sample_draw, name="cohort_sample_draw"),
    path("cohorts/sampled/<uuid:sampled_id>/", cohort_sample_judge, name="cohort_sample_judge"),
    path(f"{ONE}numbers/", cohort_numbers, name="cohort_numbers"),
]
