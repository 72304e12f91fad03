"""Forms of a freeze that stands: a longer hold, and the release of amounts line by line."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case, FreezeLine
from cases.models.freezes import LEGAL_BASES
from cases.web.forms_freezes import amount_text, parse_amount


def _instruments(case: Case) -> list[tuple[str, str]]:
    verified = case.instruments.filter(verified_by__isnull=False).order_by("pk")
    return [
        ("", _("None")),
        *((str(each.pk), f"{each.get_type_display()} {each.number}") for each in verified),
    ]


L = gettext_lazy


class DecisionForm(forms.Form):
    """What extensions and releases share: the paper behind them and the reason."""

    instrument = forms.ChoiceField(label=L("Legal instrument"), required=False)
    reason = forms.CharField(
        label=L("Reason for the record"), widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, case: Case, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["instrument"].choices = _instruments(case)  # type: ignore[attr-defined]

    @property
    def shared(self) -> dict[str, Any]:
        paper = self.cleaned_data["instrument"]
        return {
            "reason": self.cleaned_data["reason"],
            "instrument_id": int(paper) if paper else None,
        }


class ExtendForm(DecisionForm):
    """Until when, and on which basis."""

    basis = forms.ChoiceField(label=L("Legal basis"), choices=LEGAL_BASES)
    until = forms.DateField(
        label=L("Ends on"), widget=forms.DateInput(attrs={"type": "date"}),
        help_text=L("On this day somebody is asked; nothing is released by itself."),
    )  # fmt: skip
    field_order = ["until", "basis", "instrument", "reason"]

    def extension(self) -> dict[str, Any]:
        """The arguments of `request_extension`."""
        until = datetime.combine(self.cleaned_data["until"], time(), UTC)
        return {"basis": self.cleaned_data["basis"], "until": until, **self.shared}


class ReleaseForm(DecisionForm):
    """An amount for each line that holds something; an empty one stays held."""

    field_order = None
    words = L("%(asset)s of %(account)s to release")
    others: tuple[str, ...] = ("instrument", "reason")

    def __init__(self, case: Case, lines: Sequence[FreezeLine], *args: Any, **kwargs: Any) -> None:
        super().__init__(case, *args, **kwargs)
        self.lines = lines
        for line in lines:
            names = {"asset": line.asset.symbol, "account": line.account.masked}
            held = amount_text(line.held, line.asset.decimals)
            self.fields[f"amount_{line.pk}"] = forms.CharField(
                label=str(self.words) % names,
                required=False,
                max_length=100,
                help_text=_("Held now: %(held)s. Leave it empty to keep all of it held.")
                % {"held": held},
            )
        self.order_fields([*(f"amount_{line.pk}" for line in lines), *self.others])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        values["amounts"] = dict(self._amounts(values))
        if not values["amounts"] and not self.errors:
            raise ValidationError(_("Name the amount of at least one line."))
        return values

    def _amounts(self, values: dict[str, Any]) -> Iterator[tuple[int, int]]:
        for line in self.lines:
            typed = values.get(f"amount_{line.pk}", "")
            if not typed:
                continue
            try:
                amount = parse_amount(typed, line.asset.decimals)
            except ValidationError as error:
                self.add_error(f"amount_{line.pk}", error)
                continue
            if amount:
                yield line.pk, amount

    def release(self) -> dict[str, Any]:
        """The arguments of `request_release`."""
        return {"amounts": self.cleaned_data["amounts"], **self.shared}


class SeizureForm(ReleaseForm):
    """What an order takes of each line, for which authority, and where it is to go."""

    words = L("%(asset)s of %(account)s to seize")
    others = ("instrument", "agency", "destination", "reason")
    agency = forms.ChoiceField(label=L("Authority"))
    destination = forms.CharField(
        label=L("Address of the authority"), max_length=100,
        help_text=L("As the order says it. Somebody else calls the authority back about it."),
    )  # fmt: skip

    def __init__(self, case: Case, lines: Sequence[FreezeLine], *args: Any, **kwargs: Any) -> None:
        super().__init__(case, lines, *args, **kwargs)
        agencies = apps.get_model("fiu", "Agency").objects.order_by("name")
        self.fields["agency"].choices = [  # type: ignore[attr-defined]
            (str(each.pk), each.name) for each in agencies
        ]
        self.fields["instrument"].required = True

    def seizure(self) -> dict[str, Any]:
        """The arguments of `request_seizure`."""
        values = self.cleaned_data
        return {
            "agency_id": int(values["agency"]), "destination": values["destination"],
            **self.release(),
        }  # fmt: skip
