"""The dossier as FollowTheMoney entities, one JSON object a line: people and wallets."""

import hashlib
import json
from typing import Any

import rfc8785

from cases.dossier import Dossier, Redaction

NAME = "entities.ftm.json"
MIME = "application/json"
SCHEMAS = {"Person": "Person", "Organisation": "Organization"}
LOSSES = (
    "Findings, amounts, freezes, traces and customers of a cohort are not carried.",
    "Redacted fields are absent; the dossier names each with its reason.",
)


def loss_list(_dossier: Dossier) -> tuple[str, ...]:
    """What a reader of the entities alone would miss."""
    return LOSSES


def render(dossier: Dossier) -> bytes:
    """The entities in the order of the dossier; whose wallet it is stands in `holder`."""
    number = dossier.seal.number if dossier.seal else "preview"
    holders: dict[str, list[str]] = {}
    for finding in dossier.findings:
        if len(finding.suspects) == 1:
            for place in finding.wallets:
                holders.setdefault(place, []).append(finding.suspects[0])
    lines: list[dict[str, Any]] = []
    for each in dossier.suspects:
        if isinstance(each.names, Redaction) or not each.names:
            continue
        lines.append(
            {
                "id": _id(number, each.number),
                "schema": SCHEMAS.get(each.kind, "LegalEntity"),
                "properties": {
                    "name": [each.names[0]],
                    "alias": list(each.names[1:]),
                    "summary": [each.standing],
                },
            }
        )
    known = {line["id"] for line in lines}
    for wallet in dossier.wallets:
        run = next((each for each in dossier.runs if each.ledger == wallet.ledger), None)
        ids = [_id(number, holder) for holder in dict.fromkeys(holders.get(wallet.number, ()))]
        label = [] if isinstance(wallet.label, Redaction) or not wallet.label else [wallet.label]
        lines.append(
            {
                "id": _id(number, wallet.ledger, wallet.address),
                "schema": "CryptoWallet",
                "properties": {
                    "publicKey": [wallet.address],
                    "currencySymbol": [run.symbol] if run else [],
                    "blockchain": [wallet.ledger],
                    "holder": [each for each in ids if each in known],
                    "name": label,
                },
            }
        )
    for line in lines:
        properties = line["properties"].items()
        line["properties"] = {name: values for name, values in properties if values}
    return b"".join(rfc8785.dumps(line) + b"\n" for line in lines)


def _id(*parts: str) -> str:
    return f"tracehold-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:40]}"


def wallets_in(content: bytes) -> list[tuple[str, str]]:
    """(address, names) of every CryptoWallet of such a file, in its order.

    Raises ValueError for a line that is no entity.
    """
    found = []
    for line in content.decode("utf-8").splitlines():
        if not line.strip():
            continue
        entity = json.loads(line)
        if not isinstance(entity, dict) or not isinstance(entity.get("schema"), str):
            raise ValueError("this is no line of FollowTheMoney entities")
        values = entity.get("properties")
        if entity["schema"] != "CryptoWallet" or not isinstance(values, dict):
            continue
        keys = [*values.get("publicKey", ()), *values.get("cryptoAddress", ())]
        words = ", ".join(str(each) for each in values.get("name", ()))
        found += [(str(key), words) for key in dict.fromkeys(keys)]
    return found
