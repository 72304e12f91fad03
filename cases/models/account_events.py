"""What the exchange knows around its customers' money: profiles, events, and other providers."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.exchange import ExchangeAccount

EVENT_KINDS = [
    ("login", _("Login")),
    ("open_attempt", _("Attempt to open an account")),
    ("profile_change", _("Change of contact or bank details")),
    ("question", _("Question to the customer")),
    ("answer", _("Answer of the customer")),
    ("card", _("Card used")),
    ("message", _("Message or memo")),
    ("domain", _("Where the customer's internet domain is registered")),
    ("funds", _("Source of funds as the customer named it")),
    ("paper", _("Check of an identity paper")),
    ("screening", _("Found in public sources")),
    ("care", _("Sign of a person in need, seen by our people")),
    ("criterion", _("Criterion of a local fraud law met")),
    ("cash", _("Money drawn or sent on elsewhere, as a bank tells")),
]
RATINGS = [("strong", _("Strong")), ("weak", _("Weak")), ("none", _("None"))]


class CustomerProfile(models.Model):
    """What a customer declared: figures in the reporting currency, a year and a month."""

    account = models.OneToOneField(ExchangeAccount, models.PROTECT, related_name="profile")
    birth_on = models.DateField(null=True)
    yearly_income = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    monthly_volume = models.DecimalField(max_digits=20, decimal_places=2, null=True)


class AccountEvent(models.Model):
    """One thing that happened around an account and moved no money."""

    ref = models.CharField(max_length=40, unique=True)
    account = models.ForeignKey(
        ExchangeAccount, models.PROTECT, related_name="events", db_index=False
    )
    kind = models.CharField(max_length=14, choices=EVENT_KINDS)
    at = models.DateTimeField()
    ip = models.CharField(max_length=45, blank=True)
    country = models.CharField(max_length=2, blank=True)
    # Of a login: tor, vpn, proxy, remote or flagged; of a card: its mark; of a message: its text;
    # of a domain: proxy or withheld; of funds: their source; of a paper: what was found; of a
    # screening: how well the name matches in percent, then the source; of a criterion: its name.
    detail = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="account_event_kind_is_known",
                condition=Q(kind__in=[kind for kind, _words in EVENT_KINDS]),
            )
        ]
        indexes = [
            # Detection: what happened around an account, in order.
            models.Index(fields=["account", "at"], name="account_event_at")
        ]


class Provider(models.Model):
    """Another provider, as registers and the house's own due diligence know it.

    `name` is the label that tags give to its addresses. What nobody knows is null.
    """

    name = models.CharField(max_length=120, unique=True)
    country = models.CharField(max_length=2, blank=True)
    rating = models.CharField(max_length=6, blank=True, choices=RATINGS)
    is_registered = models.BooleanField(null=True)
    is_high_risk = models.BooleanField(null=True)
    is_ruled = models.BooleanField(null=True)
