"""Words of labels: categories of the taxonomy, levels of confidence, directions."""

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as L  # noqa: N812

register = template.Library()

WORDS = {
    "this_exchange": L("This exchange"),
    "disputed": L("Tags disagree"),
    "sanction": L("Sanctions list"),
    "unknown": L("Not categorised"),
    "coinswap_exchange": L("Instant exchanger"),
    "mixing_service": L("Mixer"),
    "atm": L("Cryptoasset ATM"),
    "vpn": L("VPN provider"),
    "hosting": L("Hosting provider"),
    "tag_conflict": L("Tags disagree"),
}
BAD = frozenset(
    {"sanction", "market", "mixing_service", "scam", "ransomware", "child_sexual_abuse"}
)
DIRECTIONS = {"received": L("Received from"), "sent": L("Sent to")}


@register.filter
def concept(name: str) -> str:
    """`{{ tag.category|concept }}`: a category in words."""
    found = WORDS.get(name)
    return str(found) if found else (name.replace("_", " ").capitalize() or _("Not categorised"))


@register.filter
def concept_tone(name: str) -> str:
    """The tone of a category's chip."""
    if name in BAD:
        return "bad"
    return {"this_exchange": "good", "disputed": "warn", "unknown": ""}.get(name, "violet")


@register.filter
def direction_word(name: str) -> str:
    """Which way the money went."""
    return str(DIRECTIONS.get(name, name))
