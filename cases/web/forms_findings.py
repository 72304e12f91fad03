"""Forms of findings: the claim with what speaks for and against it."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.models import Case, CounterEvidence, Evidence, Finding, Suspect, Wallet
from cases.models.findings import TIERS
from cases.web.choices import choices_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def _text(
    label: "StrOrPromise", rows: int, *, required: bool = True, help_text: "StrOrPromise" = ""
) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class FindingForm(forms.Form):
    """The texts of a finding and what it rests on; the choices are those of its case."""

    statement = _text(
        _("Statement"), 3, help_text=_("One sentence: who received what, from whom, how sure.")
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=lambda: choices_of(Finding, "kind"))
    severity = forms.ChoiceField(
        label=_("Severity"), choices=lambda: choices_of(Finding, "severity"), initial="medium"
    )
    tier = forms.TypedChoiceField(
        label=_("Weakest evidence"), choices=TIERS, coerce=int, initial=2,
        help_text=_("The weakest link decides how far the whole claim carries."),
    )  # fmt: skip
    confidence = forms.IntegerField(label=_("Confidence, 0 to 100"), min_value=0, max_value=100)
    confidence_reason = _text(_("Why this confidence"), 2, required=False)
    assumptions = _text(_("Assumptions"), 2, required=False)
    alternatives = _text(_("Other explanations"), 2, required=False)
    wallets = forms.ModelMultipleChoiceField(
        label=_("Wallets it rests on"), queryset=Wallet.objects.none(), required=False,
        to_field_name="public_id",
    )  # fmt: skip
    suspects = forms.ModelMultipleChoiceField(
        label=_("Suspects it names"), queryset=Suspect.objects.none(), required=False,
        to_field_name="public_id",
    )  # fmt: skip

    exhibits = forms.ModelMultipleChoiceField(
        label=_("Exhibits it cites"), queryset=Evidence.objects.none(), required=False,
        to_field_name="public_id",
        help_text=_("They leave the house with the finding, as far as their handling allows."),
    )  # fmt: skip

    def __init__(self, case: Case, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wallets, suspects = self.fields["wallets"], self.fields["suspects"]
        exhibits = self.fields["exhibits"]
        exhibits.queryset = case.evidence.order_by("number")  # type: ignore[attr-defined]
        exhibits.label_from_instance = _exhibit_words  # type: ignore[attr-defined]
        suspects.queryset = case.suspects.prefetch_related("names")  # type: ignore[attr-defined]
        wallets.queryset = case.wallets.order_by("pk")  # type: ignore[attr-defined]
        wallets.label_from_instance = _wallet_words  # type: ignore[attr-defined]
        suspects.label_from_instance = _suspect_words  # type: ignore[attr-defined]


class NewFindingForm(FindingForm):
    """A first draft: it needs something that speaks against it."""

    against = _text(
        _("What speaks against it"), 2,
        help_text=_("Required: a finding without counter-evidence cannot be approved."),
    )  # fmt: skip


class CounterEvidenceForm(forms.Form):
    """One more thing that speaks against a finding."""

    kind = forms.ChoiceField(
        label=_("Kind"), choices=lambda: choices_of(CounterEvidence, "kind"), initial="analyst"
    )
    text = _text(_("What speaks against it"), 3)


def _wallet_words(wallet: Wallet) -> str:
    return f"{wallet.label or wallet.get_role_display()} · {wallet.address}"


def _exhibit_words(exhibit: Evidence) -> str:
    return f"{exhibit.exhibit_no} · {exhibit.title} · TLP:{exhibit.tlp}, {exhibit.handling_code}"


def _suspect_words(suspect: Suspect) -> str:
    names = list(suspect.names.all())
    return f"{names[0].full if names else suspect.reference} · {suspect.reference}"
