"""Related cases: said, taken back, and one case merged into another by a second person."""

from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cases.http import AuthedRequest, casework
from cases.models import Case, CaseRelation
from cases.services.errors import CaseworkError
from cases.services.relations import end_relation, merge_case, relate_case
from cases.web.forms_cases import ReasonForm
from cases.web.forms_relations import RelateForm
from cases.web.shell import get_case, render_case

L = gettext_lazy


def _shown(
    request: AuthedRequest, case: Case, form: Form, heading: Promise | str, verb: Promise
) -> HttpResponse:
    context = {"form": form, "heading": heading, "verb": verb}
    status = 422 if form.errors else 200
    return render_case(request, "cases/case_act.html", case, "case_detail", context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def case_relate(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = RelateForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        values = dict(form.cleaned_data)
        reference = values.pop("reference").strip().upper()
        other = Case.objects.visible_to(request.actor).filter(reference=reference).first()
        try:
            if other is None:
                raise CaseworkError(_("You see no case of this number."))
            relate_case(case, other, **values, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Both cases show it now."))
            return redirect("case_detail", case.public_id)
    return _shown(request, case, form, L("Relate this case to another"), L("Relate"))


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def relation_end(request: AuthedRequest, case_id: UUID, relation_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    relations = CaseRelation.objects.visible_to(request.actor)
    relation = get_object_or_404(relations, public_id=relation_id, ended_at=None)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            end_relation(relation, **form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Taken back."))
            return redirect("case_detail", case.public_id)
    return _shown(request, case, form, L("Take this relation back"), L("Take back"))


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def case_merge(request: AuthedRequest, case_id: UUID, into_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    into = get_object_or_404(Case.objects.visible_to(request.actor), public_id=into_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            merge_case(case, into=into_id, **form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Merged: the work goes on here."))
            return redirect("case_detail", into_id)
    heading = _(
        "Merge this case into %(reference)s, %(title)s? Its rows stay, and it takes no more work."
    ) % {"reference": into.reference, "title": into.title}
    return _shown(request, case, form, heading, L("Merge"))


ONE = "cases/<uuid:case_id>/"
urlpatterns = [
    path(f"{ONE}relate/", case_relate, name="case_relate"),
    path(f"{ONE}related/<uuid:relation_id>/end/", relation_end, name="relation_end"),
    path(f"{ONE}merge/<uuid:into_id>/", case_merge, name="case_merge"),
]
