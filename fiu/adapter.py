"""What allauth asks of us: nobody signs up, and every session knows its door and its start."""

import time

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest

from fiu.models import User
from fiu.sessions import DOOR_KEY, LIAISON_DOOR

SIGNED_IN_AT = "fiu_signed_in_at"
SEEN_AT = "fiu_seen_at"


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators; mail never carries more than it must."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        mark_session(request, user)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if isinstance(request.user, User) and request.user.role == "liaison":
            return str(settings.LIAISON_PREFIX)
        return str(settings.LOGIN_REDIRECT_URL)

    def is_reauthentication_required(self, *, app: str, **kwargs: object) -> bool:
        """A sign-in of the last five minutes counts: else setting up a factor asks twice."""
        records = get_authentication_records(self.request, self.request.user)
        fresh = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
        if any(record["at"] > fresh for record in records):
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """No mail in this installation: the audit trail and the session list tell it instead."""


def mark_session(request: HttpRequest, user: User) -> None:
    """Write the door and the two clocks into a session that has just been signed in."""
    now = int(time.time())
    request.session[SIGNED_IN_AT] = now
    request.session[SEEN_AT] = now
    if user.role == "liaison":
        request.session[DOOR_KEY] = LIAISON_DOOR
