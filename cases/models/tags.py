"""Tags of the house: proposed by one person on a wallet's address, published by another."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.models.base import CaseScopedQuerySet, PublicModel, state_is_known
from cases.models.cases import Case
from cases.states import TagState


class HouseTag(PublicModel):
    """What this installation says of an address; while active it stands among all other tags.

    `asked_by` proposed it or, since then, disputed it; another person decides. `published` is its
    row among the tags, null as long as it never was one.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="house_tags")
    ledger = models.CharField(max_length=24)
    address = models.CharField(max_length=100)
    label = models.CharField(max_length=120)
    category = models.CharField(max_length=40)
    confidence = models.CharField(max_length=24)
    source = models.CharField(max_length=300)
    state = models.CharField(max_length=12, default=TagState.PROPOSED.value)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    reason = models.CharField(max_length=500)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=500, blank=True)
    published = models.PositiveBigIntegerField(null=True)

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("house_tag_state_is_known", TagState),
            models.CheckConstraint(
                name="house_tag_decided_by_a_second_person",
                condition=Q(state__in=[TagState.PROPOSED, TagState.DISPUTED], decided_by=None)
                | (
                    Q(state__in=[TagState.ACTIVE, TagState.REFUSED, TagState.RETRACTED])
                    & Q(decided_by__isnull=False)
                    & ~Q(decided_by=F("asked_by"))
                ),
            ),
            models.UniqueConstraint(
                name="house_tag_once",
                fields=["ledger", "address", "label"],
                condition=~Q(state__in=[TagState.REFUSED, TagState.RETRACTED]),
            ),
        ]
        indexes = [
            # The address page and the inbox: what does the house say, what waits?
            models.Index(fields=["ledger", "address"], name="house_tag_address"),
        ]

    @property
    def is_open(self) -> bool:
        """Whether somebody has to decide."""
        return self.state in (TagState.PROPOSED, TagState.DISPUTED)
