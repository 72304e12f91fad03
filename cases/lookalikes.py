"""Whether the domain of an officer's e-mail is the agency's, or only looks like it. No I/O.

Four tricks are known: letters that look alike (in any script, also as punycode), one letter more,
less or other, another ending, and the agency's whole name in front of a stranger's.
"""

from collections.abc import Iterable
from enum import StrEnum

from anyascii import anyascii

# Pairs and digits that pass for letters, after the script is taken away.
ALIKE = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"))
SHORTEST = 5
"""Characters from which one letter of difference says something."""


class DomainVerdict(StrEnum):
    SAME = "same"
    NONE = "none"
    LOOK_ALIKE = "look_alike"
    OTHER = "other"


def judge(email: str, domain: str) -> DomainVerdict:
    """Of an e-mail address and the domain that was verified for its agency.

    A name below the agency's own is the agency's. O(length squared).
    """
    ours, theirs = _plain(domain), _plain(email.rpartition("@")[2])
    if not ours or not theirs or "@" not in email:
        return DomainVerdict.NONE
    if theirs == ours or theirs.endswith(f".{ours}"):
        return DomainVerdict.SAME
    return DomainVerdict.LOOK_ALIKE if _looks_like(theirs, ours) else DomainVerdict.OTHER


def judge_any(email: str, domains: Iterable[str]) -> DomainVerdict:
    """As `judge`, of several domains: one's own first, then what looks like any of them."""
    found = {judge(email, domain) for domain in domains} or {DomainVerdict.NONE}
    order = (DomainVerdict.SAME, DomainVerdict.LOOK_ALIKE, DomainVerdict.OTHER, DomainVerdict.NONE)
    return next(each for each in order if each in found)


def _plain(domain: str) -> str:
    name = domain.strip().casefold().strip(".")
    try:
        return name.encode("ascii").decode("idna")
    except UnicodeError:
        return name


def _looks_like(theirs: str, ours: str) -> bool:
    seen, meant = _skeleton(theirs), _skeleton(ours)
    if meant.replace(".", "") in seen.replace(".", ""):
        return True
    name, name_meant = seen.rpartition(".")[0], meant.rpartition(".")[0]
    if name and name == name_meant:
        return True  # another ending
    is_long = len(meant) >= SHORTEST
    return is_long and (_differ_by_one(seen, meant) or _differ_by_one(theirs, ours))


def _skeleton(domain: str) -> str:
    """What the eye reads: Latin letters, look-alikes as one, no hyphens."""
    text = anyascii(domain).casefold().replace("-", "")
    for seen, meant in ALIKE:
        text = text.replace(seen, meant)
    return text


def _differ_by_one(first: str, second: str) -> bool:
    """One letter more, less, other, or two neighbours swapped."""
    if abs(len(first) - len(second)) > 1:
        return False
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    one, other = first[start:], second[start:]
    swapped = one[:2] == other[:2][::-1] and one[2:] == other[2:]
    return swapped or one[1:] == other[1:] or one[1:] == other or one == other[1:]
