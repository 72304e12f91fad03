"""Replying to many requests at once that we hold nothing."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from cases.http import AuthedRequest, require_at_the_door
from cases.models import InformationRequest
from cases.policy import Action
from cases.queries.requests import without_match
from cases.services.errors import CaseworkError
from cases.services.requests.bulk import MOST_AT_ONCE, mark_no_matches

deciders = require_at_the_door(Action.DECIDE_REQUEST)


class NoMatchForm(forms.Form):
    """What every agency reads, and why."""

    words = forms.CharField(
        label=_("What the agencies read"), max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        initial=_("We hold no account and no record for what you asked."),
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=1000,
                             help_text=_("It is kept with each decision."))  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@deciders
def request_no_matches(request: AuthedRequest) -> HttpResponse:
    """Requests others checked for which the search finds nothing; 8 queries each of at most 20."""
    form = NoMatchForm(request.POST or None)
    context: dict[str, object] = {"form": form, "most": MOST_AT_ONCE}
    if request.method == "POST" and form.is_valid():
        visible = InformationRequest.objects.visible_to(request.actor)
        marked = [
            each
            for each in visible.filter(state="in_review").order_by("due_at", "pk")
            if f"take-{each.public_id}" in request.POST
        ]
        hashes = {e.public_id: request.POST[f"take-{e.public_id}"] for e in marked}
        try:
            context["done"] = mark_no_matches(
                marked, content_hashes=hashes, **form.cleaned_data, by=request.actor
            )
        except CaseworkError as error:
            form.add_error(None, str(error))
    context["rows"] = without_match(request.actor, MOST_AT_ONCE)
    status = 422 if form.errors else 200
    return render(request, "cases/request_no_matches.html", context, status=status)


urlpatterns = [path("requests/no-match/", request_no_matches, name="request_no_matches")]
