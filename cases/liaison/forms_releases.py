"""Forms of an officer about a release: a question on one thing of it, and what came of it."""

from collections import Counter
from decimal import Context, Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.dossier import Dossier, Redaction
from cases.release_words import OUTCOMES

EXACT = Context(prec=100)  # more digits than the form takes: nothing is rounded (M5)


class QuestionForm(forms.Form):
    """What the question is about, picked from the release, and its words."""

    about = forms.ChoiceField(label=_("About"), required=False)
    text = forms.CharField(
        label=_("Your question"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, dossier: Dossier, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["about"].choices = [  # type: ignore[attr-defined]
            ("", gettext("The whole release")),
            *((each.number, f"{each.number} · {each.kind}") for each in dossier.findings),
            *((each.number, f"{each.number} · {_names(each.names)}") for each in dossier.suspects),
            *((each.number, f"{each.number} · {each.address}") for each in dossier.wallets),
            *((each.number, f"{each.number} · {each.legal_basis}") for each in dossier.freezes),
            *((each.number, f"{each.number} · {each.account}") for each in dossier.customers),
            *((each.number, f"{each.number} · {each.policy}") for each in dossier.runs),
            *((each.number, f"{each.number} · {each.kind}") for each in dossier.exhibits),
        ]


class OutcomeForm(forms.Form):
    """What came of the release: how many, when, and what was seized of which asset."""

    kind = forms.ChoiceField(label=_("What happened"), choices=OUTCOMES)
    number = forms.IntegerField(
        label=_("How many"), min_value=0, max_value=1000, initial=1,
        help_text=_("People arrested or charged, or seizures; 0 where nothing follows."),
    )  # fmt: skip
    happened_on = forms.DateField(
        label=_("On"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    asset = forms.ChoiceField(label=_("Asset"), required=False)
    amount = forms.DecimalField(
        label=_("Amount seized"), required=False, min_value=0, max_digits=60, decimal_places=30
    )
    words = forms.CharField(
        label=_("Remarks"), required=False, max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip

    def __init__(self, dossier: Dossier, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "id_outcome_%s"  # beside the other form of the page
        lines = [line for freeze in dossier.freezes for line in freeze.lines]
        self._decimals = {line.asset: line.decimals for line in lines}
        symbols = {line.asset: line.symbol for line in lines}
        times = Counter(symbols.values())
        self.fields["asset"].choices = [  # type: ignore[attr-defined]
            ("", gettext("none")),
            # One symbol on two chains: only the whole name says which of them was seized.
            *((asset, symbol if times[symbol] == 1 else f"{symbol} · {asset}")
              for asset, symbol in symbols.items()),
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        asset, amount = values.get("asset", ""), values.get("amount") or Decimal(0)
        base = EXACT.scaleb(amount, self._decimals.get(asset, 0))
        if amount and not asset:
            self.add_error("asset", gettext("Choose the asset that was seized."))
        if asset and base != base.to_integral_value():
            self.add_error("amount", gettext("This asset has fewer decimal places."))
        values["base"] = int(base) if asset else 0
        return values

    def outcome(self) -> dict[str, Any]:
        """The arguments of `report_outcome`."""
        values = self.cleaned_data
        return {
            "kind": values["kind"], "number": values["number"], "text": values["words"],
            "happened_on": values["happened_on"], "asset": values["asset"], "base": values["base"],
        }  # fmt: skip


def _names(names: tuple[str, ...] | Redaction) -> str:
    return gettext("left out") if isinstance(names, Redaction) else ", ".join(names)
