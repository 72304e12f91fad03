"""Detection: red flags as data, rules as pure functions over the movements of one account.

No Django and no I/O but the catalogue beside this file. A rule reads an account's movements in
order of time and yields hits: which records, which values against which limits. What a rule said
about the first part of a history it says about the whole as well, so a later run repeats the hits
of an earlier one and adds to them.
"""

from cases.detection.catalogue import FLAGS, RULES, Flag, RuleSpec
from cases.detection.movements import Account, Hit, Movement, Value
from cases.detection.rules import evaluate, evaluate_group

__all__ = [
    "FLAGS", "RULES", "Account", "Flag", "Hit", "Movement", "RuleSpec", "Value", "evaluate",
    "evaluate_group",
]  # fmt: skip
