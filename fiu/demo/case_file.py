"""What the agencies' letters and the exchange's own desk know when the casework begins."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiu.demo.chain import outpoint_of

if TYPE_CHECKING:
    from fiu.demo.world import World

NUM_BANK_ADDRESSES = 24


@dataclass(frozen=True)
class CaseFile:
    """Addresses and outpoints that the demo people type in; read back from case_file.json."""

    seeds: list[str]
    bank: list[str]
    fee_wallet: str
    operator: list[str]
    registrar: str
    z: str
    swap: list[str]
    last_peel: str
    seller_payouts: list[str]
    lanternbox: list[str]

    @classmethod
    def read(cls, folder: Path) -> "CaseFile":
        return cls(**json.loads((folder / "case_file.json").read_text("utf-8")))


def case_file(world: "World") -> dict[str, Any]:
    """The content of case_file.json."""
    of = world.scripts.address
    return {
        "seeds": world.pharos.seeds(),
        "bank": [of("bank-day", number) for number in range(NUM_BANK_ADDRESSES)],
        "fee_wallet": of("obelisk-fee-wallet"),
        "operator": [of("pharos-a1", 0), of("pharos-a1", 1)],
        "registrar": of("namewharf"),
        "z": of("z"),
        "swap": [of("ferryswap-order", number) for number in range(1, 5)],
        "last_peel": of("peel", 14),
        "seller_payouts": list(dict.fromkeys(_outpoints(world, "V-1"))),
        "lanternbox": [of("lanternbox-vault"), *(of("lanternbox", n) for n in range(24))],
    }


def _outpoints(world: "World", uid: str) -> list[str]:

    return [outpoint_of(coin) for coin in world.bank.seller_coins[uid]]
