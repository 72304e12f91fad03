"""Freeze requests: asked for by one person, decided by another, executed through the outbox."""

from cases.services.freezes.content import LineSpec, content_hash_of
from cases.services.freezes.decisions import (
    approve_freeze,
    execute_freeze,
    flag_decisions_due,
    lapse_provisional_freezes,
    place_hold,
    place_provisional_freeze,
    ratify_freeze,
    reject_freeze,
    release_leftovers,
)
from cases.services.freezes.extensions import (
    approve_extension,
    extension_hash_of,
    reject_extension,
    request_extension,
)
from cases.services.freezes.releases import (
    approve_release,
    reject_release,
    release_hash_of,
    request_release,
)
from cases.services.freezes.requests import (
    OPEN_TO_EVIDENCE,
    cancel_freeze,
    cite_evidence,
    request_freeze,
    submit_freeze,
    triage_freeze,
)
from cases.services.freezes.seizures import (
    approve_seizure,
    confirm_destination,
    reject_seizure,
    request_seizure,
    seizure_hash_of,
    transfer_seizure,
)

__all__ = [
    "OPEN_TO_EVIDENCE",
    "LineSpec",
    "approve_extension",
    "approve_freeze",
    "approve_release",
    "approve_seizure",
    "cancel_freeze",
    "cite_evidence",
    "confirm_destination",
    "content_hash_of",
    "execute_freeze",
    "extension_hash_of",
    "flag_decisions_due",
    "lapse_provisional_freezes",
    "place_hold",
    "place_provisional_freeze",
    "ratify_freeze",
    "reject_extension",
    "reject_freeze",
    "reject_release",
    "reject_seizure",
    "release_hash_of",
    "release_leftovers",
    "request_extension",
    "request_freeze",
    "request_release",
    "request_seizure",
    "seizure_hash_of",
    "submit_freeze",
    "transfer_seizure",
    "triage_freeze",
]
