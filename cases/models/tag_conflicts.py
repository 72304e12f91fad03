"""Conflicts of tags: whom two people hold for the keeper of an address, and whom they do not."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.models.base import CaseScopedQuerySet, PublicModel, state_is_known
from cases.models.cases import Case
from cases.states import TagState


class TagConflict(PublicModel):
    """Tags that name different keepers of an address, and the resolution of the house.

    While it is active the other sides count nowhere; they stay to be read. `asked_by` proposed it
    or, since then, disputed it; another person decides.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="tag_conflicts")
    ledger = models.CharField(max_length=24)
    address = models.CharField(max_length=100)
    keep = models.CharField(max_length=200, blank=True)  # label of the side that holds; "": none
    # What stood side by side: [label, category, level, confidence, pack, sha256, number of claims].
    sides = models.JSONField()
    claims_sha256 = models.CharField(max_length=64)  # of every (address, label) of every side
    state = models.CharField(max_length=12, default=TagState.PROPOSED.value)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    reason = models.CharField(max_length=500)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=500, blank=True)

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("tag_conflict_state_is_known", TagState),
            models.CheckConstraint(
                name="tag_conflict_decided_by_a_second_person",
                condition=Q(state__in=[TagState.PROPOSED, TagState.DISPUTED], decided_by=None)
                | (
                    Q(state__in=[TagState.ACTIVE, TagState.REFUSED, TagState.RETRACTED])
                    & Q(decided_by__isnull=False)
                    & ~Q(decided_by=F("asked_by"))
                ),
            ),
            models.UniqueConstraint(
                name="one_open_tag_conflict_per_address",
                fields=["ledger", "address"],
                condition=Q(state__in=[TagState.PROPOSED, TagState.DISPUTED]),
            ),
        ]
        indexes = [
            # The address page: how was it resolved?
            models.Index(fields=["ledger", "address"], name="tag_conflict_address"),
        ]

    @property
    def is_open(self) -> bool:
        """Whether somebody has to decide."""
        return self.state in (TagState.PROPOSED, TagState.DISPUTED)

    @property
    def rows(self) -> list[dict[str, object]]:
        """The sides by name, and whether each is the one that holds."""
        keys = ("label", "category", "level", "confidence", "pack", "pack_sha256", "num_claims")
        told = [dict(zip(keys, side, strict=True)) for side in self.sides]
        return [{**side, "holds": side["label"] == self.keep} for side in told]
