"""Forms of access to a case: people are named by their public id."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case, CaseAccess
from cases.web.choices import choices_of
from cases.web.forms_cases import ReasonForm

L = gettext_lazy


class _PersonForm(forms.Form):
    """A form with one of these people; `chosen` is the number of that person."""

    person = forms.ChoiceField(label=L("Person"))

    def __init__(self, people: Iterable[Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(each.public_id): each for each in people}
        self.fields["person"].choices = [  # type: ignore[attr-defined]
            ("", _("Choose a person")),
            *((key, person_words(each)) for key, each in self.people.items()),
        ]

    @property
    def chosen(self) -> int:
        return int(self.people[self.cleaned_data["person"]].pk)


def person_words(person: Any) -> str:
    """Name and role, as a choice of a list shows them."""
    return f"{person.get_full_name() or person.username} · {person.get_role_display()}"


class GrantForm(_PersonForm):
    """A level until a time, or for good."""

    level = forms.ChoiceField(
        label=L("May"), choices=lambda: choices_of(CaseAccess, "level"), initial="write"
    )
    expires_at = forms.DateTimeField(
        label=L("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=L("UTC. Empty: until it is taken back."),
    )


class WallForm(_PersonForm):
    """A person who must not see the case, and why."""

    reason = forms.CharField(
        label=L("The conflict of interest"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=L("Kept with the case; read by those who may name people on it."),
    )


class ScopeForm(forms.Form):
    """Who owns the case and how far it is open; `version` is the one the person saw."""

    owner = forms.ChoiceField(label=L("Owner"))
    visibility = forms.ChoiceField(
        label=L("Who may see it"),
        choices=lambda: choices_of(Case, "visibility"),
        help_text=L("A named team or a sealed case is open only to the people added to it."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, people: Iterable[Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(each.public_id): each for each in people}
        self.fields["owner"].choices = [  # type: ignore[attr-defined]
            ("", _("Choose a person")),
            *((key, person_words(each)) for key, each in self.people.items()),
        ]


class EmergencyForm(ReasonForm):
    """The case to open in an emergency, by the reference somebody told."""

    reference = forms.CharField(
        label=L("Reference of the case"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ["reference", "reason"]
