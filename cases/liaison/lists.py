"""What an officer finds across all releases and requests: downloads and messages. No search.

Only reads of cases/queries/shared_lists.py.
"""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from cases.http import AuthedRequest, require_at_the_door
from cases.policy import Action
from cases.queries.shared_lists import copies_for, messages_for

officer = require_at_the_door(Action.ACKNOWLEDGE_RELEASE)


@require_safe
@officer
def liaison_downloads(request: AuthedRequest) -> HttpResponse:
    """The package of each open release, and each file that the officer took: 3 queries."""
    return render(request, "liaison/downloads.html", {"copies": copies_for(request.actor)})


@require_safe
@officer
def liaison_messages(request: AuthedRequest) -> HttpResponse:
    """Questions and answers of both sides, what waits for the officer first: 2 queries."""
    return render(request, "liaison/messages.html", {"said": messages_for(request.actor)})


urlpatterns = [
    path("downloads/", liaison_downloads, name="liaison_downloads"),
    path("messages/", liaison_messages, name="liaison_messages"),
]
