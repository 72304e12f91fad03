"""Forms of wallets."""

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.models.wallets import WALLET_ROLES

PROVENANCES = [
    ("document", _("Document: page of a seized or received paper")),
    ("trace", _("Trace: found by a run of this case")),
    ("tag", _("Tag: a label from a named source")),
    ("analyst", _("Analyst: own observation")),
]


class WalletsForm(forms.Form):
    """Addresses pasted as text, one a line, with one role and origin for all of them."""

    text = forms.CharField(
        label=_("Addresses"),
        max_length=1_000_000,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 8, "class": "mono", "spellcheck": "false", "autocomplete": "off"}
        ),
        help_text=_(
            "One address a line. Lines that are no address come back with the reason; "
            "the others are added."
        ),
    )
    role = forms.ChoiceField(label=_("Role"), choices=WALLET_ROLES, initial="unknown")
    provenance = forms.ChoiceField(label=_("Where they come from"), choices=PROVENANCES)
    provenance_note = forms.CharField(
        label=_("Source in words"),
        max_length=200,
        help_text=_("Such as “Order 12 of 3 May, page 4” or the name of the tag's publisher."),
    )


class TogetherForm(forms.Form):
    """Two addresses of one cluster; sent by POST, so that no address is in a URL."""

    first = forms.CharField(
        label=_("This address"),
        max_length=120,
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off"}),
    )
    last = forms.CharField(
        label=_("And this one"),
        max_length=120,
        widget=forms.TextInput(
            attrs={"class": "mono", "autocomplete": "off", "list": "cluster-addresses"}
        ),
        help_text=_("Another address of the cluster."),
    )
