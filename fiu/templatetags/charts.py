"""The charts of fiu/charts.py as template tags, such as `{% stacked_columns months title %}`."""

from collections.abc import Sequence

from django import template
from django.utils.safestring import SafeString

from fiu import charts
from fiu.charts import Part

register = template.Library()

register.simple_tag(charts.stacked_columns)
register.simple_tag(charts.horizontal_bars)


@register.simple_tag
def bar(parts: Sequence[Part] | Sequence[tuple[str, int, str]], title: str) -> SafeString:
    """`{% bar parts title %}`: one bar; parts are `charts.Part` or (label, value, tone)."""
    return charts.strip([_part(part) for part in parts], title)


@register.simple_tag
def share_bar(
    value: int | float, total: int | float, title: str, tone: str = "accent"
) -> SafeString:
    """`{% share_bar done total title %}`: a thin bar filled by `value` of `total`."""
    whole = max(int(total), 1)
    part = min(max(int(value), 0), whole)
    width = charts.share(part, whole, 1000)
    return charts.thin_bar(width, title, tone)


def _part(part: Part | tuple[str, int, str]) -> Part:
    return part if isinstance(part, Part) else Part(*part)
