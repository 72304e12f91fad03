"""Forms of cases: what a person types, checked for shape; services check whether it may be."""

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from cases.web.choices import choices_of


class CaseForm(forms.Form):
    """A case as it is opened."""

    title = forms.CharField(
        label=_("Title"),
        max_length=160,
        help_text=_("What this is about, without names of customers."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    case_type = forms.ChoiceField(label=_("Kind"), choices=lambda: choices_of(Case, "case_type"))
    priority = forms.ChoiceField(
        label=_("Priority"),
        choices=[
            ("P1", _("P1, critical")),
            ("P2", _("P2, high")),
            ("P3", _("P3, medium")),
            ("P4", _("P4, low")),
        ],
        initial="P3",
    )
    visibility = forms.ChoiceField(
        label=_("Who may see it"),
        choices=lambda: choices_of(Case, "visibility"),
        initial="unit",
        help_text=_("A named team or a sealed case is open only to the people added to it."),
    )
    summary = forms.CharField(
        label=_("Summary"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("What is known, from where, and what is asked."),
    )


class CaseEditForm(CaseForm):
    """The same fields of a case that stands; `version` is the one the person saw."""

    visibility = None  # type: ignore[assignment]  # who may see it is changed on its own
    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        max_length=200,
        help_text=_("Up to 8 words, a blank between two. The search finds cases by them."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class ReasonForm(forms.Form):
    """One act on the case with its reason for the record."""

    reason = forms.CharField(
        label=_("Reason for the record"), widget=forms.Textarea(attrs={"rows": 3})
    )


class DecideForm(ReasonForm):
    """What follows from the case; `no_action` stands alone."""

    decisions = forms.MultipleChoiceField(
        label=_("Decisions"),
        widget=forms.CheckboxSelectMultiple,
        choices=[
            ("refer", _("Refer to an agency")),
            ("freeze", _("Freeze assets")),
            ("no_action", _("No action")),
        ],
    )
    field_order = ["decisions", "reason"]

    def clean_decisions(self) -> list[str]:
        decisions: list[str] = self.cleaned_data["decisions"]
        if "no_action" in decisions and len(decisions) > 1:
            raise forms.ValidationError(_("No action cannot stand beside another decision."))
        return decisions


class CloseForm(ReasonForm):
    """Why the case ends."""

    closure_reason = forms.ChoiceField(
        label=_("Outcome"),
        choices=[
            ("referred", _("Referred to an agency")),
            ("no_suspicion", _("No suspicion left")),
            ("insufficient", _("Not enough evidence")),
        ],
    )
    field_order = ["closure_reason", "reason"]


class PauseForm(ReasonForm):
    """Until when a case rests."""

    resume_on = forms.DateField(
        label=_("Take it up again on"), widget=forms.DateInput(attrs={"type": "date"})
    )
    field_order = ["resume_on", "reason"]


class DueForm(ReasonForm):
    """When the work on a case is due."""

    due_at = forms.DateTimeField(
        label=_("Due"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("UTC. Empty takes the time away; only a senior moves it later."),
    )
    field_order = ["due_at", "reason"]


class AnswerForm(DueForm):
    """What a senior says to a case that was brought to them."""

    due_at = forms.DateTimeField(
        label=_("Due"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("UTC. Empty keeps the date; one that is past needs a new one."),
    )
    reason = forms.CharField(label=_("What follows"), widget=forms.Textarea(attrs={"rows": 3}))


# Act -> heading, words on the button, form.
ACT_FORMS: dict[str, tuple[Promise, Promise, type[forms.Form]]] = {
    "submit": (_("Submit the case for a decision"), _("Submit case"), ReasonForm),
    "return": (_("Return the case to the investigation"), _("Return case"), ReasonForm),
    "decide": (_("Decide the case"), _("Decide case"), DecideForm),
    "close": (_("Close the case"), _("Close case"), CloseForm),
    "reopen": (_("Reopen the case"), _("Reopen case"), ReasonForm),
    "pause": (_("Put the case on hold"), _("Put on hold"), PauseForm),
    "resume": (_("Take the case up again"), _("Take up again"), ReasonForm),
    "due": (_("When the work is due"), _("Keep the date"), DueForm),
    "escalate": (_("Take the case to a senior"), _("Take to a senior"), ReasonForm),
    "answer": (_("Answer as a senior"), _("Answer"), AnswerForm),
    "hold": (_("Set a legal hold"), _("Set legal hold"), ReasonForm),
    "unhold": (_("Lift the legal hold"), _("Lift legal hold"), ReasonForm),
}
