"""Where tag packs and sanctions lists come from, and when each is asked for again."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import PublicModel

KINDS = [("tags", _("Tags")), ("sanctions", _("Sanctions list"))]
OUTCOMES = [
    ("", _("Not asked yet")),
    ("changed", _("New version")),
    ("same", _("Unchanged")),
    ("failed", _("Failed")),
]


class LabelSource(PublicModel):
    """One file of labels that is fetched again and again: the row is the job.

    Who holds `attempt` and the lease writes what came of it; the dispatcher hints, no more. What a
    failed refresh found is thrown away whole, and what was loaded before goes on to count.
    """

    name = models.CharField(max_length=120, unique=True)  # of a sanctions list: its name, too
    kind = models.CharField(max_length=9, choices=KINDS)
    location = models.CharField(max_length=500)  # https address, or a file's path
    confidence = models.CharField(max_length=24, blank=True)
    category = models.CharField(max_length=40, blank=True)
    every_hours = models.PositiveSmallIntegerField()
    is_on = models.BooleanField(default=True)
    due_at = models.DateTimeField()
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    last_outcome = models.CharField(max_length=7, blank=True, choices=OUTCOMES)
    last_error = models.CharField(max_length=500, blank=True)
    num_failures = models.PositiveSmallIntegerField(default=0)  # in a row
    num_rows = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)  # of the version it brought last
    changed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="label_source_kind_is_known",
                condition=Q(kind__in=[kind for kind, _word in KINDS]),
            ),
            models.CheckConstraint(
                name="label_source_cadence_is_sane",
                condition=Q(every_hours__gte=1, every_hours__lte=24 * 31),
            ),
        ]
