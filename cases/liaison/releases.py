"""Releases as an officer reads them: list, page, files, questions, outcomes. No search.

Only reads of cases/queries/shared.py and the services of this door; each of them asks again
whether the grant is open. Whatever is not open does not exist.
"""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.http import AuthedRequest, require_at_the_door
from cases.liaison.forms_releases import OutcomeForm, QuestionForm
from cases.policy import Action
from cases.queries.shared import release_for, releases_for
from cases.services.downloads import take_file
from cases.services.errors import CaseworkError, NotFound
from cases.services.liaison import acknowledge_release
from cases.services.outcomes import report_outcome
from cases.services.questions import ask_about_release
from cases.states import InvalidTransition

# The right that only officers have: people of the house read releases at their own door.
officer = require_at_the_door(Action.ACKNOWLEDGE_RELEASE)


@require_safe
@officer
def liaison_releases(request: AuthedRequest) -> HttpResponse:
    """The releases open to this officer: 1 query beside those of the session."""
    return render(request, "liaison/releases.html", {"rows": releases_for(request.actor)})


@require_safe
@officer
def liaison_release(request: AuthedRequest, release_id: UUID) -> HttpResponse:
    """One release, whole; that it was read is kept: 10 queries beside those of the session."""
    return _page(request, release_id, None)


def _page(
    request: AuthedRequest,
    release_id: UUID,
    form: QuestionForm | None,
    outcome_form: OutcomeForm | None = None,
) -> HttpResponse:
    view = release_for(request.actor, release_id)
    if view is None:
        raise Http404
    context = {
        "view": view,
        "form": form or QuestionForm(view.dossier),
        "outcome_form": outcome_form or OutcomeForm(view.dossier),
        "dossier": view.dossier,
        "flow_step": request.GET.get("step", ""),
        "flow_plays": "play" in request.GET,
        "release_number": f"{view.row.number} v{view.row.version}",
        "watermark": _("Copy %(watermark)s of %(agency)s, TLP:%(tlp)s, %(code)s") % {
            "watermark": view.row.watermark, "agency": view.row.agency,
            "tlp": view.row.tlp, "code": view.row.handling_code,
        },
    }  # fmt: skip
    is_wrong = any(each is not None and each.errors for each in (form, outcome_form))
    status = 422 if is_wrong else 200
    return render(request, "liaison/release.html", context, status=status)


@require_safe
@officer
def liaison_download(request: AuthedRequest, release_id: UUID, name: str) -> HttpResponse:
    """One file of the officer's copy, always as a download; the download is kept."""
    shared = take_file(release_id, name, by=request.actor)
    if shared is None:
        raise Http404
    disposition = content_disposition_header(as_attachment=True, filename=shared.file.name)
    return HttpResponse(
        shared.content,
        content_type=shared.file.mime,
        headers={"Content-Disposition": disposition or "attachment"},
    )


@require_POST
@officer
def liaison_acknowledge(request: AuthedRequest, release_id: UUID) -> HttpResponse:
    try:
        acknowledge_release(release_id, by=request.actor)
    except NotFound:
        raise Http404 from None
    except InvalidTransition as error:
        messages.info(request, str(error))
    else:
        messages.success(request, _("Acknowledged. The sender sees it at once."))
    return redirect("liaison_release", release_id)


@require_POST
@officer
def liaison_ask(request: AuthedRequest, release_id: UUID) -> HttpResponse:
    """Ask about one thing of the release, or about all of it."""
    view = release_for(request.actor, release_id)
    if view is None:
        raise Http404
    form = QuestionForm(view.dossier, request.POST)

    def ask() -> object:
        return ask_about_release(release_id, **form.cleaned_data, by=request.actor)

    if _is_sent(form, ask):
        messages.success(request, _("Sent. The answer will stand on this page."))
        return redirect("liaison_release", release_id)
    return _page(request, release_id, form)


@require_POST
@officer
def liaison_outcome(request: AuthedRequest, release_id: UUID) -> HttpResponse:
    """Report back what came of the release."""
    view = release_for(request.actor, release_id)
    if view is None:
        raise Http404
    form = OutcomeForm(view.dossier, request.POST)

    def report() -> object:
        return report_outcome(release_id, **form.outcome(), by=request.actor)

    if _is_sent(form, report):
        messages.success(request, _("Kept. The sender sees it at once."))
        return redirect("liaison_release", release_id)
    return _page(request, release_id, None, form)


def _is_sent(form: Form, send: Callable[[], object]) -> bool:
    """Do it by the service where the form is whole; what it refuses stands at the form."""
    if not form.is_valid():
        return False
    try:
        send()
    except NotFound:
        raise Http404 from None
    except CaseworkError as error:
        form.add_error(None, str(error))
        return False
    return True


ONE = "releases/<uuid:release_id>/"
urlpatterns = [
    path("", liaison_releases, name="liaison_releases"),
    path(ONE, liaison_release, name="liaison_release"),
    path(f"{ONE}files/<str:name>", liaison_download, name="liaison_download"),
    path(f"{ONE}outcome/", liaison_outcome, name="liaison_outcome"),
    path(f"{ONE}ask/", liaison_ask, name="liaison_ask"),
    path(f"{ONE}acknowledge/", liaison_acknowledge, name="liaison_acknowledge"),
]
