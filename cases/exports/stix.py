"""The dossier as a STIX 2.1 bundle. Source: OASIS STIX 2.1; community objects for wallets.

STIX has no wallet and no exact amount: wallets and transactions are the community's objects by
their extension ids, and what those cannot hold (the chain of an address, amounts in base units)
stands in a property extension of our own. Ids follow from the content, so the same dossier gives
the same bytes.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import rfc8785

from cases.dossier import Dossier, DossierFinding, DossierWallet, Redaction
from cases.exports.csv import in_units

NAME = "stix.json"
MIME = "application/json"
NAMESPACE = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
WALLET = "extension-definition--be78509e-6958-51b1-8b26-d17ee0eba2d7"
TRANSACTION = "extension-definition--151d042d-4dcf-5e44-843f-1024440318e5"
TLP_2 = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
# TLP 2.0 markings as OASIS published them.
TLPS = {
    "CLEAR": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "GREEN": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "AMBER": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "AMBER+STRICT": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "RED": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
TLP_SINCE = "2022-10-01T00:00:00.000Z"
HANDLING = {
    "H0": "Prevent and fight crime",
    "H1": "Not in court without permission",
    "H2": "Not passed on without permission",
    "H3": "See the text",
}
CLASSES = {"Person": "individual", "Organisation": "organization"}
UNSEALED = "1980-01-01T00:00:00.000Z"
LOSSES = (
    "Redacted fields are absent; the dossier names each with its reason.",
    "Assumptions and other explanations stand in the text of a finding's note.",
    "Bounds and policies of amounts stand in the text of a finding's note, in base units.",
    "Prices and values of frozen lines are not carried.",
    "Customers of a cohort and tags on wallets are not carried.",
)
"""What this format does not hold; dossier.json has all of it."""


def loss_list(_dossier: Dossier) -> tuple[str, ...]:
    """What a reader of the bundle alone would miss."""
    return LOSSES


def render(dossier: Dossier) -> bytes:
    """One bundle: producer, markings, people, wallets, transactions, notes, and the report."""
    at = dossier.seal.sealed_at if dossier.seal else UNSEALED
    made = _Bundle(dossier, at)
    return rfc8785.dumps(made.bundle())


class _Bundle:
    """Collects the objects; every object of a release carries its markings."""

    def __init__(self, dossier: Dossier, at: str) -> None:
        self.dossier, self.at = dossier, at
        self.producer = _id("identity", {"name": "Financial intelligence unit of the exchange"})
        self.extension = _id("extension-definition", {"name": "tracehold-exact"})
        self.handling = _id("marking-definition", {"statement": dossier.handling_code})
        self.marks = [TLPS[dossier.tlp], self.handling]
        self.wallets = {wallet.number: _wallet_id(wallet.address) for wallet in dossier.wallets}

    def bundle(self) -> dict[str, Any]:
        objects = [*self._people(), *self._wallets(), *self._transactions(), *self._accounts()]
        notes = [*self._findings(), *self._freezes()]
        listed = list({each["id"]: each for each in [*objects, *notes]}.values())
        report = self._own(
            "report",
            {"release": self._number()},
            name=self.dossier.subject,
            description=self._text(self.dossier.summary),
            report_types=["threat-report"],
            published=self.at,
            object_refs=[each["id"] for each in listed] or [self.producer],
            labels=[self.dossier.referral, self._number()],
        )
        return {
            "type": "bundle",
            "id": _id("bundle", {"release": self._number(), "at": self.at}),
            "objects": [*self._frame(), *listed, report],
        }

    def _number(self) -> str:
        return self.dossier.seal.number if self.dossier.seal else "preview"

    def _text(self, text: object) -> str:
        return f"[left out: {text.redacted}]" if isinstance(text, Redaction) else str(text)

    def _own(self, kind: str, key: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """A domain object of this release; fields without a value are left out."""
        return {
            "type": kind,
            "spec_version": "2.1",
            "id": _id(kind, {"release": self._number(), **key}),
            "created_by_ref": self.producer,
            "created": self.at,
            "modified": self.at,
            "object_marking_refs": self.marks,
            **{name: value for name, value in fields.items() if value not in ("", [], None)},
        }

    def _frame(self) -> list[dict[str, Any]]:
        level = self.dossier.tlp
        caveats = f" {self.dossier.caveats}" if self.dossier.caveats else ""
        words = f"{self.dossier.handling_code}: {HANDLING[self.dossier.handling_code]}.{caveats}"
        return [
            {
                "type": "identity", "spec_version": "2.1", "id": self.producer, "created": self.at,
                "modified": self.at, "name": "Financial intelligence unit of the exchange",
                "identity_class": "organization", "sectors": ["financial-services"],
            },
            {
                "type": "marking-definition", "spec_version": "2.1", "id": TLPS[level],
                "created": TLP_SINCE, "name": f"TLP:{level}",
                "extensions": {
                    TLP_2: {"extension_type": "property-extension", "tlp_2_0": level.lower()}
                },
            },
            {
                "type": "marking-definition", "spec_version": "2.1", "id": self.handling,
                "created": self.at, "created_by_ref": self.producer,
                "definition_type": "statement", "definition": {"statement": words},
            },
            {
                "type": "extension-definition", "spec_version": "2.1", "id": self.extension,
                "created": self.at, "modified": self.at, "created_by_ref": self.producer,
                "name": "Exact amounts and chains",
                "description": "The CAIP-10 name of an address, amounts as text in base units.",
                "schema": "caip10: string; caip19: string; amount_base: string of digits",
                "version": "1.0.0", "extension_types": ["property-extension"],
            },
        ]  # fmt: skip

    def _exact(self, **fields: str) -> dict[str, Any]:
        return {self.extension: {"extension_type": "property-extension", **fields}}

    def _people(self) -> list[dict[str, Any]]:
        found = []
        for each in self.dossier.suspects:
            if isinstance(each.names, Redaction) or not each.names:
                names: tuple[str, ...] = (f"{each.number} of {self._number()}",)
            else:
                names = each.names
            if each.kind == "Persona":
                found.append(
                    self._own(
                        "threat-actor", {"number": each.number}, name=names[0],
                        aliases=list(names[1:]), threat_actor_types=["criminal"],
                        description=each.standing,
                    )
                )  # fmt: skip
            else:
                found.append(
                    self._own(
                        "identity", {"number": each.number}, name=names[0],
                        identity_class=CLASSES.get(each.kind, "unknown"),
                        description=each.standing,
                    )
                )  # fmt: skip
        return found

    def _wallets(self) -> list[dict[str, Any]]:
        return [self._wallet(each) for each in self.dossier.wallets]

    def _wallet(self, wallet: DossierWallet) -> dict[str, Any]:
        chain = next((run.chain for run in self.dossier.runs if run.ledger == wallet.ledger), "")
        named = {"caip10": f"{chain}:{wallet.address}"} if chain else {"ledger": wallet.ledger}
        return {
            "type": "cryptocurrency-wallet",
            "spec_version": "2.1",
            "id": _wallet_id(wallet.address),
            "value": wallet.address,
            "object_marking_refs": self.marks,
            "extensions": {WALLET: {"extension_type": "new-sco"}, **self._exact(**named)},
        }

    def _transactions(self) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for run in self.dossier.runs:
            for move in run.moves:
                key = {"symbol": run.symbol, "value": move.txid}
                name = _id("cryptocurrency-transaction", key)
                found[name] = {
                    "type": "cryptocurrency-transaction",
                    "spec_version": "2.1",
                    "id": name,
                    **key,
                    "timestamp": move.at,
                    "object_marking_refs": self.marks,
                    "extensions": {
                        TRANSACTION: {"extension_type": "new-sco"},
                        **self._exact(caip19=run.asset),
                    },
                }
        return list(found.values())

    def _accounts(self) -> list[dict[str, Any]]:
        """One for each frozen line: a masked number is no name, two customers may share one.

        So the release and the place of the line are part of it, and no tool that joins bundles by
        their ids takes two people for one.
        """
        found = []
        for freeze in self.dossier.freezes:
            for place, line in enumerate(freeze.lines, 1):
                if isinstance(line.account, Redaction):
                    continue
                user = f"{self._number()}:{freeze.number}:{place}:{line.account}"
                key = {"account_type": "exchange", "user_id": user}
                found.append(
                    {
                        "type": "user-account", "spec_version": "2.1",
                        "id": _id("user-account", key), **key,
                        "display_name": line.account, "object_marking_refs": self.marks,
                    }
                )  # fmt: skip
        return found

    def _findings(self) -> list[dict[str, Any]]:
        found = []
        for each in self.dossier.findings:
            refs = [self.wallets[number] for number in each.wallets]
            words = [self._text(each.statement), f"Tier {each.tier}: {each.tier_name}."]
            words += self._amounts(each)
            words += [f"Assumptions: {self._text(each.assumptions)}"] if each.assumptions else []
            if each.alternatives:
                words.append(f"Other explanations: {self._text(each.alternatives)}")
            words += [f"Against it: {point.text}" for point in each.counter_evidence]
            found.append(
                self._own(
                    "note", {"number": each.number}, content="\n".join(words),
                    abstract=f"{each.number} {each.kind}", confidence=each.confidence,
                    object_refs=refs or [self.producer],
                )
            )  # fmt: skip
            if refs and self.dossier.seal:
                found.append(
                    self._own(
                        "observed-data", {"observed": each.number}, first_observed=self.at,
                        last_observed=self.at, number_observed=1, object_refs=refs,
                    )
                )  # fmt: skip
        return found

    def _amounts(self, finding: DossierFinding) -> list[str]:
        if isinstance(finding.amounts, Redaction):
            return [f"Amounts: {self._text(finding.amounts)}"]
        return [
            f"{in_units(a.base, a.decimals):f} {a.symbol} by {a.policy or 'no policy'}, exactly"
            f" {a.base} base units, between {a.low} and {a.high}: {a.address} {a.outpoint}".strip()
            for a in finding.amounts
        ]

    def _freezes(self) -> list[dict[str, Any]]:
        return [
            self._own(
                "note", {"number": each.number},
                abstract=f"{each.number} {each.legal_basis}",
                content="\n".join([
                    f"{each.restriction}: {each.state}, executed {each.executed_at or 'not yet'}.",
                    *(f"{self._text(line.account)}: held {line.held} base units of {line.asset}"
                      for line in each.lines),
                ]),
                object_refs=[self.producer],
            )
            for each in self.dossier.freezes
        ]  # fmt: skip


def _id(kind: str, key: Mapping[str, Any]) -> str:
    """By content: UUIDv5 over the canonical JSON of what makes it what it is."""
    return f"{kind}--{uuid5(NAMESPACE, rfc8785.dumps(dict(key)).decode())}"


def _wallet_id(address: str) -> str:
    return _id("cryptocurrency-wallet", {"value": address})


def wallets_in(content: bytes) -> list[tuple[str, str]]:
    """(address, what is said of it) of every wallet of a bundle, in its order.

    Raises ValueError for anything that is no bundle of STIX 2.1.
    """
    values = json.loads(content)
    if not isinstance(values, dict) or values.get("type") != "bundle":
        raise ValueError("this is no STIX bundle")
    objects = [each for each in values.get("objects", []) if isinstance(each, dict)]
    words: dict[str, list[str]] = {}
    for each in objects:
        name = str(each.get("abstract") or each.get("name") or "")
        refs = each.get("object_refs", ())
        for ref in refs if name and isinstance(refs, list) and each.get("type") == "note" else ():
            words.setdefault(str(ref), []).append(name)
    return [
        (str(each.get("value", "")), ", ".join(words.get(str(each.get("id")), ())))
        for each in objects
        if each.get("type") in ("cryptocurrency-wallet", "cryptocurrency-address")
    ]
