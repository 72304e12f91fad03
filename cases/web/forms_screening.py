"""The form of screening: a list as text, or a file of it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

LARGEST = 2 * 1024 * 1024


class ScreeningForm(forms.Form):
    """Addresses pasted or in a file; a file is read as the text that it is."""

    text = forms.CharField(
        label=_("Addresses"),
        required=False,
        max_length=LARGEST,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 8, "class": "mono", "spellcheck": "false", "autocomplete": "off"}
        ),
        help_text=_("Paste a list, a table or a letter: addresses are found in it."),
    )
    file = forms.FileField(
        label=_("Or a file"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
        help_text=_("CSV or text, up to 2 MB."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        file = cleaned.get("file")
        if file is not None:
            if file.size > LARGEST:
                raise forms.ValidationError(_("The file has more than 2 MB: send it in parts."))
            try:
                cleaned["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                raise forms.ValidationError(
                    _("The file is no text in UTF-8: save it as CSV in UTF-8.")
                ) from None
        cleaned["text"] = cleaned.get("text", "").replace("\x00", "")
        if not cleaned["text"].strip():
            raise forms.ValidationError(_("Paste at least one address, or choose a file."))
        return cleaned
