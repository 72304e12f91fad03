"""Every rule by its code, and how one is asked."""

from collections.abc import Iterator, Mapping, Sequence

from cases.detection.access import ACCESS_RULES
from cases.detection.amounts import AMOUNT_RULES
from cases.detection.contacts import CONTACT_RULES
from cases.detection.movements import Account, Hit, Movement
from cases.detection.rules import FIRST_RULES
from cases.detection.signals import LEDGER_SIGNALS, SIGNAL_RULES
from cases.detection.windows import AccountRule, Params

ACCOUNT_RULES: Mapping[str, AccountRule] = {
    **FIRST_RULES, **AMOUNT_RULES, **CONTACT_RULES, **ACCESS_RULES, **SIGNAL_RULES,
}  # fmt: skip
LEDGER_RULES = frozenset(CONTACT_RULES) | {"straight_to_private", "pile_and_sweep"} | LEDGER_SIGNALS
"""Rules that ask what the money met on the ledger."""
EVENT_RULES = (
    frozenset(ACCESS_RULES) | {"pay_like", "large_first_deposit"}
    | (frozenset(SIGNAL_RULES) - {"doubtful_asset", "market_bank"})
)  # fmt: skip
"""Rules that ask for events, profiles or links."""


def evaluate(
    code: str, account: Account, rows: Sequence[Movement], params: Params
) -> Iterator[Hit]:
    """The hits of one rule on one account; `rows` are sorted by time."""
    return ACCOUNT_RULES[code](account, rows, params)
