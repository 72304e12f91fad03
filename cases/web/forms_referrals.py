"""Forms of referrals: words and content, what is left out, who receives the release."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Finding, FreezeRequest, InformationRequest, Referral
from cases.policy import Actor
from cases.queries import referrals as queries
from cases.release_words import REASONS, field_words
from cases.report_words import LANGUAGES
from cases.services.dossiers import RedactableField
from cases.web.choices import choices_of
from cases.web.domains import domain_warning

GRANT_DAYS = 30


class ReferralWordsForm(forms.Form):
    """The words of a referral, as the recipient will read them."""

    subject = forms.CharField(label=_("Subject"), max_length=160)
    summary = forms.CharField(
        label=_("The answer in one paragraph"), widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What was found, what is held, how sure. No internal reference, no other "
                    "agency, no whole account number."),
    )  # fmt: skip
    purpose = forms.CharField(
        label=_("Purpose"), max_length=200,
        help_text=_("What the agency may use it for."),
    )  # fmt: skip
    kind = forms.ChoiceField(label=_("Kind"), choices=lambda: choices_of(Referral, "kind"))
    legal_gateway = forms.CharField(
        label=_("Legal gateway"), max_length=200, required=False,
        help_text=_("The law or instrument that opens the way. Needed before clearance."),
    )  # fmt: skip
    tlp = forms.ChoiceField(
        label=_("Traffic Light Protocol"),
        choices=lambda: choices_of(Referral, "tlp"),
        initial="AMBER",
    )
    handling_code = forms.ChoiceField(
        label=_("Handling code"), initial="H1",
        choices=lambda: [
            (code, f"{code} · {words}") for code, words in choices_of(Referral, "handling_code")
        ],
    )  # fmt: skip
    language = forms.ChoiceField(
        label=_("Language of the report"), choices=list(LANGUAGES.items()), initial="en",
        required=False,
        help_text=_("Its headings and fixed words. What people wrote stays as it is."),
    )  # fmt: skip
    caveats = forms.CharField(
        label=_("Caveats"), required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Such as: do not contact the account holders."),
    )  # fmt: skip

    def clean_language(self) -> str:
        return self.cleaned_data["language"] or "en"

    @property
    def words(self) -> list[forms.BoundField]:
        """The fields of the words alone."""
        return [self[name] for name in ReferralWordsForm.base_fields]


class NewReferralForm(ReferralWordsForm):
    """A first draft: its recipient, and the findings and freezes it carries."""

    agency = forms.TypedChoiceField(label=_("Recipient"), coerce=int)
    answers: Any = forms.ModelChoiceField(
        label=_("Answers the request"), queryset=None, required=False,
        to_field_name="public_id", empty_label=_("None: on our own initiative"),
        help_text=_("Its instrument and decision then stand beside each account it grants."),
    )  # fmt: skip
    findings: Any = forms.ModelMultipleChoiceField(
        label=_("Approved findings"), queryset=None, to_field_name="public_id",
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    freezes: Any = forms.ModelMultipleChoiceField(
        label=_("Freezes in force"), queryset=None, required=False, to_field_name="public_id",
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def __init__(self, case: Case, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        findings, freezes = self.fields["findings"], self.fields["freezes"]
        answers: Any = self.fields["answers"]
        answers.queryset = queries.answerable_requests(case, actor)
        answers.label_from_instance = _request_words
        findings.queryset = queries.approved_findings(case)  # type: ignore[attr-defined]
        freezes.queryset = queries.standing_freezes(case)  # type: ignore[attr-defined]
        findings.label_from_instance = _finding_words  # type: ignore[attr-defined]
        freezes.label_from_instance = _freeze_words  # type: ignore[attr-defined]
        agencies = [(each.pk, f"{each.short_name} · {each.name}") for each in queries.agencies()]
        self.fields["agency"].choices = [("", gettext("Choose")), *agencies]  # type: ignore[attr-defined]

    def referral(self) -> dict[str, Any]:
        """The arguments of `draft_referral`."""
        values = dict(self.cleaned_data)
        return values | {
            "agency_id": values.pop("agency"),
            "findings": list(values["findings"]),
            "freezes": list(values["freezes"]),
        }


class RedactionForm(forms.Form):
    """One reason for each field that is left out; empty leaves the field in."""

    def __init__(self, found: Sequence[RedactableField], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.found = found
        reasons = [("", gettext("Stays in")), *REASONS.items()]
        for number, each in enumerate(found):
            words = {"object": each.object, "field": field_words(each.field)}
            self.fields[f"field_{number}"] = forms.ChoiceField(
                label=gettext("%(object)s, %(field)s") % words,
                choices=reasons,
                required=False,
                initial=each.code or each.suggested,
                widget=forms.Select(attrs={"class": "input"}),
            )

    def rows(self) -> Iterator[tuple[RedactableField, str, forms.BoundField]]:
        """(field, its name in words, its reason) of each field that may be left out."""
        for number, each in enumerate(self.found):
            yield each, field_words(each.field), self[f"field_{number}"]

    def redactions(self) -> dict[str, str]:
        """The argument of `redact_referral`."""
        codes = [self.cleaned_data[f"field_{number}"] for number in range(len(self.found))]
        return {each.key: code for each, code in zip(self.found, codes, strict=True) if code}


class SendForm(forms.Form):
    """Who receives the release, and until when it is open to them."""

    liaisons = forms.TypedMultipleChoiceField(
        label=_("Officers who receive a copy"), coerce=int,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    expires_on = forms.DateField(
        label=_("Open until the end of"), widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("At most 365 days. The day ends at midnight UTC."),
    )  # fmt: skip

    def __init__(self, referral: Referral, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["liaisons"].choices = [  # type: ignore[attr-defined]
            (each.pk, _officer_words(each)) for each in queries.officers_of(referral)
        ]
        self.fields["expires_on"].initial = timezone.now().date() + timedelta(days=GRANT_DAYS)

    def expires_at(self) -> datetime:
        """The last second of the day, UTC."""
        return datetime.combine(self.cleaned_data["expires_on"], time(23, 59, 59), UTC)


def _finding_words(finding: Finding) -> str:
    return f"{finding.reference} · {finding.statement}"


def _freeze_words(freeze: FreezeRequest) -> str:
    lines = list(freeze.lines.all())
    what = ", ".join(f"{line.asset.symbol} {line.account.masked}" for line in lines)
    return f"{freeze.reference} · {what}"


def _request_words(asked: InformationRequest) -> str:
    instrument = f"{asked.get_instrument_type_display()} {asked.instrument_number}"
    return f"{asked.reference} · {asked.agency.short_name} · {instrument}"


def _officer_words(officer: Any) -> str:
    name = officer.get_full_name() or officer.username
    words = f"{name} · {officer.title}" if officer.title else name
    warning = domain_warning(officer.email, officer.agency)
    return f"{words} · {warning}" if warning else words
