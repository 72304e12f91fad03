"""Sign-in links for the console: who may get one, and from where."""

import json
import time
from pathlib import Path
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from allauth.mfa.utils import decrypt
from django.conf import settings

from cases.policy import Role
from fiu.links import make_sign_in_link
from fiu.models import User

DEFAULT_ORIGIN = "http://localhost:8000"
PERIOD_SECONDS = 30
LEAST_SECONDS_LEFT = 8  # to open the link, read the code and type it
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class SignInRefused(Exception):
    """No link for this person here; the message says why."""


def running_file() -> Path:
    """Where the supervisor writes its address while it runs."""
    return Path(settings.FIU_HOME) / "up.json"


def demo_file() -> Path:
    """Its presence makes this a demo installation; only the demo loader writes it."""
    return Path(settings.FIU_HOME) / "demo" / "installation.json"


def origin() -> str:
    """The address people use: the setting, else the running supervisor's, else the default."""
    if settings.FIU_ORIGIN:
        return str(settings.FIU_ORIGIN)
    try:
        return str(json.loads(running_file().read_text())["url"]).rstrip("/")
    except (OSError, ValueError, KeyError):
        return DEFAULT_ORIGIN


def mark_demo_installation(content: dict[str, object]) -> None:
    """Say that everybody here is fictional: links and codes may be printed from now on."""
    demo_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    demo_file().write_text(json.dumps(content, indent=2, sort_keys=True))


def give_second_factor(user: User) -> None:
    """A TOTP factor and recovery codes for a demo person; `signin NAME` prints the codes."""
    if not Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
        TOTP.activate(user, generate_totp_secret())
        RecoveryCodes.activate(user)


def is_loopback_demo() -> bool:
    """A demo installation that nobody else can reach."""
    return demo_file().exists() and urlsplit(origin()).hostname in LOOPBACK and not settings.FIU_TLS


def link_for(user: User) -> str:
    """A fresh one-time link.

    In a demo for everybody. Elsewhere only for an account that has neither a password nor a second
    factor: one just made or reset. An officer's first link is handed over by people of the house.
    """
    if not user.is_active:
        raise SignInRefused(f"The account {user.username} is closed.")
    if is_loopback_demo():
        return make_sign_in_link(user, origin())
    if user.role == Role.LIAISON and user.last_login is None:
        raise SignInRefused(
            f"{user.username} never signed in: an officer's first link is under Agencies and"
            " officers."
        )
    has_factor = Authenticator.objects.filter(user=user).exists()
    if not (user.has_usable_password() or has_factor):
        return make_sign_in_link(user, origin(), next_page="/accounts/password/set/")
    raise SignInRefused(
        "Sign-in links exist only in a demo installation on this machine's loopback address, and"
        f" for accounts just made or reset (`account reset {user.username}`)."
    )


def code_for(user: User) -> str | None:
    """The current second-factor code of a demo person; None when none is set up."""
    if not is_loopback_demo():
        raise SignInRefused("Second-factor codes are printed only in a demo on loopback.")
    factor = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if factor is None:
        return None
    left = PERIOD_SECONDS - time.time() % PERIOD_SECONDS
    if left < LEAST_SECONDS_LEFT:
        time.sleep(left)  # a code about to end helps nobody
    counter = int(time.time()) // PERIOD_SECONDS
    return str(format_hotp_value(hotp_value(decrypt(factor.data["secret"]), counter)))
