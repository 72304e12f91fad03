"""Forms of tasks, notes and exhibits."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case
from cases.models.evidence import INFORMATION_GRADES, KINDS, SOURCE_GRADES
from cases.queries.tasks import case_workers

L = gettext_lazy


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
