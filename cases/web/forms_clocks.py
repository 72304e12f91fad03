"""The form of a clock."""

from typing import Any

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.clocks import KnownClock
from cases.models.clocks import CLOCK_ACTS, CLOCK_UNITS

L = gettext_lazy


class ClockForm(forms.Form):
    """A clock that one person proposes, with the law or the house that says so."""

    act = forms.ChoiceField(label=L("What it is about"), choices=CLOCK_ACTS)
    country = forms.CharField(
        label=L("Country"), required=False, max_length=2,
        help_text=L("Two letters, such as TW; empty for all."),
    )  # fmt: skip
    agency = forms.ChoiceField(label=L("Authority"), required=False)
    length = forms.IntegerField(label=L("How long"), min_value=1, max_value=3660)
    unit = forms.ChoiceField(
        label=L("In"), choices=CLOCK_UNITS,
        help_text=L("Working days are Monday to Friday; public holidays are not known here."),
    )  # fmt: skip
    warn_hours = forms.CharField(
        label=L("Warnings, in hours before the end"), required=False, max_length=60,
        help_text=L("Such as: 12, 4, 1"),
    )  # fmt: skip
    source = forms.CharField(
        label=L("Source"), max_length=300,
        help_text=L("The law with its section, the order, or who in this house says so."),
    )  # fmt: skip
    is_verified = forms.BooleanField(label=L("Counsel has read the source"), required=False)
    valid_from = forms.DateField(
        label=L("Holds from"), widget=forms.DateInput(attrs={"type": "date"})
    )
    reason = forms.CharField(
        label=L("Reason for the record"), widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, known: KnownClock | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        agencies = apps.get_model("fiu", "Agency").objects.order_by("short_name")
        self.fields["agency"].choices = [  # type: ignore[attr-defined]
            ("", _("All")), *((str(a.pk), f"{a.short_name} · {a.name}") for a in agencies)
        ]  # fmt: skip
        self.initial["valid_from"] = timezone.now().date()
        if known is not None:
            self.initial.update({
                "act": known.act, "country": known.country, "length": known.length,
                "unit": known.unit, "source": known.source,
                "warn_hours": ", ".join(map(str, known.warn_hours)),
            })  # fmt: skip

    def clean_warn_hours(self) -> list[int]:
        parts = self.cleaned_data["warn_hours"].replace(",", " ").split()
        if not all(part.isascii() and part.isdecimal() for part in parts):
            raise ValidationError(_("Hours with commas between, such as 12, 4, 1."))
        return [int(part) for part in parts]

    def rule(self) -> dict[str, Any]:
        """The arguments of `propose_clock`."""
        values = dict(self.cleaned_data)
        agency = values.pop("agency")
        return values | {"agency_id": int(agency) if agency else None}
