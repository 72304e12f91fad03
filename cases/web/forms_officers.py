"""Forms of agencies and of their officers."""

from typing import Any

from django import forms
from django.apps import apps
from django.utils import timezone
from django.utils.translation import gettext_lazy

from cases.queries.officers import known_agencies
from cases.services.instruments import UploadedBytes
from cases.services.officers import LONGEST, OfficerSpec

L = gettext_lazy


def _lines(label: Any, rows: int, **fields: Any) -> forms.CharField:
    return forms.CharField(label=label, widget=forms.Textarea(attrs={"rows": rows}), **fields)


class AgencyForm(forms.Form):
    """What is known of an agency before anybody of it asks."""

    name = forms.CharField(label=L("Name"), max_length=120)
    short_name = forms.CharField(label=L("Short name"), max_length=16)
    kind = forms.ChoiceField(label=L("Kind"))
    country = forms.CharField(
        label=L("Country"), min_length=2, max_length=2, help_text=L("Two letters, such as TW.")
    )
    domains = _lines(
        L("E-mail domains, one a line"), 3, max_length=1300,
        help_text=L("The main one first. An officer's e-mail must be under one of them."),
    )  # fmt: skip
    call_back_number = forms.CharField(
        label=L("Number to call back"), max_length=40,
        help_text=L("From a source that nobody who asks can choose."),
    )  # fmt: skip
    number_source = forms.CharField(
        label=L("Where the number comes from"), max_length=200,
        help_text=L("Such as: the government's directory, printed edition of 2026, page 12."),
    )  # fmt: skip
    reason = _lines(L("Reason for the record"), 2)

    def __init__(self, *args: Any, agency: Any = None, known: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = apps.get_model("fiu", "Agency")._meta.get_field("kind").choices
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]
        if agency is not None:
            self.initial = {
                "name": agency.name, "short_name": agency.short_name, "kind": agency.kind,
                "country": agency.country,
                "domains": "\n".join(known.domains if known else [agency.domain]),
                "call_back_number": known.call_back_number if known else "",
                "number_source": known.number_source if known else "",
            }  # fmt: skip

    def entry(self) -> dict[str, Any]:
        """The arguments of `propose_agency`."""
        return self.cleaned_data | {"domains": self.cleaned_data["domains"].split()}


class OfficerForm(forms.Form):
    """An officer, the paper that shows the authority, and the call that confirmed it."""

    agency = forms.ChoiceField(
        label=L("Agency, and the number to call"),
        help_text=L("Call this number, never one that the officer gave."),
    )
    called_at = forms.DateTimeField(
        label=L("Called at (UTC)"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    spoke_with = forms.CharField(
        label=L("Spoke with"), max_length=120, help_text=L("Name and office of who confirmed it.")
    )
    first_name = forms.CharField(label=L("First names"), max_length=80)
    last_name = forms.CharField(label=L("Last name"), max_length=80)
    position = forms.CharField(label=L("Position"), max_length=80)
    badge_no = forms.CharField(label=L("Badge number"), max_length=40, required=False)
    email = forms.EmailField(label=L("E-mail"), max_length=120)
    username = forms.CharField(
        label=L("User name"), max_length=60,
        help_text=L("That of an officer who has an account renews it."),
    )  # fmt: skip
    document = forms.FileField(
        label=L("Paper of authority"), help_text=L("PDF, PNG or JPEG, up to 25 MB.")
    )
    valid_until = forms.DateField(
        label=L("Account ends on"), widget=forms.DateInput(attrs={"type": "date"}),
        help_text=L("At most 365 days from today."),
    )  # fmt: skip
    reason = _lines(L("Reason for the record"), 2)

    def __init__(self, *args: Any, officer: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].choices = known_agencies()  # type: ignore[attr-defined]
        self.initial = {"valid_until": (timezone.now() + LONGEST).date()}
        if officer is not None:
            self.initial |= {
                "agency": str(officer.agency_id), "username": officer.username,
                "first_name": officer.first_name, "last_name": officer.last_name,
                "position": officer.title, "email": officer.email,
            }  # fmt: skip

    def spec(self) -> OfficerSpec:
        """The argument of `propose_officer`."""
        values = dict(self.cleaned_data)
        upload = values.pop("document")
        return OfficerSpec(
            **values | {"agency_id": int(values.pop("agency"))},
            document=UploadedBytes(upload.name, upload.read()),
        )


class SeenForm(forms.Form):
    """What somebody found out about an alarm."""

    words = forms.CharField(
        label=L("What it was, and who said so"), max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
