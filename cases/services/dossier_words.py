"""Looking in a text for what must not leave the house, and in each exhibit only once.

An exhibit never changes under its SHA-256, so what was found in it for the same words is kept by
this process: the page of a referral is opened often, and its exhibits may hold 100 MB.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext as _

from cases.files import FileDamaged, load_bytes
from cases.services.errors import CaseworkError
from cases.services.references import REFERENCE

MOST_KEPT = 256


@dataclass(frozen=True, slots=True)
class SoughtWords:
    """What no text of one referral may name, beside the numbers of the house."""

    case: str
    accounts: tuple[str, ...]
    agencies: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundWords:
    """Numbers of the house that a text names, and of which lists it names any."""

    references: frozenset[str]
    case: bool
    accounts: bool
    agencies: bool
    left_out: bool


def find_words(text: str, sought: SoughtWords) -> FoundWords:
    """What of it a text names: O(text * words)."""
    return FoundWords(
        references=frozenset(found.upper() for found in REFERENCE.findall(text)),
        case=sought.case in text,
        accounts=names_any(text, sought.accounts),
        agencies=names_any(text, sought.agencies),
        left_out=names_any(text, sought.left_out),
    )


@lru_cache(maxsize=MOST_KEPT)
def words_in_exhibit(sha256: str, sought: SoughtWords) -> FoundWords:
    """The same of a stored file of plain text; read once for the same words.

    Raises CaseworkError where it is damaged.
    """
    try:
        content = load_bytes(sha256)
    except FileDamaged as error:
        raise CaseworkError(_("The stored file of an exhibit is damaged: verify it.")) from error
    return find_words(content.decode("utf-8", "replace"), sought)


def names_any(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words stands in the text, as a word of its own."""
    return any(
        word in text and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None
        for word in words
    )
