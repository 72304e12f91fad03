"""What allauth asks of us: nobody signs up, and every session knows its door and its start."""

import time
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from cases.policy import Actor, Role
from cases.services.audit import record_event
from fiu.limits import LOCKED_SECONDS
from fiu.models import User
from fiu.notices import kind_of, note_change, note_sign_in, tell_unseen
from fiu.oidc.factor import ORIGIN_KEY, STATE_KEY, keep_factor
from fiu.sessions import DOOR_KEY, LIAISON_DOOR, renew_session

logger = structlog.get_logger(__name__)

SIGNED_IN_AT = "fiu_signed_in_at"
SEEN_AT = "fiu_seen_at"


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators; mail never carries more than it must."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        before = request.session.session_key
        super().login(request, user)
        if before is not None and request.session.session_key == before:
            renew_session(request)  # a step-up at the provider
        mark_session(request, user)
        note_sign_in(request, user)
        tell_unseen(request, user)
        methods = {record["method"] for record in get_authentication_records(request, user)}
        by = Actor(user.pk, Role(user.role), user.agency_id, self.get_client_ip(request))
        with transaction.atomic():
            record_event(
                None, "sign_in", f"user:{user.pk}", by=by, data={"methods": sorted(methods)}
            )

    def set_password(self, user: User, password: str) -> None:
        """This column alone: the officers' door may write no other of an account but its own."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        logger.warning("sign_in_failed")  # by whom is not known; the line of the request follows

    def get_login_stages(self) -> list[str]:
        ours = {"allauth.mfa.stages.AuthenticateStage": "fiu.oidc.factor.SecondFactorStage"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def pre_login(
        self, request: HttpRequest, user: User, *, signal_kwargs: Any = None, **given: Any
    ) -> HttpResponse | None:
        login = (signal_kwargs or {}).get("sociallogin")
        if login is not None:
            request.session[ORIGIN_KEY] = login.state[ORIGIN_KEY]
        shown_at = login.state.get(STATE_KEY) if login is not None else None
        if shown_at is not None:
            keep_factor(request, user, shown_at)
        found: HttpResponse | None = super().pre_login(
            request, user, signal_kwargs=signal_kwargs, **given
        )
        return found

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if isinstance(request.user, User) and request.user.role == "liaison":
            return str(settings.LIAISON_PREFIX)
        return str(settings.LOGIN_REDIRECT_URL)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """To work; a first password leads on to the second factor, which this page would follow."""
        return "/"

    def is_reauthentication_required(self, *, app: str, **kwargs: object) -> bool:
        """A sign-in of the last five minutes counts: else setting up a factor asks twice."""
        records = get_authentication_records(self.request, self.request.user)
        fresh = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
        if any(record["at"] > fresh for record in records):
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failures count by account and address: nobody locks a colleague out from elsewhere."""
        account = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{account}:{self.get_client_ip(request)}"

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        if code == "too_many_login_attempts":
            self.request.retry_after = LOCKED_SECONDS  # read by ResponseHeaders
        found: ValidationError = super().validation_error(code, *args)
        return found

    def send_notification_mail(
        self, template_prefix: str, user: User, context: object = None, email: str | None = None
    ) -> None:
        """No text of allauth's: a notice of ours, on the screen and by a mail that says nothing."""
        if kind := kind_of(template_prefix):
            note_change(self.request, user, kind)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """No mail of a sign-in: the audit trail and the session list tell it instead."""


def mark_session(request: HttpRequest, user: User) -> None:
    """Write the door and the two clocks into a session that has just been signed in."""
    now = int(time.time())
    request.session[SIGNED_IN_AT] = now
    request.session[SEEN_AT] = now
    if user.role == "liaison":
        request.session[DOOR_KEY] = LIAISON_DOOR
