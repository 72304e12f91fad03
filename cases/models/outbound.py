"""What we ask others: an agency or another exchange, about a case, in words two people chose."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import CaseScopedQuerySet, PublicModel, state_is_known
from cases.models.cases import Case
from cases.states import OutboundState

RECIPIENTS = [
    ("agency", _("Agency")),
    ("exchange", _("Another exchange")),
    ("national_fiu", _("National FIU")),
]
WAYS = [("email", _("E-mail")), ("letter", _("Letter")), ("portal", _("Their portal")),
        ("mlat", _("Mutual legal assistance"))]  # fmt: skip


class OutboundRequest(PublicModel):
    """One question to somebody outside; nothing of it changes once a second person approved it.

    To ask is to tell: the recipient learns what we look at. So compliance decides.
    """

    reference = models.CharField(max_length=20, unique=True)
    case = models.ForeignKey(Case, models.PROTECT, related_name="outbound_requests")
    kind = models.CharField(max_length=12, choices=RECIPIENTS)
    agency = models.ForeignKey("fiu.Agency", models.PROTECT, null=True, related_name="+")
    recipient = models.CharField(max_length=120)
    way = models.CharField(max_length=8, choices=WAYS)
    legal_basis = models.CharField(max_length=200)
    subject = models.CharField(max_length=120)
    text = models.TextField()  # what leaves the house, all of it
    due_on = models.DateField()
    state = models.CharField(max_length=10, default=OutboundState.DRAFT.value)
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    sent_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)
    content_hash = models.CharField(max_length=64)

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("outbound_state_is_known", OutboundState),
            models.CheckConstraint(
                name="outbound_approver_is_a_second_person",
                condition=Q(approved_by=None) | ~Q(approved_by=F("drafted_by")),
            ),
            models.CheckConstraint(
                name="outbound_leaves_only_approved",
                condition=~Q(state__in=["approved", "sent", "answered"])
                | Q(approved_by__isnull=False),
            ),
        ]
        indexes = [
            # The inbox: what others owe us, the oldest promise first.
            models.Index(fields=["due_on"], name="outbound_due", condition=Q(state="sent"))
        ]

    def __str__(self) -> str:
        return self.reference
