"""The dossier as a MISP event, by the community's object templates.

Bitcoin stands in `address`, Monero in `address-xmr`, all else in `address-crypto` with `symbol`.
Amounts of those templates are floats: the exact ones stand in `text`.
"""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import rfc8785

from cases.dossier import Dossier, DossierWallet, Redaction

NAME = "misp.json"
MIME = "application/json"
NAMESPACE = UUID("4d9f8a53-6d0f-5f5e-9a51-3f0f9c1f2f77")
COIN = ("coin-address", "d0e6997e-78da-4815-a6a1-cfc1c1cb8a46", "7", "financial")
PAYMENT = ("cryptocurrency-transaction", "a4aab70f-e43a-48cb-bf82-505de8228dd6", "3", "financial")
PERSON = ("person", "a15b0477-e9d1-4b9c-9546-abe78a4f4248", "21", "misc")
ENTITY = ("legal-entity", "14f5688f-d89c-469f-9878-c48bf6c41c65", "2", "misc")
ACCOUNT = ("bank-account", "b4712203-95a8-4883-80e9-b566f5df11c9", "3", "financial")
BITCOIN, MONERO = "bitcoin", "monero"
FIELDS = {"address": "btc", "address-xmr": "xmr", "address-crypto": "text"}
LEVELS = {"Severe": "1", "High": "1", "Medium": "2", "Low": "3"}
LOSSES = (
    "Redacted fields are absent; the dossier names each with its reason.",
    "Assumptions, bounds and policies stand in the comment of a finding.",
    "Balance sheets, prices and customers of a cohort are not carried.",
)


def loss_list(_dossier: Dossier) -> tuple[str, ...]:
    """What a reader of the event alone would miss."""
    return LOSSES


def render(dossier: Dossier) -> bytes:
    """One event in canonical JSON: wallets, payments, people, accounts, findings as comments."""
    at = (
        datetime.fromisoformat(dossier.seal.sealed_at).astimezone(UTC)
        if dossier.seal
        else datetime(1980, 1, 1, tzinfo=UTC)
    )
    return rfc8785.dumps({"Event": _Event(dossier, str(int(at.timestamp())), at).event()})


class _Event:
    def __init__(self, dossier: Dossier, timestamp: str, at: datetime) -> None:
        self.dossier, self.timestamp, self.at = dossier, timestamp, at
        self.number = dossier.seal.number if dossier.seal else "preview"

    def event(self) -> dict[str, Any]:
        worst = min((LEVELS.get(each.severity, "3") for each in self.dossier.findings), default="4")
        return {
            "uuid": self._uuid("event"),
            "info": f"{self.dossier.referral}: {self.dossier.subject}",
            "date": self.at.date().isoformat(),
            "timestamp": self.timestamp,
            "threat_level_id": worst,
            "analysis": "2",
            "distribution": "0",
            "published": False,
            "Tag": [
                {"name": f"tlp:{self.dossier.tlp.lower()}"},
                {"name": f'tracehold:handling="{self.dossier.handling_code}"'},
            ],
            "Attribute": self._findings(),
            "Object": [
                *map(self._wallet, self.dossier.wallets),
                *self._payments(),
                *self._people(),
                *self._accounts(),
            ],
        }

    def _uuid(self, *parts: str) -> str:
        return str(uuid5(NAMESPACE, "\0".join((self.number, *parts))))

    def _object(
        self, template: tuple[str, str, str, str], key: str, comment: str, *rows: tuple[str, ...]
    ) -> dict[str, Any]:
        name, uuid, version, category = template
        return {
            "uuid": self._uuid(name, key),
            "name": name,
            "meta-category": category,
            "template_uuid": uuid,
            "template_version": version,
            "timestamp": self.timestamp,
            "distribution": "5",
            "comment": comment,
            "Attribute": [
                {
                    "uuid": self._uuid(name, key, relation, value),
                    "object_relation": relation,
                    "type": kind,
                    "category": _category(kind),
                    "value": value,
                    "timestamp": self.timestamp,
                    "distribution": "5",
                    "to_ids": False,
                }
                for relation, kind, value in rows
                if value
            ],
        }

    def _findings(self) -> list[dict[str, Any]]:
        found = []
        for each in self.dossier.findings:
            words = [_text(each.statement), f"Tier {each.tier}, confidence {each.confidence}."]
            if isinstance(each.amounts, tuple):
                words += [
                    f"{a.base} base units of {a.asset} by {a.policy or 'no policy'}, between"
                    f" {a.low} and {a.high}" for a in each.amounts
                ]  # fmt: skip
            words += [f"Against it: {point.text}" for point in each.counter_evidence]
            found.append(
                {
                    "uuid": self._uuid("finding", each.number),
                    "type": "comment",
                    "category": "Other",
                    "value": "\n".join(words),
                    "comment": f"{each.number} {each.kind}",
                    "timestamp": self.timestamp,
                    "distribution": "5",
                    "to_ids": False,
                }
            )
        return found

    def _wallet(self, wallet: DossierWallet) -> dict[str, Any]:
        field = (
            "address" if wallet.ledger.startswith(BITCOIN)
            else "address-xmr" if wallet.ledger.startswith(MONERO) else "address-crypto"
        )  # fmt: skip
        symbol = next((run.symbol for run in self.dossier.runs if run.ledger == wallet.ledger), "")
        label = "" if isinstance(wallet.label, Redaction) else wallet.label
        return self._object(
            COIN, f"{wallet.ledger}:{wallet.address}", f"{wallet.number} {wallet.role}",
            (field, FIELDS[field], wallet.address),
            ("symbol", "text", "" if field == "address" else symbol),
            ("text", "text", f"{wallet.ledger} {label}".strip()),
        )  # fmt: skip

    def _payments(self) -> list[dict[str, Any]]:
        return [
            self._object(
                PAYMENT, f"{run.number}:{number}",
                f"{run.number}: {move.base} base units of {run.asset} {move.side} {move.outpoint}",
                ("transaction-number", "text", move.txid),
                ("time", "datetime", move.at),
                ("symbol", "text", run.symbol),
                ("address", "btc", move.address if run.ledger.startswith(BITCOIN) else ""),
            )
            for run in self.dossier.runs
            for number, move in enumerate(run.moves)
        ]  # fmt: skip

    def _people(self) -> list[dict[str, Any]]:
        found = []
        for each in self.dossier.suspects:
            if isinstance(each.names, Redaction) or not each.names:
                continue
            comment = f"{each.number} {each.standing}"
            if each.kind != "Organisation":
                is_persona = each.kind == "Persona"
                rows = [
                    ("alias" if is_persona or n else "full-name",
                     "text" if is_persona or n else "full-name", name)
                    for n, name in enumerate(each.names)
                ]  # fmt: skip
                found.append(self._object(PERSON, each.number, comment, *rows))
            else:
                rows = [("name", "text", each.names[0])]
                rows += [("commercial-name", "text", name) for name in each.names[1:]]
                found.append(self._object(ENTITY, each.number, comment, *rows))
        return found

    def _accounts(self) -> list[dict[str, Any]]:
        return [
            self._object(
                ACCOUNT, f"{freeze.number}:{number}",
                f"{freeze.number} {freeze.state}: holds {line.held} base units of {line.asset}",
                ("account", "bank-account-nr", line.account),
                ("text", "text", f"{freeze.legal_basis}, {freeze.restriction}"),
            )
            for freeze in self.dossier.freezes
            for number, line in enumerate(freeze.lines)
            if isinstance(line.account, str)
        ]  # fmt: skip


def _category(kind: str) -> str:
    financial = ("btc", "xmr", "bank-account-nr")
    if kind in financial:
        return "Financial fraud"
    return "Person" if kind == "full-name" else "Other"


def _text(text: object) -> str:
    return f"[left out: {text.redacted}]" if isinstance(text, Redaction) else str(text)


def wallets_in(content: bytes) -> list[tuple[str, str]]:
    """(address, what is said of it) of every coin address of an event, in its order.

    Raises ValueError for anything that is no MISP event.
    """
    values = json.loads(content)
    event = values.get("Event") if isinstance(values, dict) else None
    if not isinstance(event, dict):
        raise ValueError("this is no MISP event")
    info = str(event.get("info", ""))
    found = []
    for each in event.get("Attribute") or []:
        if isinstance(each, dict) and each.get("type") in ("btc", "xmr"):
            found.append((str(each.get("value", "")), str(each.get("comment") or info)))
    for part in event.get("Object") or []:
        if not isinstance(part, dict) or part.get("name") != COIN[0]:
            continue
        for each in part.get("Attribute") or []:
            if isinstance(each, dict) and each.get("object_relation") in FIELDS:
                found.append((str(each.get("value", "")), str(part.get("comment") or info)))
    return found
