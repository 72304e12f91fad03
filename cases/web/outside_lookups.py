"""The log of questions to hosts outside, for those who answer for what leaves the house."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from cases.http import AuthedRequest, require_at_the_door
from cases.policy import Action, Role
from tracing import reads

ROWS = 50


@require_safe
@require_at_the_door(Action.READ_LOOKUPS)
def outside_lookup_list(request: AuthedRequest) -> HttpResponse:
    """Who asked which host why, newest first, 50 a page: 1 query.

    What was asked about names a customer's or suspect's address: an auditor, who belongs to no
    case, is not shown it.
    """
    asked = request.GET.get("before", "")
    is_number = asked.isascii() and asked.isdecimal() and len(asked) < 18
    rows = reads.outside_lookups(ROWS + 1, int(asked) if is_number else None)
    context = {
        "rows": rows[:ROWS],
        "before": rows[ROWS - 1].number if len(rows) > ROWS else None,
        "is_first": not is_number,
        "shows_subject": request.actor.role != Role.AUDITOR,
    }
    return render(request, "cases/outside_lookup_list.html", context)


urlpatterns = [path("audit/outside-lookups/", outside_lookup_list, name="outside_lookup_list")]
