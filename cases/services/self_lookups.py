"""Whoever looks up what has their own name is told of to compliance, and is not told (A7).

The house knows its people by name and address and the exchange's customers by name; that one is the
other stands nowhere. So the same words of a name count, in any order, accents aside.
"""

import re
import unicodedata
from collections.abc import Iterable

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from cases.models import Case, SelfLookup, Suspect
from cases.policy import Action, Actor, require
from cases.services.audit import record_event
from cases.services.errors import NotFound


def watch_self(what: str, texts: Iterable[str], *, by: Actor, case: Case | None = None) -> bool:
    """Raise a row for compliance if one of the texts is the reader's own name or address.

    Args:
        what: `search`, `customer` or `suspect`.

    Cost: 1 query; 4 more when it is.
    """
    mine = get_user_model().objects.filter(pk=by.person)
    first, last, email = mine.values_list("first_name", "last_name", "email").get()
    names = {_words(f"{first} {last}")} if first and last else set()
    if not any(_words(text) in names or (email and _is(text, email)) for text in texts):
        return False
    with transaction.atomic():
        open_rows = SelfLookup.objects.filter(user_id=by.person, what=what, seen_at=None)
        if open_rows.filter(case=case).exists():
            return True  # compliance has this to look at already; each look is kept anyway
        row = SelfLookup.objects.create(
            user_id=by.person, what=what, case=case, at=timezone.now()
        )  # fmt: skip
        record_event(None, "look_up_self", str(row.public_id), by=by, data={"what": what})
    return True


def watch_suspects(suspects: Iterable[Suspect], *, by: Actor, case: Case | None = None) -> None:
    """The same for suspects shown, by all their names, which must be prefetched."""
    names = [name.full for suspect in suspects for name in suspect.names.all()]
    if names:
        watch_self("suspect", names, by=by, case=case)


def namesakes(names: Iterable[str]) -> list[int]:
    """Numbers of active people of the house who have one of the names: 1 query."""
    wanted = {_words(name) for name in names} - {frozenset()}
    people = get_user_model().objects.filter(is_active=True).order_by("pk")
    return [
        pk for pk, first, last in people.values_list("pk", "first_name", "last_name")
        if first and last and _words(f"{first} {last}") in wanted
    ]  # fmt: skip


def namesakes_by_name(names: Iterable[str]) -> dict[str, list[int]]:
    """As `namesakes`, by each of these names that somebody of the house has: 1 query."""
    people = get_user_model().objects.filter(is_active=True).order_by("pk")
    known: dict[frozenset[str], list[int]] = {}
    for pk, first, last in people.values_list("pk", "first_name", "last_name"):
        if first and last:
            known.setdefault(_words(f"{first} {last}"), []).append(pk)
    return {name: known[words] for name in names if (words := _words(name)) in known}


@transaction.atomic
def see_self_lookup(row: SelfLookup, *, by: Actor) -> None:
    """Say that one has looked at it; a second time changes nothing.

    Raises PermissionDenied for anybody but compliance, NotFound for one's own.
    """
    require(by, Action.SEE_SELF_LOOKUP)
    if not SelfLookup.objects.visible_to(by).filter(pk=row.pk).exists():
        raise NotFound("There is no such row.")
    unseen = SelfLookup.objects.filter(pk=row.pk, seen_at=None)
    if unseen.update(seen_by_id=by.person, seen_at=timezone.now()):
        record_event(None, "see_self_lookup", str(row.public_id), by=by)


def _words(name: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", name.casefold())
    return frozenset(re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c))))


def _is(text: str, email: str) -> bool:
    return text.strip().casefold() == email.casefold()
