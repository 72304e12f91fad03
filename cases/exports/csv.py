"""The tables of a dossier as CSV (RFC 4180) by one typed writer.

Text that a spreadsheet would run as a formula gets an apostrophe; numbers take the number path
and stay numbers (S9). Exact amounts stand in base units; the decimal beside them is exact too.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, localcontext

from cases.dossier import REDACTION_CODES, Dossier, DossierRequest, Redaction, Text
from cases.dossier_grants import NOT_ACCEPTED, STEPS, decision_on, grants_of

MIME = "text/csv"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_INTEGER = re.compile(r"-?[0-9]{1,78}")

Cell = str | int | Decimal | Redaction
REASONS = {**REDACTION_CODES, NOT_ACCEPTED: "Asked for, and not granted by that decision"}
NO_REQUEST = DossierRequest("", "", "", "", "", "", "", (), (), "", "")


def cell(value: Cell) -> str:
    """One cell: numbers as they are, text guarded, a redaction as its label."""
    if isinstance(value, Redaction):
        return f"[redacted: {value.redacted}]"
    if isinstance(value, bool):
        raise TypeError("a cell is text or a number")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = value.replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA) else text


def number(text: str) -> int:
    """Base units out of their text. Raises ValueError if it is anything else."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"not an amount in base units: {text[:80]!r}")
    return int(text)


def in_units(base: str, decimals: int) -> Decimal:
    """Base units in whole units of the asset, exact."""
    with localcontext() as context:
        context.prec = 100
        return Decimal(number(base)).scaleb(-decimals)


def write(header: Iterable[str], rows: Iterable[Iterable[Cell]]) -> bytes:
    """A table in UTF-8 with CRLF line ends."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cell(name) for name in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def render_findings(dossier: Dossier) -> bytes:
    """One row a finding, with all that speaks against it in one cell."""
    return write(
        ("number", "kind", "severity", "tier", "tier_name", "confidence", "statement",
         "alternatives", "speaks_against"),
        (
            (each.number, each.kind, each.severity, each.tier, each.tier_name, each.confidence,
             each.statement, each.alternatives,
             " | ".join(point.text for point in each.counter_evidence))
            for each in dossier.findings
        ),
    )  # fmt: skip


def render_amounts(dossier: Dossier) -> bytes:
    """One row an amount of a finding: by the policy, between its bounds, with its sealed run."""
    return write(
        ("finding", "label", "asset", "symbol", "policy", "amount_base", "amount", "low_base",
         "high_base", "value_base", "address", "outpoint", "run_result_sha256"),
        (
            (each.number, a.label, a.asset, a.symbol, a.policy, number(a.base),
             in_units(a.base, a.decimals), number(a.low), number(a.high), number(a.value),
             a.address, a.outpoint, a.result_sha256)
            for each in dossier.findings
            if not isinstance(each.amounts, Redaction)
            for a in each.amounts
        ),
    )  # fmt: skip


def render_freezes(dossier: Dossier) -> bytes:
    """One row a line of a freeze: asked for, executed, held, and its value when it was held."""
    return write(
        ("freeze", "state", "legal_basis", "account", "holder", "asset", "symbol",
         "requested_base", "executed_base", "held_base", "held", "executed_at", "fiat_value",
         "currency", "price", "price_source", "price_at", "expires_at"),
        (
            (freeze.number, freeze.state, freeze.legal_basis, line.account, line.holder,
             line.asset, line.symbol, number(line.requested), number(line.executed),
             number(line.held), in_units(line.held, line.decimals), line.executed_at,
             _money(line.fiat_value), line.fiat_currency, _money(line.price), line.price_source,
             line.price_at, freeze.expires_at)
            for freeze in dossier.freezes
            for line in freeze.lines
        ),
    )  # fmt: skip


def render_customers(dossier: Dossier) -> bytes:
    """One row a payment of a customer whom a cohort found."""
    return write(
        ("number", "holder", "account", "country", "platform", "tier", "tier_name", "asset",
         "symbol", "all_payments_base", "first_at", "last_at", "payment", "other_explanation"),
        (
            (each.number, each.holder, each.account, each.country, each.platform, each.tier,
             each.tier_name, each.asset, each.symbol, number(each.base), each.first_at,
             each.last_at, payment, each.alternative)
            for each in dossier.customers
            for payment in each.transactions
        ),
    )  # fmt: skip


def render_wallets(dossier: Dossier) -> bytes:
    """One row a wallet that the findings rest on."""
    return write(
        ("number", "ledger", "address", "role", "label"),
        ((w.number, w.ledger, w.address, w.role, w.label) for w in dossier.wallets),
    )


def render_transactions(dossier: Dossier) -> bytes:
    """One row a side of each transaction on the way to a cited amount, by run."""
    return write(
        ("run", "txid", "height", "at", "side", "outpoint", "address", "symbol", "amount_base",
         "amount"),
        (
            (run.number, m.txid, m.height, m.at, m.side, m.outpoint, m.address, run.symbol,
             number(m.base), in_units(m.base, run.decimals))
            for run in dossier.runs
            for m in run.moves
        ),
    )  # fmt: skip


def render_tags(dossier: Dossier) -> bytes:
    """One row a tag on a wallet of this release, with its source and pack."""
    return write(
        ("wallet", "address", "label", "category", "confidence", "level", "source", "pack",
         "pack_sha256", "licence", "changed_on"),
        (
            (t.wallet, t.address, t.label, t.category, t.confidence, t.level, t.source, t.pack,
             t.pack_sha256, t.licence, t.changed_on)
            for t in dossier.tags
        ),
    )  # fmt: skip


def render_exhibits(dossier: Dossier) -> bytes:
    """One row an exhibit that findings cite, with its file and hash, or why it was left out."""
    return write(
        ("number", "findings", "kind", "title", "source", "grading", "tlp", "handling",
         "acquired_at", "file", "size", "sha256"),
        (
            (x.number, " ".join(x.findings), x.kind, x.title, x.source, x.grading, x.tlp,
             x.handling_code, x.acquired_at, x.name, x.size, x.sha256)
            for x in dossier.exhibits
        ),
    )  # fmt: skip


def render_accounts(dossier: Dossier) -> bytes:
    """One row an account of which this release speaks, and where it does."""
    rows: dict[tuple[Text, Text], list[str]] = {}
    for freeze in dossier.freezes:
        for line in freeze.lines:
            rows.setdefault((line.account, line.holder), []).append(freeze.number)
    for each in dossier.customers:
        rows.setdefault((each.account, each.holder), []).append(each.number)
    return write(
        ("account", "holder", "named_in"),
        (
            (account, holder, " ".join(dict.fromkeys(places)))
            for (account, holder), places in rows.items()
        ),
    )


def render_grants(dossier: Dossier) -> bytes:
    """One row an account, personal field or dataset: granted or why not, by what law and office."""
    asked = dossier.request or NO_REQUEST
    decided = [decision_on(dossier, step) for step in STEPS]
    offices = [part for each in decided for part in ((each.office, each.at) if each else ("", ""))]
    return write(
        ("number", "about", "field", "account", "decision", "reason_code", "reason", "recipient",
         "legal_gateway", "request", "agency_reference", "instrument", "instrument_number",
         "issued_by", "issued_on", "request_legal_basis", "request_decided_by",
         "request_decided_at", "left_out_by", "left_out_at", "approved_by", "approved_at",
         "cleared_by", "cleared_at"),
        (
            (each.number, each.about, each.field, each.account, each.decision, each.code,
             REASONS.get(each.code, each.code), dossier.agency, dossier.legal_gateway,
             asked.reference, asked.agency_ref, asked.instrument, asked.number, asked.issued_by,
             asked.issued_on, asked.legal_basis, asked.office, asked.decided_at, *offices)
            for each in grants_of(dossier)
        ),
    )  # fmt: skip


def _money(text: Text) -> Cell:
    return Decimal(text) if isinstance(text, str) and text else text


TABLES: Mapping[str, Callable[[Dossier], bytes]] = {
    "amounts.csv": render_amounts,
    "findings.csv": render_findings,
    "freezes.csv": render_freezes,
    "wallets.csv": render_wallets,
}


def render_tables(dossier: Dossier) -> dict[str, bytes]:
    """The tables of a release by file name; the later ones only where there is a row."""
    tables = {name: render(dossier) for name, render in TABLES.items()}
    if dossier.customers:
        tables["customers.csv"] = render_customers(dossier)
    if dossier.customers or dossier.freezes:
        tables["accounts.csv"] = render_accounts(dossier)
    if grants_of(dossier):
        tables["grants.csv"] = render_grants(dossier)
    if dossier.runs:
        tables["transactions.csv"] = render_transactions(dossier)
    if dossier.tags:
        tables["tags.csv"] = render_tags(dossier)
    if dossier.exhibits:
        tables["exhibits.csv"] = render_exhibits(dossier)
    return tables
