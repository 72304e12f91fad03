"""Forms of cohorts: the platform's profile."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Wallet

MAXIMUM_PACKAGES = 20
MOST_DIGITS = 38  # above all there is of any asset


class CohortForm(forms.Form):
    """Which addresses are the platform's, and what counts as a payment to it."""

    platform = forms.CharField(
        label=_("Platform"),
        max_length=80,
        help_text=_("Addresses that a tag gives to this name belong to it too."),
    )
    wallets = forms.ModelMultipleChoiceField(
        label=_("Its payment wallets"),
        queryset=Wallet.objects.none(),
        to_field_name="public_id",
        widget=forms.CheckboxSelectMultiple,
    )
    packages = forms.CharField(
        label=_("Amounts that count, in base units"),
        required=False,
        help_text=_("Fixed prices in satoshi, such as 10000, 25000; empty for any amount."),
    )
    asset = forms.CharField(
        label=_("Asset, on a ledger of accounts"),
        required=False,
        max_length=120,
        help_text=_("Its contract or symbol; empty for what the platform was paid in most often."),
    )
    from_on = forms.DateField(
        label=_("From day (UTC)"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    to_on = forms.DateField(
        label=_("To day (UTC)"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wallets = case.wallets.order_by("added_at", "pk")
        self.fields["wallets"].queryset = wallets  # type: ignore[attr-defined]

    def clean_packages(self) -> tuple[int, ...]:
        """Whole amounts, separated by commas or blanks."""
        words = self.cleaned_data["packages"].replace(",", " ").split()
        if len(words) > MAXIMUM_PACKAGES:
            raise forms.ValidationError(gettext("Give at most 20 amounts."))
        if any(not (w.isascii() and w.isdecimal() and 0 < len(w) <= MOST_DIGITS) for w in words):
            raise forms.ValidationError(gettext("Give whole amounts, such as 10000, 25000."))
        return tuple(sorted({int(word) for word in words}))

    def clean(self) -> dict[str, Any]:
        """Days as moments: from the first second of the one to the last of the other."""
        fields: dict[str, Any] = super().clean() or {}
        first, last = fields.pop("from_on", None), fields.pop("to_on", None)
        if first and last and first > last:
            self.add_error("to_on", gettext("The last day lies before the first."))
        fields["from_at"] = datetime.combine(first, time.min, UTC) if first else None
        fields["to_at"] = datetime.combine(last, time(23, 59, 59), UTC) if last else None
        return fields
