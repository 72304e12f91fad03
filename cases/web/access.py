"""The people of a case: who sees it and why, access given and taken back, walls, broken glass."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.http import AuthedRequest, casework, require_at_the_door
from cases.models import Case, CaseBlock, EmergencyAccess
from cases.policy import Action, may
from cases.queries import access as queries
from cases.services.access import break_glass, lift_block, look_at_emergency, revoke_access
from cases.services.cases import block_user, edit_case, grant_access
from cases.services.errors import CaseworkError
from cases.web.events import told
from cases.web.forms_access import EmergencyForm, GrantForm, ScopeForm, WallForm, person_words
from cases.web.forms_cases import ReasonForm
from cases.web.shell import get_case, render_case

TAB = "case_people"


@require_safe
@casework
def case_people(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    context = {
        "people": queries.people_of_case(case, request.actor),
        "may_grant": may(request.actor, Action.GRANT_ACCESS),
        "may_lift": may(request.actor, Action.LIFT_BLOCK),
    }
    return render_case(request, "cases/access_tab.html", case, TAB, context)


def _show(
    request: AuthedRequest, case: Case, form: forms.Form, heading: str | Promise, verb: str
) -> HttpResponse:
    context = {"form": form, "heading": heading, "verb": verb}
    status = 422 if form.errors else 200
    return render_case(request, "cases/access_form.html", case, TAB, context, status)


def _did(request: AuthedRequest, form: forms.Form, do: Callable[[], object], done: str) -> bool:
    """Whether the form was whole and its act was done; what is refused stands in the form."""
    if not form.is_valid():
        return False
    try:
        do()
    except CaseworkError as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, done)
    return True


def _typed(request: AuthedRequest) -> Any:
    return request.POST if request.method == "POST" else None


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def access_grant(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = GrantForm(queries.people_to_name(case), _typed(request))

    def do() -> object:
        level, until = form.cleaned_data["level"], form.cleaned_data["expires_at"]
        return grant_access(case, form.chosen, level, expires_at=until, by=request.actor)

    if _did(request, form, do, _("Access was given.")):
        return redirect(TAB, case.public_id)
    return _show(request, case, form, _("Name a person on the case"), _("Give access"))


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def access_scope(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    shown = {
        "owner": str(case.owner_by.public_id) if case.owner_by else "",
        "visibility": case.visibility,
        "version": case.version,
    }
    form = ScopeForm(queries.people_to_name(case), _typed(request), initial=shown)

    def do() -> object:
        typed = form.cleaned_data
        return edit_case(
            case, version=typed["version"], visibility=typed["visibility"],
            owner_by_id=form.people[typed["owner"]].pk, by=request.actor,
        )  # fmt: skip

    if _did(request, form, do, _("Owner and visibility were saved.")):
        return redirect(TAB, case.public_id)
    return _show(request, case, form, _("Owner and visibility"), _("Save"))


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def access_wall(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = WallForm(queries.people_to_wall_off(case, request.actor), _typed(request))

    def do() -> object:
        return block_user(case, form.chosen, form.cleaned_data["reason"], by=request.actor)

    if _did(request, form, do, _("The wall stands: this person sees nothing of the case.")):
        return redirect(TAB, case.public_id)
    return _show(request, case, form, _("Wall a person off"), _("Raise the wall"))


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def access_revoke(request: AuthedRequest, case_id: UUID, person_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    access = get_object_or_404(case.accesses.select_related("user"), user__public_id=person_id)
    form = ReasonForm(_typed(request))

    def do() -> object:
        revoke_access(case, access.user_id, **form.cleaned_data, by=request.actor)
        return None

    if _did(request, form, do, _("The access was taken back.")):
        if not Case.objects.visible_to(request.actor).filter(pk=case.pk).exists():
            return redirect("case_list")  # it was the own access
        return redirect(TAB, case.public_id)
    heading = _("Take access back: %(name)s") % {"name": person_words(access.user)}
    return _show(request, case, form, heading, _("Take back"))


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def access_lift(request: AuthedRequest, case_id: UUID, walled_id: UUID) -> HttpResponse:
    """Who is walled off is known to those who raise walls; to everybody else there is none."""
    case = get_case(request, case_id)
    if not may(request.actor, Action.GRANT_ACCESS):
        raise Http404
    block: CaseBlock = get_object_or_404(
        case.blocks.select_related("user"), user__public_id=walled_id
    )
    form = ReasonForm(_typed(request))

    def do() -> object:
        lift_block(case, block.user_id, **form.cleaned_data, by=request.actor)
        return None

    if _did(request, form, do, _("The wall is gone; access by name has to be given again.")):
        return redirect(TAB, case.public_id)
    heading = _("Lift the wall: %(name)s") % {"name": person_words(block.user)}
    return _show(request, case, form, heading, _("Lift the wall"))


@require_http_methods(["GET", "HEAD", "POST"])
@require_at_the_door(Action.BREAK_GLASS)
def case_emergency(request: AuthedRequest) -> HttpResponse:
    """Open a case that one may not see; the second factor is asked again on the way."""
    form = EmergencyForm(_typed(request))
    if form.is_valid():
        try:
            emergency = break_glass(**form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.warning(request, _("Open for 60 minutes, to read. Compliance was told."))
            return redirect("case_detail", emergency.case.public_id)
    context = {"form": form, "nav": "case"}
    status = 422 if form.errors else 200
    return render(request, "cases/emergency_form.html", context, status=status)


def _emergency(request: AuthedRequest, emergency_id: UUID) -> EmergencyAccess:
    rows = EmergencyAccess.objects.visible_to(request.actor)
    rows = rows.select_related("case__owner_by", "case__operation", "user")
    emergency: EmergencyAccess = get_object_or_404(rows, public_id=emergency_id)
    return emergency


@require_safe
@casework
def emergency_detail(request: AuthedRequest, emergency_id: UUID) -> HttpResponse:
    emergency = _emergency(request, emergency_id)
    page = queries.emergency_page(emergency, request.actor)
    context = {"page": page, "events": [told(event) for event in page.events]}
    return render_case(request, "cases/emergency_detail.html", emergency.case, TAB, context)


@require_POST
@casework
def emergency_look(request: AuthedRequest, emergency_id: UUID) -> HttpResponse:
    emergency = _emergency(request, emergency_id)
    look_at_emergency(emergency, by=request.actor)
    messages.success(request, _("Kept: you have looked at this emergency access."))
    return redirect("inbox")


PEOPLE = "cases/<uuid:case_id>/people/"
urlpatterns = [
    path("cases/emergency/", case_emergency, name="case_emergency"),
    path(PEOPLE, case_people, name="case_people"),
    path(f"{PEOPLE}grant/", access_grant, name="access_grant"),
    path(f"{PEOPLE}scope/", access_scope, name="access_scope"),
    path(f"{PEOPLE}wall/", access_wall, name="access_wall"),
    path(f"{PEOPLE}<uuid:person_id>/revoke/", access_revoke, name="access_revoke"),
    path(f"{PEOPLE}<uuid:walled_id>/lift/", access_lift, name="access_lift"),
    path("emergencies/<uuid:emergency_id>/", emergency_detail, name="emergency_detail"),
    path("emergencies/<uuid:emergency_id>/look/", emergency_look, name="emergency_look"),
]
