"""Identity links: the claim that two suspects are one person; rows are never merged."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import CaseScopedQuerySet, PublicModel, state_is_known
from cases.models.cases import Case
from cases.models.suspects import Suspect
from cases.policy import Actor, visible_cases
from cases.states import IdentityState

CLAIMS = [("same_as", _("Is the same person"))]
SOURCE_GRADES = [(grade, grade) for grade in "ABCX"]
INFORMATION_GRADES = [(grade, grade) for grade in "1234"]


class IdentityLinkQuerySet(CaseScopedQuerySet):
    def visible_to(self, actor: Actor) -> "IdentityLinkQuerySet":
        """Those of whom the actor may see both cases."""
        return self.filter(visible_cases(actor, "case__")).filter(
            visible_cases(actor, "other__case__")
        )


class IdentityLink(PublicModel):
    """Two suspects said to be one, with the basis; confirmed, both cards tell of each other.

    Merging is confirming the link, and taking it apart again refuting it: neither row changes, so
    both stand afterwards as they stood before. `match` is what a comparison of names found.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="identity_links")
    suspect = models.ForeignKey(Suspect, models.PROTECT, related_name="identity_links")
    other = models.ForeignKey(Suspect, models.PROTECT, related_name="identity_links_from")
    claim = models.CharField(max_length=8, choices=CLAIMS, default="same_as")
    basis = models.CharField(max_length=500)
    match = models.JSONField(default=dict)  # score, basis, first, last, years_differ; or empty
    source_grade = models.CharField(max_length=1, choices=SOURCE_GRADES)
    information_grade = models.CharField(max_length=1, choices=INFORMATION_GRADES)
    confidence = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=9, default=IdentityState.ASSERTED.value)
    asserted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asserted_at = models.DateTimeField()
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=500, blank=True)

    objects = IdentityLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("identity_link_state_is_known", IdentityState),
            models.CheckConstraint(
                name="identity_link_joins_two", condition=~Q(suspect=F("other"))
            ),
            models.CheckConstraint(
                name="identity_link_is_graded",
                condition=Q(source_grade__in=list("ABCX"), information_grade__in=list("1234"))
                & Q(confidence__lte=100),
            ),
            models.CheckConstraint(
                name="identity_confirmed_by_a_second_person",
                condition=~Q(state=IdentityState.CONFIRMED)
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("asserted_by"))),
            ),
            models.CheckConstraint(
                name="identity_reviewed_by_a_second_person",
                condition=~Q(state=IdentityState.REVIEWED)
                | (Q(reviewed_by__isnull=False) & ~Q(reviewed_by=F("asserted_by"))),
            ),
            models.UniqueConstraint(
                name="one_standing_identity_link",
                fields=["suspect", "other"],
                condition=~Q(state=IdentityState.REFUTED),
            ),
        ]

    @property
    def ends(self) -> tuple[Suspect, Suspect]:
        """The two who are said to be one."""
        return self.suspect, self.other
