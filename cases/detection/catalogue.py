"""The catalogue of red flags and the rules this house runs for them.

`red_flags.yaml` is data: ids never change their meaning. A rule stands for one flag, begins with
that flag's parameters and is versioned in the table Rule; an installation changes it there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # read at every start: 0.1 s in Python


@dataclass(frozen=True, slots=True)
class Flag:
    """One indicator of the catalogue."""

    id: str
    text: str
    computable: str
    params: Mapping[str, Any]
    goaml: Mapping[str, tuple[str, ...]]
    caution: str
    data: tuple[str, ...] = ()
    categories: frozenset[str] = frozenset()  # of addresses, by the flag's concept sets
    fincen: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule as shipped: its code, the flag it stands for, and how grave a hit is.

    `is_on` says whether a new installation runs it at once. The figures of the catalogue are
    starting points without measured precision: the others wait for a back-test and two people.
    """

    code: str
    flag: str
    title: str
    severity: str
    is_on: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)  # figures beside those of the flag

    @property
    def parameters(self) -> dict[str, Any]:
        """The figures that version 1 of the rule begins with."""
        return {**FLAGS[self.flag].params, **self.more}


def _flags() -> dict[str, Flag]:
    text = files("cases.detection").joinpath("red_flags.yaml").read_text("utf-8")
    catalogue = yaml.load(text, Loader=LOADER)  # noqa: S506  # one of the safe ones
    sets = {name: frozenset(each["tagpack"]) for name, each in catalogue["concept_sets"].items()}
    return {
        row["id"]: Flag(
            row["id"],
            " ".join(row["text"].split()),
            row["computable"],
            row.get("params", {}),
            {profile: tuple(codes) for profile, codes in row.get("goaml", {}).items()},
            " ".join(row.get("caution", "").split()),
            tuple(row["data"]),
            frozenset[str]().union(*(sets[name] for name in row.get("concept_sets", ()))),
            tuple((pair[0], pair[1]) for pair in row.get("fincen", ())),
        )
        for row in catalogue["flags"]
    }


FLAGS: Mapping[str, Flag] = _flags()
_GRAVE, _MIDDLE, _LIGHT = "high", "medium", "low"
RULES: tuple[RuleSpec, ...] = (
    RuleSpec("structuring", "T1", "Just under a limit", _MIDDLE, True),
    RuleSpec("large_into_new_or_slept", "T2c", "Large into a new or slept account", _MIDDLE, True),
    RuleSpec("in_and_out", "T4a", "In and out without a trade", _GRAVE, True),
    RuleSpec("conversion_chain", "T4b", "Converted several times at a cost", _MIDDLE, True),
    RuleSpec("fan_in", "P5a", "Many people pay one account", _GRAVE, True),
    RuleSpec("many_large", "P5c", "Large sums again and again", _MIDDLE, True),
    RuleSpec("privacy_swap", "A2", "Swapped at once into a privacy coin", _GRAVE, True),
    RuleSpec("shared_device", "A11", "Many accounts on one device", _GRAVE, True),
    # Amounts and times.
    RuleSpec("large_in_a_day", "T2a", "Large sums within a day", _MIDDLE),
    RuleSpec("rhythm_then_silence", "T2b", "Large sums in a rhythm, then silence", _MIDDLE),
    RuleSpec("straight_to_private", "T4c", "In and at once to a private wallet", _GRAVE),
    RuleSpec("large_first_deposit", "P1", "First deposit out of line with the profile", _MIDDLE),
    RuleSpec("funded_and_gone", "P2", "Funded on the first day and gone", _GRAVE),
    RuleSpec("new_sends_all", "P3", "New customer sends everything away", _MIDDLE),
    RuleSpec("one_network_pays", "P5b", "One network address pays again and again", _MIDDLE),
    RuleSpec("pile_and_sweep", "P6", "Many small sums pile up and leave at once", _GRAVE),
    RuleSpec("swaps_at_a_loss", "P7", "Swapped at a loss", _MIDDLE),
    RuleSpec("privacy_again", "A1", "Privacy coins again and again", _MIDDLE),
    RuleSpec("far_above_usual", "F4", "Far above usual and turned into fiat", _GRAVE),
    RuleSpec("few_partners", "S19", "Strong profit or loss with few partners", _MIDDLE),
    RuleSpec("many_assets", "P4", "Many assets without a reason", _LIGHT),
    RuleSpec("fiat_into_crypto", "P8", "Large fiat sums become crypto", _LIGHT),
    RuleSpec("many_partners", "A3", "Trades for many others", _MIDDLE),
    RuleSpec("pay_like", "X9", "Pay-like deposits into a shared account", _MIDDLE),
    # What the money met on the ledger.
    RuleSpec("stolen_value", "T5", "From addresses that hold stolen value", _GRAVE),
    RuleSpec("peer_cash_out", "A4", "Much cashed out from peer-to-peer platforms", _MIDDLE),
    RuleSpec("mixed_history", "A5", "Mixers in the history", _GRAVE),
    RuleSpec("mixer_and_market", "A6", "A mixer and a darknet market", _GRAVE),
    RuleSpec("illicit_exposure", "A7", "Exposure to illicit services", _GRAVE),
    RuleSpec("weak_provider", "A13", "Providers with weak checks", _MIDDLE),
    RuleSpec("named_on_forum", "S10", "Own address named in connection with crime", _MIDDLE),
    RuleSpec("tied_to_crime", "F1", "Addresses tied to crime or sanctions", "severe"),
    RuleSpec("gambling", "F2", "Online gambling", _LIGHT),
    RuleSpec("straight_from_mixer", "F6", "Straight from a mixer", _GRAVE),
    RuleSpec("unregistered_provider", "G1", "An unregistered exchange", _MIDDLE),
    RuleSpec("high_risk_provider", "G2", "An exchange in a high-risk country", _MIDDLE),
    RuleSpec("unruled_provider", "G3", "Providers in places without rules", _MIDDLE),
    RuleSpec("bridge_hop", "X1", "Over a bridge soon after arrival", _MIDDLE),
    RuleSpec("dex_layering", "X2", "Several decentralised swaps in a row", _MIDDLE),
    RuleSpec("coinjoin", "X3", "Through a CoinJoin", _MIDDLE),
    RuleSpec("peel_chain", "X4", "At the end of a peel chain", _MIDDLE),
    RuleSpec("look_alike_dust", "X5", "Dust from a look-alike address", _LIGHT),
    RuleSpec("spread_over_providers", "T3", "Spread at once over many providers", _MIDDLE),
    RuleSpec("cash_machines", "A14a", "Crypto cash machines", _MIDDLE),
    RuleSpec("small_cash_machines", "A14b", "Small sums at cash machines", _LIGHT),
    RuleSpec("mostly_weak_providers", "F8", "Wealth from providers without controls", _MIDDLE),
    RuleSpec("small_recurring", "X6", "Small recurring payments to a platform", "severe"),
    RuleSpec("small_donations", "X10", "Small payments to a terrorist collection", "severe"),
    # Access, profile and links.
    RuleSpec(
        "flagged_origin", "S2", "Access from a sanctioned country or flagged address", _GRAVE,
        more={"countries": ["CU", "IR", "KP", "SY"]},
    ),
    RuleSpec("opening_again", "S3", "Opening tried again and again", _MIDDLE),
    RuleSpec("no_answers", "S5", "Questions stay without an answer", _MIDDLE),
    RuleSpec("shared_access", "S8", "Device or address shared with another account", _MIDDLE),
    RuleSpec("other_country", "S9", "Access from another country than the profile's", _LIGHT),
    RuleSpec("far_older", "S13", "Far older than usual, and much value", _MIDDLE),
    RuleSpec("beyond_income", "S15", "Purchases beyond the known income", _MIDDLE),
    RuleSpec("many_changes", "S16", "Contact or bank details change often", _MIDDLE),
    RuleSpec("many_places", "S17", "Access from many places within a day", _MIDDLE),
    RuleSpec("hidden_access", "A10", "Access by Tor or VPN", _LIGHT),
    RuleSpec("many_cards", "F3", "Many cards feed one account", _MIDDLE),
    RuleSpec("separate_accounts", "S1", "Separate accounts that share several signs", _MIDDLE),
    RuleSpec(
        "words_of_crime", "S18", "Words that point to crime", _LIGHT,
        more={"terms": ["carding", "cocaine", "cvv dump", "darknet", "fullz", "mdma", "ransom"]},
    ),
    # What others recorded: signals of flags that are only partly computable.
    RuleSpec("hidden_domain", "A9", "Owner of the domain withheld", _LIGHT,
             more={"hidden_by": ["proxy", "withheld"]}),
    RuleSpec("domain_elsewhere", "S4", "Domain registered elsewhere", _LIGHT,
             more={"lax_countries": ["KP"]}),
    RuleSpec("doubtful_asset", "A12", "Asset tied to fraud or poorly documented", _MIDDLE,
             more={"doubtful_assets": ["BCC", "SQUID"]}),
    RuleSpec("unclear_origin", "F5", "Unclear origin of the funds", _MIDDLE,
             more={"origins": ["coin_offering", "prepaid", "shell_company"], "window_hours": 24}),
    RuleSpec("crypto_wealth", "F7", "Wealth mostly from crypto or coin offerings", _LIGHT,
             more={"origins": ["coin_offering", "crypto"], "min_fiat": "10000"}),
    RuleSpec("known_from_sources", "S11", "Known from public sources for crime", _MIDDLE),
    RuleSpec("person_in_need", "S14", "A person in need, and much moves", _MIDDLE,
             more={"window_days": 30, "min_fiat": "2000"}),
    RuleSpec("forged_papers", "S7", "Identity papers forged or edited", _GRAVE,
             more={"findings": ["edited", "forged"]}),
    RuleSpec("local_criteria", "X8", "Criteria of a local fraud law met", _GRAVE,
             more={"min_criteria": 1}),
    RuleSpec("fits_a_swap", "X11", "A deposit fits what entered an exchanger", _MIDDLE,
             more={"exchangers": ["changenow", "fixedfloat", "sideshift",
                                  "simpleswap"]}),
    RuleSpec("drawn_in_risk_place", "X12", "Drawn in a high-risk place after a withdrawal", _GRAVE,
             more={"countries": ["IR", "KP", "MM"]}),
    RuleSpec("market_bank", "X7", "Dealt with what works like a market's bank", _GRAVE),
)  # fmt: skip
SPECS: Mapping[str, RuleSpec] = {spec.code: spec for spec in RULES}
