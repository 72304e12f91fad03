"""Words of the trade, explained in one sentence on hover and focus."""

from collections.abc import Mapping

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cases.models.clocks import CLOCK_ACTS, CLOCK_UNITS

register = template.Library()

TERMS: Mapping[str, Promise] = {
    "haircut": _(
        "Haircut: each payment carries the traced share of the money it spends, in proportion"
        " to value."
    ),
    "fifo": _("FIFO, first in first out: the money that came in first is taken to leave first."),
    "lifo": _("LIFO, last in first out: the money that came in last is taken to leave first."),
    "poison": _(
        "Poison: whatever touches traced money counts as traced in full, so sums exceed what "
        "came in."
    ),
    "policy": _(
        "Policy: the rule that says which outgoing money is the traced one when it was mixed "
        "with other money."
    ),
    "bounds": _(
        "Bounds: the least and the most of this amount that can come from the source under "
        "any policy."
    ),
    "tier": _(
        "Tier: how the claim is known, from 0 (a fact of the ledger) to 4 (a claim from "
        "outside); a path is as strong as its weakest step."
    ),
    "cluster": _(
        "Cluster: addresses that signed together in one payment and so are taken to have one owner."
    ),
    "exchange boundary": _(
        "Exchange boundary: here the money entered this exchange; what follows stands in its "
        "own books."
    ),
    "coinjoin": _(
        "CoinJoin: a payment many owners build together so that inputs and outputs cannot be "
        "paired."
    ),
    "peel chain": _(
        "Peel chain: a large sum that pays out a little at each step and moves the rest on."
    ),
    "taint": _(
        "Taint: the amount at an address that comes from the source, under the named policy."
    ),
    "hop": _("Hop: one payment from an address to another."),
    "seed": _("Seed: the output or address at which a trace starts."),
    "dust": _("Dust: amounts too small to follow; they are counted as cut, with their sum."),
    "balance sheet": _(
        "Balance sheet: what went in equals what was found at the ends, plus fees, plus what "
        "was cut, to the last unit."
    ),
    "seal": _(
        "Seal: the ledger's state, the program version, the parameters and the result, bound "
        "together by hashes."
    ),
    "snapshot": _(
        "Snapshot: the ledger as it stood at one block; the result can be computed again from it."
    ),
    "frontier": _("Frontier: outputs reached and not yet followed."),
    "gas": _("Fee: what the network kept of each payment."),
    "provisional": _(
        "Provisional hold: placed by one person at once; it lapses by itself unless a second "
        "person ratifies it."
    ),
    "counter-evidence": _("Counter-evidence: what speaks against the claim; it is never left out."),
    "referral": _(
        "Referral: a sealed copy of chosen findings, sent to one agency on a named legal basis."
    ),
    "release": _("Release: one sealed version of what an agency receives, with number and hashes."),
    "audit chain": _(
        "Audit chain: each event carries the hash of the one before, so nothing can be "
        "changed unseen."
    ),
    "reached us": _("Reached us: traced money that arrived in accounts of this exchange."),
    "left": _("Left: traced money that was withdrawn before a freeze could hold it."),
    "segment": _(
        "Segment: blocks that connect to each other; a gap in the ledger starts a new one."
    ),
    "tlp": _("TLP: the Traffic Light Protocol, which says how far something may be passed on."),
}


POLICIES: Mapping[str, Promise] = {
    "haircut": _("Haircut"),
    "fifo": _("FIFO"),
    "lifo": _("LIFO"),
    "poison": _("Poison"),
}


HOP_KINDS: Mapping[str, Promise] = {
    "deposit": _("Deposit"),
    "withdrawal": _("Withdrawal"),
    "conversion": _("Conversion"),
    "internal_transfer": _("Internal transfer"),
    "trade": _("Trade"),
    "fiat_in": _("Fiat in"),
    "fiat_out": _("Fiat out"),
    "fee": _("Fee"),
    "held": _("Held now"),
}
HOP_STATUSES: Mapping[str, Promise] = {
    "passed_on": _("Arrived inside"),
    "left": _("Left the exchange"),
    "came_in": _("Came in from outside"),
    "fee": _("Kept as a fee"),
    "pending": _("Asked for, pending"),
    "stopped": _("Asked for, stopped"),
    "too_many_lines": _("An account of too many records"),
    "account_limit": _("More accounts than are read"),
    "line_limit": _("More records than are read"),
}
BOOK_CHANGES: Mapping[str, Promise] = {
    "record": _("Record"),
    "holding": _("Balance told"),
    "closed": _("Account not read"),
    "hop": _("Hop"),
    "asked": _("Asked for"),
    "held": _("Held"),
    "sheet": _("Balance sheet"),
    "unmet": _("Not followed"),
}


@register.filter
def hop_kind(kind: object) -> str:
    """`{{ hop.line.kind|hop_kind }}` -> "Internal transfer"."""
    return str(HOP_KINDS.get(str(kind), kind))


@register.filter
def clock_word(name: object) -> str:
    """`{{ clock.unit|clock_word }}` -> "working days"; of an act what it is about."""
    return str(dict([*CLOCK_ACTS, *CLOCK_UNITS]).get(str(name), name))


@register.filter
def figure_words(value: object) -> str:
    """`{{ figure.now|figure_words }}` -> "XMR, ZEC"; a dash for none."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "–" if value is None else str(value)


@register.filter
def hop_status(status: object) -> str:
    """`{{ hop.status|hop_status }}` -> "Left the exchange"."""
    return str(HOP_STATUSES.get(str(status), status))


@register.filter
def change_word(kind: object) -> str:
    """`{{ change.kind|change_word }}` -> "Record": what of an answer out of our books differs."""
    return str(BOOK_CHANGES.get(str(kind), kind))


@register.filter
def policy_word(policy: object) -> str:
    """`{{ run.policy|policy_word }}` -> "FIFO"."""
    return str(POLICIES.get(str(policy), policy))


@register.simple_tag
def term(key: str, shown: str = "") -> SafeString:
    """`{% term "haircut" %}`, `{% term "fifo" "FIFO" %}`: the word, explained on hover and focus.

    An unknown key shows the word alone.
    """
    text = TERMS.get(key.lower())
    if text is None:
        return format_html("{}", shown or key)
    return format_html(
        '<span class="term" tabindex="0" data-tip="{}">{}</span>', text, shown or key
    )
