"""Forms of tasks, notes and exhibits."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case
from cases.models.evidence import (
    HANDLING_CODES,
    INFORMATION_GRADES,
    KINDS,
    SOURCE_GRADES,
)
from cases.queries.tasks import case_workers
from cases.services.evidence import Origin

L = gettext_lazy
TLPS = [(each, f"TLP:{each}") for each in ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")]


class TaskForm(forms.Form):
    """Something to do in a case."""

    title = forms.CharField(label=L("What is to be done"), max_length=160)
    assignee = forms.ChoiceField(label=L("By whom"), required=False)
    due_at = forms.DateTimeField(
        label=L("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=L("UTC."),
    )

    def __init__(self, case: Case, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assignee"].choices = [  # type: ignore[attr-defined]
            ("", _("Whoever takes it")),
            *((str(each.pk), each.get_full_name() or each.username) for each in case_workers(case)),
        ]

    def task(self) -> dict[str, Any]:
        """The arguments of `add_task`."""
        values = self.cleaned_data
        return {
            "title": values["title"],
            "assignee_id": int(values["assignee"]) if values["assignee"] else None,
            "due_at": values["due_at"],
        }


class NoteForm(forms.Form):
    """An internal text; `number` is the wording the person saw."""

    text = forms.CharField(
        label=L("Note"), widget=forms.Textarea(attrs={"rows": 4}),
        help_text=L("@name of somebody who works on this case puts it into their inbox."),
    )  # fmt: skip
    number = forms.IntegerField(widget=forms.HiddenInput, required=False)


class EvidenceForm(forms.Form):
    """A file as it comes in."""

    document = forms.FileField(
        label=L("File"), help_text=L("PDF, PNG, JPEG, text, CSV, JSON or e-mail, up to 25 MB.")
    )
    title = forms.CharField(label=L("Title"), max_length=160)
    kind = forms.ChoiceField(label=L("Kind"), choices=KINDS)
    source = forms.CharField(
        label=L("Source"), max_length=200, help_text=L("Who gave it, how, and when.")
    )
    source_grade = forms.ChoiceField(label=L("The source is"), choices=SOURCE_GRADES, initial="B")
    information_grade = forms.ChoiceField(
        label=L("The information is"), choices=INFORMATION_GRADES, initial="2"
    )
    tlp = forms.ChoiceField(label=L("It may go"), choices=TLPS, initial="AMBER", required=False)
    handling_code = forms.ChoiceField(
        label=L("Handling"), choices=HANDLING_CODES, initial="H0", required=False
    )
    handling_text = forms.CharField(
        label=L("Handling in words"), max_length=200, required=False,
        help_text=L("What the source said; needed with H3."),
    )  # fmt: skip
    made_from = forms.ChoiceField(
        label=L("Made from"), required=False,
        help_text=L("The exhibit of this case that it was made from, if any."),
    )  # fmt: skip
    is_redacted = forms.BooleanField(label=L("It is that exhibit, redacted"), required=False)

    def __init__(self, case: Case, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stand = case.evidence.exclude(state="disposed").order_by("number")
        self._exhibits = {str(each.public_id): each for each in stand}
        self.fields["made_from"].choices = [  # type: ignore[attr-defined]
            ("", _("Nothing here")),
            *((key, f"{each.exhibit_no} {each.title}") for key, each in self._exhibits.items()),
        ]

    def exhibit(self) -> dict[str, Any]:
        """The arguments of `acquire_evidence`, without the file."""
        values = dict(self.cleaned_data)
        source = self._exhibits.get(values.pop("made_from"))
        is_redacted = values.pop("is_redacted")
        values.pop("document")
        values["tlp"] = values["tlp"] or "AMBER"
        values["handling_code"] = values["handling_code"] or "H0"
        return values | {"origin": Origin(source, is_redacted) if source else None}


class HandoverForm(forms.Form):
    """Who got an exhibit, or a copy of it."""

    act = forms.ChoiceField(
        label=L("What"),
        choices=[
            ("copy", L("A copy went to")), ("transfer", L("The original went to")),
            ("receive", L("The original came back from")),
        ],
    )  # fmt: skip
    party = forms.CharField(
        label=L("Whom"), max_length=120, help_text=L("Office and name, with the receipt's number.")
    )
    reason = forms.CharField(label=L("Why"), widget=forms.Textarea(attrs={"rows": 3}))
