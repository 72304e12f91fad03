"""Checklists: what is usually done in a case of a kind, and within how many days.

Pure values; who adds one to a case gets tasks, which can be changed and dropped like any others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do; `days` from the day it is added, None where it has no time."""

    title: str | Promise
    days: int | None = None


COMMON = (
    Item(_("Name the suspects and link their accounts"), 2),
    Item(_("Trace what reached the exchange and choose the leading run"), 3),
    Item(_("Decide whether a provisional hold is needed"), 1),
    Item(_("Write down what speaks against each finding"), 7),
    Item(_("Decide the report question")),
)
CHECKLISTS: Mapping[str, tuple[Item, ...]] = {
    "darknet": (
        Item(_("Import the agency's list of addresses and check its sums"), 1),
        Item(_("Build the cohort of customers who paid the platform"), 5),
        *COMMON,
    ),
    "reactive_le": (
        Item(_("Verify the instrument and call the authority back"), 1),
        Item(_("Compare what was asked for with what the instrument covers"), 2),
        *COMMON,
    ),
    "sanctions": (
        Item(_("Screen every linked account against the lists of today"), 1),
        Item(_("Count the days of the reporting duty of the list"), 1),
        *COMMON,
    ),
    "hack": (
        Item(_("Ask the victim for the transactions and keep them as exhibits"), 1),
        Item(_("Tell the providers on the way, where the law allows it"), 1),
        *COMMON,
    ),
}


def checklist_of(case_type: str) -> tuple[Item, ...]:
    """The list for a kind of case; the common one where it has none of its own."""
    return CHECKLISTS.get(case_type, COMMON)
