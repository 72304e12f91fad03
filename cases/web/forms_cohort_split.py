"""The form that splits a cohort: who gets the customers of which country, and what for."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from cases.queries import referrals as queries


class SplitForm(forms.Form):
    """One agency a country; an empty one goes nowhere."""

    findings: Any = forms.ModelMultipleChoiceField(
        label=_("Approved findings on the platform's addresses"), queryset=None,
        to_field_name="public_id", widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    purpose = forms.CharField(
        label=_("Purpose"), max_length=200,
        help_text=_("What the agencies may use it for. Names leave the house with it: it is kept "
                    "with your look at them."),
    )  # fmt: skip
    legal_gateway = forms.CharField(
        label=_("Legal gateway"), max_length=200, required=False,
        help_text=_("The law or instrument that opens the way. Needed before clearance."),
    )  # fmt: skip

    def __init__(
        self, case: Case, countries: Sequence[tuple[str, int]], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["findings"].queryset = queries.approved_findings(case)  # type: ignore[attr-defined]
        agencies = list(queries.agencies())
        choices = [("", gettext("nobody")), *((each.pk, str(each.name)) for each in agencies)]
        for country, number in countries:
            at_home = [each.pk for each in agencies if each.country == country]
            self.fields[f"to_{country}"] = forms.TypedChoiceField(
                label=gettext("%(country)s: %(n)s") % {"country": country, "n": number},
                choices=choices, coerce=int, empty_value=None, required=False,
                initial=at_home[0] if len(at_home) == 1 else "",
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """The arguments of `split_cohort`."""
        fields: dict[str, Any] = super().clean() or {}
        chosen = {name: fields.pop(name) for name in list(fields) if name.startswith("to_")}
        recipients = {name.removeprefix("to_"): pk for name, pk in chosen.items() if pk}
        if not recipients and not self.errors:
            raise forms.ValidationError(gettext("Choose an agency for at least one country."))
        return fields | {"recipients": recipients, "findings": list(fields.get("findings", ()))}
