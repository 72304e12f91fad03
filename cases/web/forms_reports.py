"""Forms of suspicion reports: from which alerts, the words, and a subject's data."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.exports.suspicion.fincen_acknowledgement import LARGEST
from cases.exports.suspicion.profiles import PROFILES, load_profile, receivers
from cases.models import Alert, Case, ReportSubject
from cases.models.reports import ANSWERS, GENDERS
from cases.policy import Actor
from cases.queries import reports as queries


class AlertsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # none at run time
    """Alerts by rule, masked account and last day."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.rule.title}, {obj.account.masked}, {obj.window_to:%Y-%m-%d}"


class NewReportForm(forms.Form):
    """Which alerts of the case the report is about."""

    alerts = AlertsField(
        label=_("Alerts of this case"), queryset=Alert.objects.none(),
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    profile = forms.ChoiceField(
        label=_("Receiver"), choices=receivers, initial=PROFILES[0], required=False
    )

    def __init__(self, case: Case, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["alerts"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = queries.case_alerts(case, actor)


class ReportForm(forms.Form):
    """The words of a report."""

    reason = forms.CharField(
        label=_("Reason for the suspicion"), max_length=8000,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_("Begun from what fired. Facts only; who, what, when, how, why suspicious."),
    )  # fmt: skip
    action = forms.CharField(
        label=_("Action taken"), max_length=8000, required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    indicators = forms.CharField(
        label=_("Indicators"), max_length=400, widget=forms.TextInput(attrs={"class": "mono"}),
        help_text=_("Codes of the receiver, with commas between."),
    )  # fmt: skip
    local_rate = forms.DecimalField(
        label=_("Rate"), max_digits=18, decimal_places=8, required=False,
        help_text=_("Units of the receiver's currency for one unit of ours."),
    )  # fmt: skip
    local_rate_source = forms.CharField(
        label=_("Source of the rate"), max_length=120, required=False
    )

    def clean_indicators(self) -> list[str]:
        """Codes, each once, in the order given."""
        codes = [code.strip().upper() for code in self.cleaned_data["indicators"].split(",")]
        return list(dict.fromkeys(code for code in codes if code))


class AcknowledgementForm(forms.Form):
    """What the receiver answered: its file, or what a person read elsewhere."""

    file = forms.FileField(
        label=_("File of the receiver"), required=False,
        help_text=_(
            "FinCEN's acknowledgement. Without one say below what was answered; a list of answers"
            " to many reports is taken in from the page of reports."
        ),
    )  # fmt: skip
    answer = forms.ChoiceField(label=_("Answer"), choices=[("", "---"), *ANSWERS], required=False)
    number = forms.CharField(label=_("Number of the receiver"), max_length=40, required=False)

    def clean_file(self) -> str:
        """Its text, empty without one."""
        sent = self.cleaned_data["file"]
        if sent is None:
            return ""
        if sent.size > LARGEST:
            raise forms.ValidationError(_("The file is larger than an acknowledgement can be."))
        try:
            return str(sent.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError(_("The text of the file is not UTF-8.")) from None


class AnswersForm(forms.Form):
    """A receiver's list of answers."""

    file = forms.FileField(label=_("CSV file"), help_text=_("Up to 500 rows and 5 MB, UTF-8."))


def _day(label: Any, *, required: bool = False) -> forms.DateField:
    return forms.DateField(
        label=label, required=required, widget=forms.DateInput(attrs={"type": "date"})
    )


class SubjectForm(forms.Form):
    """What the receiver's form demands of a customer."""

    first_name = forms.CharField(label=_("First name"), max_length=100, required=False)
    last_name = forms.CharField(label=_("Last name"), max_length=100, required=False)
    full_name_original = forms.CharField(
        label=_("Name as it is written"), max_length=255, required=False
    )
    gender = forms.ChoiceField(label=_("Gender"), choices=GENDERS)
    birth_on = _day(_("Born on"))
    nationality = forms.CharField(label=_("Nationality"), max_length=2, required=False)
    residence = forms.CharField(label=_("Residence"), max_length=2, required=False)
    id_type = forms.ChoiceField(label=_("Kind of identity paper"), required=False)
    id_number = forms.CharField(label=_("Its number"), max_length=100, required=False)
    id_issued_on = _day(_("Issued on"))
    id_expires_on = _day(_("Expires on"))
    id_country = forms.CharField(label=_("Issued in"), max_length=2, required=False)
    phone = forms.CharField(label=_("Telephone"), max_length=50, required=False)

    def __init__(self, subject: ReportSubject, profile: str, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(subject, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        field = self.fields["id_type"]
        assert isinstance(field, forms.ChoiceField)
        codes = load_profile(profile)["identifier_types"]
        field.choices = [("", "---"), *((code, code) for code in codes)]

    def clean(self) -> dict[str, Any]:
        """Country codes in capitals."""
        data: dict[str, Any] = super().clean() or {}
        for name in ("nationality", "residence", "id_country"):
            data[name] = data.get(name, "").upper()
        return data
