"""Icons and the product's mark, put into the page itself: no icon font and no extra request."""

import re
from functools import cache
from pathlib import Path

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

STATIC = Path(__file__).resolve().parent.parent / "static"
_SHAPES = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_SPACE = re.compile(r"\s*\n\s*")


@cache  # the files change only with a new release, that is with a new process
def shapes(name: str) -> str:
    """What stands between the svg tags of a vendored icon.

    Raises FileNotFoundError for a name that is not vendored: a wrong icon is a bug of the page.
    """
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise FileNotFoundError(name)
    found = _SHAPES.search((STATIC / "vendor" / "lucide" / f"{name}.svg").read_text())
    return _SPACE.sub("", found.group(1)) if found else ""


@register.simple_tag
@cache  # a page of a list draws a hundred of some ten
def icon(name: str, size: str = "", extra: str = "") -> SafeString:
    """`{% icon "snowflake" %}`, `{% icon "loader" "small" "spin" %}`: hidden from screen readers.

    Always put a word beside it, or an `aria-label` on the button around it.
    """
    classes = " ".join(part for part in ("icon", size, name, extra) if part)
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
        'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">{}'
        "</svg>",
        classes,
        mark_safe(shapes(name)),  # our own vendored file
    )


@cache
def _mark() -> str:
    return _SPACE.sub("", (STATIC / "icons" / "mark.svg").read_text())


@register.simple_tag
def brand_mark() -> SafeString:
    """`{% brand_mark %}`: the product's mark as inline SVG; the name stands beside it."""
    return mark_safe(_mark())  # our own file
