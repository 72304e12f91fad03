"""The people of the installation: users with one role each, and the agencies they work with."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class Agency(models.Model):
    """An authority that asks us for data or receives our releases."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120, unique=True)
    short_name = models.CharField(max_length=16, unique=True)
    kind = models.CharField(
        max_length=16,
        choices=[
            ("police", _("Police")),
            ("prosecutor", _("Prosecutor")),
            ("court", _("Court")),
            ("national_fiu", _("National FIU")),
            ("tax", _("Tax authority")),
            ("customs", _("Customs")),
            ("regulator", _("Regulator")),
            ("supranational", _("Supranational body")),
        ],
    )
    country = models.CharField(max_length=2)
    domain = models.CharField(max_length=120)

    class Meta:
        verbose_name_plural = "agencies"
        ordering = ["short_name"]

    def __str__(self) -> str:
        return self.short_name


class User(AbstractUser):
    """A person who signs in; what they may do follows from the role (cases/policy.py)."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    role = models.CharField(
        max_length=12,
        choices=[
            ("analyst", _("Analyst")),
            ("supervisor", _("Supervisor")),
            ("compliance", _("Compliance")),
            ("liaison", _("Liaison")),
            ("auditor", _("Auditor")),
            ("admin", _("Admin")),
        ],
    )
    agency = models.ForeignKey(
        Agency, models.PROTECT, null=True, blank=True, related_name="liaisons"
    )
    title = models.CharField(max_length=80, blank=True)
    theme = models.CharField(
        max_length=6,
        default="system",
        choices=[("system", _("System")), ("light", _("Light")), ("dark", _("Dark"))],
    )
    # Suspicion reports exist for analysts and supervisors only with this (DOMAIN: view_report).
    may_view_reports = models.BooleanField(default=False)
    # An officer's account ends by itself; nobody else's does.
    access_until = models.DateTimeField(null=True, blank=True)
    # Of the portal; empty for that of the browser.
    language = models.CharField(
        max_length=8,
        blank=True,
        choices=[("en", "English"), ("zh-hant", "繁體中文"), ("fr", "Français")],
    )
    shows_utc = models.BooleanField(default=False)
    guide_closed_at = models.DateTimeField(null=True, blank=True)

    REQUIRED_FIELDS = ["email", "role"]

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                name="user_role_is_known",
                condition=models.Q(
                    role__in=[
                        "analyst",
                        "supervisor",
                        "compliance",
                        "liaison",
                        "auditor",
                        "admin",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="liaison_has_agency_and_nobody_else",
                condition=models.Q(role="liaison", agency__isnull=False)
                | (~models.Q(role="liaison") & models.Q(agency__isnull=True)),
            ),
            models.CheckConstraint(
                name="only_investigators_may_view_reports",
                condition=models.Q(may_view_reports=False)
                | models.Q(role__in=["analyst", "supervisor", "compliance"]),
            ),
        ]

    @property
    def initials(self) -> str:
        """Two letters for the round badge."""
        words = (self.get_full_name() or self.username).split()
        return "".join(word[0] for word in words[:2]).upper()


class ApiToken(models.Model):
    """A person's token for programs: only its SHA-256 is kept, for the role it was made for."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=12)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="token_ends_after_it_begins",
                condition=models.Q(expires_at__gt=models.F("made_at")),
            )
        ]


class AccountNotice(models.Model):
    """What changed about a person's account, for that person; of sign-ins, each place once.

    `place` is a keyed hash of address and browser, `origin` names the session that did it.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="notices")
    kind = models.CharField(
        max_length=8,
        choices=[
            ("sign_in", _("Sign-in from a new place")),
            ("factor", _("A second factor was changed")),
            ("password", _("The password was changed")),
            ("token", _("A token was made")),
        ],
    )
    at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True)
    device = models.CharField(max_length=200, blank=True)
    place = models.CharField(max_length=64, blank=True)
    origin = models.CharField(max_length=32, blank=True)
    told_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # A sign-in: is this place known? And what is to be told?
            models.Index(fields=["user", "kind"], name="notice_of_user"),
            # The mails that wait.
            models.Index(fields=["at"], name="notice_unmailed", condition=models.Q(mailed_at=None)),
        ]
