"""What the learned score knows of a wallet: whole figures of the ledger, with what they mean.

A wallet is a cluster of addresses that were spent together, whoever it belongs to. The ledger gives
the figures (`tracing.reads.wallet_look`); this is the table of them and the groups of categories
whose shares they are. What is said of the wallet itself is its label and never a figure of it.
"""

from collections.abc import Mapping
from typing import Final

from cases.detection.catalogue import FLAGS
from cases.detection.features import MIXING, Feature

GAMBLING: Final = FLAGS["F2"].categories
CRIME: Final = (
    FLAGS["A7"].categories | FLAGS["F1"].categories
    | {"child_sexual_abuse", "sexual_abuse", "terrorism", "terrorism_financing", "extremism"}
) - MIXING - GAMBLING  # fmt: skip
KEEPERS: Final = frozenset({
    "exchange", "wallet_service", "cold_wallet", "hot_wallet", "warm_wallet", "payment_processor",
    "shop", "atm", "hosting", "mining_service", "faucet", "defi", "defi_bridge", "defi_dex",
    "defi_lending", "defi_custody", "defi_staking", "coinswap_exchange",
})  # fmt: skip
"""Categories of those who keep or take money in the open: a wallet of theirs is no criminal one."""
GROUPS: Final[Mapping[str, frozenset[str]]] = {
    "crime": CRIME, "mixing": MIXING, "gambling": GAMBLING, "keepers": KEEPERS,
}  # fmt: skip
"""Mixers and gambling are figures of others and label nobody: neither is a crime by itself."""

_NAMED: Final = {
    "crime": "wallets tied to crime", "mixing": "mixers", "gambling": "gambling sites",
    "keepers": "exchanges and other keepers",
}  # fmt: skip
_SIDES: Final = {"from": "received from", "to": "sent to"}
_WAYS: Final = {"near": "at first hand", "far": "one wallet further"}
WALLET_FEATURES: Final = (
    Feature("num_addresses", "addresses spent together"),
    Feature("num_received", "payments received"),
    Feature("sat_received", "received", "sat"),
    Feature("largest_received", "largest payment received", "sat"),
    Feature("permille_alike", "payments received of one and the same amount", "permille"),
    Feature("permille_round", "payments received of a round amount", "permille"),
    Feature("most_received_in_a_day", "most payments received in one day"),
    Feature("days_received", "days with a payment received"),
    Feature("num_payers", "addresses that paid it"),
    Feature("num_spends", "transactions it paid in"),
    Feature("num_payees", "addresses it paid"),
    Feature("most_spent_at_once", "most coins spent at once"),
    Feature("most_paid_at_once", "most others paid at once"),
    Feature("num_sweeps", "times it gathered coins into one"),
    Feature("num_coinjoins", "CoinJoins it took part in"),
    Feature("permille_mixed", "received out of a CoinJoin", "permille"),
    Feature("seconds_alive", "time between its first and its last movement", "seconds"),
    Feature("seconds_held", "usual time that a coin lay", "seconds"),
    Feature("permille_quick", "passed on within a day, of what it received", "permille"),
    Feature("permille_kept", "still held, of what it received", "permille"),
    *(
        Feature(f"permille_{side}_{group}_{way}", f"{said} {named}, {told}", "permille")
        for side, said in _SIDES.items()
        for group, named in _NAMED.items()
        for way, told in _WAYS.items()
    ),
)
WALLET_NAMES: Final = tuple(feature.name for feature in WALLET_FEATURES)
EXPOSURE: Final = ("permille_from_crime_near", "permille_from_crime_far",
                   "permille_to_crime_near", "permille_to_crime_far")  # fmt: skip
"""What exposure alone says of a wallet: the other figures are what the score adds to it."""
