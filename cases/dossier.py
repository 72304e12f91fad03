"""The dossier: what a release says, as frozen values. No Django, no clock, no I/O.

Everything here is what one agency may read: no case reference, no account number, no other
agency, and no field that could hold a suspicion report. Objects are numbered anew in each dossier
(F1, S1, Z1), so that two releases of one case share no number. Amounts are text of base units.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any, Self

FORMAT = "tracehold-dossier"
FORMAT_VERSION = 1

# Why a field is left out for this recipient.
REDACTION_CODES: Mapping[str, str] = {
    "personal": "Personal data of somebody else",
    "method": "Would betray a method",
    "ongoing": "Would endanger ongoing work",
    "privileged": "Legally privileged",
    "commercial": "Confidential business data",
    "irrelevant": "Not needed for the purpose",
    "handling": "Its source does not allow it to be passed on",
}


@dataclass(frozen=True, slots=True)
class Redaction:
    """A field left out, in place of its value: a labelled box, never a silent gap."""

    redacted: str


Text = str | Redaction
MASKED = "•••"
"""In place of a customer's name where nobody gave a purpose."""


@dataclass(frozen=True, slots=True)
class DossierAmount:
    """An amount a finding speaks of: by its policy, inside sound bounds; base units as text."""

    label: str
    asset: str
    symbol: str
    decimals: int
    value: str
    base: str
    low: str
    high: str
    policy: str
    address: str
    outpoint: str
    result_sha256: str


@dataclass(frozen=True, slots=True)
class CounterPoint:
    """What speaks against a finding."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class DossierFinding:
    number: str
    kind: str
    severity: str
    statement: Text
    tier: int
    tier_name: str
    confidence: int
    confidence_reason: Text
    assumptions: Text
    alternatives: Text
    amounts: tuple[DossierAmount, ...] | Redaction
    counter_evidence: tuple[CounterPoint, ...]
    suspects: tuple[str, ...]
    wallets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DossierSuspect:
    number: str
    kind: str
    standing: str
    names: tuple[str, ...] | Redaction


@dataclass(frozen=True, slots=True)
class DossierWallet:
    number: str
    ledger: str
    address: str
    role: str
    label: Text


@dataclass(frozen=True, slots=True)
class DossierLine:
    """One account's held amount: the account masked, value at execution with its price."""

    account: Text
    holder: Text
    asset: str
    symbol: str
    decimals: int
    requested: str
    executed: str
    held: str
    executed_at: str
    fiat_value: str
    fiat_currency: str
    price: str
    price_source: str
    price_at: str


@dataclass(frozen=True, slots=True)
class DossierFreeze:
    number: str
    legal_basis: str
    restriction: str
    state: str
    executed_at: str
    expires_at: str
    lines: tuple[DossierLine, ...]


@dataclass(frozen=True, slots=True)
class DossierCustomer:
    """A customer who paid a platform: how that is known, and what else would explain it.

    `transactions` are the payments, as txid:output; the account is masked.
    """

    number: str
    holder: Text
    account: str
    country: str
    platform: str
    tier: int
    tier_name: str
    asset: str
    symbol: str
    decimals: int
    base: str
    first_at: str
    last_at: str
    transactions: tuple[str, ...]
    alternative: str


@dataclass(frozen=True, slots=True)
class DossierMove:
    """One side of a transaction on the way to a cited amount: what came in, or went on."""

    txid: str
    height: int
    at: str
    side: str  # "in" or "out"
    outpoint: str
    address: str
    base: str


@dataclass(frozen=True, slots=True)
class DossierRun:
    """A sealed trace that amounts rest on: what pins it, its books, and the way it walked.

    `parameters` is canonical JSON; of a list there its length and SHA-256. `seeds` = `ends` +
    `fees` + `cut` in base units where the policy conserves value. `moves` are those on the way to
    the cited amounts alone; `num_moves_left_out` counts further ones on that way.
    """

    number: str
    result_sha256: str
    ledger: str
    chain: str
    height: int
    block_hash: str
    engine_version: str
    code_hash: str
    direction: str
    policy: str
    is_conserved: bool
    parameters: str
    asset: str
    symbol: str
    decimals: int
    seeds: str
    ends: str
    fees: str
    cut: str
    moves: tuple[DossierMove, ...]
    num_moves_left_out: int


@dataclass(frozen=True, slots=True)
class DossierTag:
    """What somebody says of a wallet of this release, with where it comes from."""

    wallet: str
    address: str
    label: str
    category: str
    confidence: str
    level: int
    source: str
    pack: str
    pack_sha256: str
    licence: str
    changed_on: str


@dataclass(frozen=True, slots=True)
class DossierExhibit:
    """A file that findings cite, with what its source is worth and how far it may go.

    `name` is its file beside the dossier; empty, as are source and hash, where it was left out.
    """

    number: str
    findings: tuple[str, ...]
    kind: str
    title: Text
    source: str
    grading: str
    tlp: str
    handling_code: str
    acquired_at: str
    name: str
    mime: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DossierChange:
    """What this release says otherwise than the one it takes the place of.

    `about` is a number of this dossier, empty for its words and for what is gone.
    """

    about: str
    field: str
    before: Text
    after: Text


@dataclass(frozen=True, slots=True)
class DossierMethod:
    """What a heuristic of these traces gets wrong, as it was measured; `version` pins the figures.

    `wrong` of `looked_at` were `error`: "missed", or "false hits".
    """

    heuristic: str
    version: str
    measured_on: str
    looked_at: int
    wrong: int
    error: str


@dataclass(frozen=True, slots=True)
class DossierRequest:
    """What the agency asked, and how it was decided, where this release answers a request.

    `asked` and `granted` are datasets in words; `office` is that of whoever decided.
    """

    reference: str
    agency_ref: str
    instrument: str
    number: str
    issued_by: str
    issued_on: str
    legal_basis: str
    asked: tuple[str, ...]
    granted: tuple[str, ...]
    decided_at: str
    office: str


@dataclass(frozen=True, slots=True)
class SealDecision:
    """One of the decisions that the content went through, by the office that took it."""

    step: str
    office: str
    at: str


@dataclass(frozen=True, slots=True)
class Seal:
    """The number of the release and the point of the audit chain it was sealed at.

    `decisions` are what was left out, the approval and the clearance; releases from before they
    were kept have none.
    """

    number: str
    version: int
    sealed_at: str
    audit_seq: int
    audit_hash: str
    decisions: tuple[SealDecision, ...] = ()


@dataclass(frozen=True, slots=True)
class Dossier:
    """One release; `seal` is None in a preview, whose other fields are the same."""

    referral: str
    agency: str
    agency_name: str
    kind: str
    subject: str
    summary: Text
    purpose: str
    legal_gateway: str
    caveats: str
    tlp: str
    handling_code: str
    findings: tuple[DossierFinding, ...]
    suspects: tuple[DossierSuspect, ...]
    wallets: tuple[DossierWallet, ...]
    freezes: tuple[DossierFreeze, ...]
    customers: tuple[DossierCustomer, ...] = ()
    runs: tuple[DossierRun, ...] = ()
    tags: tuple[DossierTag, ...] = ()
    methods: tuple[DossierMethod, ...] = ()
    exhibits: tuple[DossierExhibit, ...] = ()
    request: DossierRequest | None = None
    language: str = "en"
    replaces: str = ""
    changes: tuple[DossierChange, ...] = ()
    seal: Seal | None = None

    def content(self) -> dict[str, Any]:
        """What is approved: everything but the seal, ready for canonical JSON."""
        values = asdict(replace(self, seal=None))
        del values["seal"]
        for name in _LATER:
            if not values[name]:
                del values[name]  # as releases before there were any
        if values["language"] == "en":
            del values["language"]
        return {"format": FORMAT, "format_version": FORMAT_VERSION, **values}

    def sealed(self, seal: Seal) -> Self:
        return replace(self, seal=seal)

    def masked(self) -> Self:
        """As the house shows it: without the names of customers that a cohort found."""
        customers = tuple(
            each if isinstance(each.holder, Redaction) else replace(each, holder=MASKED)
            for each in self.customers
        )
        return replace(self, customers=customers)


def to_json(dossier: Dossier) -> dict[str, Any]:
    """The sealed dossier as plain JSON values: text, small integers, lists, objects."""
    seal = asdict(dossier.seal) if dossier.seal else None
    if seal and not seal["decisions"]:
        del seal["decisions"]
    return dossier.content() | {"release": seal}


def from_json(values: Mapping[str, Any]) -> Dossier:
    """The dossier back from its JSON: equal to what was written.

    Raises ValueError for another format, TypeError or KeyError for a damaged one.
    """
    if values.get("format") != FORMAT or values.get("format_version") != FORMAT_VERSION:
        raise ValueError("this is no dossier of a format we know")
    plain = {k: v for k, v in values.items() if k not in ("format", "format_version", "release")}
    return Dossier(
        **{name: _text(value) for name, value in plain.items() if name not in _LISTS},
        findings=tuple(_finding(each) for each in plain["findings"]),
        suspects=tuple(_suspect(each) for each in plain["suspects"]),
        wallets=tuple(DossierWallet(**_texts(each)) for each in plain["wallets"]),
        freezes=tuple(_freeze(each) for each in plain["freezes"]),
        customers=tuple(_customer(each) for each in plain.get("customers", ())),
        runs=tuple(_run(each) for each in plain.get("runs", ())),
        tags=tuple(DossierTag(**each) for each in plain.get("tags", ())),
        methods=tuple(DossierMethod(**each) for each in plain.get("methods", ())),
        exhibits=tuple(_exhibit(each) for each in plain.get("exhibits", ())),
        changes=tuple(DossierChange(**_texts(each)) for each in plain.get("changes", ())),
        request=_request(plain["request"]) if plain.get("request") else None,
        seal=_seal(values["release"]) if values.get("release") else None,
    )


_LATER = ("customers", "runs", "tags", "methods", "exhibits", "request", "replaces", "changes")
_LISTS = (
    "findings", "suspects", "wallets", "freezes", "customers", "runs", "tags", "methods",
    "exhibits", "request", "changes",
)  # fmt: skip


def _text(value: Any) -> Any:
    if isinstance(value, Mapping) and set(value) == {"redacted"}:
        return Redaction(value["redacted"])
    return value


def _texts(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _text(value) for name, value in values.items()}


def _finding(values: Mapping[str, Any]) -> DossierFinding:
    known = _texts(values)
    if not isinstance(known["amounts"], Redaction):
        known["amounts"] = tuple(DossierAmount(**each) for each in values["amounts"])
    known["counter_evidence"] = tuple(CounterPoint(**each) for each in values["counter_evidence"])
    known["suspects"] = tuple(values["suspects"])
    known["wallets"] = tuple(values["wallets"])
    return DossierFinding(**known)


def _suspect(values: Mapping[str, Any]) -> DossierSuspect:
    known = _texts(values)
    if not isinstance(known["names"], Redaction):
        known["names"] = tuple(known["names"])
    return DossierSuspect(**known)


def _customer(values: Mapping[str, Any]) -> DossierCustomer:
    known = _texts(values)
    known["transactions"] = tuple(values["transactions"])
    return DossierCustomer(**known)


def _run(values: Mapping[str, Any]) -> DossierRun:
    moves = tuple(DossierMove(**each) for each in values["moves"])
    return DossierRun(**{**values, "moves": moves})


def _exhibit(values: Mapping[str, Any]) -> DossierExhibit:
    return DossierExhibit(**{**_texts(values), "findings": tuple(values["findings"])})


def _request(values: Mapping[str, Any]) -> DossierRequest:
    lists = {name: tuple(values[name]) for name in ("asked", "granted")}
    return DossierRequest(**{**values, **lists})


def _seal(values: Mapping[str, Any]) -> Seal:
    decisions = tuple(SealDecision(**each) for each in values.get("decisions", ()))
    return Seal(**{**values, "decisions": decisions})


def _freeze(values: Mapping[str, Any]) -> DossierFreeze:
    lines = tuple(DossierLine(**_texts(each)) for each in values["lines"])
    return DossierFreeze(**{**values, "lines": lines})


def redactions_in(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Every field left out, as (path, code), in the order of the dossier."""
    if isinstance(value, Redaction):
        return [(path, value.redacted)]
    found: list[tuple[str, str]] = []
    if is_dataclass(value) and not isinstance(value, type):
        name = getattr(value, "number", "")
        for field in fields(value):
            if field.name == "changes":
                continue  # they repeat what is left out where it belongs
            at = f"{path}.{field.name}" if path and not name else f"{name or path}.{field.name}"
            found += redactions_in(getattr(value, field.name), at.strip("."))
    elif isinstance(value, tuple):
        for each in value:
            found += redactions_in(each, path)
    return found
