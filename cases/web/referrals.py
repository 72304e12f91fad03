"""Referrals: list and tab, drafting, what is left out, the decisions, sealing and sending."""

import json
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.dossier import Dossier, from_json
from cases.exports.pdf import NO_CHINESE, prints
from cases.files import load_bytes
from cases.http import AuthedRequest, casework, require_at_the_door, seen_version
from cases.models import Referral, SharedRelease
from cases.policy import Action, may
from cases.queries import referrals as queries
from cases.queries.cases import may_change
from cases.queries.outbound import outbound_of
from cases.queries.outcomes import outcomes_of
from cases.queries.questions import downloads_of, questions_of
from cases.queries.release_drift import release_drift
from cases.services.audit import record_read
from cases.services.dossiers import redactable_fields, refuse_leaks
from cases.services.errors import CaseworkError
from cases.services.limits import take_export
from cases.services.referrals import (
    approve_referral,
    clear_referral,
    draft_referral,
    draft_successor,
    edit_referral,
    package_referral,
    preview,
    recall_referral,
    redact_referral,
    return_referral,
    send_referral,
    successor_of,
)
from cases.states import REFERRAL, CaseState, InvalidTransition, ReferralState, ReleaseState
from cases.web.acts import perform
from cases.web.acts_referrals import ACTS, ReferralAct, referral_act
from cases.web.events import told
from cases.web.forms_referrals import NewReferralForm, RedactionForm, ReferralWordsForm
from cases.web.shell import get_case, render_case

TAB = "case_referrals"


def _get(request: AuthedRequest, referral_id: UUID) -> Referral:
    found: Referral = get_object_or_404(
        queries.referral_for_page(request.actor), public_id=referral_id
    )
    return found


@require_safe
@casework
def referral_list(request: AuthedRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    page = queries.referral_list(request.actor, state, request.GET.get("after", ""))
    context = {"page": page, "state": state, "states": queries.STATES}
    return render(request, "cases/referral_list.html", context)


@require_safe
@casework
def case_referrals(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    context = {"rows": queries.case_referrals(case), "outbound": outbound_of(case)}
    return render_case(request, "cases/referral_tab.html", case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def referral_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = NewReferralForm(case, request.actor, request.POST or None)
    if form.is_valid():
        try:
            referral = draft_referral(case, **form.referral(), by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            return redirect("referral_detail", referral.public_id)
    context = {"form": form, "has_findings": queries.approved_findings(case).exists()}
    status = 422 if form.errors else 200
    return render_case(request, "cases/referral_form.html", case, TAB, context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def referral_edit(request: AuthedRequest, referral_id: UUID) -> HttpResponse:
    referral = _get(request, referral_id)
    initial = {name: getattr(referral, name) for name in ReferralWordsForm.base_fields}
    form = ReferralWordsForm(request.POST or None, initial=initial)
    version = seen_version(request, referral.version)
    if form.is_valid():
        try:
            edit_referral(referral, version=version, **form.cleaned_data, by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            return redirect("referral_detail", referral.public_id)
    context = {"form": form, "referral": referral, "version": referral.version}
    status = 422 if form.errors else 200
    template = "cases/referral_form.html"
    return render_case(request, template, referral.case, TAB, context, status)


@require_safe
@casework
def referral_detail(request: AuthedRequest, referral_id: UUID) -> HttpResponse:
    """One referral with what its recipient reads: 60 queries at most."""
    return _page(request, _get(request, referral_id), None)


@require_http_methods(["POST"])
@casework
def referral_redact(request: AuthedRequest, referral_id: UUID) -> HttpResponse:
    referral = _get(request, referral_id)
    form = RedactionForm(redactable_fields(referral), request.POST)
    if form.is_valid():
        try:
            redact_referral(referral, redactions=form.redactions(), by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Handed to a second person for approval."))
            return redirect("referral_detail", referral.public_id)
    return _page(request, _get(request, referral_id), form)


def _page(request: AuthedRequest, referral: Referral, form: RedactionForm | None) -> HttpResponse:
    page = queries.referral_page(referral)
    dossier = _dossier(referral, page.release)
    is_draft = referral.state == ReferralState.DRAFT and referral.case.state != CaseState.MERGED
    may_redact = is_draft and may(request.actor, Action.REDACT_REFERRAL)
    may_redact = may_redact and may_change(referral.case, request.actor)
    if form is None and may_redact:
        form = RedactionForm(redactable_fields(referral))
    context = {
        "referral": referral,
        "page": page,
        "dossier": dossier,
        "leak": _leak(referral, dossier) if page.release is None else "",
        "form": form,
        "no_pdf": NO_CHINESE if page.release is None and not prints(dossier.language) else "",
        "may_edit": is_draft and may(request.actor, Action.DRAFT_REFERRAL),
        "outcomes": outcomes_of(request.actor, [referral.case_id]) if page.grants else None,
        "drifted": release_drift(referral, dossier) if page.release else [],
        "may_supersede": _may_supersede(request, referral, page.release),
        "successor": successor_of(referral),
        "stale_findings": queries.stale_findings(referral),
        "questions": list(questions_of(referral, request.actor)),
        "downloads": downloads_of(referral, request.actor),
        "events": [(event, told(event)) for event in page.events],
        "acts": _acts(request, referral, page.release),
        "may_download": may(request.actor, Action.READ_RELEASE),
    }
    status = 422 if form is not None and form.errors else 200
    template = "cases/referral_detail.html"
    return render_case(request, template, referral.case, TAB, context, status)


def _may_supersede(
    request: AuthedRequest, referral: Referral, release: SharedRelease | None
) -> bool:
    is_shared = release is not None and release.state == ReleaseState.SHARED
    may_draft = may(request.actor, Action.DRAFT_REFERRAL)
    return is_shared and may_draft and may_change(referral.case, request.actor)


@require_POST
@casework
def referral_supersede(request: AuthedRequest, referral_id: UUID) -> HttpResponse:
    """Draft the release that shall take this one's place."""
    referral = _get(request, referral_id)
    try:
        new = draft_successor(referral, by=request.actor)
    except (CaseworkError, InvalidTransition) as error:
        messages.error(request, str(error))
        return redirect("referral_detail", referral.public_id)
    messages.success(request, _("Drafted. Decide what is left out; two people decide the rest."))
    return redirect("referral_detail", new.public_id)


def _dossier(referral: Referral, release: SharedRelease | None) -> Dossier:
    """The sealed content where there is one, else what would be sealed now."""
    found = preview(referral) if release is None else from_json(json.loads(release.dossier))
    return found.masked()


def _leak(referral: Referral, dossier: Dossier) -> str:
    """Why this content would not be let out; "" when it would."""
    try:
        refuse_leaks(referral, dossier)
    except CaseworkError as error:
        return str(error)
    return ""


def _acts(
    request: AuthedRequest, referral: Referral, release: SharedRelease | None
) -> list[ReferralAct]:
    state = ReferralState(referral.state)
    names = [name for name, (action, _right) in ACTS.items() if (state, action) in REFERRAL]
    return [referral_act(request, referral, release, name) for name in names]


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def referral_decide(request: AuthedRequest, referral_id: UUID, decision: str) -> HttpResponse:
    referral = _get(request, referral_id)
    by = request.actor
    act = referral_act(request, referral, queries.referral_page(referral).release, decision)

    def do(reason: str, content_hash: str) -> object:
        match decision:
            case "approve":
                return approve_referral(referral, content_hash=content_hash, reason=reason, by=by)
            case "clear":
                return clear_referral(referral, content_hash=content_hash, reason=reason, by=by)
            case "package":
                return package_referral(referral, reason=reason, by=by)
            case "send":
                return _send(request, referral, act, reason)
            case "recall":
                return recall_referral(referral, reason=reason, by=by)
        return return_referral(referral, reason=reason, by=by)

    return perform(request, act, do, _("Decision recorded."))


@require_safe
@require_at_the_door(Action.READ_RELEASE)
def referral_copy(request: AuthedRequest, referral_id: UUID, watermark: str) -> HttpResponse:
    """The ZIP that one officer got, byte for byte; that it was taken is kept."""
    referral = _get(request, referral_id)
    release = queries.referral_page(referral).release
    file = queries.package_of(release, watermark) if release else None
    if release is None or file is None:
        raise Http404
    content = load_bytes(file.sha256)
    take_export(by=request.actor)
    what = f"{release.number} {file.name}"
    record_read(referral.case, "download_release", what, by=request.actor, purpose="own copy")
    disposition = content_disposition_header(as_attachment=True, filename=file.name)
    headers = {"Content-Disposition": disposition or "attachment"}
    return HttpResponse(content, content_type=file.mime, headers=headers)


def _send(request: AuthedRequest, referral: Referral, act: ReferralAct, reason: str) -> Referral:
    form = act.form
    if form is None or not form.is_valid():
        raise CaseworkError(_("Choose at least one officer of the agency, and the last day."))
    return send_referral(
        referral,
        liaison_ids=form.cleaned_data["liaisons"],
        expires_at=form.expires_at(),
        reason=reason,
        by=request.actor,
    )


ONE = "referrals/<uuid:referral_id>/"
urlpatterns = [
    path("cases/<uuid:case_id>/referrals/", case_referrals, name="case_referrals"),
    path("cases/<uuid:case_id>/referrals/new/", referral_new, name="referral_new"),
    path("referrals/", referral_list, name="referral_list"),
    path(ONE, referral_detail, name="referral_detail"),
    path(f"{ONE}edit/", referral_edit, name="referral_edit"),
    path(f"{ONE}supersede/", referral_supersede, name="referral_supersede"),
    path(f"{ONE}redact/", referral_redact, name="referral_redact"),
    path(f"{ONE}copies/<str:watermark>/", referral_copy, name="referral_copy"),
    *(
        path(f"{ONE}{name}/", referral_decide, {"decision": name}, name=f"referral_{name}")
        for name in ACTS
    ),
]
