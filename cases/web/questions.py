"""A question of an officer about a release, and the answer of the house."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cases.http import AuthedRequest, casework
from cases.models import ReleaseQuestion
from cases.policy import Action, may
from cases.queries.questions import question_for_page
from cases.services.errors import CaseworkError
from cases.services.questions import LONGEST, answer_question
from cases.states import InvalidTransition
from cases.web.shell import render_case

TAB = "case_referrals"


class AnswerForm(forms.Form):
    """What the officer will read."""

    text = forms.CharField(
        label=gettext_lazy("Your answer"), max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy("The officer reads it as it stands. No internal reference, no other "
                               "agency, no whole account number."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def question_detail(request: AuthedRequest, question_id: UUID) -> HttpResponse:
    """The question, and the form while it waits and the reader may answer."""
    question: ReleaseQuestion = get_object_or_404(
        question_for_page(request.actor), public_id=question_id
    )
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            answer_question(question, text=form.cleaned_data["text"], by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Answered. The officer sees it at once."))
            return redirect("referral_detail", question.release.referral.public_id)
    is_open = question.answered_at is None and may(request.actor, Action.ANSWER_QUESTION)
    context = {"question": question, "form": form, "may_answer": is_open}
    status = 422 if request.method == "POST" else 200
    case = question.release.referral.case
    return render_case(request, "cases/question_detail.html", case, TAB, context, status)


urlpatterns = [
    path("questions/<uuid:question_id>/", question_detail, name="question_detail"),
]
