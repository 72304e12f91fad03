"""One write per idempotency key: the answer is stored in the transaction of the write (J16)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import IdempotencyKey
from cases.policy import Actor
from cases.states import InvalidTransition

KEPT = timedelta(days=30)


class KeyReused(InvalidTransition):
    """The key was used for another request."""


@dataclass(frozen=True)
class Answer:
    """A status and a body as bytes of UTF-8 text; `is_replay` where it was given before."""

    status: int
    body: str
    is_replay: bool = False


def answer_once(
    key: str, request_sha256: str, do: Callable[[], tuple[int, str]], *, by: Actor
) -> Answer:
    """Do it and keep the answer, or give the answer kept under this key.

    Two callers at once: one does it, the other waits and gets the same answer. What was refused
    changed nothing, keeps nothing, and frees the key. Raises KeyReused, and whatever `do` raises.
    """
    for _attempt in range(2):
        kept = _kept(key, request_sha256, by)
        if kept is not None:
            return kept
        try:
            with transaction.atomic():
                row = _claim(key, request_sha256, by)
                status, body = do()
                IdempotencyKey.objects.filter(pk=row.pk).update(status=status, body=body)
                return Answer(status, body)
        except _Taken:
            continue  # the other caller has ended by now, either way
    raise InvalidTransition(_("The same request is under way: ask again."))


class _Taken(Exception):
    """Somebody else inserted the key first."""


def _kept(key: str, request_sha256: str, by: Actor) -> Answer | None:
    row = IdempotencyKey.objects.filter(user_id=by.person, key=key).first()
    if row is None:
        return None
    if row.request_sha256 != request_sha256:
        raise KeyReused(_("This key was used for another request: take a new one."))
    return Answer(row.status, row.body, is_replay=True)


def _claim(key: str, request_sha256: str, by: Actor) -> IdempotencyKey:
    """Insert the key, before any lock: who waits for it holds nothing."""
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(
                user_id=by.person, key=key, request_sha256=request_sha256, at=timezone.now()
            )
    except IntegrityError as error:
        raise _Taken from error


def forget_answers() -> int:
    """Delete what is older than 30 days; returns how many."""
    return IdempotencyKey.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
