"""Forms of the desk: what the agency reads, what is accepted, which release is the answer."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from cases.models import InformationRequest
from cases.policy import Actor
from cases.queries import requests as queries
from cases.queries.requests import DatasetRow

L = gettext_lazy
WORDS = {
    "ask": L("Question to the agency"),
    "refuse": L("What the agency reads"),
    "no_match": L("What the agency reads"),
}
FIRST_WORDS = {
    "no_match": L("We searched for all identifiers of your request and hold nothing on them."),
}


class WordsForm(forms.Form):
    """A text that leaves the house."""

    words = forms.CharField(max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words"].label = WORDS[name]
        self.fields["words"].initial = FIRST_WORDS.get(name, "")
        self.fields["words"].help_text = L(
            "No internal reference, no other agency, no whole account number."
        )


class AcceptForm(forms.Form):
    """What of the asked datasets is accepted: those the instrument obtains are chosen."""

    datasets = forms.MultipleChoiceField(
        label=L("Accepted data"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, rows: list[DatasetRow], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["datasets"]
        field.choices = [(row.name, row.words) for row in rows if row.is_obtained]
        field.initial = [row.name for row in rows if row.is_obtained]


class ReleaseForm(forms.Form):
    """The release that answers."""

    release: Any = forms.ModelChoiceField(label=L("Release"), queryset=None, empty_label=None)

    def __init__(
        self, request: InformationRequest, actor: Actor, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["release"]
        field.queryset = queries.answers_for(request, actor)
        field.to_field_name = "public_id"
        field.label_from_instance = lambda each: f"{each.number} · {each.referral.subject}"


class LinkForm(forms.Form):
    """The case a request belongs to."""

    case: Any = forms.ModelChoiceField(label=L("Case"), queryset=None)

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["case"]
        field.queryset = queries.linkable_cases(actor)
        field.to_field_name = "public_id"
        field.label_from_instance = lambda each: f"{each.reference} · {each.title}"
