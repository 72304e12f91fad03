"""The demo world, built once a session in a folder of its own and loaded by the ordinary import."""

import csv
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fiu.demo.scale import DEMO, Scale
from fiu.demo.world import Built, build
from tracing.engine.resolve import trace_spec
from tracing.engine.spec import TraceParameters
from tracing.engine.trace import trace
from tracing.ledgers import StoredLedger, load_blocks, open_ledger

NOW = 1_748_250_000  # 2025-05-26T09:00:00Z
SEED = 7
LEDGER = "bitcoin-regtest"


@dataclass(frozen=True)
class DemoLedger:
    """Files, truth and the loaded ledger."""

    home: Path
    built: Built
    results: dict[TraceParameters, dict[str, Any]] = field(default_factory=dict)
    kept: dict[str, object] = field(default_factory=dict)

    @cached_property
    def oracle(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.built.folder / "oracle.json").read_text("utf-8"))
        return content

    @cached_property
    def ledger(self) -> StoredLedger:
        return open_ledger(self.home, LEDGER)

    @cached_property
    def walls(self) -> list[tuple[str, str]]:
        """The exchange's addresses from its own rows, and the services of the story."""
        own = [(row["address"], "exchange_own") for row in self.rows("exchange/own_addresses.csv")]
        deposit = [
            (row["address"], "exchange_deposit")
            for row in self.rows("exchange/deposit_addresses.csv")
        ]
        known = self.oracle["addresses"]
        services = [known["eastmere"], known["namewharf"], known["z"], *known["ferryswap"]]
        return own + deposit + [(address, "service") for address in services]

    def rows(self, name: str) -> list[dict[str, str]]:
        """A table of the world, with the story's people under their short names."""
        with (self.built.folder / name).open(encoding="utf-8", newline="") as file:
            return [
                {key: value.removeprefix("NQ-7001-") for key, value in row.items()}
                for row in csv.DictReader(file)
            ]

    def trace(self, seeds: list[str], policy: str) -> dict[str, Any]:
        """The sealed result of a run over the demo ledger; the same question is run once."""
        asked = TraceParameters(ledger=LEDGER, seeds=tuple(seeds), policy=policy)
        if asked not in self.results:
            spec = trace_spec(asked, self.ledger, self.walls)
            self.results[asked] = trace(spec, self.ledger).json
        return self.results[asked]

    def height_of(self, txid: str) -> int:
        """The block of a transaction."""
        tx = self.ledger.find_tx(txid)
        assert tx is not None
        return int(self.ledger.tx_height[tx])

    def coins_of(self, txid: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        """(address, sat) of the inputs and of the outputs of a transaction."""
        ledger, tx = self.ledger, self.ledger.find_tx(txid)
        assert tx is not None
        spent = ledger.in_out[int(ledger.in_off[tx]) : int(ledger.in_off[tx + 1])].tolist()
        made = range(int(ledger.out_off[tx]), int(ledger.out_off[tx + 1]))
        return [self.coin(coin) for coin in spent], [self.coin(coin) for coin in made]

    def coin(self, output: int) -> tuple[str, int]:
        """Address and sat of an output."""
        ledger = self.ledger
        return ledger.address_text(int(ledger.out_address[output])), int(ledger.out_value[output])


def make_demo_ledger(home: Path, scale: Scale = DEMO) -> DemoLedger:
    """Build and load. Cost: about 7 s, at full scale some minutes."""
    built = build(home / "demo", scale, SEED, NOW)
    load_blocks(home, LEDGER, built.blocks)
    return DemoLedger(home, built)
