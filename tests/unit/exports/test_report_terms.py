"""What a dossier takes from fixed lists is said in every language, on paper and in the portal."""

from dataclasses import replace

import pytest
from django.utils import translation

from cases import report_words
from cases.exports import html
from cases.models import Evidence, Finding, FreezeRequest, Referral, Suspect, Wallet
from fiu.templatetags.release import fixed_word
from tests.packs import DOSSIER

LISTS = (
    (Suspect, "kind"), (Suspect, "standing"), (Wallet, "role"), (FreezeRequest, "legal_basis"),
    (FreezeRequest, "restriction"), (Finding, "kind"), (Evidence, "kind"), (Referral, "kind"),
)  # fmt: skip


@pytest.mark.parametrize(("model", "field"), LISTS, ids=[f"{m.__name__}.{f}" for m, f in LISTS])
def test_every_word_of_a_list_is_known(model: type, field: str) -> None:
    choices = model._meta.get_field(field).choices  # type: ignore[attr-defined]
    with translation.override("en"):
        words = [str(label) for _value, label in choices]
    assert words
    assert [each for each in words if not report_words.is_known(each)] == []


def test_a_word_is_said_in_the_language_of_its_reader() -> None:
    for language, said in (
        ("fr", "Soupçon propre"),
        ("zh-hant", "自身懷疑"),
        ("en", "Own suspicion"),
    ):
        with translation.override(language):
            assert fixed_word("Own suspicion") == said
            assert fixed_word("Written by a person") == "Written by a person"


def test_the_printed_release_says_no_fixed_word_in_english() -> None:
    page = html.render(replace(DOSSIER, language="fr")).decode()
    for english in ("Own suspicion", ">Persona<", "Administrator", "forward", ">active"):
        assert english not in page
