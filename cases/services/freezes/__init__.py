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
from cases.services.freezes.requests import (
    cancel_freeze,
    cite_evidence,
    request_freeze,
    submit_freeze,
    triage_freeze,
)

__all__ = [
    "LineSpec",
    "approve_freeze",
    "cancel_freeze",
    "cite_evidence",
    "content_hash_of",
    "execute_freeze",
    "flag_decisions_due",
    "lapse_provisional_freezes",
    "place_hold",
    "place_provisional_freeze",
    "ratify_freeze",
    "reject_freeze",
    "release_leftovers",
    "request_freeze",
    "submit_freeze",
    "triage_freeze",
]
