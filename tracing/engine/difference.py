"""Two answers to one question beside each other: what changed, by end, by edge and by figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

OF_THE_CODE: Final = ("engine_version", "code_hash", "result_sha256")
"""Fields of the seal that name who answered and the hash over all of it, not the answer."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that stands otherwise: an end, an edge, a path, a figure or a field of the seal.

    `before` or `after` is None where it is in one of the answers only. Amounts are strings.
    """

    kind: str
    key: str
    before: Any
    after: Any


def differences(before: Json, after: Json) -> list[Change]:
    """What stands otherwise in the second of two sealed results; empty: the same answer.

    Engine version and code hash are no part of an answer. Cost: O(rows of both).
    """
    return [
        *of_rows("seal", _seal_rows(before), _seal_rows(after)),
        *of_rows("end", _ends(before, "ends"), _ends(after, "ends")),
        *of_rows("possible", _ends(before, "possible"), _ends(after, "possible")),
        *of_rows("edge", _edges(before), _edges(after)),
        *of_rows("path", _paths(before), _paths(after)),
        *of_rows("figure", _figures(before), _figures(after)),
    ]


def of_rows(kind: str, before: Json, after: Json) -> list[Change]:
    """Rows by key that stand otherwise, those that came last."""
    keys = [*before, *(key for key in after if key not in before)]
    return [
        Change(kind, key, before.get(key), after.get(key))
        for key in keys
        if before.get(key) != after.get(key)
    ]


def _seal_rows(result: Json) -> dict[str, Any]:
    return {key: value for key, value in result["seal"].items() if key not in OF_THE_CODE}


def _ends(result: Json, name: str) -> dict[str, Any]:
    """Ends by outpoint and account: on account ledgers a transfer can end in two accounts."""
    return numbered(result.get(name, ()), lambda end: f"{end['outpoint']} {end['address']}")


def _edges(result: Json) -> dict[str, Any]:
    return numbered(result.get("steps", ()), lambda step: str(step["txid"]))


def _paths(result: Json) -> dict[str, Any]:
    return numbered(result.get("paths", ()), lambda path: " > ".join(path["outpoints"]))


def numbered(rows: Iterable[Json], key_of: Callable[[Json], str]) -> dict[str, Any]:
    """Rows by key; a second row of the same key gets a number, so that none is lost."""
    found: dict[str, Any] = {}
    for row in rows:
        key = name = key_of(row)
        number = 1
        while name in found:
            number += 1
            name = f"{key} ({number})"
        found[name] = row
    return found


def _figures(result: Json) -> dict[str, Any]:
    """Every other value of the result, by its place: `balance_sheet.fees`, `totals.cut.dust`."""
    listed = ("seal", "ends", "possible", "steps", "paths")
    found: dict[str, Any] = {}

    def walk(place: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, each in value.items():
                walk(f"{place}.{key}" if place else key, each)
        else:
            found[place] = value

    walk("", {key: value for key, value in result.items() if key not in listed})
    return found
