"""Suspicion reports to the national FIU. To people without the right they do not exist."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models.alerts import Alert
from cases.models.approvals import Approval
from cases.models.base import PublicModel, disposed_of_by_two, state_is_known
from cases.models.cases import Case
from cases.models.exchange import ExchangeAccount, ExchangeRecord
from cases.policy import Actor, visible_reports
from cases.states import SENT_REPORT_STATES, ReportState

FOLLOWING = [("amendment", _("Correction")), ("continuing", _("Activity that goes on"))]
KINDS = [("initial", _("First report")), *FOLLOWING]
ANSWERS = [
    ("accepted", _("Accepted")), ("accepted_with_warnings", _("Accepted with warnings")),
    ("rejected", _("Rejected")),
]  # fmt: skip
GENDERS = [("F", _("Female")), ("M", _("Male")), ("-", _("Not known"))]


class SuspicionReportQuerySet(models.QuerySet["SuspicionReport"]):
    def visible_to(self, actor: Actor) -> Self:
        return self.filter(visible_reports(actor)).distinct()


class SuspicionReport(PublicModel):
    """One report: subjects, transactions, indicators, words. Its numbers are a series of its own.

    Nothing of it stands in the case's own chain, counts or pages. `file` is what two engines found
    valid, and what a second person approves by its hash.
    """

    reference = models.CharField(max_length=20, unique=True)
    case = models.ForeignKey(Case, models.PROTECT, related_name="+")
    profile = models.CharField(max_length=20, default="ae-5.0.2")
    kind = models.CharField(max_length=10, choices=KINDS, default="initial")
    follows = models.ForeignKey("self", models.PROTECT, null=True, related_name="followed_by")
    # What the words rest on, as it was when they were drafted.
    facts = models.JSONField(default=dict)
    report_code = models.CharField(max_length=8, default="STR")
    reason = models.TextField(blank=True)
    action = models.TextField(blank=True)
    indicators = models.JSONField(default=list)
    alerts = models.ManyToManyField(Alert, related_name="+")
    records = models.ManyToManyField(ExchangeRecord, related_name="+")
    # What one unit of the reporting currency is worth in the receiver's, and who says so.
    local_rate = models.DecimalField(max_digits=18, decimal_places=8, null=True)
    local_rate_source = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=20, default=ReportState.DRAFTING.value)
    version = models.PositiveIntegerField(default=1)
    file = models.TextField(blank=True)
    losses = models.JSONField(default=list)
    engines = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=64, blank=True)
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField()
    last_edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # When it has to be filed, by the clock that was in force for its receiver, and that clock.
    due_at = models.DateTimeField(null=True)
    due_source = models.CharField(max_length=300, blank=True)
    validated_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    filed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    filed_at = models.DateTimeField(null=True)
    transport = models.CharField(max_length=80, blank=True)
    disposal_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    disposal_asked_at = models.DateTimeField(null=True)
    disposal_reason = models.TextField(blank=True)
    disposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    disposed_at = models.DateTimeField(null=True)

    objects = SuspicionReportQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("report_state_is_known", ReportState),
            models.CheckConstraint(
                name="report_that_follows_names_the_other",
                condition=Q(kind="initial", follows=None)
                | (~Q(kind="initial") & Q(follows__isnull=False)),
            ),
            models.CheckConstraint(
                name="report_approver_is_a_second_person",
                condition=Q(approved_by=None)
                | (~Q(approved_by=F("drafted_by")) & ~Q(approved_by=F("last_edited_by"))),
            ),
            models.CheckConstraint(
                name="report_leaves_drafting_with_a_file",
                condition=Q(state="drafting")
                | (~Q(content_hash="") & (~Q(file="") | Q(state="disposed"))),
            ),
            models.CheckConstraint(
                name="report_is_filed_only_approved",
                condition=~Q(state__in=["approved", *SENT_REPORT_STATES])
                | Q(approved_by__isnull=False),
            ),
            disposed_of_by_two("report_disposed_of_by_a_second_person"),
            models.CheckConstraint(
                name="disposed_report_holds_nothing",
                condition=~Q(state="disposed")
                | Q(disposed_at__isnull=False, file="", reason="", action=""),
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class ReportSubject(PublicModel):
    """A customer in a report, with what the receiver's form demands of the person."""

    report = models.ForeignKey(SuspicionReport, models.PROTECT, related_name="subjects")
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="+")
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    full_name_original = models.CharField(max_length=255, blank=True)
    gender = models.CharField(max_length=1, blank=True, choices=GENDERS)
    birth_on = models.DateField(null=True)
    id_number = models.CharField(max_length=100, blank=True)
    id_type = models.CharField(max_length=8, blank=True)
    id_issued_on = models.DateField(null=True)
    id_expires_on = models.DateField(null=True)
    id_country = models.CharField(max_length=2, blank=True)
    nationality = models.CharField(max_length=2, blank=True)
    residence = models.CharField(max_length=2, blank=True)
    phone = models.CharField(max_length=50, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_subject_per_report_and_account", fields=["report", "account"]
            )
        ]


class ReportWall(models.Model):
    """One of our people who may be a subject of the report: for that person it does not exist.

    It rests on the name alone, and is never lifted: somebody else does the work.
    """

    report = models.ForeignKey(SuspicionReport, models.PROTECT, related_name="walls")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_wall_per_report_and_person", fields=["report", "user"]
            )
        ]


class ReportApproval(Approval):
    report = models.ForeignKey(SuspicionReport, models.PROTECT, related_name="approvals")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_decision_per_person_on_report", fields=["report", "user", "content_hash"]
            )
        ]


class ReportAcknowledgement(PublicModel):
    """What the receiver answered to a filed report; a later answer is a further row."""

    report = models.ForeignKey(SuspicionReport, models.PROTECT, related_name="acknowledgements")
    answer = models.CharField(max_length=22, choices=ANSWERS)
    number = models.CharField(max_length=40, blank=True)
    errors = models.JSONField(default=list)
    file = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()


class ReportEvent(models.Model):
    """One change of, or look at, a report. A chain of its own: no other chain shows a gap."""

    seq = models.PositiveIntegerField(unique=True)
    report = models.ForeignKey(SuspicionReport, models.PROTECT, related_name="events")
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    actor_ip = models.CharField(max_length=45, blank=True)
    action = models.CharField(max_length=40)
    reason = models.TextField(blank=True)
    data = models.TextField(default="{}")
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
