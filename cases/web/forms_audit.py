"""The filters of the audit trail; all of them are codes, so they may stand in an address."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.queries.audit import AuditFilter, people
from cases.web.events import WORDS


class AuditFilterForm(forms.Form):
    """Case, person, action and days; whatever cannot be read filters nothing."""

    case = forms.RegexField(
        label=_("Case"), regex=r"^CASE-[0-9]{4}-[0-9]{6}$", required=False,
        error_messages={"invalid": _("Write a reference such as CASE-2026-000123.")},
        widget=forms.TextInput(attrs={"placeholder": "CASE-2026-000123", "autocomplete": "off"}),
    )  # fmt: skip
    actor = forms.TypedChoiceField(label=_("Person"), required=False, coerce=UUID, empty_value=None)
    action = forms.ChoiceField(label=_("Action"), required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(str(each.public_id), each.get_full_name() or each.username) for each in people()]
        self.fields["actor"].choices = [("", gettext("Everybody")), *names]  # type: ignore[attr-defined]
        actions = sorted(((name, str(words)) for name, words in WORDS.items()), key=_by_words)
        self.fields["action"].choices = [("", gettext("Everything")), *actions]  # type: ignore[attr-defined]

    def wanted(self) -> AuditFilter:
        """The filter, without the fields that are wrong."""
        self.is_valid()
        known = getattr(self, "cleaned_data", {})  # none on a form without any value
        return AuditFilter(**{name: value for name, value in known.items() if value})


def _by_words(choice: tuple[str, str]) -> str:
    return choice[1]
