"""Suspects of a case: names, accounts, customer data behind a purpose; the list of all."""

from collections.abc import Callable
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases.http import AuthedRequest, casework
from cases.models import Suspect
from cases.policy import Action, may
from cases.queries import suspects as queries
from cases.services.errors import CaseworkError
from cases.services.reads import keep_suspects_look
from cases.services.self_lookups import watch_suspects
from cases.services.suspects import (
    add_name,
    add_suspect,
    link_account,
    reveal_customer,
    standing_purpose,
)
from cases.web.forms_suspects import AccountForm, NameForm, RevealForm, SuspectForm
from cases.web.shell import get_case, render_case


@require_safe
@casework
def case_suspects(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    cards = queries.case_suspects(case)
    watch_suspects([card.suspect for card in cards], by=request.actor, case=case)
    context = {
        "cards": cards,
        "may_add": may(request.actor, Action.ADD_SUSPECT),
        "may_reveal": may(request.actor, Action.REVEAL_CUSTOMER),
    }
    return render_case(request, "cases/suspect_tab.html", case, "case_suspects", context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def suspect_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = SuspectForm(request.POST or None)
    if form.is_valid():
        fields = dict(form.cleaned_data)
        names = [(fields.pop("type"), fields.pop("full"))]
        try:
            suspect = add_suspect(case, names=names, **fields, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request, _("Suspect %(reference)s added.") % {"reference": suspect.reference}
            )
            return redirect("case_suspects", case.public_id)
    context = {"form": form, "heading": _("Add a suspect"), "verb": _("Add suspect")}
    status = 422 if form.errors else 200
    return render_case(request, "cases/suspect_form.html", case, "case_suspects", context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def suspect_name_add(request: AuthedRequest, suspect_id: UUID) -> HttpResponse:
    def save(suspect: Suspect, form: forms.Form) -> None:
        add_name(suspect, form.cleaned_data["type"], form.cleaned_data["full"], by=request.actor)

    words = (_("Add a name"), _("Add name"))
    return _part(request, suspect_id, NameForm, save, words)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def suspect_account_link(request: AuthedRequest, suspect_id: UUID) -> HttpResponse:
    def save(suspect: Suspect, form: forms.Form) -> None:
        uid, basis = form.cleaned_data["account_uid"], form.cleaned_data["basis"]
        link_account(suspect, uid, basis, by=request.actor)

    words = (_("Link an account"), _("Link account"))
    return _part(request, suspect_id, AccountForm, save, words)


def _part(
    request: AuthedRequest,
    suspect_id: UUID,
    form_class: type[forms.Form],
    save: Callable[[Suspect, forms.Form], None],
    words: tuple[str, str],
) -> HttpResponse:
    """A form that adds one thing to a suspect."""
    suspects = Suspect.objects.visible_to(request.actor).select_related("case")
    suspect = get_object_or_404(suspects, public_id=suspect_id)
    form = form_class(request.POST or None)
    if form.is_valid():
        try:
            save(suspect, form)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            return redirect("case_suspects", suspect.case.public_id)
    context = {"form": form, "suspect": suspect, "heading": words[0], "verb": words[1]}
    status = 422 if form.errors else 200
    template = "cases/suspect_form.html"
    return render_case(request, template, suspect.case, "case_suspects", context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def suspect_account_reveal(
    request: AuthedRequest, suspect_id: UUID, account_id: UUID
) -> HttpResponse:
    suspects = Suspect.objects.visible_to(request.actor).select_related("case")
    suspect = get_object_or_404(suspects, public_id=suspect_id)
    links = suspect.accounts.select_related("account")
    link = get_object_or_404(links, account__public_id=account_id)
    first = {"purpose": standing_purpose(suspect.case, by=request.actor)}
    form = RevealForm(request.POST or None, initial=first)
    context: dict[str, object] = {"form": form, "suspect": suspect, "link": link}
    if form.is_valid():
        purpose = form.cleaned_data["purpose"]
        context["customer"] = reveal_customer(suspect.case, link.account, purpose, by=request.actor)
    status = 422 if form.errors else 200
    template = "cases/suspect_reveal.html"
    return render_case(request, template, suspect.case, "case_suspects", context, status)


@require_safe
@casework
def suspect_list(request: AuthedRequest) -> HttpResponse:
    page = queries.suspect_list(request.actor, request.GET.get("after", ""))
    keep_suspects_look(page.rows, by=request.actor)
    return render(request, "cases/suspect_list.html", {"page": page})


urlpatterns = [
    path("cases/<uuid:case_id>/suspects/", case_suspects, name="case_suspects"),
    path("cases/<uuid:case_id>/suspects/new/", suspect_new, name="suspect_new"),
    path("suspects/", suspect_list, name="suspect_list"),
    path("suspects/<uuid:suspect_id>/names/", suspect_name_add, name="suspect_name_add"),
    path("suspects/<uuid:suspect_id>/accounts/", suspect_account_link, name="suspect_account_link"),
    path(
        "suspects/<uuid:suspect_id>/accounts/<uuid:account_id>/reveal/",
        suspect_account_reveal,
        name="suspect_account_reveal",
    ),
]
