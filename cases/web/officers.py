"""Agencies and their officers: called back by one person, verified by another, closed by any."""

from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.files import load_bytes
from cases.http import AuthedRequest, require_at_the_door
from cases.models import AgencyEntry, OfficerAlarm, OfficerEntry
from cases.policy import Action, Actor, Role
from cases.queries.officers import officer_page
from cases.services.agencies import approve_agency, entry_of, propose_agency, reject_agency
from cases.services.audit import record_read
from cases.services.errors import CaseworkError
from cases.services.officer_alarms import see_officer_alarm
from cases.services.officers import (
    propose_officer,
    reject_officer,
    suspend_officer,
    verify_officer,
)
from cases.services.uploads import require_clean
from cases.states import InvalidTransition, OfficerState
from cases.web.acts import Act, Fact, perform, why_not
from cases.web.domains import verdict_words
from cases.web.forms_officers import AgencyForm, OfficerForm, SeenForm
from cases.web.proposals import decide, decision_act, decision_paths, with_decisions
from cases.web.requests import SANDBOX

for_seniors = require_at_the_door(Action.PROPOSE_OFFICER)


@require_safe
@for_seniors
def officer_list(request: AuthedRequest) -> HttpResponse:
    """Agencies, officers, what waits and what was unusual: 7 queries."""
    page = officer_page()
    context = {
        "page": page,
        "proposed_agencies": with_decisions(
            page.proposed_agencies, lambda row, name: _agency_act(request.actor, row, name)
        ),
        "proposed_officers": [
            (row, acts, verdict_words(row.domain_verdict, row.email, row.known_by.domains))
            for row, acts in with_decisions(
                page.proposed_officers, lambda row, name: _officer_act(request.actor, row, name)
            )
        ],
    }
    return render(request, "cases/officer_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_seniors
def agency_new(request: AuthedRequest) -> HttpResponse:
    """A new agency, or with ?agency= what is known of one."""
    agency = _named(request, "agency", apps.get_model("fiu", "Agency").objects)
    form = AgencyForm(
        request.POST or None, agency=agency, known=entry_of(agency.pk) if agency else None
    )
    if form.is_valid():
        try:
            propose_agency(
                **form.entry(), agency_id=agency.pk if agency else None, by=request.actor
            )
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Proposed: it holds once compliance puts it in force."))
            return redirect("officer_list")
    context = {"form": form, "agency": agency}
    return render(request, "cases/agency_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_seniors
def officer_new(request: AuthedRequest) -> HttpResponse:
    """A new officer, or with ?officer= a renewal."""
    officers = get_user_model().objects.filter(role=Role.LIAISON.value)
    form = OfficerForm(
        request.POST or None, request.FILES or None, officer=_named(request, "officer", officers)
    )
    if form.is_valid():
        try:
            require_clean(form.cleaned_data["document"])
            propose_officer(form.spec(), by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Proposed: the account opens once compliance verifies it."))
            return redirect("officer_list")
    context = {"form": form}
    return render(request, "cases/officer_form.html", context, status=422 if form.errors else 200)


def _named(request: AuthedRequest, name: str, rows: Any) -> Any:
    """The row that the address names by its public id; None where it names none."""
    try:
        wanted = UUID(request.GET.get(name, ""))
    except ValueError:
        return None
    return rows.filter(public_id=wanted).first()


@require_http_methods(["GET", "HEAD", "POST"])
@for_seniors
def agency_decide(request: AuthedRequest, agency_entry_id: UUID, decision: str) -> HttpResponse:
    row = get_object_or_404(AgencyEntry.objects.select_related("agency"), public_id=agency_entry_id)
    act = _agency_act(request.actor, row, decision)
    return decide(request, row, decision, act, approve=approve_agency, reject=reject_agency)


@require_http_methods(["GET", "HEAD", "POST"])
@for_seniors
def officer_decide(request: AuthedRequest, officer_id: UUID, decision: str) -> HttpResponse:
    row = _officer(officer_id)
    act = _officer_act(request.actor, row, decision)
    return decide(request, row, decision, act, approve=verify_officer, reject=reject_officer)


@require_http_methods(["GET", "HEAD", "POST"])
@for_seniors
def officer_suspend(request: AuthedRequest, officer_id: UUID) -> HttpResponse:
    row = _officer(officer_id)
    blocked = why_not(request.actor, Action.SUSPEND_OFFICER)
    if row.state != OfficerState.VERIFIED:
        blocked = _("This account is not open.")
    act = Act(
        id=f"officer-suspend-{row.public_id}",
        url=reverse("officer_suspend", args=[row.public_id]),
        title=_("Close the account of %(name)s?") % {"name": row.full_name},
        effect=_("It counts at the next click. To open it again takes two people and a call."),
        verb=_("Close the account"), icon="ban", danger=True,
        cancel_url=reverse("officer_list"),
        facts=[Fact(_("Agency"), row.agency.name), Fact(_("E-mail"), row.email)],
        blocked=blocked,
    )  # fmt: skip
    return perform(
        request, act, lambda reason, _hash: suspend_officer(row, reason=reason, by=request.actor),
        _("The account is closed."),
    )  # fmt: skip


@require_safe
@for_seniors
def officer_document(request: AuthedRequest, officer_id: UUID) -> HttpResponse:
    """The paper of authority, always as a download in a sandbox (S8); that it was taken is kept."""
    row = _officer(officer_id)
    content = load_bytes(row.authority_sha256)
    record_read(None, "download_document", f"officer:{row.public_id}", by=request.actor)
    name = content_disposition_header(as_attachment=True, filename=row.authority_name)
    headers = {"Content-Disposition": name or "attachment", "Content-Security-Policy": SANDBOX}
    return HttpResponse(content, content_type="application/octet-stream", headers=headers)


@require_POST
@for_seniors
def officer_alarm_seen(request: AuthedRequest, alarm_id: UUID) -> HttpResponse:
    alarm = get_object_or_404(OfficerAlarm, public_id=alarm_id)
    form = SeenForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say what you found out, and from whom."))
        return redirect("officer_list")
    try:
        see_officer_alarm(alarm, words=form.cleaned_data["words"], by=request.actor)
    except InvalidTransition as error:
        messages.info(request, str(error))
    else:
        messages.success(request, _("Kept with the alarm."))
    return redirect("officer_list")


def _officer(officer_id: UUID) -> OfficerEntry:
    rows = OfficerEntry.objects.select_related("agency", "known_by", "user")
    found: OfficerEntry = get_object_or_404(rows, public_id=officer_id)
    return found


def _agency_act(actor: Actor, row: AgencyEntry, name: str) -> Act:
    return decision_act(
        actor, row, name, "agency", permission=Action.DECIDE_OFFICER,
        title=_("Put this agency in force?"),
        effect=_("Its officers are called back on this number and write from these domains."),
        cancel_url=reverse("officer_list"),
        facts=[
            Fact(_("Agency"), f"{row.short_name} · {row.name}"),
            Fact(_("Country"), row.country),
            Fact(_("E-mail domains"), ", ".join(row.domains)),
            Fact(_("Number to call back"), row.call_back_number, row.number_source),
            Fact(_("Reason"), row.reason),
        ],
    )  # fmt: skip


def _officer_act(actor: Actor, row: OfficerEntry, name: str) -> Act:
    wrong = verdict_words(row.domain_verdict, row.email, row.known_by.domains)
    return decision_act(
        actor, row, name, "officer", permission=Action.DECIDE_OFFICER,
        title=_("Verify %(name)s?") % {"name": row.full_name},
        effect=_("The account opens until its last day. You confirm the call and the paper."),
        cancel_url=reverse("officer_list"),
        facts=[
            Fact(_("Officer"), f"{row.full_name}, {row.position}", row.badge_no),
            Fact(_("Agency"), row.agency.name),
            Fact(_("E-mail"), row.email, wrong),
            Fact(_("Called back"), row.called_number, row.number_source),
            Fact(_("Spoke with"), row.spoke_with, row.called_at.strftime("%Y-%m-%d %H:%M UTC")),
            Fact(_("Paper"), row.authority_name, row.authority_sha256),
            Fact(_("Account ends on"), row.valid_until.isoformat()),
        ],
        unready=wrong,
    )  # fmt: skip


AGENCY, OFFICER = "agencies/<uuid:agency_entry_id>/", "officers/<uuid:officer_id>/"
urlpatterns = [
    path("officers/", officer_list, name="officer_list"),
    path("officers/new/", officer_new, name="officer_new"),
    path("agencies/new/", agency_new, name="agency_new"),
    *decision_paths(AGENCY, agency_decide, "agency"),
    *decision_paths(OFFICER, officer_decide, "officer"),
    path(f"{OFFICER}suspend/", officer_suspend, name="officer_suspend"),
    path(f"{OFFICER}document/", officer_document, name="officer_document"),
    path("officers/alarms/<uuid:alarm_id>/seen/", officer_alarm_seen, name="officer_alarm_seen"),
]
