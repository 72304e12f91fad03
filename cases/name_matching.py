"""Comparing names across spellings, typing errors and scripts; a score with what it rests on.

A match is never more than a proposal: that two names sound alike says nothing of whose they are.

Sources: the restricted Damerau-Levenshtein distance (F. J. Damerau, Communications of the ACM 7
(1964), 171-176); the consonants are our own, in the manner of Metaphone (L. Philips, 1990);
letters of other scripts are put into Latin by `anyascii`.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from anyascii import anyascii

LEAST: Final = 70
"""A score from which a pair is proposed."""
SAME, SOUND, TYPED = "same", "sound", "typed"
YEARS_APART: Final = 25
"""Taken off where both years of birth are known and differ."""
_FOLDS: Final = (
    ("ph", "f"), ("ck", "k"), ("qu", "k"), ("q", "k"), ("sch", "sh"), ("c", "k"), ("x", "ks"),
    ("z", "s"), ("w", "v"), ("l", "r"), ("j", "y"),
)  # fmt: skip
_VOWELS: Final = str.maketrans("", "", "aeiouyh")
_DOUBLED: Final = re.compile(r"(.)\1+")
LEAST_CONSONANTS: Final = 3


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How alike two names are, 0 to 100, and by what: same letters, same sound, or typing errors.

    `first`, `last`: the names compared; differing years of birth have lowered the score.
    """

    score: int
    basis: str
    first: str
    last: str
    years_differ: bool = False


def compare_names(
    first: str, last: str, *, first_year: int | None = None, last_year: int | None = None
) -> NameMatch | None:
    """The match of two names, None where they are too unlike to propose anything.

    Letters of both sound alike whatever their script; one error in six letters is forgiven. Cost:
    O(length squared) of names of at most 150 characters.
    """
    one, other = _letters(first), _letters(last)
    if not one or not other:
        return None
    score, basis = 0, ""
    if one == other:
        score, basis = 100, SAME
    else:
        longest = max(len(one), len(other))
        errors = _distance(one, other, longest // 6)
        if errors is not None:
            score, basis = 100 - round(100 * errors / longest), TYPED
        sound = _consonants(one)
        if sound == _consonants(other) and len(sound) >= LEAST_CONSONANTS and score < 85:
            score, basis = 85, SOUND
    differ = None not in (first_year, last_year) and first_year != last_year
    score -= YEARS_APART * differ
    if score < LEAST - YEARS_APART * differ or not basis:
        return None
    return NameMatch(score, basis, first, last, differ)


def sound_key(name: str) -> str:
    """What names that sound alike have in common; empty for a name of too few consonants."""
    found = _consonants(_letters(name))
    return found if len(found) >= LEAST_CONSONANTS else ""


@lru_cache(maxsize=20_000)
def _letters(name: str) -> str:
    """Latin letters and digits of a name in small type, words in one order."""
    plain = anyascii(unicodedata.normalize("NFKC", name)).casefold()
    words = re.findall(r"[a-z0-9]+", plain.replace("-", "").replace("'", ""))
    return "".join(sorted(words)) if len(words) > 1 else "".join(words)


@lru_cache(maxsize=20_000)
def _consonants(letters: str) -> str:
    for written, heard in _FOLDS:
        letters = letters.replace(written, heard)
    return _DOUBLED.sub(r"\1", letters.translate(_VOWELS))


def _distance(one: str, other: str, most: int) -> int | None:
    """Errors of typing between two words, None where there are more than `most`."""
    if most < 1 or abs(len(one) - len(other)) > most:
        return None
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, facing in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != facing))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == facing:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1] if row[-1] <= most else None
