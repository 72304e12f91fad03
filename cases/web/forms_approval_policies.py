"""The form of an approval policy."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from cases.models.approval_policies import (
    LONGEST_HOURS,
    MOST_APPROVALS,
    POLICY_ACTIONS,
    POLICY_ROLES,
)

L = gettext_lazy


class PolicyForm(forms.Form):
    """A rule that one person proposes."""

    action = forms.ChoiceField(label=L("What it is about"), choices=POLICY_ACTIONS)
    amount_over = forms.DecimalField(
        label=L("For more than, in USD"), min_value=0, max_digits=15, decimal_places=2, initial=0,
        help_text=L("0: for every one. A freeze without a known price counts as more."),
    )  # fmt: skip
    roles = forms.ChoiceField(
        label=L("Who may decide"), choices=POLICY_ROLES,
        help_text=L("Beside the limits of the act itself: never who asked for it."),
    )  # fmt: skip
    min_approvals = forms.IntegerField(
        label=L("People who approve"), min_value=1, max_value=MOST_APPROVALS, initial=2,
        help_text=L("Beside the person who asked, each with a fresh second factor."),
    )  # fmt: skip
    expires_after = forms.IntegerField(
        label=L("An approval lasts, in hours"), min_value=1, max_value=LONGEST_HOURS, initial=72
    )
    reason = forms.CharField(
        label=L("Reason for the record"), widget=forms.Textarea(attrs={"rows": 2})
    )

    def policy(self) -> dict[str, Any]:
        """The arguments of `propose_policy`."""
        return dict(self.cleaned_data)
