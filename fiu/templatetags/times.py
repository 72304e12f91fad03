"""Times: UTC from the server, the viewer's zone by `<fiu-time>`, relative for deadlines only."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from django import template
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

register = template.Library()


def as_time(value: object) -> datetime | None:
    """A time in UTC from a datetime, an ISO text or a Unix second; None from anything else."""
    if isinstance(value, str):
        value = parse_datetime(value) if value else None
    elif isinstance(value, int) and not isinstance(value, bool):
        value = datetime.fromtimestamp(value, UTC)
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def span_words(span: timedelta) -> str:
    """`span_words(timedelta(hours=52))` -> "2 d 4 h": two units at most, no rounding up.

    A length that rounds to nothing is "under a minute": nothing takes no time at all.
    """
    minutes = int(span.total_seconds()) // 60
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    if days:
        return (
            _("%(d)d d %(h)d h") % {"d": days, "h": hours} if hours else _("%(d)d d") % {"d": days}
        )
    if hours:
        words = {"h": hours, "m": minutes}
        return _("%(h)d h %(m)d min") % words if minutes else _("%(h)d h") % words
    return _("%(m)d min") % {"m": minutes} if minutes else _("under a minute")


def relative_words(moment: datetime, now: datetime) -> str:
    """ "in 2 d 4 h" before the moment, "3 h late" after it."""
    if moment >= now:
        return _("in %(span)s") % {"span": span_words(moment - now)}
    return _("%(span)s late") % {"span": span_words(now - moment)}


@lru_cache(maxsize=4096)
def _utc_words(minute: datetime, _language: str | None) -> str:
    """A minute in words: a page of a list asks for a hundred, an eighth of its processor time."""
    return _("%(time)s UTC") % {"time": date_format(minute, "j M Y, H:i")}


@lru_cache(maxsize=4096)
def _day_words(day: date, _language: str | None) -> str:
    return date_format(day, "j M Y")


@register.simple_tag
def when(value: object, form: str = "time") -> SafeString:
    """`{% when event.at %}`: local time, UTC on hover. `{% when day "date" %}`: the day alone.

    Times come as datetime, ISO text or Unix seconds. Days (`date`) have no zone and stay.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return format_html(
            '<time datetime="{}">{}</time>', value.isoformat(), date_format(value, "j M Y")
        )
    moment = as_time(value)
    if moment is None:
        return format_html('<span class="unknown">{}</span>', _("unknown"))
    utc = _utc_words(moment.replace(second=0, microsecond=0), get_language())
    shown = _day_words(moment.date(), get_language()) if form == "date" else utc
    return format_html(
        '<fiu-time data-form="{}"><time class="nowrap" datetime="{}" data-tip="{}">{}</time>'
        "</fiu-time>",
        form,
        moment.isoformat().replace("+00:00", "Z"),
        utc,
        shown,
    )


@register.simple_tag
def deadline(value: object) -> SafeString:
    """`{% deadline freeze.expires_at %}`: "in 2 d 4 h", the time on hover; kept running by JS."""
    moment = as_time(value)
    if moment is None:
        return format_html('<span class="unknown">{}</span>', _("unknown"))
    return format_html(
        '<fiu-time data-form="relative"><time class="nowrap{}" datetime="{}" data-tip="{}">{}'
        "</time></fiu-time>",
        " ink-bad" if moment < timezone.now() else "",
        moment.isoformat().replace("+00:00", "Z"),
        _utc_words(moment.replace(second=0, microsecond=0), get_language()),
        relative_words(moment, timezone.now()),
    )


@register.filter
def span(value: timedelta | int | None) -> str:
    """`{{ stats.time_to_first_freeze|span }}` from a timedelta or seconds -> "3 h 12 min"."""
    if value is None:
        return _("unknown")
    return span_words(value if isinstance(value, timedelta) else timedelta(seconds=value))
