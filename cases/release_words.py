"""The codes and field names of a dossier in the language of its reader."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# By the codes of cases/dossier.py.
REASONS: Mapping[str, Promise] = {
    "personal": _("Personal data of somebody else"),
    "method": _("Would betray a method"),
    "ongoing": _("Would endanger ongoing work"),
    "privileged": _("Legally privileged"),
    "commercial": _("Confidential business data"),
    "irrelevant": _("Not needed for the purpose"),
    "handling": _("Its source does not allow it to be passed on"),
}
# Why something that was asked for is not granted, by the codes of cases/dossier_grants.py.
REFUSALS: Mapping[str, Promise] = {
    "not_accepted": _("Asked for, and not granted by that decision"),
}
STEPS: Mapping[str, Promise] = {
    "redact_referral": _("What is left out, decided by"),
    "approve_referral": _("Approved by"),
    "clear_referral": _("Cleared by law by"),
}
OFFICES: Mapping[str, Promise] = {
    "analyst": _("Analyst"),
    "supervisor": _("Supervisor"),
    "compliance": _("Compliance"),
}
FIELDS: Mapping[str, Promise] = {
    "summary": _("The answer"),
    "statement": _("Statement"),
    "confidence_reason": _("Why this confidence"),
    "assumptions": _("Assumptions"),
    "alternatives": _("Other explanations"),
    "amounts": _("Amounts"),
    "names": _("Names"),
    "label": _("Name of the wallet"),
    "account": _("Account"),
    "holder": _("Account holder"),
    "customers": _("Names of the customers"),
    "subject": _("Subject"),
    "purpose": _("Purpose"),
    "legal_gateway": _("Legal gateway"),
    "caveats": _("Caveats"),
    "kind": _("Kind"),
    "tlp": _("Traffic Light Protocol"),
    "handling_code": _("Handling code"),
    "severity": _("Severity"),
    "tier_name": _("Weakest evidence"),
    "confidence": _("Confidence"),
    "finding": _("Finding"),
    "against": _("What speaks against it"),
    "wallet": _("Wallet"),
    "held": _("Amounts held"),
    "customer": _("Customer"),
    "trace": _("Trace"),
    "tag": _("Tag"),
    "exhibit": _("Exhibit"),
    "title": _("Exhibit"),
}
TIERS: Mapping[int, Promise] = {
    0: _("Read from the public ledger itself: anybody can check it."),
    1: _("Stands in the exchange's own records."),
    2: _("Follows step by step from facts; the proof is named."),
    3: _("A rule of thumb that is right most of the time: a lead, not proof."),
    4: _("Somebody outside claims it: check it before you rely on it."),
}

# What an agency may report back of a release.
OUTCOMES = [
    ("arrest", _("Arrest")),
    ("charge", _("Charge")),
    ("seizure", _("Seizure")),
    ("no_action", _("No action")),
]


# What the markings allow. Source: FIRST, Traffic Light Protocol 2.0; Europol handling codes.
TLPS: Mapping[str, Promise] = {
    "CLEAR": _("May be passed on without limit."),
    "GREEN": _("May be passed on within your community, not published."),
    "AMBER": _("Only for your agency and those it must tell to act, each as far as needed."),
    "AMBER+STRICT": _("Only for your agency."),
    "RED": _("Only for you: not to be passed on to anybody."),
}
HANDLING: Mapping[str, Promise] = {
    "H0": _("To prevent and fight crime, also in court."),
    "H1": _("Not to be used in court without our permission."),
    "H2": _("Not to be passed on without our permission."),
    "H3": _("Use is limited as the caveats say."),
}


def sharing_words(tlp: str, code: str) -> str:
    """What a recipient may do with a release of these markings, in a sentence or two."""
    return f"{TLPS.get(tlp, tlp)} {HANDLING.get(code, code)}"


def reason_words(code: str) -> str:
    """Why a field was left out; an unknown code stays as it is."""
    return str(REASONS.get(code, "") or REFUSALS.get(code, code))


def field_words(name: str) -> str:
    """The name of a field; an unknown one stays as it is."""
    return str(FIELDS.get(name, name))
