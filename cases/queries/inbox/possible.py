"""Which queues can have a row at all: asked of the whole house at once, before any is built.

Most queues are empty most of the time, and to say so of one with all that a person may see costs
more than a millisecond of the web server. This says only which of them to ask; what is there and
for whom is theirs to say.
"""

from functools import cache

from django.db import connection
from django.db.models import Model

from cases.models import (
    AgencyEntry,
    ApprovalPolicy,
    CaseRun,
    ClockRule,
    EmergencyAccess,
    FreezeExtension,
    FreezeRelease,
    HouseTag,
    LegalInstrument,
    LegalRow,
    OfficerAlarm,
    OfficerEntry,
    OutboundRequest,
    Preservation,
    Referral,
    ReleaseQuestion,
    RuleChange,
    Seizure,
    SelfLookup,
    Separation,
    SuspicionReport,
    TagConflict,
    WatchNotice,
)

PROPOSED = "state = 'proposed'"
# Kind -> where its rows stand and what is true of each of them. Not here: what a house that works
# has rows of at any time.
MAYBE_EMPTY: dict[str, tuple[type[Model], str]] = {
    "extension": (FreezeExtension, "state = 'requested'"),
    "release": (FreezeRelease, "state = 'requested'"),
    "seizure": (Seizure, "state IN ('requested', 'seized')"),
    "referral": (Referral, "state IN ('redaction', 'approved', 'cleared', 'packaged')"),
    "instrument": (LegalInstrument, "verified_by_id IS NULL"),
    "tag": (HouseTag, "decided_by_id IS NULL"),
    "conflict": (TagConflict, "decided_by_id IS NULL"),
    "separation": (Separation, "decided_by_id IS NULL"),
    "emergency": (EmergencyAccess, "1 = 1"),
    "self_lookup": (SelfLookup, "seen_at IS NULL"),
    "policy": (ApprovalPolicy, PROPOSED),
    "clock": (ClockRule, PROPOSED),
    "question": (ReleaseQuestion, "answered_at IS NULL"),
    "rule": (RuleChange, PROPOSED),
    "notice": (WatchNotice, "read_at IS NULL"),
    "agency": (AgencyEntry, PROPOSED),
    "officer": (OfficerEntry, PROPOSED),
    "alarm": (OfficerAlarm, "seen_by_id IS NULL"),
    "preservation": (Preservation, "state = 'active'"),
    "law": (LegalRow, PROPOSED),
    "report": (SuspicionReport, "state NOT IN ('filed', 'disposed')"),
    "outbound": (OutboundRequest, "state IN ('draft', 'approved', 'sent')"),
    "run": (CaseRun, "collected_at IS NULL OR drifted_at IS NOT NULL"),
}


def kinds_without_rows() -> set[str]:
    """The kinds of which nobody has a row to wait for: 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(_statement())
        found = cursor.fetchone()
    return {kind for kind, there in zip(MAYBE_EMPTY, found, strict=True) if not there}


@cache
def _statement() -> str:
    quote = connection.ops.quote_name
    rows = (
        f"EXISTS (SELECT 1 FROM {quote(model._meta.db_table)} WHERE {what})"  # noqa: S608  # our own names
        for model, what in MAYBE_EMPTY.values()
    )
    return f"SELECT {', '.join(rows)}"
