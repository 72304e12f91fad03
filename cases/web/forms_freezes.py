"""Forms of freezes: what is asked for line by line, and the legal instrument behind it."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case, LegalInstrument
from cases.models.freezes import LEGAL_BASES, FreezeRequest
from cases.queries.freezes import Candidate
from cases.services.freezes import LineSpec
from cases.states import FindingState
from cases.web.choices import choices_of

L = gettext_lazy
AMOUNT = re.compile(r"([0-9]{1,60}|[0-9]{1,3}(?:[, ][0-9]{3}){1,19})(?:\.([0-9]{1,30}))?")


def parse_amount(text: str, decimals: int) -> int:
    """`parse_amount("1.5", 8)` -> 150000000: exact, thousands may be set apart in threes.

    A comma elsewhere is somebody's decimal point: taken for a separator, it made ten times the
    amount. Raises ValidationError with a sentence for anything else, also for too many decimals.
    """
    match = AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValidationError(_("Write an amount such as 12.5 or 1,250.75."))
    whole, part = re.sub("[, ]", "", match[1]), match[2] or ""
    if len(part.rstrip("0")) > decimals:
        raise ValidationError(_("This asset has %(n)d decimals.") % {"n": decimals})
    return int(whole + part.rstrip("0").ljust(decimals, "0"))


def amount_text(base: int, decimals: int) -> str:
    """The amount without separators, as it is typed."""
    whole, part = divmod(base, 10**decimals)
    digits = str(part).rjust(decimals, "0").rstrip("0") if decimals else ""
    return f"{whole}.{digits}" if digits else str(whole)


class FreezeForm(forms.Form):
    """A request; its lines come from `candidates`, each with amount and evidence."""

    legal_basis = forms.ChoiceField(
        label=L("Legal basis"), choices=LEGAL_BASES, initial="internal_suspicion"
    )
    agency = forms.ChoiceField(label=L("Authority"), required=False)
    restriction = forms.ChoiceField(
        label=L("What is blocked"),
        choices=lambda: choices_of(FreezeRequest, "restriction"),
    )
    urgency = forms.ChoiceField(
        label=L("Urgency"), choices=lambda: choices_of(FreezeRequest, "urgency")
    )
    expires_on = forms.DateField(
        label=L("Ends on"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=L("On this day somebody is asked; nothing is released by itself."),
    )  # fmt: skip
    reason = forms.CharField(
        label=L("Why this value should be held"), widget=forms.Textarea(attrs={"rows": 3})
    )
    beyond = forms.CharField(
        label=L("Why more than the balance"), required=False, max_length=200,
        help_text=L("Only where a line asks for more than is there: an inflow on its way, say."),
    )  # fmt: skip

    def __init__(
        self, case: Case, candidates: Sequence[Candidate], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.candidates = candidates
        agencies = apps.get_model("fiu", "Agency").objects.order_by("short_name")
        self.fields["agency"].choices = [  # type: ignore[attr-defined]
            ("", _("None")), *((str(a.pk), f"{a.short_name} · {a.name}") for a in agencies)
        ]  # fmt: skip
        evidence = [("", _("Choose what this rests on")), *_evidence(case)]
        for number, candidate in enumerate(candidates):
            asset = candidate.balance.asset
            label = {"account": candidate.account.masked, "asset": asset.symbol}
            self.fields[f"take_{number}"] = forms.BooleanField(
                label=_("Freeze %(asset)s of %(account)s") % label, required=False
            )
            self.fields[f"amount_{number}"] = forms.CharField(
                label=_("Amount of %(asset)s on %(account)s") % label,
                required=False,
                initial=amount_text(candidate.balance.base, asset.decimals),
                max_length=100,
            )
            self.fields[f"evidence_{number}"] = forms.ChoiceField(
                label=_("Evidence for %(asset)s on %(account)s") % label,
                required=False,
                choices=evidence,
            )

    @property
    def plain_fields(self) -> list[forms.BoundField]:
        """The fields above the lines."""
        return [self[name] for name in FreezeForm.base_fields]

    def rows(self) -> Iterator[tuple[Candidate, forms.BoundField, forms.BoundField, Any]]:
        """(candidate, take, amount, evidence) of each line."""
        for number, candidate in enumerate(self.candidates):
            yield (
                candidate, self[f"take_{number}"], self[f"amount_{number}"],
                self[f"evidence_{number}"],
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        specs = []
        for number, candidate in enumerate(self.candidates):
            if not values.get(f"take_{number}"):
                continue
            try:
                base = parse_amount(
                    values.get(f"amount_{number}", ""), candidate.balance.asset.decimals
                )
            except ValidationError as error:
                self.add_error(f"amount_{number}", error)
                continue
            kind, _sep, number_of = values.get(f"evidence_{number}", "").partition("-")
            cited = {f"{kind}_id": int(number_of)} if number_of else {}
            beyond = values.get("beyond", "") if base > candidate.balance.base else ""
            specs.append(
                LineSpec(
                    candidate.account.pk, candidate.balance.asset_id, base, **cited,
                    beyond_balance=beyond,
                )
            )  # fmt: skip
        if not specs and not self.errors:
            raise ValidationError(_("Choose at least one account and asset."))
        values["lines"] = specs
        return values

    def request(self) -> dict[str, Any]:
        """The arguments of `request_freeze`."""
        values = self.cleaned_data
        day = values["expires_on"]
        return {
            "legal_basis": values["legal_basis"],
            "restriction": values["restriction"],
            "urgency": values["urgency"],
            "agency_id": int(values["agency"]) if values["agency"] else None,
            "reason": values["reason"],
            "lines": values["lines"],
            "expires_at": datetime.combine(day, time(), UTC) if day else None,
        }


class EvidenceForm(forms.Form):
    """What the lines of a request rest on that cite nothing yet, as after a provisional hold."""

    evidence = forms.ChoiceField(
        label=L("What they rest on"),
        help_text=L("An approved finding or a verified legal instrument of this case."),
    )

    def __init__(self, case: Case, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["evidence"].choices = [  # type: ignore[attr-defined]
            ("", _("Choose what this rests on")), *_evidence(case)
        ]  # fmt: skip

    def cited(self) -> dict[str, int]:
        """The arguments of `cite_evidence`."""
        kind, _sep, number = self.cleaned_data["evidence"].partition("-")
        return {f"{kind}_id": int(number)}


def _evidence(case: Case) -> list[tuple[str, str]]:
    findings = case.findings.filter(state=FindingState.APPROVED.value).order_by("pk")
    instruments = case.instruments.filter(verified_by__isnull=False).order_by("pk")
    return [
        *((f"finding-{each.pk}", f"{each.reference} · {each.claim[:80]}") for each in findings),
        *(
            (f"instrument-{each.pk}", f"{each.get_type_display()} {each.number}")
            for each in instruments
        ),
    ]


class InstrumentForm(forms.Form):
    """A court order, an agency's request or a sanctions entry, as received."""

    type = forms.ChoiceField(label=L("Kind"), choices=lambda: choices_of(LegalInstrument, "type"))
    number = forms.CharField(label=L("Number"), max_length=60)
    agency = forms.ChoiceField(label=L("Authority"), required=False)
    issued_by = forms.CharField(label=L("Issued by"), max_length=120)
    issued_on = forms.DateField(
        label=L("Issued on"), widget=forms.DateInput(attrs={"type": "date"})
    )
    valid_until = forms.DateField(
        label=L("Valid until"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    jurisdiction = forms.CharField(
        label=L("Country"), min_length=2, max_length=2, help_text=L("Two letters, such as TW.")
    )
    document = forms.FileField(
        label=L("Document"), required=False, help_text=L("PDF, PNG or JPEG, up to 25 MB.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        agencies = apps.get_model("fiu", "Agency").objects.order_by("short_name")
        self.fields["agency"].choices = [  # type: ignore[attr-defined]
            ("", _("None")), *((str(a.pk), f"{a.short_name} · {a.name}") for a in agencies)
        ]  # fmt: skip
