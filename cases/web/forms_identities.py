"""The form by which one says that two suspects are one."""

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.models.identities import INFORMATION_GRADES, SOURCE_GRADES


class IdentityForm(forms.Form):
    """The basis of the claim and how sure it is (European 4x4)."""

    other = forms.UUIDField(widget=forms.HiddenInput)
    basis = forms.CharField(
        label=_("What it rests on"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("A name alone is weak: say what else ties them, such as a document."),
    )  # fmt: skip
    source_grade = forms.ChoiceField(label=_("Source, A to X"), choices=SOURCE_GRADES, initial="X")
    information_grade = forms.ChoiceField(
        label=_("Information, 1 to 4"), choices=INFORMATION_GRADES, initial="4"
    )
    confidence = forms.IntegerField(
        label=_("Confidence, 0 to 100"), min_value=0, max_value=100, initial=50
    )
