"""Forms of an officer: a request with its instrument, and the answer to a question."""

from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.request_words import DATASETS, INSTRUMENTS, URGENCIES
from cases.services.errors import CaseworkError
from cases.services.instruments import MAXIMUM_BYTES, UploadedBytes
from cases.services.requests import RequestSpec
from cases.services.uploads import require_clean

L = gettext_lazy
ISO = "%Y-%m-%d"


def _day(label: Any, **fields: Any) -> forms.DateField:
    # The browser's own field takes no other form, whatever the language.
    return forms.DateField(label=label, widget=forms.DateInput({"type": "date"}, ISO), **fields)


class RequestForm(forms.Form):
    """The instrument, what is asked for, and about what."""

    instrument_type = forms.ChoiceField(label=L("Kind"), choices=list(INSTRUMENTS.items()))
    instrument_number = forms.CharField(label=L("Number"), max_length=60)
    issued_by = forms.CharField(label=L("Issued by"), max_length=120)
    issued_on = _day(L("Issued on"))
    valid_until = _day(L("Valid until"), required=False)
    document = forms.FileField(
        label=L("Document"), required=False, help_text=L("PDF, PNG or JPEG, up to 25 MB.")
    )
    agency_ref = forms.CharField(label=L("Your file number"), max_length=60)
    legal_basis = forms.CharField(
        label=L("Legal basis"), max_length=200, help_text=L("The law under which you ask.")
    )
    offences = forms.CharField(label=L("Offences"), max_length=200)
    background = forms.CharField(
        label=L("Background"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=L("What helps us to find the right data. No more than is needed."),
    )  # fmt: skip
    identifiers = forms.CharField(
        label=L("Identifiers, one a line"),
        widget=forms.Textarea(
            attrs={"rows": 7, "spellcheck": "false", "autocomplete": "off", "class": "mono"}
        ),
        help_text=L(
            "Addresses, transactions, account numbers, e-mails, names, as you have them. Every "
            "line is kept; one that cannot be read is shown with the reason."
        ),
    )
    datasets = forms.MultipleChoiceField(
        label=L("What you ask for"), choices=list(DATASETS.items()),
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    period_from = _day(L("From"), required=False)
    period_until = _day(L("Until"), required=False)
    urgency = forms.ChoiceField(
        label=L("Urgency"), choices=list(URGENCIES.items()),
        help_text=L("Where a life is at risk the desk answers within 24 hours, before all others."),
    )  # fmt: skip
    due_on = _day(L("Answer due on"), help_text=L("The day ends at midnight UTC."))

    def __init__(self, *args: Any, due_on: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due_on"].initial = due_on

    def clean_document(self) -> Any:
        upload = self.cleaned_data["document"]
        if upload and upload.size > MAXIMUM_BYTES:
            raise ValidationError(_("The file is larger than 25 MB."))
        if upload:
            try:
                require_clean(upload)
            except CaseworkError as error:
                raise ValidationError(str(error)) from error
        return upload

    def spec(self) -> RequestSpec:
        """The argument of `record_request`."""
        values = dict(self.cleaned_data)
        upload, due_on = values.pop("document"), values.pop("due_on")
        return RequestSpec(
            **values | {"datasets": tuple(values["datasets"])},
            due_at=datetime.combine(due_on, time(23, 59, 59), UTC),
            document=UploadedBytes(upload.name, upload.read()) if upload else None,
        )


class AnswerForm(forms.Form):
    """The answer to a question of the desk."""

    text = forms.CharField(
        label=L("Your answer"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )
