"""What compliance sees of a person who looked up the own name."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.http import AuthedRequest, require_at_the_door
from cases.models import SelfLookup
from cases.policy import Action
from cases.services.self_lookups import see_self_lookup

for_compliance = require_at_the_door(Action.SEE_SELF_LOOKUP)


def _get(request: AuthedRequest, lookup_id: UUID) -> SelfLookup:
    rows = SelfLookup.objects.visible_to(request.actor).select_related("case", "user", "seen_by")
    found: SelfLookup = get_object_or_404(rows, public_id=lookup_id)
    return found


@require_safe
@for_compliance
def self_lookup_detail(request: AuthedRequest, lookup_id: UUID) -> HttpResponse:
    context = {"each": _get(request, lookup_id)}
    return render(request, "cases/self_lookup_detail.html", context)


@require_POST
@for_compliance
def self_lookup_see(request: AuthedRequest, lookup_id: UUID) -> HttpResponse:
    see_self_lookup(_get(request, lookup_id), by=request.actor)
    messages.success(request, _("Kept: you have looked at this."))
    return redirect("inbox")


ONE = "self-lookups/<uuid:lookup_id>/"
urlpatterns = [
    path(ONE, self_lookup_detail, name="self_lookup_detail"),
    path(f"{ONE}see/", self_lookup_see, name="self_lookup_see"),
]
