"""The legal matrix: which instrument from which country may obtain what; two people change it."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cases.http import AuthedRequest, require_at_the_door
from cases.models import LegalRow
from cases.policy import Action, Actor
from cases.queries.legal_rows import law_for, legal_page
from cases.request_words import DATASETS, INSTRUMENTS, dataset_words
from cases.services.legal_rows import approve_legal_row, propose_legal_row, reject_legal_row
from cases.web.acts import Act, Fact
from cases.web.proposals import decide, decision_act, decision_paths, propose, with_decisions

L = gettext_lazy
for_proposers = require_at_the_door(Action.PROPOSE_POLICY)


class LegalRowForm(forms.Form):
    """A row that one person proposes, with the law or the house that says so."""

    instrument = forms.ChoiceField(label=L("Instrument"), choices=list(INSTRUMENTS.items()))
    country = forms.CharField(
        label=L("Country"), required=False, max_length=2,
        help_text=L("Two letters, such as TW; empty for all."),
    )  # fmt: skip
    datasets = forms.MultipleChoiceField(
        label=L("May obtain"), choices=list(DATASETS.items()), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    note = forms.CharField(
        label=L("What the desk reads"), max_length=300, help_text=L("One sentence on the limits.")
    )
    source = forms.CharField(
        label=L("Source"), max_length=300,
        help_text=L("The law with its section, the order, or who in this house says so."),
    )  # fmt: skip
    is_verified = forms.BooleanField(label=L("Counsel has read the source"), required=False)
    reason = forms.CharField(
        label=L("Reason for the record"), widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, instrument: str = "", country: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if instrument in INSTRUMENTS:
            known = law_for(instrument, country)
            self.initial = {
                "instrument": instrument, "country": country.strip("*"), "note": known.note,
                "datasets": sorted(known.datasets),
            }  # fmt: skip


@require_safe
@for_proposers
def legal_list(request: AuthedRequest) -> HttpResponse:
    """The matrix as it holds, with what is proposed: 2 queries."""
    page = legal_page()
    acts = with_decisions(page.proposed, lambda row, name: _act(request.actor, row, name))
    rows = [(row, each, dataset_words(row.datasets)) for row, each in acts]
    return render(request, "cases/legal_list.html", {"page": page, "proposed": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@for_proposers
def legal_new(request: AuthedRequest) -> HttpResponse:
    """A new row, or with ?instrument= and ?country= a change of one."""
    form = LegalRowForm(
        request.POST if request.method == "POST" else None,
        instrument=request.GET.get("instrument", ""), country=request.GET.get("country", "*")[:2],
    )  # fmt: skip
    return propose(
        request, form, lambda: propose_legal_row(**form.cleaned_data, by=request.actor),
        "cases/legal_form.html", "legal_list",
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@for_proposers
def legal_decide(request: AuthedRequest, legal_id: UUID, decision: str) -> HttpResponse:
    row = get_object_or_404(LegalRow, public_id=legal_id)
    act = _act(request.actor, row, decision)
    return decide(request, row, decision, act, approve=approve_legal_row, reject=reject_legal_row)


def _act(actor: Actor, row: LegalRow, name: str) -> Act:
    return decision_act(
        actor, row, name, "legal", permission=Action.DECIDE_POLICY,
        title=_("Put this row in force?"),
        effect=_("It counts for what is decided from now on; what was accepted stays accepted."),
        cancel_url=reverse("legal_list"),
        facts=[
            Fact(_("Instrument"), str(row.get_instrument_display())),
            Fact(_("Country"), row.country if row.country != "*" else _("All")),
            Fact(_("May obtain"), ", ".join(dataset_words(row.datasets)) or _("nothing")),
            Fact(_("What the desk reads"), row.note),
            Fact(_("Source"), row.source),
            Fact(_("Counsel has read the source"), _("Yes") if row.is_verified else _("No")),
            Fact(_("Reason"), row.reason),
        ],
    )  # fmt: skip


urlpatterns = [
    path("legal-matrix/", legal_list, name="legal_list"),
    path("legal-matrix/new/", legal_new, name="legal_new"),
    *decision_paths("legal-matrix/<uuid:legal_id>/", legal_decide, "legal"),
]
