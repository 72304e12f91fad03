"""The search box: sent by POST, so that no name and no address stands in an address line."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_http_methods

from cases.http import AuthedRequest, casework
from cases.queries.search import search
from cases.services.reads import keep_search

LONGEST = 200


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def search_page(request: AuthedRequest) -> HttpResponse:
    text = request.POST.get("q", "").replace("\x00", "")[:LONGEST]  # PostgreSQL takes no NUL
    found = search(text, request.actor)
    keep_search(found.kind, found.text, by=request.actor)
    return render(request, "cases/search.html", {"found": found})


urlpatterns = [path("search/", search_page, name="search")]
