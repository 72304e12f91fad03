"""The release of before, as far as its values may still be told: by key, not by word.

What a successor leaves out is left out of what it says of the release before as well, whatever it
was called then: a suspect may have been renamed, a tag changed, a finding superseded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cases.dossier import Dossier, DossierFinding, DossierSuspect, Redaction
from cases.models import Evidence, Finding, SharedRelease

FIELDS = ("statement", "confidence_reason", "assumptions", "alternatives", "amounts")
UNSURE = "irrelevant"
"""The reason where nobody can say any more which row a value of before came from."""


def as_told_now(previous: SharedRelease, before: Dossier, redactions: Mapping[str, str]) -> Dossier:
    """`before` without what a successor leaves out: 3 queries, and 1 for each newer finding.

    Its findings and suspects are found by the order in which they were numbered then. With the
    label of a wallet its tags go, and with all amounts that cite it a trace.
    """
    if not redactions:
        return before
    rows = list(previous.referral.findings.order_by("reference").prefetch_related("suspects"))
    people = {suspect.pk: suspect.reference for row in rows for suspect in row.suspects.all()}
    findings = _findings(before.findings, rows, redactions)
    hidden = {
        wallet.address for wallet in before.wallets if f"{wallet.address}.label" in redactions
    }
    cited = {
        amount.result_sha256
        for each in findings
        if not isinstance(each.amounts, Redaction)
        for amount in each.amounts
    }
    numbers = [key.split(".")[0] for key in redactions if key.endswith(".exhibit")]
    out = Evidence.objects.filter(
        case_id=previous.referral.case_id,
        number__in=[int(each.removeprefix("E-")) for each in numbers],
    )
    files = set(out.values_list("sha256", flat=True)) if numbers else set()
    return replace(
        before,
        exhibits=tuple(each for each in before.exhibits if each.sha256 not in files),
        findings=findings,
        suspects=_suspects(before.suspects, [people[pk] for pk in sorted(people)], redactions),
        runs=tuple(each for each in before.runs if each.result_sha256 in cited),
        tags=tuple(each for each in before.tags if each.address not in hidden),
    )


def _findings(
    told: Sequence[DossierFinding], rows: Sequence[Finding], redactions: Mapping[str, str]
) -> tuple[DossierFinding, ...]:
    if len(told) != len(rows):
        return tuple(_left_out(each, dict.fromkeys(FIELDS, UNSURE)) for each in told)
    return tuple(
        _left_out(each, _codes_of(row, redactions)) for each, row in zip(told, rows, strict=True)
    )


def _codes_of(row: Finding, redactions: Mapping[str, str]) -> dict[str, str]:
    """The reasons by field, under the number of the finding or of one that took its place."""
    chain: dict[int, Finding] = {}
    now: Finding | None = row
    while now is not None and now.pk not in chain:
        chain[now.pk] = now
        now = now.superseded_by
    keys = {name: [f"{each.reference}.{name}" for each in chain.values()] for name in FIELDS}
    return {
        name: redactions[key] for name, of_it in keys.items() for key in of_it if key in redactions
    }


def _left_out(finding: DossierFinding, codes: Mapping[str, str]) -> DossierFinding:
    fields = {
        name: Redaction(code)
        for name, code in codes.items()
        if not isinstance(getattr(finding, name), Redaction)
    }
    return replace(finding, **fields)  # type: ignore[arg-type]  # each of FIELDS takes one


def _suspects(
    told: Sequence[DossierSuspect], references: Sequence[str], redactions: Mapping[str, str]
) -> tuple[DossierSuspect, ...]:
    codes = [redactions.get(f"{reference}.names", "") for reference in references]
    if len(told) != len(references):
        codes = [UNSURE] * len(told)
    return tuple(
        replace(each, names=Redaction(code)) if code and each.names else each
        for each, code in zip(told, codes, strict=True)
    )
