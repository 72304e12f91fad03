"""Forms of related cases."""

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.models.relations import RELATION_KINDS
from cases.web.forms_cases import ReasonForm


class RelateForm(ReasonForm):
    """The other case by its number, and how the two belong together."""

    reference = forms.CharField(
        label=_("Number of the other case"), max_length=20,
        help_text=_("Such as CASE-2026-000123; a case that you may see."),
    )  # fmt: skip
    kind = forms.ChoiceField(
        label=_("This case"), choices=RELATION_KINDS,
        help_text=_("By “the same matter” a second person, a senior, may merge this case."),
    )  # fmt: skip
    field_order = ["reference", "kind", "reason"]
