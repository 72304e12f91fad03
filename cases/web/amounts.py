"""The four parts of the money strip by name, for the pages that list what they are made of."""

from django.utils.translation import gettext as _

from cases.queries.money import CaseMoney

MONEY_PARTS = ("reached", "frozen", "pending", "left")


def money_amounts(money: CaseMoney) -> list[dict[str, object]]:
    """The four parts with their names and meanings."""
    return [
        {
            "key": "reached",
            "label": _("Reached this exchange"),
            "meaning": _("traced money and recorded deposits that came into accounts here"),
            "tone": "",
            "money": money.reached,
        },
        {
            "key": "frozen",
            "label": _("Frozen"),
            "meaning": _("what the exchange holds now, by its receipts"),
            "tone": "ice",
            "money": money.frozen,
        },
        {
            "key": "pending",
            "label": _("Awaiting approval"),
            "meaning": _("asked for and not yet held"),
            "tone": "warn",
            "money": money.pending,
        },
        {
            "key": "left",
            "label": _("Not held"),
            "meaning": _("reached less frozen less pending: withdrawn, spent or still there"),
            "tone": "bad",
            "money": money.left,
        },
    ]
