"""Evidence: exhibits by their SHA-256, and the custody log of each; nothing is edited ever."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import CaseScopedQuerySet, PublicModel, disposed_of_by_two, state_is_known
from cases.models.cases import Case
from cases.states import EvidenceState

KINDS = [
    ("document", _("Document")),
    ("legal_instrument", _("Legal instrument")),
    ("ledger_extract", _("Ledger extract")),
    ("account_snapshot", _("Account snapshot")),
    ("screenshot", _("Screenshot")),
    ("osint", _("Open source")),
    ("tool_output", _("Output of a tool")),
    ("correspondence", _("Correspondence")),
]
SOURCE_GRADES = [
    ("A", _("A, reliable beyond doubt")),
    ("B", _("B, mostly reliable")),
    ("C", _("C, mostly unreliable")),
    ("X", _("X, cannot be judged")),
]
INFORMATION_GRADES = [
    ("1", _("1, known to be true")),
    ("2", _("2, known to the source itself")),
    ("3", _("3, heard by the source, corroborated")),
    ("4", _("4, cannot be judged")),
]
CUSTODY_ACTIONS = [
    ("acquire", _("Acquired")),
    ("seal", _("Sealed")),
    ("view", _("Viewed")),
    ("copy", _("Copied")),
    ("redact", _("Redacted copy made")),
    ("export", _("Exported")),
    ("transfer", _("Handed over")),
    ("receive", _("Received back")),
    ("verify", _("Verified")),
    ("dispose", _("Disposed of")),
]
HANDLING_CODES = [
    ("H0", _("H0, to prevent and to fight crime")),
    ("H1", _("H1, not in court without permission")),
    ("H2", _("H2, not passed on without permission")),
    ("H3", _("H3, as the text says")),
]


class Evidence(PublicModel):
    """One exhibit of a case; `sha256` is where its bytes lie."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="evidence")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=KINDS)
    title = models.CharField(max_length=160)
    original_name = models.CharField(max_length=120)
    mime = models.CharField(max_length=60)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    sha512 = models.CharField(max_length=128)
    source = models.CharField(max_length=200)
    source_grade = models.CharField(max_length=1, choices=SOURCE_GRADES)
    information_grade = models.CharField(max_length=1, choices=INFORMATION_GRADES)
    # How far it may go, as its source said; of a redacted copy also what it was made from.
    tlp = models.CharField(
        max_length=12, default="AMBER", choices=Case._meta.get_field("tlp").choices
    )
    handling_code = models.CharField(max_length=2, default="H0", choices=HANDLING_CODES)
    handling_text = models.CharField(max_length=200, blank=True)
    derived_from = models.ForeignKey("self", models.PROTECT, null=True, related_name="derivatives")
    redaction_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="redactions")
    state = models.CharField(max_length=20, default=EvidenceState.ACQUIRED.value)
    acquired_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    acquired_at = models.DateTimeField()
    disposal_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    disposal_asked_at = models.DateTimeField(null=True)
    disposal_reason = models.TextField(blank=True)
    disposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    disposed_at = models.DateTimeField(null=True)

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("evidence_state_is_known", EvidenceState),
            disposed_of_by_two("exhibit_disposed_of_by_a_second_person"),
            models.CheckConstraint(
                name="disposed_exhibit_has_its_time",
                condition=~Q(state="disposed") | Q(disposed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="exhibit_has_one_origin",
                condition=Q(derived_from=None) | Q(redaction_of=None),
            ),
            models.CheckConstraint(
                name="handling_by_text_has_one",
                condition=~Q(handling_code="H3") | ~Q(handling_text=""),
            ),
            models.UniqueConstraint(name="exhibit_number_once", fields=["case", "number"]),
            models.UniqueConstraint(name="exhibit_once_per_case", fields=["case", "sha256"]),
        ]

    @property
    def exhibit_no(self) -> str:
        return f"E-{self.number:03d}"


class CustodyEventQuerySet(CaseScopedQuerySet):
    case_path = "evidence__case__"


class CustodyEvent(models.Model):
    """One line of an exhibit's custody; each carries the hash of the one before."""

    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="custody")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=8, choices=CUSTODY_ACTIONS)
    reason = models.CharField(max_length=200, blank=True)
    party = models.CharField(max_length=120, blank=True)  # to whom it went, or from whom it came
    file_sha256 = models.CharField(max_length=64)  # of the bytes at that moment; "" where damaged
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = CustodyEventQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(name="custody_seq_once", fields=["evidence", "seq"])]
