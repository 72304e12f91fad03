"""Security keys as second factor (WebAuthn): added, named, removed, and asked for again.

A key stands beside the authenticator app, never in place of the password. The ceremony itself is
allauth's; here stand the rules of this house: keys change only with a fresh second factor (E6),
each change is an audit event, and whoever removes the last factor has to set up the next.
"""

from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.views import BaseReauthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm, ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal import flows
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    EditWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from allauth.usersessions.internal.flows.sessions import end_other_sessions
from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from cases.services.audit import record_event
from fiu.middleware import actor_of, has_second_factor, is_second_factor_fresh, step_up
from fiu.models import User
from fiu.sessions import renew_session

LONGEST_NAME = 60


def forget_factor(request: HttpRequest, removed: int) -> bool:
    """After the factor `removed` is gone: what it proved counts no more. Whether none is left.

    The times stay: whoever has just shown the old factor need not prove more to set one up. The
    person's other sessions end.
    """
    is_last = not has_second_factor(request.user)
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {**record, "method": "removed"}
        if record["method"] == "mfa" and (is_last or record.get("id", removed) == removed)
        else record
        for record in request.session[AUTHENTICATION_METHODS_SESSION_KEY]
    ]
    end_other_sessions(request, request.user)
    return is_last


class _FreshFactor:
    """Whoever has a factor shows it before any of them changes."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        is_stale = isinstance(user, User) and not is_second_factor_fresh(request)
        if is_stale and has_second_factor(user):
            return step_up(request)
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return answer


def _named(form: forms.Form) -> None:
    form.fields["name"].label = _("Name of the key")
    form.fields["name"].widget.attrs |= {"maxlength": LONGEST_NAME, "autocomplete": "off"}


class NewKey(_FreshFactor, AddWebAuthnView):  # type: ignore[misc]  # allauth ships no types
    """Register a key; the first factor of a person too."""

    def get_form(self, form_class: Any = None) -> AddWebAuthnForm:
        form = super().get_form(form_class)
        _named(form)
        return form

    def form_valid(self, form: AddWebAuthnForm) -> HttpResponse:
        form.cleaned_data["name"] = form.cleaned_data["name"][:LONGEST_NAME]
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            _keep(self.request, "add_security_key")
        return response


class RenamedKey(_FreshFactor, EditWebAuthnView):  # type: ignore[misc]
    success_url = reverse_lazy("mfa_index")

    def get_form(self, form_class: Any = None) -> EditWebAuthnForm:
        form = super().get_form(form_class)
        _named(form)
        return form

    def form_valid(self, form: EditWebAuthnForm) -> HttpResponse:
        form.cleaned_data["name"] = form.cleaned_data["name"][:LONGEST_NAME]
        response: HttpResponse = super().form_valid(form)
        return response


class RemovedKey(_FreshFactor, RemoveWebAuthnView):  # type: ignore[misc]
    """Remove a key; the last factor makes place for the next at once."""

    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: forms.Form) -> HttpResponse:
        key: Authenticator = self.get_object()
        removed = key.pk
        with transaction.atomic():
            flows.remove_authenticator(self.request, key)
            _keep(self.request, "remove_security_key")
        if forget_factor(self.request, removed):
            return redirect("mfa_activate_totp")
        return redirect("mfa_index")


class KeyAgain(ReauthenticateWebAuthnView):  # type: ignore[misc]
    """Step-up by a key. The request that waited goes on with the actor of this moment."""

    def form_valid(self, form: ReauthenticateWebAuthnForm) -> HttpResponse:
        flows.reauthenticate(self.request, form.cleaned_data["credential"])
        renew_session(self.request)
        self.request.actor = actor_of(self.request)
        response: HttpResponse = BaseReauthenticateView.form_valid(self, form)
        return response

    def form_invalid(self, form: ReauthenticateWebAuthnForm) -> HttpResponse:
        response: HttpResponse = self.render_to_response(self.get_context_data(), status=422)
        return response


def _keep(request: HttpRequest, action: str) -> None:
    by = actor_of(request)
    assert by is not None  # these pages are for people who are signed in
    record_event(None, action, f"user:{by.person}", by=by)
