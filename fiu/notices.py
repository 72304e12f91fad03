"""What changed about a person's own account, told to that person: on the screen and by mail (S2).

A sign-in from an address and browser not seen before, another second factor, another password, a
new token. The screen tells it in any session but the one that did it, at the next sign-in or
within a minute; "My sessions" keeps the list. The mail says only that something waits (P3).
"""

import hmac
import secrets
from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from cases.gateways.mail import MailRefused, is_configured, send_notice
from fiu.models import AccountNotice, User

logger = structlog.get_logger(__name__)

MARK = "fiu_session_mark"  # names a session whatever keys it had
KEPT = timedelta(days=180)  # and a place not seen for so long is a new one
MAILED_WITHIN = timedelta(hours=24)
MOST_MAILS = 50
MOST_TOLD = 20
LONGEST_DEVICE = 200
# What allauth would write a mail of, by the beginning of its template's name.
KINDS = {"mfa/email/": "factor", "account/email/password_": "password"}


def mark_of(request: HttpRequest) -> str:
    """The name of this session, made when it is signed in; "" for one that is not."""
    return str(request.session.get(MARK, ""))


def note_sign_in(request: HttpRequest, user: User) -> None:
    """Keep from where the person signed in; a place that is new to an account is told.

    The first sign-in of an account is told to nobody: 2 or 3 queries.
    """
    request.session[MARK] = secrets.token_hex(8)
    place = _place(request, user)
    signs = AccountNotice.objects.filter(user=user, kind="sign_in")
    known = signs.filter(place=place, at__gt=timezone.now() - KEPT)
    if known.update(at=timezone.now()):
        return
    is_first = not signs.exists()
    _keep(request, user, "sign_in", place=place, is_told=is_first)


def note_change(request: HttpRequest, user: User, kind: str) -> None:
    """Keep that a factor, the password or a token changed: 1 query."""
    _keep(request, user, kind)


def kind_of(template: str) -> str:
    """The kind of notice behind a mail that allauth would send, "" for none."""
    return next((kind for begin, kind in KINDS.items() if template.startswith(begin)), "")


def _place(request: HttpRequest, user: User) -> str:
    """Address and browser as a keyed hash: where somebody works from is nobody's reading."""
    told = f"{user.pk}\n{request.META.get('REMOTE_ADDR', '')}\n{_device(request)}"
    return hmac.new(settings.SECRET_KEY.encode(), told.encode(), "sha256").hexdigest()


def _device(request: HttpRequest) -> str:
    return str(request.META.get("HTTP_USER_AGENT", ""))[:LONGEST_DEVICE]


def _keep(
    request: HttpRequest, user: User, kind: str, *, place: str = "", is_told: bool = False
) -> None:
    now = timezone.now()
    AccountNotice.objects.create(
        user=user, kind=kind, at=now, address=request.META.get("REMOTE_ADDR", "")[:45],
        device=_device(request), place=place, origin=mark_of(request),
        told_at=now if is_told else None, mailed_at=now if is_told else None,
    )  # fmt: skip


def tell_unseen(request: HttpRequest, user: User) -> None:
    """Put what another session did into the messages of the next page, once: 1 or 2 queries."""
    mark = mark_of(request)
    if not mark:
        return
    rows = AccountNotice.objects.filter(user=user, told_at=None).exclude(origin=mark)
    found = list(rows.order_by("at")[:MOST_TOLD])
    if not found:
        return
    AccountNotice.objects.filter(pk__in=[each.pk for each in found]).update(told_at=timezone.now())
    for each in found:
        messages.warning(
            request,
            format_html(
                '{} <a href="{}">{}</a>',
                _("%(what)s, from %(address)s, at %(time)s UTC.")
                % {
                    "what": each.get_kind_display(),
                    "address": each.address or _("unknown"),
                    "time": f"{each.at:%Y-%m-%d %H:%M}",
                },
                reverse("usersessions_list"),
                _("Was it not you? End the other sessions."),
            ),
        )


def mail_account_notices() -> int:
    """Mail to whom nothing was mailed yet, one mail a person; returns how many mails went out.

    Outside of any transaction; one that goes out twice after a crash says nothing twice. Notices
    older than half a year are forgotten here.
    """
    now = timezone.now()
    AccountNotice.objects.filter(at__lt=now - KEPT).delete()
    if not is_configured():
        return 0
    waiting = AccountNotice.objects.filter(
        mailed_at=None, at__gt=now - MAILED_WITHIN, user__is_active=True
    ).exclude(user__email="")
    people = list(waiting.order_by("user").values_list("user", "user__email").distinct())
    done = 0
    for person, address in people[:MOST_MAILS]:
        try:
            send_notice(address)
        except MailRefused as error:
            logger.warning("mail_failed", reason=str(error))
            break
        with transaction.atomic():
            AccountNotice.objects.filter(user=person, mailed_at=None, at__lte=now).update(
                mailed_at=timezone.now()
            )
        done += 1
    return done
