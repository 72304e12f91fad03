"""Addresses and hashes, shortened for the eye and copied whole; masked accounts."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from fiu.templatetags.icons import icon

register = template.Library()


def shorten(text: str) -> str:
    """`shorten("bc1q4ur...0s77kd")` -> first 6, ellipsis, last 4; short texts stay whole."""
    return text if len(text) <= 13 else f"{text[:6]}…{text[-4:]}"


@register.simple_tag
def copy_button(text: str) -> SafeString:
    """`{% copy_button hash %}`: the copy button alone; the button appears only where JS runs."""
    return format_html(
        '<fiu-copy data-text="{}" data-done="{}"><button type="button" hidden aria-label="{}">{}'
        "</button></fiu-copy>",
        text,
        _("Copied"),
        _("Copy %(text)s") % {"text": shorten(text)},
        icon("copy"),
    )


@register.simple_tag
def address(text: str, url: str = "") -> SafeString:
    """`{% address wallet.address %}` or `{% address wallet.address wallet_url %}`.

    Short with the whole on hover, and a button that copies all of it. Never a link to outside.
    """
    if not text:
        return format_html('<span class="unknown">{}</span>', _("unknown"))
    if url:
        shown = format_html('<a href="{}" data-tip="{}">{}</a>', url, text, shorten(text))
    else:
        shown = format_html('<span data-tip="{}">{}</span>', text, shorten(text))
    return format_html('<span class="addr">{}{}</span>', shown, copy_button(text))


@register.filter
def short(text: str) -> str:
    """`{{ address|short }}` as plain text."""
    return shorten(str(text))


@register.filter
def masked(uid: object) -> str:
    """`{{ account.uid|masked }}` -> "••4417": the last four and no more."""
    return f"••{str(uid)[-4:]}"
