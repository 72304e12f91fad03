"""The page of labels: packs and lists that count, their versions, and where they come from."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from cases.http import AuthedRequest, casework
from cases.queries.label_sources import labels_view


@require_safe
@casework
def label_list(request: AuthedRequest) -> HttpResponse:
    return render(request, "cases/label_list.html", {"view": labels_view()})


urlpatterns = [path("labels/", label_list, name="label_list")]
