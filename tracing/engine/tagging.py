"""What tags say: the taxonomy, the levels of confidence, and when two tags contradict each other.

Sources: the concepts of the INTERPOL Darknet and Cryptocurrencies Working Group as GraphSense
publishes them (0.1.0, 86 ids), and the 14 levels of confidence of GraphSense's TagPacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeVar

CONFIDENCE: Final = {
    "override": 100, "ownership": 100, "ledger_immanent": 100, "manual_transaction": 90,
    "service_api": 70, "forensic_investigation": 70, "authority_data": 60,
    "trusted_provider": 50, "service_data": 50, "forensic": 50, "untrusted_transaction": 40,
    "web_crawl": 20, "heuristic": 10, "unknown": 5,
}  # fmt: skip
UNKNOWN: Final = "unknown"


def _ids(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


SERVICES: Final = _ids(
    "service exchange wallet_service escrow_wallet ico_wallet cold_wallet hot_wallet",
    "warm_wallet filesharing index market messaging_service mixing_service mining_service",
    "gambling search_engine shop faucet payment_processor atm hosting vpn nameservice defi",
    "defi_token defi_lending defi_dex defi_dex_pair defi_derivative defi_bridge defi_dao",
    "defi_staking defi_custody coinswap_exchange",
)
"""Categories of those who keep other people's money: behind them a trace says nothing."""

CONCEPTS: Final = SERVICES - {"coinswap_exchange"} | _ids(
    "concept unknown behaviour source mention website_mention forum_mention abuse gray_usage",
    "mixing white_usage sexual_abuse child_sexual_abuse violence human_trafficking murder",
    "torture scam financial_crime investment_fraud ponzi_scheme pyramid_scheme money_laundering",
    "extortion sextortion phishing hacking service_hack account_hack exploit data_breach",
    "social_engineering malware drugs weapons payment_card_fraud ransomware sanction",
    "counterfeit extremism terrorism terrorism_financing dark_web entity organization user",
    "victim perpetrator donation coinjoin miner item collectible",
)
"""Known ids; others are kept as they are and listed when a pack is loaded."""

SANCTIONED: Final = "sanction"
OWN: Final = "this_exchange"
DISPUTED: Final = "disputed"
UNTAGGED_SERVICE: Final = "service"

_DOMAIN: Final = re.compile(r"\.(com|net|org|io|co|is|eu|ru|cc|me|info)$")
_ASIDE: Final = re.compile(r"\s*[(\[].*")


class Claim(Protocol):
    """What a contradiction is judged by."""

    @property
    def label(self) -> str:
        """Whose address it is said to be."""

    @property
    def category(self) -> str:
        """Concept id, empty where none was given."""

    @property
    def level(self) -> int:
        """Confidence, 5 to 100."""


C = TypeVar("C", bound=Claim)


def same_name(label: str) -> str:
    """The form in which labels are compared: `Binance.com` and `Binance (hot)` are one name."""
    text = _DOMAIN.sub("", _ASIDE.sub("", label.strip().lower()))
    return "".join(char for char in text if char.isalnum()) or label.strip().lower()


def names_an_owner(claim: Claim) -> bool:
    """Whether a tag says who keeps the address; `user` or a sanction says only what it is."""
    return claim.category in SERVICES


def contradicting(claims: Iterable[C]) -> list[C]:
    """The claims that name different owners, the most confident first; empty if they agree."""
    naming = sorted(
        (claim for claim in claims if names_an_owner(claim)),
        key=lambda claim: (-claim.level, claim.label, claim.category),
    )
    return naming if len({same_name(claim.label) for claim in naming}) > 1 else []


def category_of(claims: Sequence[Claim]) -> str:
    """The one category of an address for sums: the most confident, `disputed` where they differ.

    A sanction stands above every other claim. Empty where nothing names one.
    """
    if any(claim.category == SANCTIONED for claim in claims):
        return SANCTIONED
    rivals = contradicting(claims)
    if rivals and len({claim.category for claim in rivals}) > 1:
        return DISPUTED
    named = sorted(
        (claim for claim in claims if claim.category),
        key=lambda claim: (not names_an_owner(claim), -claim.level, claim.category),
    )
    return named[0].category if named else ""
