"""`{% load look %}` gives every tag and filter of the screens; each is told in its own module."""

from django import template

from fiu.templatetags import (
    addresses,
    badges,
    casework,
    charts,
    icons,
    labels,
    money,
    shell,
    times,
    words,
)

register = template.Library()
for module in (addresses, badges, casework, charts, icons, labels, money, shell, times, words):
    register.tags.update(module.register.tags)
    register.filters.update(module.register.filters)
