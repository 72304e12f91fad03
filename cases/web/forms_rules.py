"""The form of a change of a detection rule: its figures, how grave, on or off, and why."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from cases.models.alerts import SEVERITIES
from cases.queries.rules import figure_title

L = gettext_lazy
PREFIX = "figure_"


class RuleChangeForm(forms.Form):
    """A change that one person proposes; one field for each figure of the rule."""

    switch_on = forms.BooleanField(label=L("The rule runs"), required=False)
    severity = forms.ChoiceField(label=L("Severity"), choices=SEVERITIES)
    reason = forms.CharField(
        label=L("Reason for the record"), widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, figures: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in figures.items():
            is_list = isinstance(value, list)
            self.fields[PREFIX + name] = forms.CharField(
                label=figure_title(name),
                initial=", ".join(value) if is_list else value,
                help_text=L("Words between commas.") if is_list else "",
                max_length=2_000,
            )
        self.order_fields([*(PREFIX + name for name in figures), "switch_on", "severity", "reason"])

    def change(self) -> dict[str, Any]:
        """The arguments of `propose_rule_change`."""
        values = self.cleaned_data
        return {
            "parameters": {
                name.removeprefix(PREFIX): value
                for name, value in values.items()
                if name.startswith(PREFIX)
            },
            "severity": values["severity"],
            "switch_on": values["switch_on"],
            "reason": values["reason"],
        }
