"""Patterns of a wallet's address: peel chains, fan-in, fan-out, pass-through, dust, poisoning."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from cases.http import AuthedRequest, casework
from cases.models import Wallet
from cases.web.shell import render_case
from tracing import reads

L = gettext_lazy
KINDS: dict[str, tuple[Promise, Promise]] = {
    "fan_in": (L("Fan-in"), L("Many pay it within a short time.")),
    "fan_out": (L("Fan-out"), L("It pays many within a short time.")),
    "pass_through": (L("Rapid pass-through"), L("What comes in leaves again at once.")),
    "service_like": (L("Like a service"), L("Many payers, many payees, for long.")),
    "dust": (L("Dust"), L("Crumbs that somebody sowed: no payment, and no link.")),
    "address_poisoning": (
        L("Address poisoning"), L("An address made to look like one that it deals with."),
    ),
    "peel_chain": (L("Peel chain"), L("A large coin that pays a little off, again and again.")),
}  # fmt: skip
FACTS: dict[str, Promise] = {
    "payers": L("Payers"), "payees": L("Payees"), "movements": L("Movements"),
    "arrivals": L("Arrivals"), "days": L("Days"), "crumbs": L("Crumbs"), "senders": L("Senders"),
    "paid_alike": L("Paid alike in one transaction"), "forgeries": L("Forgeries"),
    "forged": L("Forged address"), "looks_like": L("Looks like"),
    "transactions": L("Transactions"), "amount": L("Amount"), "carried": L("At the beginning"),
    "left": L("Left at the end"), "seconds": L("Within"), "median_seconds": L("Median pause"),
    "permille": L("Passed on"), "paid_again_permille": L("Paid the same again"),
}  # fmt: skip
MONEY = ("amount", "carried", "left")
PLACES = 20


@dataclass(frozen=True)
class PatternRow:
    """A pattern as the page tells it; a fact is (name, what it is, value)."""

    name: str
    meaning: str
    is_sure: bool
    unit: reads.AssetUnit
    facts: list[tuple[str, str, Any]]
    places: list[str]
    num_places: int


@require_safe
@casework
def address_patterns(request: AuthedRequest, wallet_id: UUID) -> HttpResponse:
    """What fits the wallet's address by its movements alone. Hints, no proofs."""
    wallets = Wallet.objects.visible_to(request.actor).select_related("case")
    wallet = get_object_or_404(wallets, public_id=wallet_id)
    found = None
    if wallet.ledger in {each.name for each in reads.ledgers()}:
        found = reads.address_patterns(wallet.ledger, wallet.address)
    context = {
        "wallet": wallet,
        "found": found,
        "rows": [
            row_of(pattern, asset.unit)
            for asset in (found.assets if found is not None else ())
            for pattern in asset.patterns
        ],
    }
    page = "cases/patterns_page.html"
    return render_case(request, page, wallet.case, "case_wallets", context)


def row_of(pattern: Any, unit: reads.AssetUnit) -> PatternRow:
    """An engine's pattern in words."""
    name, meaning = KINDS[pattern.kind]
    return PatternRow(
        str(name), str(meaning), pattern.confidence == "high", unit,
        [(str(FACTS[key]), *told(key, value)) for key, value in pattern.facts],
        [place.partition(":")[0] for place in pattern.places[:PLACES]], len(pattern.places),
    )  # fmt: skip


def told(key: str, value: str) -> tuple[str, Any]:
    """How a fact is shown, and its value."""
    if key in MONEY:
        return "money", int(value)
    if key in ("forged", "looks_like"):
        return "address", value
    if key.endswith("permille"):
        return "text", _("%(n)s %%") % {"n": f"{int(value) / 10:g}"}
    if key.endswith("seconds"):
        return "text", lasting(int(value))
    return "text", f"{int(value):,}"


def lasting(seconds: int) -> str:
    """A time in its largest whole unit."""
    units: list[tuple[int, Callable[[int], str]]] = [
        (86_400, lambda n: ngettext("%(n)d day", "%(n)d days", n)),
        (3_600, lambda n: ngettext("%(n)d hour", "%(n)d hours", n)),
        (60, lambda n: ngettext("%(n)d minute", "%(n)d minutes", n)),
    ]
    for size, words in units:
        if seconds >= size:
            return words(seconds // size) % {"n": seconds // size}
    return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}


urlpatterns = [
    path("wallets/<uuid:wallet_id>/patterns/", address_patterns, name="address_patterns")
]
