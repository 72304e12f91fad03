"""A person is told what changed about the own account: on the screen, by mail without content."""

from typing import Any

import pytest
from allauth.core.context import request_context
from django.core import mail
from django.test import Client, RequestFactory
from django.urls import reverse

from fiu.adapter import SEEN_AT, AccountAdapter
from fiu.models import AccountNotice, User
from fiu.notices import MARK, kind_of, mail_account_notices, note_change, note_sign_in
from tests.casework import make_user
from tests.conftest import client_of

pytestmark = pytest.mark.django_db
HERE, ELSEWHERE = "10.0.0.1", "10.9.9.9"


@pytest.fixture
def ana() -> User:
    return make_user("analyst", email="ana@example.org")


def sign_in(user: User, address: str = HERE, device: str = "Firefox") -> Any:
    """What the adapter does as somebody signs in; returns the request."""
    request = RequestFactory().get("/", REMOTE_ADDR=address, HTTP_USER_AGENT=device)
    request.session = Client().session
    note_sign_in(request, user)
    return request


def told(user: User) -> list[tuple[str, str]]:
    rows = AccountNotice.objects.filter(user=user, told_at=None).order_by("pk")
    return [(each.kind, each.address) for each in rows]


def test_only_a_place_that_is_new_to_the_account_is_told(ana: User) -> None:
    sign_in(ana)
    sign_in(ana)
    assert told(ana) == []  # the first place of an account, and a known one
    sign_in(ana, ELSEWHERE)
    sign_in(ana, HERE, "curl")
    sign_in(make_user("analyst"), ELSEWHERE)
    assert told(ana) == [("sign_in", ELSEWHERE), ("sign_in", HERE)]
    assert HERE not in "".join(AccountNotice.objects.values_list("place", flat=True))


def test_the_other_sessions_are_told_once_and_not_the_one_that_did_it(ana: User) -> None:
    sign_in(ana)
    stranger = sign_in(ana, ELSEWHERE)
    page = reverse("usersessions_list")
    for mark, sees in ((stranger.session[MARK], False), ("0" * 16, True), ("1" * 16, False)):
        client = client_of(ana)
        session = client.session
        session[MARK], session[SEEN_AT] = mark, session[SEEN_AT] - 61
        session.save()
        shown = client.get(page).content.decode()
        assert ("Was it not you?" in shown) is sees
        assert ELSEWHERE in shown  # the list stays


def test_a_new_token_and_another_factor_or_password_are_told(ana: User) -> None:
    client = client_of(ana)
    assert client.post(reverse("api_tokens"), {"name": "Robot", "days": 3}).status_code == 200
    request = sign_in(ana)
    with request_context(request):
        for template in ("mfa/email/webauthn_added", "account/email/password_changed", "other"):
            AccountAdapter(request).send_notification_mail(template, ana)
    assert [kind for kind, _ in told(ana)] == ["token", "factor", "password"]
    assert [kind_of(each) for each in ("mfa/email/totp_deactivated", "x")] == ["factor", ""]


def test_the_mail_says_nothing_and_goes_out_once(ana: User, settings: Any) -> None:
    settings.MAIL_URL, settings.FIU_ORIGIN = "smtp://localhost", "https://fiu.example"
    settings.DEFAULT_FROM_EMAIL = "notice@example.org"
    request = sign_in(ana)
    assert mail_account_notices() == 0
    note_change(request, ana, "password")
    note_change(request, ana, "token")
    gone = make_user("analyst", email="gone@example.org", is_active=False)
    note_change(request, gone, "token")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert mail_account_notices() == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert (mail_account_notices(), mail_account_notices()) == (1, 0)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["ana@example.org"], "An item awaits you")
    assert sent.body == "An item awaits you in your inbox.\n\nhttps://fiu.example/inbox/\n"
