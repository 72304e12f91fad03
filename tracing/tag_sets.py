"""Versions of the tags: which packs, lists, tags of the house and rulings held at one time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tracing.engine.spec import canonical_sha256
from tracing.models import (
    AttributionTag,
    OverruledClaim,
    SanctionsList,
    TagPack,
    TagSet,
    TwoOwners,
)
from tracing.states import LabelState

HOUSE = "house"
"""In place of a file's hash: the pack that grows by the decisions of this installation's people."""
PUBLISHED, WITHDRAWN = "published", "withdrawn"


@dataclass(frozen=True)
class TagSetView:
    """A version of the tag set, as a record can cite it: [name, sha256] of packs and lists."""

    number: int
    sha256: str
    packs: tuple[tuple[str, str], ...]
    lists: tuple[tuple[str, str], ...]
    at: datetime


def keep_tag_set() -> str:
    """The version of the tags that hold now, kept so that it can be read again: 6 or 7 queries.

    Its name is a SHA-256 over the hashes of the files, the ids of the tags of the house and the
    rulings of people: rows of labels are never edited, so the same name means the same tags.
    Whatever changes what labels say calls it in the same transaction.
    """
    content = _content()
    sha256 = canonical_sha256(content)
    if not TagSet.objects.filter(sha256=sha256).exists():
        TagSet.objects.bulk_create([TagSet(sha256=sha256, **content)], ignore_conflicts=True)
    return sha256


def tag_set_now() -> str:
    """The name of the version of the tags that hold now; nothing is kept: 5 queries."""
    return canonical_sha256(_content())


def kept_tag_set(sha256: str) -> TagSet | None:
    """A version of the tags that was kept; None where it was not: 1 query."""
    return TagSet.objects.filter(sha256=sha256).first()


def newest_tag_sets(limit: int = 20) -> list[TagSetView]:
    """Versions that stood here, the newest first: 3 queries."""
    rows = list(TagSet.objects.order_by("-pk")[:limit])
    packs = dict(TagPack.objects.exclude(sha256=HOUSE).values_list("sha256", "name"))
    lists = dict(SanctionsList.objects.values_list("sha256", "name"))
    return [
        TagSetView(
            row.pk, row.sha256, _named(packs, row.packs), _named(lists, row.lists), row.kept_at
        )
        for row in rows
    ]


def _content() -> dict[str, list[str] | list[int]]:
    packs = TagPack.objects.active().order_by("sha256").values_list("sha256", flat=True)
    lists = SanctionsList.objects.filter(state=LabelState.ACTIVE).order_by("sha256")
    house = AttributionTag.objects.filter(pack__sha256=HOUSE, state=PUBLISHED).order_by("pk")
    rulings = {
        ruling
        for model in (OverruledClaim, TwoOwners)
        for ruling in model.objects.filter(is_active=True).values_list("ruling", flat=True)
    }
    return {
        "packs": list(packs),
        "lists": list(lists.values_list("sha256", flat=True)),
        "house": list(house.values_list("pk", flat=True)),
        "rulings": sorted(map(str, rulings)),
    }


def _named(names: dict[str, str], digests: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple((names[digest], digest) for digest in digests if digest in names)
