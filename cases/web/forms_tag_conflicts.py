"""The form by which one says which of several names holds for an address."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tracing.reads import Side

NONE = "-"


class ConflictForm(forms.Form):
    """Which side holds, and why."""

    keep = forms.ChoiceField(label=_("Whose address is it?"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Why"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("What speaks for this one, and what against the others."),
    )

    def __init__(self, *args: Any, sides: Sequence[Side], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["keep"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            *((side.label, f"{side.label} ({side.pack}, {side.level})") for side in sides),
            (NONE, gettext("None of them")),
        ]

    def clean_keep(self) -> str:
        """The label, empty for none."""
        chosen = str(self.cleaned_data["keep"])
        return "" if chosen == NONE else chosen
