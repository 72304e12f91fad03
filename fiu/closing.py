"""Ending a person's sessions and closing an account: at once, and kept in the system's chain."""

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from cases.policy import Actor
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.validation import require_reason
from fiu.models import User

LAST = "This is the last administrator: make another one first."


@transaction.atomic
def end_sessions_of(user: User, *, reason: str, by: Actor) -> int:
    """Sign a person out everywhere; returns how many sessions ended.

    Raises CaseworkError without a reason. Cost: one pass over the sessions that have not run out.
    """
    text = require_reason(reason)
    number = end_sessions(user)
    record_event(
        None, "end_sessions", f"user:{user.pk}", by=by, reason=text, data={"num_sessions": number}
    )
    return number


@transaction.atomic
def close_account(user: User, *, reason: str, by: Actor) -> int:
    """Close an account for good: no sign-in, no link, no session; returns how many ended.

    The person stays in every record. Raises CaseworkError without a reason, for an account that is
    closed, and for the last administrator.
    """
    text = require_reason(reason)
    person, is_last = lock_with_administrators(user)
    if person is None:
        raise CaseworkError(f"The account {user.username} is closed already.")
    if is_last:
        raise CaseworkError(LAST)
    User.objects.filter(pk=user.pk).update(is_active=False)
    number = end_sessions(user)
    record_event(
        None, "close_account", f"user:{user.pk}", by=by, reason=text, data={"num_sessions": number}
    )
    return number


def lock_with_administrators(user: User) -> tuple[User | None, bool]:
    """The open account, None where it is closed, and whether it is the last administrator's.

    One query in one order: of two acts at once the second waits, and sees what the first did.
    """
    people = User.objects.filter(Q(pk=user.pk) | Q(role="admin"), is_active=True).order_by("pk")
    active = {person.pk: person for person in people.select_for_update(no_key=True)}
    person = active.pop(user.pk, None)
    return person, person is not None and person.role == "admin" and not active


def end_sessions(user: User) -> int:
    """End every stored session of the person, listed by the session list or not; how many."""
    live = Session.objects.filter(expire_date__gt=timezone.now()).iterator()
    mine = [each.pk for each in live if each.get_decoded().get("_auth_user_id") == str(user.pk)]
    Session.objects.filter(pk__in=mine).delete()
    UserSession.objects.filter(user=user).delete()
    return len(mine)
