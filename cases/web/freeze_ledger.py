"""A freeze that stands: longer, released in parts, and each line down to its receipts."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases.http import AuthedRequest, casework
from cases.models import FreezeExtension, FreezeLine, FreezeRelease, FreezeRequest
from cases.queries import ledger as queries
from cases.queries.freezes import freeze_for_page
from cases.services.errors import CaseworkError
from cases.services.freezes import (
    approve_extension,
    approve_release,
    reject_extension,
    reject_release,
    request_extension,
    request_release,
)
from cases.states import InvalidTransition
from cases.web.acts import perform
from cases.web.acts_ledger import DECISIONS, extension_act, release_act
from cases.web.forms_ledger import ExtendForm, ReleaseForm
from cases.web.shell import render_case

TAB = "case_freezes"


def _freeze(request: AuthedRequest, freeze_id: UUID) -> FreezeRequest:
    freeze: FreezeRequest = get_object_or_404(freeze_for_page(request.actor), public_id=freeze_id)
    return freeze


@require_safe
@casework
def freeze_line(request: AuthedRequest, line_id: UUID) -> HttpResponse:
    line: FreezeLine = get_object_or_404(queries.lines_for_page(request.actor), public_id=line_id)
    context = {"line": line, "freeze": line.freeze, "page": queries.line_page(line)}
    return render_case(request, "cases/freeze_line.html", line.freeze.case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def freeze_extend(request: AuthedRequest, freeze_id: UUID) -> HttpResponse:
    freeze = _freeze(request, freeze_id)
    form = ExtendForm(freeze.case, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            request_extension(freeze, **form.extension(), by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            return redirect("freeze_detail", freeze.public_id)
    context = {
        "form": form, "freeze": freeze, "heading": _("Ask for a longer hold"),
        "sub": _("Compliance decides as a second person."), "verb": _("Ask for extension"),
    }  # fmt: skip
    status = 422 if form.errors else 200
    return render_case(request, "cases/freeze_ask.html", freeze.case, TAB, context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def freeze_release(request: AuthedRequest, freeze_id: UUID) -> HttpResponse:
    freeze = _freeze(request, freeze_id)
    held = [line for line in freeze.lines.all() if line.state == "held"]
    form = ReleaseForm(freeze.case, held, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            request_release(freeze, **form.release(), by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            return redirect("freeze_detail", freeze.public_id)
    context = {
        "form": form, "freeze": freeze, "heading": _("Ask for a release"),
        "sub": _("Compliance decides as a second person; then the exchange is told."),
        "verb": _("Ask for release"),
    }  # fmt: skip
    status = 422 if form.errors else 200
    return render_case(request, "cases/freeze_ask.html", freeze.case, TAB, context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def extension_decide(request: AuthedRequest, extension_id: UUID, decision: str) -> HttpResponse:
    visible = FreezeExtension.objects.visible_to(request.actor)
    extension: FreezeExtension = get_object_or_404(
        visible.select_related("freeze__case", "instrument"), public_id=extension_id
    )

    def do(reason: str, content_hash: str) -> object:
        if decision == "approve":
            return approve_extension(
                extension, content_hash=content_hash, reason=reason, by=request.actor
            )
        return reject_extension(extension, reason=reason, by=request.actor)

    act = extension_act(request.actor, extension, decision)
    return perform(request, act, do, _("Decision recorded."))


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def release_decide(request: AuthedRequest, freeze_release_id: UUID, decision: str) -> HttpResponse:
    visible = FreezeRelease.objects.visible_to(request.actor).select_related("freeze__case")
    release: FreezeRelease = get_object_or_404(
        visible.prefetch_related("lines__line__account", "lines__line__asset"),
        public_id=freeze_release_id,
    )

    def do(reason: str, content_hash: str) -> object:
        if decision == "approve":
            return approve_release(
                release, content_hash=content_hash, reason=reason, by=request.actor
            )
        return reject_release(release, reason=reason, by=request.actor)

    act = release_act(request.actor, release, decision)
    return perform(request, act, do, _("Decision recorded."))


urlpatterns = [
    path("freeze-lines/<uuid:line_id>/", freeze_line, name="freeze_line"),
    path("freezes/<uuid:freeze_id>/extend/", freeze_extend, name="freeze_extend"),
    path("freezes/<uuid:freeze_id>/release/", freeze_release, name="freeze_release"),
    *(
        path(
            f"freeze-extensions/<uuid:extension_id>/{name}/", extension_decide,
            {"decision": name}, name=f"extension_{name}",
        )
        for name in DECISIONS
    ),
    *(
        path(
            f"freeze-releases/<uuid:freeze_release_id>/{name}/", release_decide,
            {"decision": name}, name=f"freeze_release_{name}",
        )
        for name in DECISIONS
    ),
]  # fmt: skip
