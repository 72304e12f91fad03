"""The catalogue of red flags and the rules this house runs for them.

`red_flags.yaml` is data: ids never change their meaning. A rule stands for one flag, begins with
that flag's parameters and is versioned in the table Rule; an installation changes it there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule as shipped: its code, the flag it stands for, and how grave a hit is."""

    code: str
    flag: str
    title: str
    severity: str


def _flags() -> dict[str, Flag]:
    text = files("cases.detection").joinpath("red_flags.yaml").read_text("utf-8")
    return {
        row["id"]: Flag(
            row["id"],
            " ".join(row["text"].split()),
            row["computable"],
            row.get("params", {}),
            {profile: tuple(codes) for profile, codes in row.get("goaml", {}).items()},
            " ".join(row.get("caution", "").split()),
        )
        for row in yaml.load(text, Loader=LOADER)["flags"]  # noqa: S506  # one of the safe ones
    }


FLAGS: Mapping[str, Flag] = _flags()
RULES: tuple[RuleSpec, ...] = (
    RuleSpec("structuring", "T1", "Just under a limit", "medium"),
    RuleSpec("large_into_new_or_slept", "T2c", "Large into a new or slept account", "medium"),
    RuleSpec("in_and_out", "T4a", "In and out without a trade", "high"),
    RuleSpec("conversion_chain", "T4b", "Converted several times at a cost", "medium"),
    RuleSpec("fan_in", "P5a", "Many people pay one account", "high"),
    RuleSpec("many_large", "P5c", "Large sums again and again", "medium"),
    RuleSpec("privacy_swap", "A2", "Swapped at once into a privacy coin", "high"),
    RuleSpec("shared_device", "A11", "Many accounts on one device", "high"),
)
