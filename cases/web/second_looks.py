"""A blind second look at dismissed alerts."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cases.detection import FLAGS
from cases.http import AuthedRequest, require_at_the_door
from cases.models.second_looks import JUDGEMENTS
from cases.policy import Action
from cases.queries import second_looks as queries
from cases.services.errors import CaseworkError
from cases.services.second_looks import judge_second_look

triage = require_at_the_door(Action.TRIAGE_ALERT)


class JudgementForm(forms.Form):
    """How this person would have decided, without knowing how it ended."""

    judgement = forms.ChoiceField(
        label=gettext_lazy("How would you have decided?"), choices=JUDGEMENTS,
        widget=forms.RadioSelect,
    )  # fmt: skip
    reason = forms.CharField(
        label=gettext_lazy("Reason for the record"), widget=forms.Textarea(attrs={"rows": 2})
    )


@require_safe
@triage
def second_look_list(request: AuthedRequest) -> HttpResponse:
    page = queries.looks_page(request.actor)
    return render(request, "cases/second_look_list.html", {"nav": "alert", "page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@triage
def second_look_detail(request: AuthedRequest, look_id: UUID) -> HttpResponse:
    look = get_object_or_404(queries.second_looks(request.actor), public_id=look_id)
    form = JudgementForm(request.POST or None)
    if form.is_valid():
        try:
            judge_second_look(look, **form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Your judgement is kept."))
            return redirect("second_look_list")
    context = {
        "nav": "alert",
        "look": look,
        "alert": look.alert,
        "form": form,
        "flags": [FLAGS[flag] for flag in look.alert.rule.red_flags if flag in FLAGS],
        "records": queries.records_of(look),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "cases/second_look_detail.html", context, status=status)


urlpatterns = [
    path("second-looks/", second_look_list, name="second_look_list"),
    path("second-looks/<uuid:look_id>/", second_look_detail, name="second_look_detail"),
]
