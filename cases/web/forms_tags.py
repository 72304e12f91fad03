"""The form by which a tag of the house is proposed."""

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.services.tags import CATEGORIES

CONFIDENCES = [
    ("ownership", _("100: we own it, or its owner proved it to us")),
    ("forensic_investigation", _("70: our own investigation, with exhibits")),
    ("authority_data", _("60: an authority says so")),
    ("forensic", _("50: our own reading of the ledger")),
    ("heuristic", _("10: a pattern alone")),
]


class TagForm(forms.Form):
    """Whose address it is, how sure, and where that can be checked."""

    label = forms.CharField(
        label=_("Whose address it is"), max_length=120, help_text=_("Such as “Obelisk Market”.")
    )
    category = forms.ChoiceField(
        label=_("Category"),
        choices=[(name, name.replace("_", " ").capitalize()) for name in CATEGORIES],
    )
    confidence = forms.ChoiceField(label=_("How sure"), choices=CONFIDENCES, initial="forensic")
    source = forms.CharField(
        label=_("Where this can be checked"),
        max_length=300,
        help_text=_("A finding, an exhibit, a page; whoever decides looks there."),
    )
    reason = forms.CharField(
        label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )
