"""Detection: red flags as data, rules as pure functions over the movements of one account.

No Django and no I/O but the catalogue beside this file. A rule reads an account's movements in
order of time and yields hits: which records, which values against which limits. What a rule said
about the first part of a history it says about the whole as well, so a later run repeats the hits
of an earlier one and adds to them.
"""

from cases.detection.catalogue import FLAGS, RULES, SPECS, Flag, RuleSpec
from cases.detection.features import exposed_part
from cases.detection.movements import Account, Event, Hit, Movement, Touch, Value
from cases.detection.registry import EVENT_RULES, LEDGER_RULES, evaluate
from cases.detection.rules import evaluate_group

__all__ = [
    "EVENT_RULES", "FLAGS", "LEDGER_RULES", "RULES", "SPECS", "Account", "Event", "Flag", "Hit",
    "Movement", "RuleSpec", "Touch", "Value", "evaluate", "evaluate_group", "exposed_part",
]  # fmt: skip
