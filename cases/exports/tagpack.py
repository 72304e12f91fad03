"""Own published tags as a GraphSense-style tag pack, for other units to load. YAML, one order.

Only label, category, confidence and day leave the house: where a tag of the house comes from, its
case and its people do not.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import yaml

MIME = "application/yaml"
CURRENCIES = {
    "bip122": "BTC", "eip155:1": "ETH", "eip155:56": "BSC", "eip155:137": "MATIC", "tron": "TRX",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnTag:
    """One published tag; `chain` is its CAIP-2 name."""

    chain: str
    address: str
    label: str
    category: str
    confidence: str
    changed_on: str


def currency_of(chain: str) -> str:
    """The pack's word for a chain. Raises ValueError for one it has no word for."""
    found = CURRENCIES.get(chain) or CURRENCIES.get(chain.partition(":")[0])
    if found is None:
        raise ValueError(f"a tag pack has no word for the chain {chain}")
    return found


def render(title: str, creator: str, source: str, tags: Iterable[OwnTag]) -> bytes:
    """The pack; the same tags give the same bytes in whatever order they come."""
    rows = sorted(tags, key=lambda tag: (tag.chain, tag.address, tag.label))
    pack = {
        "title": title,
        "creator": creator,
        "description": f"Tags published by {creator}",
        "source": source,
        "is_cluster_definer": False,
        "tags": [
            {
                "address": tag.address,
                "label": tag.label,
                "currency": currency_of(tag.chain),
                "network": currency_of(tag.chain),
                "confidence": tag.confidence,
                **({"category": tag.category} if tag.category else {}),
                **({"lastmod": tag.changed_on} if tag.changed_on else {}),
            }
            for tag in rows
        ],
    }
    return yaml.safe_dump(pack, sort_keys=False, allow_unicode=True, width=1000).encode()
