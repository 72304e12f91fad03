"""Forms of operations."""

from typing import Any

from django import forms
from django.apps import apps
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Operation
from cases.policy import Actor
from cases.queries.operations import cases_outside

L = gettext_lazy


class OperationForm(forms.Form):
    """An operation as it is opened."""

    code_name = forms.CharField(
        label=L("Code name"), max_length=40, help_text=L("A word that says nothing of the matter.")
    )
    name = forms.CharField(label=L("Name"), max_length=160)
    objective = forms.CharField(
        label=L("Objective"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    lead_agency_id = forms.ChoiceField(label=L("Leading agency"), required=False)
    partner_ids = forms.MultipleChoiceField(
        label=L("Partners"), required=False, widget=forms.CheckboxSelectMultiple
    )
    starts_on = forms.DateField(
        label=L("Starts on"), widget=forms.DateInput(attrs={"type": "date"})
    )
    ends_on = forms.DateField(
        label=L("Ends on"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    embargo_until = forms.DateTimeField(
        label=L("Embargo until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=L("Before this time, UTC, nothing happens that a customer could notice."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        agencies = [
            (str(each.pk), f"{each.short_name} · {each.name}")
            for each in apps.get_model("fiu", "Agency").objects.order_by("short_name")
        ]
        self.fields["lead_agency_id"].choices = [("", _("None")), *agencies]  # type: ignore[attr-defined]
        self.fields["partner_ids"].choices = agencies  # type: ignore[attr-defined]

    def operation(self) -> dict[str, Any]:
        """The arguments of `open_operation`."""
        values = dict(self.cleaned_data)
        values["lead_agency_id"] = (
            int(values["lead_agency_id"]) if values["lead_agency_id"] else None
        )
        values["partner_ids"] = [int(each) for each in values["partner_ids"]]
        return values


class JoinForm(forms.Form):
    """A case that becomes part of an operation, and why."""

    case = forms.ChoiceField(label=L("Case"))
    reason = forms.CharField(
        label=L("Reason for the record"), widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, operation: Operation, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cases = {str(each.public_id): each for each in cases_outside(operation, actor)[:200]}
        self.fields["case"].choices = [  # type: ignore[attr-defined]
            ("", _("Choose a case")),
            *((key, f"{each.reference} · {each.title}") for key, each in self.cases.items()),
        ]
