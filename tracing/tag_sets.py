"""Versions of the tags: which packs, lists and tags of the house held when a run was sealed."""

from __future__ import annotations

from tracing.attribution import HOUSE, PUBLISHED
from tracing.engine.spec import canonical_sha256
from tracing.models import AttributionTag, OverruledClaim, SanctionsList, TagPack, TagSet
from tracing.states import LabelState


def keep_tag_set() -> str:
    """The version of the tags that hold now, kept so that it can be read again: 5 or 6 queries.

    Its name is a SHA-256 over the hashes of the files, the ids of the tags of the house and the rulings
    between tags: rows of labels are never edited, so the same name means the same tags.
    """
    content = _content()
    sha256 = canonical_sha256(content)
    if not TagSet.objects.filter(sha256=sha256).exists():
        TagSet.objects.bulk_create([TagSet(sha256=sha256, **content)], ignore_conflicts=True)
    return sha256


def _content() -> dict[str, object]:
    packs = TagPack.objects.active().order_by("sha256").values_list("sha256", flat=True)
    lists = SanctionsList.objects.filter(state=LabelState.ACTIVE).order_by("sha256")
    house = AttributionTag.objects.filter(pack__sha256=HOUSE, state=PUBLISHED).order_by("pk")
    rulings = OverruledClaim.objects.filter(is_active=True)
    return {
        "packs": list(packs),
        "lists": list(lists.values_list("sha256", flat=True)),
        "house": list(house.values_list("pk", flat=True)),
        "rulings": sorted(map(str, rulings.values_list("ruling", flat=True).distinct())),
    }
