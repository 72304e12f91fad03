"""Files of a case: exhibits with hash, source, grading and chain of custody."""

from uuid import UUID

from csp.decorators import csp_update
from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.files import FileDamaged
from cases.http import AuthedRequest, casework
from cases.models import Evidence
from cases.policy import Action, may
from cases.services.disposal import dispose_evidence, keep_evidence, request_disposal
from cases.services.errors import CaseworkError
from cases.services.evidence import (
    acquire_evidence,
    export_evidence,
    hand_over_evidence,
    open_evidence,
    verify_evidence,
)
from cases.services.instruments import MAXIMUM_BYTES, UploadedBytes
from cases.services.uploads import require_clean
from cases.states import EVIDENCE, OVER_CASES, EvidenceAction, EvidenceState
from cases.web.acts import Act, Fact, needs_code, perform, why_not
from cases.web.forms_cases import ReasonForm
from cases.web.forms_tasks import EvidenceForm, HandoverForm
from cases.web.shell import get_case, render_case

TAB = "case_files"
SANDBOX = {"sandbox": ["allow-downloads"]}


def _get(request: AuthedRequest, exhibit_id: UUID) -> Evidence:
    visible = Evidence.objects.visible_to(request.actor)
    found: Evidence = get_object_or_404(
        visible.select_related("case__owner_by", "acquired_by", "derived_from", "redaction_of"),
        public_id=exhibit_id,
    )
    return found


@require_safe
@casework
def case_files(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    context = {
        "exhibits": list(case.evidence.select_related("acquired_by").order_by("-number")),
        "may_add": may(request.actor, Action.ACQUIRE_EVIDENCE),
    }
    return render_case(request, "cases/evidence_tab.html", case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def evidence_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    data = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = EvidenceForm(case, *data)
    if form.is_valid():
        upload = form.cleaned_data["document"]
        try:
            if upload.size > MAXIMUM_BYTES:
                raise CaseworkError(_("The file is larger than 25 MB."))
            require_clean(upload)
            document = UploadedBytes(upload.name, upload.read())
            evidence = acquire_evidence(case, document=document, **form.exhibit(), by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            return redirect("evidence_detail", evidence.public_id)
    status = 422 if form.errors else 200
    return render_case(request, "cases/evidence_form.html", case, TAB, {"form": form}, status)


@require_safe
@casework
def evidence_detail(request: AuthedRequest, exhibit_id: UUID) -> HttpResponse:
    evidence = _get(request, exhibit_id)
    context = {
        "evidence": evidence,
        "custody": list(evidence.custody.select_related("actor").order_by("-seq")),
        "may_export": may(request.actor, Action.EXPORT_EVIDENCE)
        and evidence.acquired_by_id != request.actor.user_id,
        "may_hand_over": may(request.actor, Action.EXPORT_EVIDENCE),
        "made": list(
            Evidence.objects.visible_to(request.actor)
            .filter(Q(derived_from=evidence) | Q(redaction_of=evidence))
            .order_by("number")
        ),
        "acts": _acts(request, evidence),
    }
    return render_case(request, "cases/evidence_detail.html", evidence.case, TAB, context)


@require_safe
@csp_update(SANDBOX)
@casework
def evidence_file(request: AuthedRequest, exhibit_id: UUID) -> HttpResponse:
    """The bytes, always as a download, never executed; that they were viewed is kept."""
    evidence = _get(request, exhibit_id)
    try:
        content = open_evidence(evidence, by=request.actor)
    except FileDamaged as error:
        raise CaseworkError(_("The stored file is damaged: verify the store.")) from error
    return _download(content, evidence.mime, evidence.original_name)


def _download(content: bytes, mime: str, name: str) -> HttpResponse:
    disposition = content_disposition_header(as_attachment=True, filename=name)
    return HttpResponse(
        content,
        content_type=mime,
        headers={"Content-Disposition": disposition or "attachment"},
    )


@require_POST
@casework
def evidence_verify(request: AuthedRequest, exhibit_id: UUID) -> HttpResponse:
    evidence = _get(request, exhibit_id)
    if verify_evidence(evidence, by=request.actor):
        messages.success(request, _("The stored bytes are what was sealed."))
    else:
        messages.error(request, _("The stored bytes are damaged."))
    return redirect("evidence_detail", evidence.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def evidence_export(request: AuthedRequest, exhibit_id: UUID) -> HttpResponse:
    """The file with its custody log as one ZIP, by a second person with a fresh second factor."""
    evidence = _get(request, exhibit_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        packed = export_evidence(evidence, **form.cleaned_data, by=request.actor)
        return _download(packed, "application/zip", f"{evidence.exhibit_no}.zip")
    context = {
        "form": form,
        "heading": _("Export %(number)s with its custody log") % {"number": evidence.exhibit_no},
        "verb": _("Export"),
    }
    status = 422 if form.errors else 200
    return render_case(request, "cases/task_form.html", evidence.case, TAB, context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def evidence_hand_over(request: AuthedRequest, exhibit_id: UUID) -> HttpResponse:
    """Write down that it, or a copy, went to somebody or came back."""
    evidence = _get(request, exhibit_id)
    form = HandoverForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            hand_over_evidence(evidence, **form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Kept in the custody log."))
            return redirect("evidence_detail", evidence.public_id)
    context = {
        "form": form,
        "heading": _("Hand over %(number)s") % {"number": evidence.exhibit_no},
        "verb": _("Keep in the custody log"),
    }
    status = 422 if form.errors else 200
    return render_case(request, "cases/task_form.html", evidence.case, TAB, context, status)


DISPOSAL = {
    "ask": (EvidenceAction.REQUEST_DISPOSAL, Action.REQUEST_DISPOSAL, request_disposal),
    "dispose": (EvidenceAction.DISPOSE, Action.DISPOSE_EVIDENCE, dispose_evidence),
    "keep": (EvidenceAction.KEEP, Action.DISPOSE_EVIDENCE, keep_evidence),
}


def _acts(request: AuthedRequest, evidence: Evidence) -> list[Act]:
    """What can be done about the time of this exhibit, whether or not this person may."""
    return [
        _disposal_act(request, evidence, name)
        for name, (action, _right, _service) in DISPOSAL.items()
        if (EvidenceState(evidence.state), action) in EVIDENCE and evidence.case.state in OVER_CASES
    ]


def _disposal_act(request: AuthedRequest, evidence: Evidence, name: str) -> Act:
    number = {"number": evidence.exhibit_no}
    title, effect, verb, icon = {
        "ask": (
            _("Ask for the disposal of %(number)s?") % number,
            _("Compliance decides as a second person."), _("Ask for disposal"), "trash-2",
        ),
        "dispose": (
            _("Dispose of %(number)s?") % number,
            _("The file is destroyed. Its hashes and its custody log stay."),
            _("Destroy the file"), "trash-2",
        ),
        "keep": (
            _("Keep %(number)s?") % number, _("The exhibit stays sealed."), _("Keep"), "lock",
        ),
    }[name]  # fmt: skip
    first = () if name == "ask" else (evidence.disposal_asked_by_id,)
    blocked = why_not(request.actor, DISPOSAL[name][1], *first)
    if evidence.case.legal_hold and name != "keep" and not blocked:
        blocked = _("A legal hold stands on this case: nothing of it is disposed of.")
    facts = [Fact(_("File"), evidence.original_name, evidence.sha256[:16])]
    if evidence.case.retention_until is not None:
        facts.append(Fact(_("Kept until"), evidence.case.retention_until.isoformat()))
    if evidence.disposal_reason:
        facts.append(Fact(_("Asked for because"), evidence.disposal_reason))
    return Act(
        id=f"evidence-{name}-{evidence.public_id}",
        url=reverse(f"evidence_{name}", args=[evidence.public_id]),
        title=title, effect=effect, verb=verb, icon=icon, facts=facts,
        cancel_url=reverse("evidence_detail", args=[evidence.public_id]),
        danger=name == "dispose", blocked=blocked,
        needs_code=name == "dispose" and needs_code(request.actor),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def evidence_dispose(request: AuthedRequest, exhibit_id: UUID, step: str) -> HttpResponse:
    """Ask for the end of an exhibit, or decide on it."""
    evidence = _get(request, exhibit_id)
    service = DISPOSAL[step][2]
    return perform(
        request,
        _disposal_act(request, evidence, step),
        lambda reason, _hash: service(evidence, reason=reason, by=request.actor),
        _("Decision recorded."),
    )


ONE = "files/<uuid:exhibit_id>/"
urlpatterns = [
    path("cases/<uuid:case_id>/files/", case_files, name="case_files"),
    path("cases/<uuid:case_id>/files/new/", evidence_new, name="evidence_new"),
    path(ONE, evidence_detail, name="evidence_detail"),
    path(f"{ONE}file", evidence_file, name="evidence_file"),
    path(f"{ONE}verify/", evidence_verify, name="evidence_verify"),
    path(f"{ONE}export/", evidence_export, name="evidence_export"),
    path(f"{ONE}hand-over/", evidence_hand_over, name="evidence_hand_over"),
    *(
        path(f"{ONE}{step}/", evidence_dispose, {"step": step}, name=f"evidence_{step}")
        for step in DISPOSAL
    ),
]
