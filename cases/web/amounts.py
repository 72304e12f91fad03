"""The parts of the money strip by name, for the pages that list what they are made of."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from cases.queries.money import CaseMoney, MoneyRow

MONEY_PARTS = ("reached", "frozen", "elsewhere", "pending", "left")


def money_amounts(money: CaseMoney) -> list[dict[str, object]]:
    """The parts with their names and meanings; what no other case holds is left out."""
    parts: list[dict[str, object]] = [
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
            "key": "elsewhere",
            "label": _("Held by other cases"),
            "meaning": _("what the exchange holds of the same accounts for cases you may see"),
            "tone": "ice",
            "money": money.elsewhere,
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
            "meaning": _("reached less what is held or asked for: withdrawn, spent or still there"),
            "tone": "bad",
            "money": money.not_held,
            "beyond": money.beyond,
        },
    ]
    return [part for part in parts if part["key"] != "elsewhere" or money.elsewhere]


def row_amounts(money: CaseMoney, rows: Mapping[str, MoneyRow]) -> list[dict[str, object]]:
    """The parts with the row of one account and asset in each, none where it is zero."""
    parts = [part | {"row": rows.get(str(part["key"]))} for part in money_amounts(money)]
    if "beyond" in rows:
        parts[-1] |= {"label": _("Held beyond that"), "tone": "", "row": rows["beyond"]}
    return parts
