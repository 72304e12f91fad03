"""Larger pieces of the casework screens: money strip, sortable heads, the money flow."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django import template
from django.http import QueryDict
from django.template import Context
from django.urls import get_urlconf, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from cases.exports.suspicion.profiles import receivers
from cases.exports.svg import render
from cases.flow import Flow
from cases.web.events import words_of
from fiu.charts import Part, strip
from fiu.templatetags.money import headline

register = template.Library()


def _read(source: object, name: str) -> Any:  # whatever the page's value object holds
    return source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)


@register.inclusion_tag("components/money_strip.html")
def money_strip(totals: object) -> dict[str, object]:
    """`{% money_strip totals %}`: reached us = frozen + elsewhere + pending + left, as one bar.

    `totals` is an object or dict: `reached, frozen, pending, left` (Decimal fiat, None is unknown);
    optional: `elsewhere` (what other cases hold), `currency, entered, num_accounts, num_assets`,
    `time_to_first_freeze` (timedelta), `policy, price_at, price`, and `reached_url` and so on.
    """
    currency = str(_read(totals, "currency") or "USD")
    pieces = (
        ("frozen", _("Frozen"), "ice"),
        ("elsewhere", _("Held by other cases"), "ice"),
        ("pending", _("Awaiting approval"), "warn"),
        ("left", _("Not held"), "bad"),
    )
    parts, shown = [], []
    for name, label, tone in pieces:
        amount = _read(totals, name)
        if amount is None and name == "elsewhere":
            continue
        if amount is not None:
            parts.append(Part(label, Decimal(amount), tone, headline(amount, currency)))
        shown.append(
            {"label": label, "tone": tone, "amount": amount, "url": _read(totals, f"{name}_url")}
        )
    return {
        "totals": totals,
        "currency": currency,
        "pieces": shown,
        "bar": strip(parts, "; ".join(f"{part.label} {part.words}" for part in parts)),
    }


@register.simple_tag(takes_context=True)
def sort_head(context: Context, label: str, key: str, css: str = "") -> SafeString:
    """`{% sort_head _("Opened") "opened_at" %}`: a `th` that sorts by `?sort=key` or `?sort=-key`.

    Cursors of the old order are dropped from the address.
    """
    request = context.get("request")
    query: QueryDict = request.GET.copy() if request else QueryDict(mutable=True)
    now = query.get("sort") or str(context.get("sort") or "")
    for name in ("after", "before"):
        query.pop(name, None)
    query["sort"] = f"-{key}" if now == key else key
    order = {"": "none", key: "ascending", f"-{key}": "descending"}.get(now, "none")
    return format_html(
        '<th scope="col" class="{}" aria-sort="{}"><a href="?{}">{}</a></th>',
        css,
        order,
        query.urlencode(),
        label,
    )


@register.inclusion_tag("components/flow.html", takes_context=True)
def money_flow(
    context: Context,
    flow: Flow | Mapping[str, Any],
    inspector_url: str,
    table_url: str = "",
    export_url: str = "",
    picture_url: str = "",
) -> dict[str, object]:
    """`{% money_flow flow inspector_url table_url %}`: the drawn flow with tools and inspector.

    `flow` is a `cases.flow.Flow`; it goes to the canvas by `json_script`. The inspector loads
    `inspector_url` + `?node=<id>`. Needs `components/graph_scripts.html` in `block scripts`.
    """
    drawn = flow if isinstance(flow, Flow) else Flow.from_json(flow)
    return {
        "flow": drawn,
        "legend": legend(drawn),
        "data": drawn.to_json(),
        "inspector_url": inspector_url,
        "table_url": table_url,
        "views": context.get("views"),
        "export_url": export_url,
        "picture_url": picture_url,
        "csrf_token": context.get("csrf_token"),
    }


def legend(flow: Flow) -> list[tuple[str, str]]:
    """(tone, word) of the tones that the picture uses."""
    words = {
        "bad": _("Illicit, or not held"),
        "warn": _("Mixer, or pending"),
        "violet": _("Service"),
        "accent": _("Suspect"),
        "good": _("Account"),
        "ice": _("Frozen, in whole or in part"),
    }
    return [(tone, words[tone]) for tone in flow.tones]


@register.simple_tag
def flow_picture(flow: Flow | Mapping[str, Any]) -> SafeString:
    """`{% flow_picture release.flow %}`: the same picture as SVG, for liaisons and print."""
    drawn = flow if isinstance(flow, Flow) else Flow.from_json(flow)
    return mark_safe(render(drawn, _("Money flow")).decode())  # render escapes every text


@register.filter
def event_words(action: str) -> str:
    """`{{ event.action|event_words }}`: what happened, as timelines say it."""
    return words_of(action)


@register.filter
def joined(values: Sequence[object], separator: str = ", ") -> str:
    """`{{ agencies|joined }}`: the texts of the values, in their order."""
    return separator.join(str(value) for value in values)


@register.filter
def inbox_url(row: Any) -> str:  # cases.queries.inbox.InboxRow
    """`{{ row|inbox_url }}`: where the thing that waits is decided or done."""
    return _url(row.route, row.path)


@register.filter
def case_url(case: Any) -> str:
    """`{{ row.case|case_url }}`: the page of a case, where a list names fifty."""
    return _url("case_detail", (case.public_id,))


def _url(route: str, path: Sequence[Any]) -> str:
    """As `reverse`, which searches all routes each time: for ids the address is put together."""
    if not all(isinstance(each, UUID) for each in path):
        return reverse(route, args=path)
    found = _pattern(route, len(path), get_urlconf())
    for number, each in enumerate(path):
        found = found.replace(str(UUID(int=number)), str(each), 1)
    return found


@cache
def _pattern(route: str, num_ids: int, _urls: str | None) -> str:
    return reverse(route, args=[UUID(int=number) for number in range(num_ids)])


@cache
def _receivers() -> dict[str, str]:
    return dict(receivers())


@register.filter
def receiver_word(profile: object) -> str:
    """`{{ report.profile|receiver_word }}` -> "United States, FinCEN SAR"."""
    return _receivers().get(str(profile), str(profile))
