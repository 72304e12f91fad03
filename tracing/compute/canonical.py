"""One hash for one result, whoever computed it and in whatever order its rows came.

A row is a line of text. The hash is that of the hashes of 4,096 groups, and the hash of a group
that of its rows' hashes in order. Rows with the same beginning of their hash are one group, so that
an engine of many machines sorts and hashes the groups where they are and hands over their hashes
alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

GROUP_DIGITS: Final = 3
"""Hex digits of a row's hash that name its group."""


def result_hash(lines: Iterable[str]) -> str:
    """SHA-256 of a result as hex, of its lines in any order.

    Cost: two hashes a line; memory of one hash a line.
    """
    groups: dict[str, list[str]] = {}
    for line in lines:
        digest = _sha256(line)
        groups.setdefault(digest[:GROUP_DIGITS], []).append(digest)
    return hash_of_groups(
        (group, _sha256("".join(sorted(digests)))) for group, digests in groups.items()
    )


def hash_of_groups(groups: Iterable[tuple[str, str]]) -> str:
    """The same from (name, hash) of each group, in any order; at most 4,096 of them."""
    return _sha256("".join(digest for _, digest in sorted(groups)))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
