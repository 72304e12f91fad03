"""Who a suspect is: names alike across cases, links and their decisions, taken apart again."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases.http import AuthedRequest, casework
from cases.models import IdentityLink, Suspect
from cases.policy import Action
from cases.queries import identities as queries
from cases.queries.cases import may_change
from cases.services.errors import CaseworkError
from cases.services.identities import (
    assert_identity,
    confirm_identity,
    refute_identity,
    review_identity,
)
from cases.services.self_lookups import watch_suspects
from cases.states import IDENTITY, IdentityAction, IdentityState
from cases.web.acts import Act, Fact, perform, why_not
from cases.web.forms_identities import IdentityForm
from cases.web.shell import render_case

TAB = "case_suspects"
STEPS = {
    "review": (IdentityAction.REVIEW, review_identity),
    "confirm": (IdentityAction.CONFIRM, confirm_identity),
    "refute": (IdentityAction.REFUTE, refute_identity),
}


@require_safe
@casework
def suspect_identity(request: AuthedRequest, suspect_id: UUID) -> HttpResponse:
    suspect = _suspect(request, suspect_id)
    found = queries.identity_of(suspect, request.actor)
    shown = [suspect, *found.same, *(each.suspect for each in found.proposals)]
    watch_suspects(shown, by=request.actor, case=suspect.case)
    context = {
        "found": found,
        "suspect": suspect,
        "may_add": may_change(suspect.case, request.actor),
    }
    return render_case(request, "cases/identity.html", suspect.case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def identity_new(request: AuthedRequest, suspect_id: UUID) -> HttpResponse:
    """Say that this suspect is the one named by `other`."""
    suspect = _suspect(request, suspect_id)
    first = {"other": request.GET.get("other", "")}
    form = IdentityForm(request.POST if request.method == "POST" else None, initial=first)
    if form.is_valid():
        fields = dict(form.cleaned_data)
        rows = Suspect.objects.visible_to(request.actor).select_related("case")
        other = rows.filter(public_id=fields.pop("other")).first()
        if other is None:
            raise Http404
        found = queries.identity_of(suspect, request.actor).proposals
        match = next((each.match for each in found if each.suspect.pk == other.pk), None)
        try:
            link = assert_identity(suspect, other, **fields, match=match, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Asserted. Others review and decide it."))
            return redirect("identity_detail", link.public_id)
    status = 422 if form.errors else 200
    context = {"form": form, "suspect": suspect}
    return render_case(request, "cases/identity_form.html", suspect.case, TAB, context, status)


@require_safe
@casework
def identity_detail(request: AuthedRequest, link_id: UUID) -> HttpResponse:
    link = _link(request, link_id)
    state = IdentityState(link.state)
    acts = [
        _act(request, link, name)
        for name, (action, _service) in STEPS.items()
        if (state, action) in IDENTITY and may_change(link.case, request.actor)
    ]
    context = {"link": link, "acts": acts}
    return render_case(request, "cases/identity_detail.html", link.case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def identity_decide(request: AuthedRequest, link_id: UUID, step: str) -> HttpResponse:
    link = _link(request, link_id)
    _action, service = STEPS[step]
    return perform(
        request,
        _act(request, link, step),
        lambda reason, _hash: service(link, reason=reason, by=request.actor),
        _("Decision recorded."),
    )


def _suspect(request: AuthedRequest, suspect_id: UUID) -> Suspect:
    rows = Suspect.objects.visible_to(request.actor)
    rows = rows.select_related("case").prefetch_related("names")
    found: Suspect = get_object_or_404(rows, public_id=suspect_id)
    return found


def _link(request: AuthedRequest, link_id: UUID) -> IdentityLink:
    rows = queries.visible_links(request.actor).select_related("case")
    rows = rows.prefetch_related("suspect__names", "other__names")
    return get_object_or_404(rows, public_id=link_id)


def _act(request: AuthedRequest, link: IdentityLink, name: str) -> Act:
    title, effect, verb, icon = {
        "review": (
            _("Have you looked at the basis?"), _("The link goes to a senior's decision."),
            _("Reviewed"), "eye",
        ),
        "confirm": (
            _("Are these two one person?"),
            _("Both cards tell of each other. Neither changes, so it can be taken apart again."),
            _("Confirm"), "circle-check",
        ),
        "refute": (
            _("Are these two different?"),
            _("The link counts no more; both stand as they stood before."),
            _("Refute"), "circle-x",
        ),
    }[name]  # fmt: skip
    is_confirmed = link.state == IdentityState.CONFIRMED
    senior = name == "confirm" or (name == "refute" and is_confirmed)
    right = Action.CONFIRM_IDENTITY if senior else Action.ADD_SUSPECT
    first = () if name == "refute" else (link.asserted_by_id,)
    return Act(
        id=f"{name}-{link.public_id}",
        url=reverse(f"identity_{name}", args=[link.public_id]),
        title=title,
        effect=effect,
        verb=verb,
        icon=icon,
        cancel_url=reverse("identity_detail", args=[link.public_id]),
        facts=[Fact(_("Basis"), link.basis)],
        danger=name == "refute",
        blocked=why_not(request.actor, right, *first),
    )


ONE = "identities/<uuid:link_id>/"
urlpatterns = [
    path("suspects/<uuid:suspect_id>/identity/", suspect_identity, name="suspect_identity"),
    path("suspects/<uuid:suspect_id>/identity/new/", identity_new, name="identity_new"),
    path(ONE, identity_detail, name="identity_detail"),
    *(
        path(f"{ONE}{step}/", identity_decide, {"step": step}, name=f"identity_{step}")
        for step in STEPS
    ),
]
