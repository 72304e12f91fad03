"""The shell of the analysts: rail entries and what waits for the person."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from django import template
from django.conf import settings
from django.template import Context
from django.urls import NoReverseMatch, get_urlconf, reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from fiu.middleware import KEY_AGAIN, factor_page

register = template.Library()


@dataclass(frozen=True)
class Place:
    """An entry of the rail: its key, route, icon, word and the letter after `g`."""

    key: str
    route: str
    icon: str
    label: Promise
    letter: str = ""
    needs: str = ""  # a key of the context that must be true
    holds: tuple[str, ...] = ()  # keys of other pages that stand below it
    url: str = ""
    count: int = 0
    current: bool = False


HOME = (
    Place("dashboard", "dashboard", "layout-dashboard", _("Dashboard"), "d"),
    Place("inbox", "inbox", "bell", _("Inbox"), "i"),
    Place("operation", "operation_list", "workflow", _("Operations"), "o"),
    Place("alert", "alert_list", "triangle-alert", _("Alerts"), "l"),
    Place("case", "case_list", "briefcase", _("Cases"), "c"),
    Place("trace", "trace_list", "route", _("Traces"), "t"),
    Place("finding", "finding_list", "flag", _("Findings"), "n"),
)
ACT = (
    Place("freeze", "freeze_list", "snowflake", _("Freezes"), "f"),
    Place("request", "request_list", "file-text", _("Requests"), "q"),
    Place("referral", "referral_list", "landmark", _("Referrals"), "r"),
    Place("report", "report_list", "file-text", _("Reports"), "p", needs="may_view_reports"),
)
SETTINGS = (
    "approval", "clock", "legal", "rule", "risk", "officer", "agency", "label", "price", "webhook",
)  # fmt: skip
KNOW = (
    Place("wallet", "wallet_list", "wallet", _("Wallets"), "w"),
    Place("suspect", "suspect_list", "users", _("Suspects"), "s"),
    Place("screening", "screening", "scale", _("Screening"), "e"),
    Place("audit", "audit_list", "history", _("Audit trail"), "a"),
    Place("settings", "settings_list", "list", _("Settings"), "h", holds=SETTINGS),
)
GROUPS: tuple[tuple[Promise | str, tuple[Place, ...]], ...] = (
    ("", HOME),
    (_("Act"), ACT),
    (_("Know"), KNOW),
)


@cache
def _url(route: str, _urls: str | None) -> str:
    """The address of a page without parts that vary, "" where this process has none."""
    try:
        return reverse(route)
    except NoReverseMatch:
        return ""


def present(place: Place, context: Mapping[str, object]) -> Place | None:
    """The entry with address, count and mark; None when its page is not there for this person.

    The page may set `nav` (a key) where its route's name does not begin with the key, and
    `rail_only` (keys) where the person's role opens fewer pages. `waiting` gives the counts.
    """
    only = context.get("rail_only")
    if isinstance(only, list | tuple | set | frozenset) and place.key not in only:
        return None
    if place.needs and not context.get(place.needs):
        return None
    url = _url(place.route, get_urlconf())
    if not url:
        return None
    waiting = context.get("waiting")
    count = waiting.get(place.key, 0) if isinstance(waiting, Mapping) else 0
    match = getattr(context.get("request"), "resolver_match", None)
    name = str(getattr(match, "url_name", "") or "")
    nav = context.get("nav") or name.partition("_")[0]
    return replace(place, url=url, count=count, current=nav == place.key or nav in place.holds)


@register.simple_tag(takes_context=True)
def rail_groups(context: Context) -> list[tuple[Promise | str, list[Place]]]:
    """`{% rail_groups as groups %}`: (title, entries) of the rail; empty groups are left out."""
    flat = {str(key): value for key, value in context.flatten().items()}
    groups = []
    for title, places in GROUPS:
        entries = [entry for place in places if (entry := present(place, flat)) is not None]
        if entries:
            groups.append((title, entries))
    return groups


@register.simple_tag(takes_context=True)
def waiting_places(context: Context) -> list[Place]:
    """`{% waiting_places as places %}`: the entries that hold something for this person."""
    flat = {str(key): value for key, value in context.flatten().items()}
    found = (present(place, flat) for _title, places in GROUPS for place in places)
    return [entry for entry in found if entry is not None and entry.count]


@register.simple_tag(takes_context=True)
def security_key_url(context: Context, back: str = "") -> str:
    """Where the person shows a security key and comes back; empty without one: 1 query."""
    user = getattr(context.get("request"), "user", None)
    if user is None or factor_page(user) != KEY_AGAIN:
        return ""
    return f"{reverse(KEY_AGAIN)}?{urlencode({'next': back or '/'})}"


@register.simple_tag(takes_context=True)
def outside_sign_in(context: Context) -> dict[str, str]:
    """Where a sign-in at the organisation's own provider begins, and its name; empty where off.

    Officers of agencies have no part in it, so their way to the sign-in does not show it.
    """
    page = context["request"].GET.get("next", "")
    if not settings.OIDC_ISSUER or page.startswith(settings.LIAISON_PREFIX):
        return {}
    query = f"?{urlencode({'next': page})}" if page else ""
    return {"url": reverse("oidc_start") + query, "name": settings.OIDC_NAME}
