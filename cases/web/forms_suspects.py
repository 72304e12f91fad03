"""Forms of suspects: the person, a further name, a linked account, a look at customer data."""

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.models import Suspect, SuspectName
from cases.web.choices import choices_of

NAME_TYPES = choices_of(SuspectName, "type")


class SuspectForm(forms.Form):
    """A suspect with the first name known."""

    full = forms.CharField(label=_("Name"), max_length=150, help_text=_("As it is written."))
    type = forms.ChoiceField(label=_("Kind of name"), choices=NAME_TYPES, initial="ALIA")
    kind = forms.ChoiceField(
        label=_("Kind"), choices=lambda: choices_of(Suspect, "kind"), initial="unknown"
    )
    standing = forms.ChoiceField(
        label=_("Standing"), choices=lambda: choices_of(Suspect, "standing")
    )
    role = forms.ChoiceField(
        label=_("Role"),
        required=False,
        choices=lambda: choices_of(Suspect, "role", str(_("Not known"))),
    )
    birth_year = forms.IntegerField(
        label=_("Year of birth"), required=False, min_value=1900, max_value=2100,
        help_text=_("Two of one name with different years are told apart by it."),
    )  # fmt: skip
    note = forms.CharField(
        label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class NameForm(forms.Form):
    """A further name of a suspect."""

    full = forms.CharField(label=_("Name"), max_length=150)
    type = forms.ChoiceField(label=_("Kind of name"), choices=NAME_TYPES, initial="ALIA")


class AccountForm(forms.Form):
    """An exchange account that belongs to the suspect, with the reason for saying so."""

    account_uid = forms.CharField(
        label=_("Account number"), max_length=40, widget=forms.TextInput(attrs={"class": "mono"})
    )
    basis = forms.CharField(
        label=_("Basis of the link"),
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Such as “identity document of the account matches”."),
    )


class RevealForm(forms.Form):
    """Why the person looks at customer data; kept with the look."""

    purpose = forms.CharField(
        label=_("Purpose"),
        min_length=8,
        max_length=200,
        help_text=_("Your look and its purpose are recorded."),
    )
