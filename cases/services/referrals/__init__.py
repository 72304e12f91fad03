"""Referrals: what one agency gets, decided by two people and sealed as a copy."""

from cases.services.referrals.decisions import approve_referral, clear_referral
from cases.services.referrals.delivery import package_referral, recall_referral, send_referral
from cases.services.referrals.drafts import (
    draft_referral,
    edit_referral,
    redact_referral,
    return_referral,
)
from cases.services.referrals.steps import advance_referral, content_hash_of, preview
from cases.services.referrals.successors import draft_successor, shared_release, successor_of

__all__ = [
    "advance_referral",
    "approve_referral",
    "clear_referral",
    "content_hash_of",
    "draft_referral",
    "draft_successor",
    "edit_referral",
    "package_referral",
    "preview",
    "recall_referral",
    "redact_referral",
    "return_referral",
    "send_referral",
    "shared_release",
    "successor_of",
]
