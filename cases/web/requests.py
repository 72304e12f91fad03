"""The requests desk: queue by deadline, the request with its matches, checklist, decisions."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.files import load_bytes
from cases.http import AuthedRequest, casework
from cases.models import InformationRequest
from cases.policy import Action, may
from cases.queries import requests as queries
from cases.queries.requests import RequestPage
from cases.services.audit import record_read
from cases.services.errors import CaseworkError
from cases.services.requests import (
    accept_request,
    ask_agency,
    check_request,
    close_request,
    link_request,
    mark_no_match,
    refuse_request,
    release_response,
    start_verification,
    verify_requester,
)
from cases.states import REQUEST, InvalidTransition, RequestState
from cases.web.acts import perform
from cases.web.acts_requests import ACTS, RequestAct, request_act
from cases.web.domains import domain_warning
from cases.web.events import told
from cases.web.forms_requests import LinkForm
from cases.web.preservations import preservation_acts

# The policy of every page, and no script, form or frame whatever the file holds.
SANDBOX = (
    "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'; sandbox"
)


def _get(request: AuthedRequest, request_id: UUID) -> InformationRequest:
    found: InformationRequest = get_object_or_404(
        queries.request_for_page(request.actor), public_id=request_id
    )
    return found


@require_safe
@casework
def request_list(request: AuthedRequest) -> HttpResponse:
    """What waits for us by deadline, then the rest, newest first: 2 queries."""
    context = {
        "queue": queries.request_queue(request.actor),
        "page": queries.request_rest(request.actor, request.GET.get("after", "")),
        "may_decide": may(request.actor, Action.DECIDE_REQUEST),
    }
    return render(request, "cases/request_list.html", context)


@require_safe
@casework
def request_detail(request: AuthedRequest, request_id: UUID) -> HttpResponse:
    """One request with what we hold on it; that it was looked at is kept: 23 queries."""
    asked = _get(request, request_id)
    page = queries.request_page(asked, request.actor)
    record_read(asked.case, "view_request", asked.reference, by=request.actor, purpose="desk")
    may_verify = may(request.actor, Action.VERIFY_REQUESTER)
    context = {
        "asked": asked,
        "page": page,
        "events": [(event, told(event)) for event in page.events],
        "walk": queries.walk(asked.state),
        "domain_warning": domain_warning(asked.liaison.email, asked.agency),
        "acts": _acts(request, asked, page),
        "keeping": preservation_acts(request, asked, page.preserved),
        "may_start": may_verify and asked.state == RequestState.RECEIVED,
        "may_check": may_verify and asked.state == RequestState.VERIFYING,
        "link_form": LinkForm(request.actor) if may_verify and asked.case_id is None else None,
    }
    return render(request, "cases/request_detail.html", context)


def _acts(request: AuthedRequest, asked: InformationRequest, page: RequestPage) -> list[RequestAct]:
    state = RequestState(asked.state)
    names = [name for name, (action, _right) in ACTS.items() if (state, action) in REQUEST]
    return [request_act(request, asked, page, name) for name in names]


@require_POST
@casework
def request_start(request: AuthedRequest, request_id: UUID) -> HttpResponse:
    start_verification(_get(request, request_id), by=request.actor)
    return redirect("request_detail", request_id)


@require_POST
@casework
def request_check(request: AuthedRequest, request_id: UUID, item: str) -> HttpResponse:
    asked = _get(request, request_id)
    try:
        check_request(asked, item=item, by=request.actor)
    except (CaseworkError, InvalidTransition) as error:
        messages.info(request, str(error))
    return redirect("request_detail", request_id)


@require_POST
@casework
def request_verify(request: AuthedRequest, request_id: UUID) -> HttpResponse:
    try:
        verify_requester(_get(request, request_id), by=request.actor)
    except CaseworkError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Verified. A second person decides."))
    return redirect("request_detail", request_id)


@require_POST
@casework
def request_link(request: AuthedRequest, request_id: UUID) -> HttpResponse:
    asked = _get(request, request_id)
    form = LinkForm(request.actor, request.POST)
    if form.is_valid():
        link_request(asked, form.cleaned_data["case"], by=request.actor)
        messages.success(request, _("The request is in this case now."))
    else:
        messages.error(request, _("Choose a case from the list."))
    return redirect("request_detail", request_id)


@require_safe
@casework
def request_document(request: AuthedRequest, request_id: UUID) -> HttpResponse:
    """The instrument as it was uploaded, always as a download in a sandbox (S8)."""
    asked = _get(request, request_id)
    if not asked.document_sha256:
        raise Http404
    content = load_bytes(asked.document_sha256)
    record_read(asked.case, "download_document", asked.reference, by=request.actor)
    name = content_disposition_header(as_attachment=True, filename=asked.document_name)
    headers = {
        "Content-Disposition": name or "attachment",
        "Content-Security-Policy": SANDBOX,
    }
    return HttpResponse(content, content_type="application/octet-stream", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def request_decide(request: AuthedRequest, request_id: UUID, decision: str) -> HttpResponse:
    asked = _get(request, request_id)
    by = request.actor
    act = request_act(request, asked, queries.request_page(asked, by), decision)

    def do(reason: str, content_hash: str) -> object:
        form = act.form
        if form is not None and not form.is_valid():
            raise CaseworkError(_("Fill in what stands above the reason."))
        values = dict(form.cleaned_data) if form is not None else {}
        shown: dict[str, Any] = {"content_hash": content_hash, "reason": reason, "by": by}
        match decision:
            case "ask":
                return ask_agency(asked, text=values["words"], reason=reason, by=by)
            case "accept":
                return accept_request(asked, datasets=values["datasets"], **shown)
            case "no_match":
                return mark_no_match(asked, words=values["words"], **shown)
            case "refuse":
                return refuse_request(asked, words=values["words"], **shown)
            case "release":
                return release_response(asked, values["release"], **shown)
        return close_request(asked, reason=reason, by=by)

    return perform(request, act, do, _("Decision recorded."))


ONE = "requests/<uuid:request_id>/"
urlpatterns = [
    path("requests/", request_list, name="request_list"),
    path(ONE, request_detail, name="request_detail"),
    path(f"{ONE}start/", request_start, name="request_start"),
    path(f"{ONE}checks/<slug:item>/", request_check, name="request_check"),
    path(f"{ONE}verify/", request_verify, name="request_verify"),
    path(f"{ONE}link/", request_link, name="request_link"),
    path(f"{ONE}document/", request_document, name="request_document"),
    *(
        path(f"{ONE}{name}/", request_decide, {"decision": name}, name=f"request_{name}")
        for name in ACTS
    ),
]
