"""Cases that belong together, and which is the same matter as which."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import PublicModel
from cases.models.cases import Case
from cases.policy import Actor, visible_cases

RELATION_KINDS = [
    ("related", _("Belongs together with")),
    ("duplicate", _("Is the same matter as")),
]


class CaseRelationQuerySet(models.QuerySet["CaseRelation"]):
    def visible_to(self, actor: Actor) -> Self:
        """Only to who sees both: to all others neither names the other."""
        return self.filter(visible_cases(actor, "case__"), visible_cases(actor, "other__"))


class CaseRelation(PublicModel):
    """What one person says of two cases; "the same matter" is what a second person merges by.

    All words about the two stand here, for who sees both: the chain of neither case has them.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="relations")
    other = models.ForeignKey(Case, models.PROTECT, related_name="related_by_others")
    kind = models.CharField(max_length=9, choices=RELATION_KINDS)
    reason = models.TextField()
    related_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    related_at = models.DateTimeField()
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.TextField(default="")
    merge_reason = models.TextField(default="")

    objects = CaseRelationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="related_once", fields=["case", "other", "kind"], condition=Q(ended_at=None)
            ),
            models.CheckConstraint(
                name="no_case_is_related_to_itself", condition=~Q(case=F("other"))
            ),
        ]
