"""The list of another portal, filed as requests: one line each, and what became of it."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from cases.http import AuthedRequest, require_at_the_door
from cases.policy import Action
from cases.services.errors import CaseworkError
from cases.services.requests import import_requests
from cases.services.requests.desk_intake import COLUMNS, MAXIMUM_BYTES
from cases.services.uploads import require_clean

desk = require_at_the_door(Action.VERIFY_REQUESTER)


class RequestFileForm(forms.Form):
    """The export of the other portal."""

    file = forms.FileField(label=_("CSV file"), help_text=_("Up to 500 rows and 5 MB, UTF-8."))


@require_http_methods(["GET", "HEAD", "POST"])
@desk
def request_import(request: AuthedRequest) -> HttpResponse:
    """The form, and after it one row for each line of the file."""
    form = RequestFileForm(request.POST or None, request.FILES or None)
    context: dict[str, object] = {"form": form, "columns": COLUMNS}
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            require_clean(upload)
            rows = import_requests(upload.read(MAXIMUM_BYTES + 1), by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            context |= {"rows": rows, "num_filed": sum(row.request is not None for row in rows)}
    status = 422 if form.errors else 200
    return render(request, "cases/request_import.html", context, status=status)


urlpatterns = [path("requests/import/", request_import, name="request_import")]
