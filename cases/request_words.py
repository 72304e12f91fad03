"""What an agency may ask for, by whom, and how it reads: the fixed lists of information requests.

No Django model and no I/O: policy, guards and screens read the same lists.
"""

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Kept as names, in this order, separated by one blank.
DATASETS: Mapping[str, Promise] = {
    "kyc": _("Who the customer is"),
    "documents": _("Identity documents"),
    "balances": _("Balances"),
    "crypto_in": _("Deposits of crypto-assets"),
    "crypto_out": _("Withdrawals of crypto-assets"),
    "fiat_in": _("Deposits of money"),
    "fiat_out": _("Withdrawals of money"),
    "orders": _("Trades"),
    "logins": _("Sign-ins with addresses"),
    "devices": _("Devices"),
    "support": _("Correspondence with support"),
    "linked": _("Linked accounts"),
}
# Data about a person: only compliance lets them go, in the database too (cases/guards.py).
PERSONAL = frozenset({"kyc", "documents", "logins", "devices", "support", "linked"})

INSTRUMENTS: Mapping[str, Promise] = {
    "court_order": _("Court order"),
    "prosecutor_order": _("Prosecutor's order"),
    "subpoena": _("Subpoena"),
    "police_request": _("Police request"),
    "mlat": _("Mutual legal assistance"),
}
IDENTIFIERS: Mapping[str, Promise] = {
    "address": _("Address"),
    "txid": _("Transaction"),
    "uid": _("Account number"),
    "email": _("E-mail"),
    "name": _("Name"),
    "unknown": _("Not recognised"),
}
# What is checked before anything is answered; each by a person, at a time.
CHECKS: Mapping[str, Promise] = {
    "identity": _("The officer is who they say: called back on the number known before"),
    "domain": _("The agency's domain is the one we verified"),
    "authority": _("The officer may ask for this agency"),
    "instrument": _("The instrument is genuine, signed and in date"),
    "scope": _("Identifiers, data and period are no wider than the instrument"),
}
URGENCIES: Mapping[str, Promise] = {
    "routine": _("Routine"),
    "urgent": _("Urgent"),
    "life_at_risk": _("Life at risk"),
}
CHANNELS: Mapping[str, Promise] = {
    "portal": _("Portal"),
    "email": _("E-mail"),
    "kodex": _("Kodex"),
    "court": _("Court"),
    "mlat": _("Mutual legal assistance"),
}


def join_datasets(names: Iterable[str]) -> str:
    """Known names in the order of the list, as they are kept."""
    asked = set(names)
    return " ".join(name for name in DATASETS if name in asked)


def dataset_words(kept: str) -> list[str]:
    """The kept names in words."""
    return [str(DATASETS.get(name, name)) for name in kept.split()]


def has_personal(kept: str) -> bool:
    """Whether these datasets tell who somebody is or what they did themselves."""
    return bool(PERSONAL & set(kept.split()))
