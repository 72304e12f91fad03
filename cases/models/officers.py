"""Agencies and their officers as two people of the house know them, and what is unusual of one."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import PublicModel, state_is_known
from cases.models.proposals import Proposal, decided_by_a_second_person
from cases.states import OfficerState, PolicyState

ALARM_KINDS = [("downloads", _("Downloads")), ("requests", _("Requests"))]


class AgencyEntry(Proposal):
    """What is known of an agency before anybody of it asks: its domains, and where to call back.

    `agency` is empty until an entry of a new agency is in force; from then on it stays.
    """

    agency = models.ForeignKey("fiu.Agency", models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=120)
    short_name = models.CharField(max_length=16)
    kind = models.CharField(max_length=16)
    country = models.CharField(max_length=2)
    domains = models.JSONField(default=list)  # the first is the main one
    call_back_number = models.CharField(max_length=40)
    number_source = models.CharField(max_length=200)  # where the house has the number from

    class Meta:
        constraints = [
            state_is_known("agency_entry_state_is_known", PolicyState),
            models.UniqueConstraint(
                name="one_agency_entry_in_force", fields=["agency"], condition=Q(state="in_force")
            ),
            models.CheckConstraint(
                name="agency_entry_in_force_is_of_an_agency",
                condition=~Q(state="in_force") | Q(agency__isnull=False),
            ),
            decided_by_a_second_person("agency_entry_decided_by_a_second_person"),
        ]


class OfficerEntry(Proposal):
    """An officer as one person called back and another verified; never edited, renewed by another.

    `user` is the account; it is made when the first entry is verified.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    agency = models.ForeignKey("fiu.Agency", models.PROTECT, related_name="+")
    username = models.CharField(max_length=60)
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80)
    position = models.CharField(max_length=80)
    badge_no = models.CharField(max_length=40, blank=True)
    email = models.EmailField(max_length=120)
    # What the e-mail's domain was judged as against those of the agency, when it was proposed.
    domain_verdict = models.CharField(max_length=12)
    authority_name = models.CharField(max_length=120)
    authority_sha256 = models.CharField(max_length=64)
    known_by = models.ForeignKey(AgencyEntry, models.PROTECT, related_name="+")
    called_number = models.CharField(max_length=40)
    number_source = models.CharField(max_length=200)
    called_at = models.DateTimeField()
    spoke_with = models.CharField(max_length=120)
    valid_until = models.DateField()
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)
    end_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            state_is_known("officer_entry_state_is_known", OfficerState),
            models.UniqueConstraint(
                name="one_verified_entry_per_officer", fields=["user"],
                condition=Q(state="verified"),
            ),
            models.CheckConstraint(
                name="verified_officer_is_whole",
                condition=~Q(state="verified")
                | (Q(user__isnull=False, domain_verdict="same") & ~Q(authority_sha256="")),
            ),
            decided_by_a_second_person("officer_entry_decided_by_a_second_person"),
        ]  # fmt: skip

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class OfficerAlarm(PublicModel):
    """An officer did far more on one day than usual; somebody looks at it and says what it was."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=ALARM_KINDS)
    day = models.DateField()
    num_seen = models.PositiveIntegerField()
    num_usual = models.PositiveIntegerField()  # above which the alarm rang
    raised_at = models.DateTimeField()
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    seen_at = models.DateTimeField(null=True)
    words = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="officer_alarm_once_a_day", fields=["user", "kind", "day"]
            ),
            models.CheckConstraint(
                name="officer_alarm_seen_with_words",
                condition=Q(seen_by=None, seen_at=None, words="")
                | (Q(seen_by__isnull=False, seen_at__isnull=False) & ~Q(words="")),
            ),
        ]
        indexes = [
            # The inbox: what nobody has looked at.
            models.Index(fields=["raised_at"], name="officer_alarm_open", condition=Q(seen_by=None))
        ]
