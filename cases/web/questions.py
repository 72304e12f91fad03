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
from cases.queries.questions import proposal_of, question_for_page
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
    has_personal = forms.BooleanField(
        label=gettext_lazy("It tells of a person or an account"), required=False,
        help_text=gettext_lazy("Then a second person sends it. Words that name a suspect, a holder "
                               "or an account of the case wait for one in any case."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def question_detail(request: AuthedRequest, question_id: UUID) -> HttpResponse:
    """The question, and the form while it waits and the reader may answer."""
    question: ReleaseQuestion = get_object_or_404(
        question_for_page(request.actor), public_id=question_id
    )
    proposal = proposal_of(question, request.actor)
    initial = {"text": proposal.text, "has_personal": True} if proposal else {}
    form = AnswerForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            told = answer_question(question, **form.cleaned_data, by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            if told.answered_at is None:
                messages.success(request, _("Proposed. A second person reads and sends it."))
            else:
                messages.success(request, _("Answered. The officer sees it at once."))
            return redirect("referral_detail", question.release.referral.public_id)
    is_open = question.answered_at is None and may(request.actor, Action.ANSWER_QUESTION)
    context = {"question": question, "form": form, "may_answer": is_open, "proposal": proposal}
    status = 422 if request.method == "POST" else 200
    case = question.release.referral.case
    return render_case(request, "cases/question_detail.html", case, TAB, context, status)


urlpatterns = [
    path("questions/<uuid:question_id>/", question_detail, name="question_detail"),
]
