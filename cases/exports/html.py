"""The readable release: one HTML page that stands alone, for the screen, the printer and the PDF.

No script, nothing loaded from anywhere. The watermark names the copy of one recipient.
"""

import json
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from cases.dossier import (
    REDACTION_CODES,
    Dossier,
    DossierAmount,
    DossierFinding,
    DossierFreeze,
    DossierLine,
    DossierRun,
    Redaction,
    redactions_in,
)
from cases.dossier_grants import accounts_granted
from cases.exports import flow_svg
from cases.exports.csv import REASONS, in_units

NAME = "release.html"
MIME = "text/html"

# What a change of a superseding release is about, by its field; `say` knows each word.
CHANGED = {
    "subject": "Subject", "summary": "Summary", "purpose": "Purpose",
    "legal_gateway": "Legal gateway", "caveats": "Caveats", "tlp": "TLP",
    "handling_code": "Handling code", "kind": "Kind", "statement": "Statement",
    "severity": "Severity", "tier_name": "Weakest evidence", "confidence": "Confidence",
    "confidence_reason": "Why this confidence", "assumptions": "Assumptions",
    "alternatives": "Other explanations", "amounts": "Amount",
    "against": "What speaks against it", "finding": "Finding", "names": "Names",
    "wallet": "Wallet", "held": "Held", "customer": "Customer", "trace": "Trace", "tag": "Tag",
    "exhibit": "Exhibit",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssetTotal:
    """What is held of one asset in this release, in whole units."""

    symbol: str
    held: str


@dataclass(frozen=True, slots=True)
class ShownAmount:
    """An amount of a finding in whole units of its asset, exact."""

    of: DossierAmount
    amount: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class ShownFinding:
    of: DossierFinding
    amounts: tuple[ShownAmount, ...]
    redacted: Redaction | None


@dataclass(frozen=True, slots=True)
class ShownLine:
    of: DossierLine
    requested: str
    held: str


@dataclass(frozen=True, slots=True)
class ShownFreeze:
    of: DossierFreeze
    lines: tuple[ShownLine, ...]


def render(dossier: Dossier, watermark: str = "") -> bytes:
    """The page in UTF-8; the same dossier and watermark give the same bytes."""
    page = render_to_string(
        "exports/release.html",
        {
            "dossier": dossier,
            "language": dossier.language,
            # Our own pictures: every text in them is escaped where it is drawn.
            "pictures": [mark_safe(each.decode()) for each in flow_svg.render_bands(dossier)],
            "seal": dossier.seal,
            "watermark": watermark,
            "changes": [(each, CHANGED.get(each.field, each.field)) for each in dossier.changes],
            "findings": [_finding(each) for each in dossier.findings],
            "freezes": [_freeze(each) for each in dossier.freezes],
            "customers": [(each, _units(each.base, each.decimals)) for each in dossier.customers],
            "grants": [
                (
                    each,
                    each.granted,
                    [(gap, REASONS.get(gap.code, gap.code)) for gap in each.withheld],
                )
                for each in accounts_granted(dossier)
            ],
            "runs": [(each, settings_of(each)) for each in dossier.runs],
            "totals": asset_totals(dossier),
            "redactions": [
                (path, code, REDACTION_CODES.get(code, code))
                for path, code in redactions_in(dossier)
            ],
        },
    )
    return page.encode()


def _units(base: str, decimals: int) -> str:
    return f"{in_units(base, decimals):f}"


def _finding(finding: DossierFinding) -> ShownFinding:
    if isinstance(finding.amounts, Redaction):
        return ShownFinding(finding, (), finding.amounts)
    shown = tuple(
        ShownAmount(
            each,
            _units(each.base, each.decimals),
            _units(each.low, each.decimals),
            _units(each.high, each.decimals),
        )
        for each in finding.amounts
    )
    return ShownFinding(finding, shown, None)


def _freeze(freeze: DossierFreeze) -> ShownFreeze:
    return ShownFreeze(
        freeze,
        tuple(
            ShownLine(line, _units(line.requested, line.decimals), _units(line.held, line.decimals))
            for line in freeze.lines
        ),
    )


def settings_of(run: DossierRun) -> str:
    """The parameters of a run for a reader, in one line; of lists how long they are."""
    parameters = json.loads(run.parameters)
    said = {
        name: value["count"] if isinstance(value, dict) else value
        for name, value in parameters.items()
    }
    return ", ".join(f"{name} {value}" for name, value in said.items() if value is not None)


def asset_totals(dossier: Dossier) -> list[AssetTotal]:
    """What this release says is held, per asset."""
    sums: dict[str, tuple[str, int, int]] = {}
    for freeze in dossier.freezes:
        for line in freeze.lines:
            before = sums.get(line.asset, (line.symbol, line.decimals, 0))[2]
            sums[line.asset] = (line.symbol, line.decimals, before + int(line.held))
    return [
        AssetTotal(symbol, _units(str(base), decimals))
        for _, (symbol, decimals, base) in sorted(sums.items())
    ]
