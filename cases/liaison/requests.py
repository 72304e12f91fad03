"""An agency's requests: list, form, status, answer. It never learns what matches before a release.

Only reads of cases/queries/shared_requests.py and the services of an officer.
"""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.http import AuthedRequest, require_at_the_door
from cases.liaison.forms_requests import AnswerForm, RequestForm
from cases.policy import Action
from cases.queries.shared_requests import answer_due_on, request_for, requests_for
from cases.services.errors import CaseworkError
from cases.services.identifiers import MAXIMUM_LINES, read_identifiers
from cases.services.requests import record_request
from cases.services.requests.intake import answer_own_request
from cases.states import InvalidTransition

officer = require_at_the_door(Action.RECORD_REQUEST)


@require_safe
@officer
def liaison_requests(request: AuthedRequest) -> HttpResponse:
    """The requests of the officer's agency: 1 query beside those of the session."""
    return render(request, "liaison/requests.html", {"rows": requests_for(request.actor)})


@require_http_methods(["GET", "HEAD", "POST"])
@officer
def liaison_request_new(request: AuthedRequest) -> HttpResponse:
    form = RequestForm(
        request.POST or None, request.FILES or None, due_on=answer_due_on(request.actor)
    )
    if form.is_valid():
        try:
            filed = record_request(form.spec(), by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Filed as %(number)s.") % {"number": filed.reference})
            return redirect("liaison_request", filed.public_id)
    context = {"form": form, "lines": _read(request)}
    return render(request, "liaison/request_form.html", context, status=422 if form.errors else 200)


@require_POST
@officer
def liaison_identifiers(request: AuthedRequest) -> HttpResponse:
    """How the pasted lines would be read, while they are written. Nothing is looked up."""
    return render(request, "liaison/identifiers.html", {"lines": _read(request)})


def _read(request: AuthedRequest) -> object:
    lines = request.POST.get("identifiers", "").splitlines()[:MAXIMUM_LINES]
    return read_identifiers("\n".join(lines))


@require_safe
@officer
def liaison_request(request: AuthedRequest, request_id: UUID) -> HttpResponse:
    return _status(request, request_id, AnswerForm())


@require_POST
@officer
def liaison_request_answer(request: AuthedRequest, request_id: UUID) -> HttpResponse:
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _status(request, request_id, form)
    try:
        answer_own_request(request_id, text=form.cleaned_data["text"], by=request.actor)
    except CaseworkError:
        raise Http404 from None
    except InvalidTransition as error:
        messages.info(request, str(error))
    else:
        messages.success(request, _("Your answer was sent; the request is checked again."))
    return redirect("liaison_request", request_id)


def _status(request: AuthedRequest, request_id: UUID, form: AnswerForm) -> HttpResponse:
    status = request_for(request.actor, request_id)
    if status is None:
        raise Http404
    context = {"status": status, "row": status.row, "form": form}
    return render(request, "liaison/request.html", context, status=422 if form.errors else 200)


ONE = "requests/<uuid:request_id>/"
urlpatterns = [
    path("requests/", liaison_requests, name="liaison_requests"),
    path("requests/new/", liaison_request_new, name="liaison_request_new"),
    path("requests/identifiers/", liaison_identifiers, name="liaison_identifiers"),
    path(ONE, liaison_request, name="liaison_request"),
    path(f"{ONE}answer/", liaison_request_answer, name="liaison_request_answer"),
]
