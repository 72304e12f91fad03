"""Cases and who may see them."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.base import CaseScopedQuerySet, PublicModel, state_is_known
from cases.states import OVER_CASES, CaseState


class CaseQuerySet(CaseScopedQuerySet):
    case_path = ""


class Case(PublicModel):
    """The unit of investigation; the row every writing service locks first."""

    reference = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=160)
    summary = models.TextField(blank=True)
    case_type = models.CharField(
        max_length=24,
        default="other",
        choices=[
            ("reactive_le", _("Law-enforcement request")),
            ("proactive", _("Own initiative")),
            ("sanctions", _("Sanctions")),
            ("fraud", _("Fraud")),
            ("csam", _("Child abuse material")),
            ("darknet", _("Darknet market")),
            ("terrorist_financing", _("Terrorist financing")),
            ("hack", _("Hack")),
            ("other", _("Other")),
        ],
    )
    priority = models.CharField(
        max_length=2,
        default="P3",
        choices=[("P1", "P1"), ("P2", "P2"), ("P3", "P3"), ("P4", "P4")],
    )
    state = models.CharField(max_length=16, default=CaseState.INTAKE.value)
    visibility = models.CharField(
        max_length=6,
        default="unit",
        choices=[("unit", _("Whole unit")), ("team", _("Named team")), ("sealed", _("Sealed"))],
    )
    tlp = models.CharField(
        max_length=12,
        default="AMBER",
        choices=[(t, t) for t in ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")],
    )
    operation = models.ForeignKey(
        "cases.Operation", models.PROTECT, null=True, related_name="cases"
    )
    owner_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="owned_cases"
    )
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    opened_at = models.DateTimeField()
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)
    closure_reason = models.CharField(max_length=16, blank=True)
    legal_hold = models.BooleanField(default=False)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="merged")
    merged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    retention_until = models.DateField(null=True)  # the last day, from its closing on
    decisions = models.JSONField(default=list)
    tags = models.CharField(max_length=200, blank=True)  # words of the house, a blank between two
    # The work's own time: when it has to be done, since when and until when it rests.
    due_at = models.DateTimeField(null=True)
    held_at = models.DateTimeField(null=True)
    resume_on = models.DateField(null=True)
    # Taken to a senior, by a person or by the clock, until one of them answers.
    escalated_at = models.DateTimeField(null=True)
    escalated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    escalation_reason = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("case_state_is_known", CaseState),
            models.CheckConstraint(
                name="merged_case_says_into_which",
                condition=Q(state="merged", merged_into__isnull=False, merged_by__isnull=False)
                | (~Q(state="merged") & Q(merged_into=None)),
            ),
            models.CheckConstraint(
                name="case_on_hold_says_until_when",
                condition=Q(state="on_hold", held_at__isnull=False, resume_on__isnull=False)
                | (~Q(state="on_hold") & Q(held_at=None, resume_on=None)),
            ),
            models.CheckConstraint(
                name="case_decider_is_a_second_person",
                condition=Q(decided_by=None)
                | Q(submitted_by=None)
                | ~Q(decided_by=F("submitted_by")),
            ),
        ]
        indexes = [
            # The case list: open cases, newest change first.
            models.Index(fields=["state", "-updated_at"], name="case_list"),
            # The inbox and the clock: cases that fall due, and those taken to a senior.
            models.Index(
                fields=["due_at"], name="case_due", condition=Q(due_at__isnull=False)
            ),
            models.Index(
                fields=["escalated_at"], name="case_escalated",
                condition=Q(escalated_at__isnull=False),
            ),
            # The inbox of an owner: what is due, and what rests no more.
            models.Index(
                fields=["owner_by", "due_at"], name="case_owned_due",
                condition=Q(due_at__isnull=False),
            ),
            models.Index(
                fields=["owner_by", "resume_on"], name="case_resting",
                condition=Q(state="on_hold"),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.reference

    @property
    def is_over(self) -> bool:
        """Closed or merged: work on it has ended."""
        return self.state in OVER_CASES

    @property
    def tag_list(self) -> list[str]:
        """The tags one by one, in the order of the alphabet."""
        return self.tags.split()


class CaseAccessQuerySet(models.QuerySet["CaseAccess"]):
    """Accesses by the time that they end."""

    def next_end(self, user_id: int | None) -> datetime | None:
        """When the next of a person's accesses ends; None where none has an end: 1 query."""
        ahead = self.filter(user=user_id, expires_at__gt=timezone.now())
        end: datetime | None = ahead.aggregate(at=models.Min("expires_at"))["at"]
        return end


class CaseAccess(models.Model):
    """A named person's access to a team's or sealed case."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="accesses")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    level = models.CharField(
        max_length=5,
        default="write",
        choices=[("read", _("Read")), ("write", _("Write")), ("lead", _("Lead"))],
    )
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    expires_at = models.DateTimeField(null=True)

    objects = CaseAccessQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_access_per_case_user", fields=["case", "user"])
        ]


class CaseBlock(models.Model):
    """A conflict of interest: this person never sees this case, whatever the role."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="blocks")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField()
    blocked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    blocked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_block_per_case_user", fields=["case", "user"])
        ]
