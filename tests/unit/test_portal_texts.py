"""The portal in its languages: every text is there, with the same places to fill in."""

import gettext
import re
from pathlib import Path

import pytest

from tests.portal_texts import LANGUAGES, ROOT, catalogue, portal_texts

pytestmark = pytest.mark.once
PLACES = re.compile(r"%\(\w+\)[sd]")


def compiled(language: str) -> Path:
    return ROOT / "locale" / LANGUAGES[language] / "LC_MESSAGES/django.mo"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_of_the_portal_and_no_other(language: str) -> None:
    """`python -m tests.portal_texts fr` lists what is missing."""
    assert set(catalogue(language)) == portal_texts()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_is_whole_and_keeps_its_places(language: str) -> None:
    wrong = [
        (texts, words)
        for texts, told in catalogue(language).items()
        for words in told
        if not words or sorted(PLACES.findall(words)) != sorted(PLACES.findall(texts[-1]))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_was_written(language: str) -> None:
    """After a change: msgfmt -o django.mo django.po, in the folder of the language."""
    with compiled(language).open("rb") as file:
        found = gettext.GNUTranslations(file)
    for texts, told in catalogue(language).items():
        if len(texts) == 1:
            assert found.gettext(texts[0]) == told[0]
        else:
            assert {found.ngettext(*texts, number) for number in (1, 2)} == set(told)
