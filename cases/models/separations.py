"""Separations: addresses that two people hold for two owners, whatever joins them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.models.base import CaseScopedQuerySet, PublicModel, state_is_known
from cases.models.cases import Case
from cases.states import TagState


class Separation(PublicModel):
    """A ruling that the clusters of two addresses are two owners'.

    While it is active or disputed no transaction joins them. `asked_by` proposed it or, since then,
    disputed it; another person decides. `first` sorts before `second`.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="separations")
    ledger = models.CharField(max_length=24)
    first = models.CharField(max_length=100)
    second = models.CharField(max_length=100)
    # What joined the two when it was proposed: [txid, whether it spends from both of them].
    joins = models.JSONField(default=list)
    basis = models.CharField(max_length=500)  # what it rests on
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
            state_is_known("separation_state_is_known", TagState),
            models.CheckConstraint(
                name="separation_decided_by_a_second_person",
                condition=Q(state__in=[TagState.PROPOSED, TagState.DISPUTED], decided_by=None)
                | (
                    Q(state__in=[TagState.ACTIVE, TagState.REFUSED, TagState.RETRACTED])
                    & Q(decided_by__isnull=False)
                    & ~Q(decided_by=F("asked_by"))
                ),
            ),
            models.CheckConstraint(
                name="separation_of_two_addresses", condition=~Q(first=F("second"))
            ),
            models.UniqueConstraint(
                name="one_live_separation_of_two_addresses",
                fields=["ledger", "first", "second"],
                condition=Q(state__in=[TagState.PROPOSED, TagState.ACTIVE, TagState.DISPUTED]),
            ),
        ]
        indexes = [
            # The cluster page: what is proposed about its address?
            models.Index(fields=["ledger", "second"], name="separation_second"),
        ]

    @property
    def is_in_force(self) -> bool:
        """Whether it holds the two apart now."""
        return self.state in (TagState.ACTIVE, TagState.DISPUTED)

    @property
    def rows(self) -> list[dict[str, object]]:
        """What joined the two, by name."""
        return [dict(zip(("txid", "both"), join, strict=True)) for join in self.joins]
