"""Seizures of what is frozen: asked for under an order, two keys, sent to the authority."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cases.http import AuthedRequest, casework
from cases.models import FreezeRequest, Seizure
from cases.queries.freezes import freeze_for_page, seizures_for_page
from cases.services.errors import CaseworkError
from cases.services.freezes import (
    approve_seizure,
    confirm_destination,
    reject_seizure,
    request_seizure,
    transfer_seizure,
)
from cases.states import InvalidTransition
from cases.web.acts import perform
from cases.web.acts_seizures import RIGHTS, seizure_act
from cases.web.forms_ledger import SeizureForm
from cases.web.shell import render_case


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def freeze_seize(request: AuthedRequest, freeze_id: UUID) -> HttpResponse:
    freeze: FreezeRequest = get_object_or_404(freeze_for_page(request.actor), public_id=freeze_id)
    held = [line for line in freeze.lines.all() if line.state == "held"]
    form = SeizureForm(freeze.case, held, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            request_seizure(freeze, **form.seizure(), by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            return redirect("freeze_detail", freeze.public_id)
    context = {
        "form": form, "freeze": freeze, "heading": _("Ask for a seizure"),
        "sub": _("Somebody calls the authority back; then a supervisor and compliance sign."),
        "verb": _("Ask for seizure"),
    }  # fmt: skip
    status = 422 if form.errors else 200
    return render_case(request, "cases/freeze_ask.html", freeze.case, "case_freezes", context,
                       status)  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def seizure_step(request: AuthedRequest, seizure_id: UUID, step: str) -> HttpResponse:
    seizure: Seizure = get_object_or_404(seizures_for_page(request.actor), public_id=seizure_id)
    by = request.actor

    def do(reason: str, content_hash: str) -> object:
        match step:
            case "confirm":
                return confirm_destination(seizure, reason=reason, by=by)
            case "approve":
                return approve_seizure(seizure, content_hash=content_hash, reason=reason, by=by)
            case "transfer":
                return transfer_seizure(seizure, content_hash=content_hash, reason=reason, by=by)
        return reject_seizure(seizure, reason=reason, by=by)

    return perform(request, seizure_act(by, seizure, step), do, _("Decision recorded."))


urlpatterns = [
    path("freezes/<uuid:freeze_id>/seize/", freeze_seize, name="freeze_seize"),
    *(
        path(f"seizures/<uuid:seizure_id>/{name}/", seizure_step, {"step": name},
             name=f"seizure_{name}")
        for name in RIGHTS
    ),
]  # fmt: skip
