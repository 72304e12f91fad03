"""Tokens for programs: made and revoked by the person, hashed at rest, dead after their day.

A token acts as its person with the role it was made for and never carries a second factor: legal
acts stay with people.
"""

import hashlib
import secrets
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from cases.acting import act_as
from cases.api.problems import SecondFactorMissing
from cases.policy import Actor, Role, require_step_up
from cases.services.audit import record_event
from fiu.middleware import actor_of, second_factor_at
from fiu.models import ApiToken, User
from fiu.notices import note_change

PREFIX = "thk_"
MOST_DAYS = 366
MOST_TOKENS = 20
USED_EVERY = timedelta(minutes=10)


class TokenRefused(Exception):
    """No token; the message says why."""


class TokenForm(forms.Form):
    """What the token is for and until when."""

    name = forms.CharField(label=gettext_lazy("What it is for"), max_length=60)
    days = forms.IntegerField(
        label=gettext_lazy("Days until it ends"), min_value=1, max_value=MOST_DAYS, initial=90
    )


def digest_of(token: str) -> str:
    """What the database keeps: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def make_token(user: User, name: str, days: int, *, by: Actor) -> str:
    """A token of the person's own; this is the only time that it is told.

    Raises StepUpRequired, TokenRefused.
    """
    require_step_up(by)
    if live_tokens(user).count() >= MOST_TOKENS:
        raise TokenRefused(_("You have 20 live tokens: revoke one first."))
    token = PREFIX + secrets.token_urlsafe(32)
    now = timezone.now()
    midnight = datetime.combine((now + timedelta(days=days)).date(), time(), now.tzinfo)
    row = ApiToken.objects.create(
        user=user, name=name.strip(), digest=digest_of(token), role=user.role, made_at=now,
        expires_at=midnight + timedelta(days=1),
    )  # fmt: skip
    record_event(
        None, "make_token", f"token:{row.public_id}", by=by,
        data={"name": row.name, "expires_at": row.expires_at.isoformat()},
    )  # fmt: skip
    return token


@transaction.atomic
def revoke_token(user: User, public_id: UUID, *, by: Actor) -> None:
    """End a token of the person's own at once. Raises TokenRefused."""
    rows = ApiToken.objects.filter(user=user, public_id=public_id, revoked_at=None)
    if not rows.update(revoked_at=timezone.now()):
        raise TokenRefused(_("This token has ended already."))
    record_event(None, "revoke_token", f"token:{public_id}", by=by)


def live_tokens(user: User) -> QuerySet[ApiToken]:
    """Tokens that work now, newest first."""
    rows = ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=timezone.now())
    return rows.order_by("-made_at")


def _own(request: HttpRequest) -> tuple[User, Actor]:
    """The person and actor of the request. Officers of agencies have no tokens: Http404."""
    user, actor = request.user, actor_of(request)
    if not isinstance(user, User) or actor is None or actor.role == Role.LIAISON:
        raise Http404
    return user, actor


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def token_list(request: HttpRequest) -> HttpResponse:
    """One's own tokens; a post makes one and shows it once."""
    user, actor = _own(request)
    form = TokenForm(request.POST if request.method == "POST" else None)
    made = ""
    if form.is_valid():
        try:
            made = make_token(user, **form.cleaned_data, by=actor)
        except TokenRefused as error:
            form.add_error(None, str(error))
        else:
            note_change(request, user, "token")
            form = TokenForm()
    status = 422 if form.errors else 200
    context = {"form": form, "made": made, "tokens": live_tokens(user)}
    return render(request, "account/tokens.html", context, status=status)


@require_POST
@login_required
def token_revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    user, actor = _own(request)
    if not ApiToken.objects.filter(user=user, public_id=token_id).exists():
        raise Http404
    try:
        revoke_token(user, token_id, by=actor)
    except TokenRefused as error:
        messages.info(request, str(error))
    else:
        messages.success(request, _("The token works no more."))
    return redirect("api_tokens")


class TokenAccess(BaseAuthentication):
    """`Authorization: Bearer thk_...`: the person behind a live token, without second factor."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        kind, _blank, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        found = self._live(token.strip())
        if found is None:
            raise exceptions.AuthenticationFailed(_("This token is unknown or has ended."))
        user = found.user
        request._request.actor = Actor(
            user_id=user.pk,
            role=Role(user.role),
            address=request.META.get("REMOTE_ADDR", ""),
            may_view_reports=user.may_view_reports,
        )
        act_as(request._request.actor)  # until the request ends: CurrentActor began the block
        return user, found

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Tracehold"'

    @staticmethod
    def _live(token: str) -> ApiToken | None:
        """The row of a token that works: its person active, and still of the role it is for."""
        now = timezone.now()
        rows = ApiToken.objects.filter(digest=digest_of(token)).select_related("user")
        found = rows.filter(revoked_at=None, expires_at__gt=now).first()
        if found is None or not found.user.is_active or found.user.role != found.role:
            return None
        stale = Q(used_at=None) | Q(used_at__lt=now - USED_EVERY)
        ApiToken.objects.filter(stale, pk=found.pk).update(used_at=now)
        return found


class SessionAccess(SessionAuthentication):
    """A session of the house that has shown its second factor; changes need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found: tuple[Any, None] | None = super().authenticate(request)
        if found is not None and second_factor_at(request._request) is None:
            raise SecondFactorMissing
        return found
