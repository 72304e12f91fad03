"""The form by which one says that two addresses are two owners'."""

from django import forms
from django.utils.translation import gettext_lazy as _


class SeparationForm(forms.Form):
    """The other address, why they are two owners, and what that rests on."""

    other = forms.CharField(
        label=_("The other address"),
        max_length=120,
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off"}),
        help_text=_("It stands for its whole cluster, as the wallet's address does."),
    )
    reason = forms.CharField(
        label=_("Why they are two owners"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    basis = forms.CharField(
        label=_("What it rests on"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("A document, a statement, a record: what somebody else could look at."),
    )
