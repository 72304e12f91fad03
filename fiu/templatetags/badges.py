"""States, tiers and roles as badges: an icon and a word, the colour only beside them."""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from fiu.templatetags.icons import icon

register = template.Library()

Look = tuple[Promise, str, str]  # word, tone, icon
L = gettext_lazy

# Looked up as "kind.state" first, then as "state". Ice is frozen and nothing else.
LOOKS: Mapping[str, Look] = {
    "intake": (L("Intake"), "", "circle-dashed"),
    "investigating": (L("Under investigation"), "accent", "search"),
    "in_review": (L("In review"), "warn", "eye"),
    "decided": (L("Decided"), "good", "gavel"),
    "closed": (L("Closed"), "", "check"),
    "on_hold": (L("On hold"), "warn", "clock"),
    "draft": (L("Draft"), "", "pencil"),
    "submitted": (L("Submitted"), "warn", "send"),
    "finding.submitted": (L("Needs review"), "warn", "eye"),
    "approved": (L("Approved"), "good", "circle-check"),
    "rejected": (L("Rejected"), "bad", "circle-x"),
    "withdrawn": (L("Withdrawn"), "", "undo-2"),
    "superseded": (L("Superseded"), "", "history"),
    "cancelled": (L("Cancelled"), "", "ban"),
    "provisional": (L("Provisional hold"), "warn", "hourglass"),
    "clarification": (L("Clarification"), "warn", "circle-question-mark"),
    "executing": (L("Executing"), "warn", "loader"),
    "outbound.draft": (L("Waits for compliance"), "warn", "hourglass"),
    "outbound.approved": (L("Approved, not sent"), "warn", "send"),
    "outbound.sent": (L("Asked, waits for an answer"), "accent", "send"),
    "outbound.answered": (L("Answered"), "good", "circle-check"),
    "request.received": (L("Received"), "accent", "file-text"),
    "request.verifying": (L("Being verified"), "warn", "user-check"),
    "request.in_review": (L("In review"), "warn", "scale"),
    "request.clarification": (L("Question to the agency"), "warn", "circle-question-mark"),
    "request.collecting": (L("Accepted, answer in preparation"), "accent", "package"),
    "request.no_match": (L("No match"), "", "circle-x"),
    "request.released": (L("Answered"), "good", "circle-check"),
    "decision.approve": (L("Approved"), "good", "circle-check"),
    "decision.return": (L("Returned"), "warn", "undo-2"),
    "decision.reject": (L("Rejected"), "bad", "circle-x"),
    "tag.proposed": (L("Proposed"), "warn", "eye"),
    "tag.active": (L("Published"), "good", "circle-check"),
    "identity.asserted": (L("Asserted"), "warn", "eye"),
    "identity.reviewed": (L("Reviewed"), "accent", "eye"),
    "identity.confirmed": (L("Confirmed"), "good", "circle-check"),
    "identity.refuted": (L("Refuted"), "", "circle-x"),
    "resolution.proposed": (L("Proposed"), "warn", "eye"),
    "resolution.active": (L("Resolved"), "good", "circle-check"),
    "resolution.disputed": (L("Disputed"), "warn", "triangle-alert"),
    "separation.proposed": (L("Proposed"), "warn", "eye"),
    "separation.active": (L("Held apart"), "good", "circle-check"),
    "separation.disputed": (L("Held apart, disputed"), "warn", "triangle-alert"),
    "tag.disputed": (L("Disputed"), "warn", "triangle-alert"),
    "retracted": (L("Taken back"), "", "undo-2"),
    "failed": (L("Failed"), "bad", "triangle-alert"),
    "active": (L("Active"), "good", "circle-check"),
    "freeze.active": (L("Frozen"), "ice", "snowflake"),
    "decision_due": (L("Frozen, decision due"), "ice", "snowflake"),
    "lapsed": (L("Lapsed"), "bad", "hourglass"),
    "planned": (L("Planned"), "", "circle-dashed"),
    "sent": (L("Sent"), "accent", "send"),
    "line.sent": (L("Sent to the exchange"), "warn", "send"),
    "unknown": (L("Unknown: asking the exchange"), "warn", "circle-question-mark"),
    "held": (L("Frozen"), "ice", "snowflake"),
    "partly": (L("Partly frozen"), "ice", "snowflake"),
    "refused": (L("Refused"), "bad", "circle-x"),
    "requested": (L("Waits for a second person"), "warn", "users"),
    "executed": (L("Executed"), "good", "circle-check"),
    "release_of_freeze.approved": (L("Sent to the exchange"), "warn", "send"),
    "seizure.requested": (L("Waits for two keys"), "warn", "key-round"),
    "seizure.approved": (L("Sent to the exchange"), "warn", "send"),
    "seized": (L("Seized"), "violet", "gavel"),
    "transferring": (L("Being sent"), "warn", "send"),
    "transfer_unknown": (L("Unknown: asking the exchange"), "warn", "circle-question-mark"),
    "transferred": (L("Sent to the authority"), "violet", "landmark"),
    "order.hold": (L("Hold"), "", "snowflake"),
    "order.release": (L("Release"), "", "undo-2"),
    "order.seizure": (L("Seizure"), "violet", "gavel"),
    "order.transfer": (L("Transfer"), "violet", "send"),
    "action_day": (L("Action day"), "bad", "flag"),
    "published": (L("Published"), "good", "badge-check"),
    "open": (L("Open"), "accent", "circle-dot"),
    "dropped": (L("Dropped"), "", "ban"),
    "disposal_requested": (L("Disposal asked for"), "warn", "trash-2"),
    "disposed": (L("Disposed of"), "", "trash-2"),
    "acquired": (L("Acquired"), "", "download"),
    "released": (L("Released"), "", "undo-2"),
    "redaction": (L("Redaction"), "warn", "eye-off"),
    "cleared": (L("Cleared"), "good", "shield-check"),
    "packaged": (L("Packaged"), "accent", "package"),
    "acknowledged": (L("Acknowledged"), "good", "badge-check"),
    "recalled": (L("Recalled"), "bad", "undo-2"),
    "sealed": (L("Sealed"), "accent", "lock"),
    "shared": (L("Shared"), "violet", "share-2"),
    "pending": (L("Pending"), "warn", "hourglass"),
    "sending": (L("Sending"), "warn", "loader"),
    "confirmed": (L("Confirmed"), "good", "circle-check"),
    "queued": (L("Queued"), "", "clock"),
    "running": (L("Running"), "accent", "loader"),
    "done": (L("Done"), "good", "circle-check"),
    "left": (L("Not held"), "bad", "arrow-right"),
    "unspent": (L("Unspent"), "accent", "circle-dot"),
    "passed_on": (L("Passed on"), "", "arrow-right"),
    "service": (L("Service"), "violet", "workflow"),
    "exchange_boundary": (L("Reached this exchange"), "good", "landmark"),
    "coinjoin": (L("CoinJoin"), "warn", "shuffle"),
    "below_dust": (L("Below dust"), "", "filter"),
    "hop_limit": (L("Hop limit"), "warn", "ban"),
    "after_horizon": (L("After the horizon"), "", "clock"),
    "is_seed": (L("Is a seed"), "accent", "route"),
    "coinbase": (L("Newly mined"), "good", "coins"),
    "unknown_output": (L("Unknown: block not loaded"), "warn", "circle-question-mark"),
    "opening": (L("Held before the ledger begins"), "warn", "circle-question-mark"),
    "minted": (L("Newly issued"), "", "coins"),
    "burned": (L("Destroyed"), "", "circle-x"),
    "suspect": (L("Suspect"), "accent", "user"),
    "asserted": (L("Asserted"), "", "circle-dashed"),
    "refuted": (L("Refuted"), "bad", "circle-x"),
    "verified": (L("Verified"), "good", "shield-check"),
    "unverified": (L("Not verified"), "warn", "circle-question-mark"),
    "expired": (L("Expired"), "", "clock"),
    "revoked": (L("Revoked"), "bad", "ban"),
    "p1": (L("Critical"), "bad", "flag"),
    "p2": (L("High"), "bad", "flag"),
    "p3": (L("Medium"), "warn", "flag"),
    "p4": (L("Low"), "", "flag"),
    "new": (L("New"), "accent", "bell"),
    "assigned": (L("Assigned"), "warn", "user-check"),
    "linked": (L("In a case"), "good", "briefcase"),
    "dismissed": (L("Dismissed"), "", "circle-x"),
    "merged": (L("Merged"), "", "link"),
    "drafting": (L("Draft"), "", "pencil"),
    "validated": (L("Valid"), "good", "shield-check"),
    "filed": (L("Filed"), "good", "send"),
    "critical": (L("Critical"), "bad", "flag"),
    "severe": (L("Severe"), "bad", "flag"),
    "high": (L("High"), "bad", "flag"),
    "medium": (L("Medium"), "warn", "flag"),
    "low": (L("Low"), "", "flag"),
}


def kind_of(state: object, kind: str) -> str:
    """The kind that was given, or the one the enum's name tells (`FreezeState` -> "freeze")."""
    if kind or not isinstance(state, StrEnum):
        return kind
    return re.sub(r"State$", "", type(state).__name__).lower()


def look_of(state: object, kind: str = "") -> tuple[str, str, str]:
    """Word, tone and icon of a state; one that is not listed shows its own name in grey."""
    name = str(state).lower()
    found = LOOKS.get(f"{kind_of(state, kind)}.{name}") or LOOKS.get(name)
    if found is None:
        return name.replace("_", " ").capitalize(), "", "circle-dot"
    return str(found[0]), found[1], found[2]


@register.simple_tag
def badge(state: object, kind: str = "") -> SafeString:
    """`{% badge freeze.state "freeze" %}`, `{% badge case.priority %}`."""
    return _badge(str(state).lower(), kind_of(state, kind), get_language())


@lru_cache(maxsize=1024)  # a list draws hundreds of some ten
def _badge(name: str, kind: str, _language: str | None) -> SafeString:
    """Of names of states alone: a cache takes a safe text and an unsafe one for the same."""
    return chip(*look_of(name, kind))


@register.simple_tag
def chip(word: str, tone: str = "", sign: str = "") -> SafeString:
    """`{% chip agency.short_name "violet" "landmark" %}`: a badge with words of your own."""
    return format_html(
        '<span class="badge{}">{}{}</span>',
        f" tone-{tone}" if tone else "",
        icon(sign) if sign else "",
        word,
    )


@register.simple_tag
def tier(number: int | str) -> SafeString:
    """`{% tier finding.tier %}`: the tier with its meaning on hover and focus."""
    meanings = (
        _("ledger fact"),
        _("exchange record"),
        _("deterministic inference with proof"),
        _("heuristic"),
        _("outside claim"),
    )
    value = int(number)
    return format_html(
        '<span class="badge{}" tabindex="0" data-tip="{}">{}</span>',
        " tone-warn" if value >= 3 else " tone-good",
        meanings[value].capitalize() if 0 <= value < len(meanings) else "",
        _("Tier %(number)d") % {"number": value},
    )


@register.filter
def state_word(state: object, kind: str = "") -> str:
    """`{{ freeze.state|state_word:"freeze" }}` as plain text, for titles and exports."""
    return look_of(state, kind)[0]


@register.filter
def state_icon(state: object, kind: str = "") -> str:
    """`{% icon freeze.state|state_icon:"freeze" %}`."""
    return look_of(state, kind)[2]


@register.simple_tag
def avatar(person: object) -> SafeString:
    """`{% avatar user %}`: two letters, the name on hover and for screen readers."""
    initials = str(getattr(person, "initials", "") or "?")
    full_name = getattr(person, "get_full_name", None)
    name = (full_name() if callable(full_name) else "") or str(person)
    return format_html(
        '<span class="avatar" role="img" aria-label="{}" data-tip="{}">{}</span>',
        name,
        name,
        initials,
    )
