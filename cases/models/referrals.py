"""Referrals and the releases sealed from them; a liaison reads copies only."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.approvals import Approval
from cases.models.base import CaseScopedQuerySet, PublicModel, state_is_known
from cases.models.cases import Case
from cases.models.findings import Finding
from cases.models.freezes import FreezeRequest
from cases.policy import Actor, Role
from cases.report_words import LANGUAGES
from cases.states import ReferralState, ReleaseState

TLPS = [(t, t) for t in ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")]
HANDLING_CODES = [
    ("H0", _("Prevent and fight crime")),
    ("H1", _("Not in court without permission")),
    ("H2", _("Not passed on without permission")),
    ("H3", _("See the text")),
]


class Referral(PublicModel):
    """Our decision to hand findings to one agency."""

    reference = models.CharField(max_length=20, unique=True)
    case = models.ForeignKey(Case, models.PROTECT, related_name="referrals")
    agency = models.ForeignKey("fiu.Agency", models.PROTECT, related_name="+")
    kind = models.CharField(
        max_length=16,
        default="spontaneous",
        choices=[
            ("spontaneous", _("Spontaneous")),
            ("reply", _("Reply")),
            ("joint_operation", _("Joint operation")),
        ],
    )
    subject = models.CharField(max_length=160)
    summary = models.TextField()
    legal_gateway = models.CharField(max_length=200, blank=True)
    purpose = models.CharField(max_length=200)
    caveats = models.TextField(blank=True)
    tlp = models.CharField(max_length=12, default="AMBER", choices=TLPS)
    handling_code = models.CharField(max_length=2, default="H1", choices=HANDLING_CODES)
    language = models.CharField(max_length=8, default="en", choices=list(LANGUAGES.items()))
    findings = models.ManyToManyField(Finding, related_name="referrals")
    freezes = models.ManyToManyField(FreezeRequest, related_name="referrals", blank=True)
    # Fields left out for this recipient: {"<object reference>.<field>": "<reason code>"}.
    redactions = models.JSONField(default=dict)
    state = models.CharField(max_length=12, default=ReferralState.DRAFT.value)
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField()
    last_edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    cleared_at = models.DateTimeField(null=True)
    content_hash = models.CharField(max_length=64, blank=True)
    version = models.PositiveIntegerField(default=1)
    # Whose release this one's shall take the place of.
    supersedes = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    # The request of this agency that it answers; what it grants, it grants under that instrument.
    answers = models.ForeignKey(
        "cases.InformationRequest", models.PROTECT, null=True, related_name="referrals"
    )

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("referral_state_is_known", ReferralState),
            models.CheckConstraint(
                name="referral_approver_is_a_second_person",
                condition=Q(approved_by=None)
                | (~Q(approved_by=F("drafted_by")) & ~Q(approved_by=F("last_edited_by"))),
            ),
            models.CheckConstraint(
                name="referral_clearer_is_a_second_person",
                condition=Q(cleared_by=None)
                | (~Q(cleared_by=F("drafted_by")) & ~Q(cleared_by=F("last_edited_by"))),
            ),
            models.CheckConstraint(
                name="referral_leaves_only_cleared",
                condition=~Q(state__in=["packaged", "sent", "acknowledged"])
                | Q(approved_by__isnull=False, cleared_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class ReferralApproval(Approval):
    referral = models.ForeignKey(Referral, models.PROTECT, related_name="approvals")
    step = models.CharField(max_length=8, choices=[("approve", "approve"), ("clear", "clear")])

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_decision_per_person_on_referral",
                fields=["referral", "user", "content_hash", "step"],
            )
        ]


class SharedReleaseQuerySet(CaseScopedQuerySet):
    case_path = "referral__case__"


class SharedRelease(PublicModel):
    """The numbered copy an agency gets: its content never changes, the database holds that."""

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="releases")
    agency = models.ForeignKey("fiu.Agency", models.PROTECT, related_name="+")
    number = models.CharField(max_length=20, unique=True)
    version = models.PositiveSmallIntegerField(default=1)
    dossier = models.TextField()  # canonical JSON
    sha256 = models.CharField(max_length=64)
    manifest = models.TextField()  # canonical JSON: file name -> size, sha256
    audit_seq = models.PositiveIntegerField()
    audit_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=12, default=ReleaseState.SEALED.value)
    sealed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    sealed_at = models.DateTimeField()
    supersedes = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")

    objects = SharedReleaseQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("release_state_is_known", ReleaseState),
            models.UniqueConstraint(name="release_version_once", fields=["referral", "version"]),
        ]


class ShareGrantQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: Actor) -> Self:
        """The grants a liaison may use at this moment; to everybody else none.

        Asked at every request: officer and agency of the actor, release still shared, grant
        neither revoked nor expired.
        """
        if actor.role != Role.LIAISON or actor.user_id is None or actor.agency_id is None:
            return self.none()
        return self.filter(
            liaison_id=actor.user_id,
            liaison__is_active=True,
            liaison__role=Role.LIAISON.value,
            liaison__agency_id=actor.agency_id,
            release__agency_id=actor.agency_id,
            release__state=ReleaseState.SHARED.value,
            revoked_at=None,
            expires_at__gt=timezone.now(),
        )


class ShareGrant(models.Model):
    """One officer's right to one release, checked at every request."""

    release = models.ForeignKey(SharedRelease, models.PROTECT, related_name="grants")
    liaison = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    watermark = models.CharField(max_length=16, unique=True)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    first_read_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)

    objects = ShareGrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_grant_per_officer", fields=["release", "liaison"])
        ]


class ReleaseFile(models.Model):
    """One file of a release, stored by its SHA-256 under FIU_HOME/files.

    `grant` names the one recipient of a watermarked copy; NULL is common to all of them.
    """

    release = models.ForeignKey(SharedRelease, models.PROTECT, related_name="files")
    grant = models.ForeignKey(ShareGrant, models.PROTECT, null=True, related_name="files")
    name = models.CharField(max_length=120)
    mime = models.CharField(max_length=60)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            # A recipient's copy carries its watermark in the name.
            models.UniqueConstraint(name="release_file_once", fields=["release", "name"])
        ]
