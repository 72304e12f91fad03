"""Forms of an officer about a release: a question on one thing of it."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.dossier import Dossier, Redaction


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
        ]


def _names(names: tuple[str, ...] | Redaction) -> str:
    return gettext("left out") if isinstance(names, Redaction) else ", ".join(names)
