"""Accounts of the people of the house: made, given a role, opened anew; kept in the system's chain.

Nobody sets another one's password: an account without one is entered by a one-time link, which
leads to a new password and a new second factor (S3). Officers of agencies get in by two people.
"""

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from cases.policy import Actor, Role
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.validation import require_reason
from fiu.closing import LAST, end_sessions, lock_with_administrators
from fiu.models import ApiToken, User

FIELDS = {"username": "name", "email": "e-mail address"}
ROLES = tuple(role.value for role in Role if role not in (Role.LIAISON, Role.SYSTEM))
WITH_MARK = (Role.ANALYST.value, Role.SUPERVISOR.value)  # compliance sees reports by office


@transaction.atomic
def create_account(
    username: str,
    email: str,
    role: str,
    *,
    full_name: str = "",
    may_view_reports: bool = False,
    by: Actor,
) -> User:
    """Make an account without a password.

    Raises CaseworkError for a name or an address that somebody has, and for a role that is none.
    """
    _require_role(role, may_view_reports=may_view_reports)
    if User.objects.filter(username__iexact=username).exists():
        raise CaseworkError(f"There is already a person named {username}.")
    if not email:
        raise CaseworkError("The e-mail address: This field cannot be blank.")
    if User.objects.filter(email__iexact=email).exists():  # one signs in by it, too
        raise CaseworkError(f"The e-mail address {email} is another account's.")
    first, _space, last = full_name.strip().rpartition(" ")
    user = User(
        username=username, email=email, role=role, first_name=first, last_name=last,
        may_view_reports=may_view_reports,
    )  # fmt: skip
    user.set_unusable_password()
    try:
        user.full_clean()
    except ValidationError as error:
        wrong = (
            f"The {FIELDS.get(field, field)}: {' '.join(words)}"
            for field, words in error.message_dict.items()
        )
        raise CaseworkError("; ".join(wrong)) from error
    user.save()
    data: dict[str, object] = {"name": username, "role": role}
    if may_view_reports:
        data["may_view_reports"] = True
    record_event(None, "create_account", f"user:{user.pk}", by=by, data=data)
    return user


@transaction.atomic
def change_role(
    user: User, role: str, *, may_view_reports: bool = False, reason: str, by: Actor
) -> None:
    """Give another role, or the personal right to suspicion reports; sessions and tokens end.

    Raises CaseworkError without a reason, for an officer, a closed account, a role that is none,
    the last administrator, and where nothing would change.
    """
    text = require_reason(reason)
    _require_role(role, may_view_reports=may_view_reports)
    fresh, is_last = _open(user)
    if fresh.role == Role.LIAISON:
        raise CaseworkError("An officer of an agency gets no role of the house.")
    if (fresh.role, fresh.may_view_reports) == (role, may_view_reports):
        raise CaseworkError(f"{fresh.username} has this role already.")
    if is_last and role != Role.ADMIN:
        raise CaseworkError(LAST)
    User.objects.filter(pk=fresh.pk).update(role=role, may_view_reports=may_view_reports)
    data = {
        "from": fresh.role, "to": role, "may_view_reports": may_view_reports,
        "num_sessions": _shut(fresh),
    }  # fmt: skip
    record_event(None, "change_role", f"user:{fresh.pk}", by=by, reason=text, data=data)


@transaction.atomic
def reset_account(user: User, *, reason: str, by: Actor) -> None:
    """Take password, second factors, sessions and tokens: the person sets them up anew.

    Raises CaseworkError without a reason and for a closed account.
    """
    text = require_reason(reason)
    fresh, _is_last = _open(user)
    data = _empty(fresh)
    record_event(None, "reset_account", f"user:{fresh.pk}", by=by, reason=text, data=data)


@transaction.atomic
def reopen_account(user: User, *, reason: str, by: Actor) -> None:
    """Open a closed account, without the password and the factors that it had.

    Raises CaseworkError without a reason, for an account that is open, and for an officer.
    """
    text = require_reason(reason)
    fresh = User.objects.select_for_update().get(pk=user.pk)
    if fresh.is_active:
        raise CaseworkError(f"The account {fresh.username} is open.")
    if fresh.role == Role.LIAISON:
        raise CaseworkError("An officer's account is opened by two people: propose the officer.")
    User.objects.filter(pk=fresh.pk).update(is_active=True)
    data = _empty(fresh)
    record_event(None, "reopen_account", f"user:{fresh.pk}", by=by, reason=text, data=data)


def _require_role(role: str, *, may_view_reports: bool) -> None:
    if role == Role.LIAISON:
        raise CaseworkError("Officers of agencies are let in by two people: see their page.")
    if role not in ROLES:
        raise CaseworkError(f"There is no role {role}; there are {', '.join(ROLES)}.")
    if may_view_reports and role not in WITH_MARK:
        raise CaseworkError(f"The right to reports is given to {' and '.join(WITH_MARK)} only.")


def _open(user: User) -> tuple[User, bool]:
    """The account, locked, and whether it is the last administrator's."""
    fresh, is_last = lock_with_administrators(user)
    if fresh is None:
        raise CaseworkError(f"The account {user.username} is closed: reopen it first.")
    return fresh, is_last


def _empty(user: User) -> dict[str, int]:
    user.set_unusable_password()
    user.save(update_fields=["password"])
    num_factors, _by_kind = Authenticator.objects.filter(user=user).delete()
    return {"num_factors": num_factors, "num_sessions": _shut(user)}


def _shut(user: User) -> int:
    """End every session and token; returns how many sessions."""
    ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    return end_sessions(user)
