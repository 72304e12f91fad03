"""What a superseding release says otherwise than the one before: rows of before and after.

Objects are numbered anew in each dossier, so they are told apart by what they are: a wallet by its
address, a freeze by its basis and day, a trace by its hash. Findings of one kind that differ are
compared in their order. No Django, no I/O.

What was said before is compared as it was and quoted as it may be told now.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cases.dossier import Dossier, DossierChange, DossierFinding, Redaction, Text

WORDS = (
    "subject", "summary", "purpose", "legal_gateway", "caveats", "tlp", "handling_code", "kind",
)  # fmt: skip
OF_FINDINGS = (
    "statement", "severity", "tier_name", "confidence", "confidence_reason", "assumptions",
    "alternatives",
)  # fmt: skip


def difference(
    before: Dossier, after: Dossier, told: Dossier | None = None
) -> tuple[DossierChange, ...]:
    """Every field that changed, came or went, in the order of the dossier.

    `told` is `before` without what may not be told any more, finding by finding; what is left out
    now is left out of the value before as well. Cost: O(fields).
    """
    told = told or before
    changes = [
        _change("", name, getattr(before, name), getattr(after, name))
        for name in WORDS
        if getattr(before, name) != getattr(after, name)
    ]
    changes += _findings(before.findings, after.findings, told.findings)
    changes += _rows(
        "names", told.suspects, after.suspects, lambda each: (_names(each.names), each.standing)
    )
    changes += _rows("wallet", told.wallets, after.wallets, lambda each: (each.address, each.role))
    changes += _rows("held", told.freezes, after.freezes, _of_freeze)
    changes += _rows(
        "customer", told.customers, after.customers,
        lambda each: (each.account, f"{each.base} {each.symbol}"),
    )  # fmt: skip
    changes += _rows("trace", told.runs, after.runs, lambda each: (each.result_sha256, each.policy))
    changes += _rows(
        "tag", told.tags, after.tags, lambda each: (each.address, f"{each.label}, {each.source}")
    )
    changes += _rows("exhibit", told.exhibits, after.exhibits, _of_exhibit)
    return tuple(changes)


def _of_exhibit(exhibit: Any) -> tuple[str, str]:
    if isinstance(exhibit.title, Redaction):
        return (exhibit.kind, f"[left out: {exhibit.title.redacted}]")
    return (exhibit.title, exhibit.sha256)


def _names(names: tuple[str, ...] | Redaction) -> str:
    return f"[left out: {names.redacted}]" if isinstance(names, Redaction) else ", ".join(names)


def _of_freeze(freeze: Any) -> tuple[str, str]:
    held = ", ".join(f"{line.held} {line.symbol}" for line in freeze.lines)
    return (f"{freeze.legal_basis}, {freeze.executed_at[:10]}", f"{freeze.state}: {held}")


def _findings(
    before: Sequence[DossierFinding],
    after: Sequence[DossierFinding],
    told: Sequence[DossierFinding],
) -> list[DossierChange]:
    same = {_content(each) for each in before} & {_content(each) for each in after}
    pairs = zip(before, told, strict=True)
    old = [(each, words) for each, words in pairs if _content(each) not in same]
    new = [each for each in after if _content(each) not in same]
    changes: list[DossierChange] = []
    for each in new:
        pair = next((pair for pair in old if pair[0].kind == each.kind), None)
        if pair is None:
            changes.append(DossierChange(each.number, "finding", "", each.statement))
            continue
        old.remove(pair)
        match, words = pair
        changes += [
            _change(each.number, name, getattr(words, name), getattr(each, name))
            for name in OF_FINDINGS
            if getattr(match, name) != getattr(each, name)
        ]
        if match.amounts != each.amounts:
            changes.append(_change(each.number, "amounts", _amounts(words), _amounts(each)))
        points = tuple(point.text for point in match.counter_evidence)
        now = tuple(point.text for point in each.counter_evidence)
        if points != now:
            changes.append(_change(each.number, "against", " | ".join(points), " | ".join(now)))
    return changes + [DossierChange("", "finding", words.statement, "") for _each, words in old]


def _content(finding: DossierFinding) -> tuple[object, ...]:
    fields = [getattr(finding, name) for name in OF_FINDINGS]
    points = tuple(point.text for point in finding.counter_evidence)
    return (finding.kind, *fields, finding.amounts, points)


def _amounts(finding: DossierFinding) -> Text:
    if isinstance(finding.amounts, Redaction):
        return finding.amounts
    return ", ".join(
        f"{each.base} {each.symbol} ({each.low} to {each.high})" for each in finding.amounts
    )


def _rows(
    name: str, before: Iterable[Any], after: Iterable[Any], of: Callable[[Any], tuple[str, str]]
) -> list[DossierChange]:
    """Rows told apart by a key: what came, what went, and what says otherwise."""
    old, new = _by_key(map(of, before)), _by_key(map(of, after))
    return [
        DossierChange(
            "", name, f"{key}: {old[key]}" if key in old else "",
            f"{key}: {new[key]}" if key in new else "",
        )
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]  # fmt: skip


def _by_key(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What stands under each key: two tags of an address are told in one row."""
    found: dict[str, list[str]] = {}
    for key, words in rows:
        found.setdefault(key, []).append(words)
    return {key: "; ".join(sorted(words)) for key, words in found.items()}


def _change(about: str, name: str, before: object, after: object) -> DossierChange:
    told: Text = after if isinstance(after, Redaction) else str(after)
    hidden: Text = before if isinstance(before, Redaction) else str(before)
    return DossierChange(about, name, told if isinstance(told, Redaction) else hidden, told)
