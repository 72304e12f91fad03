"""The pattern detectors over the demo world: what was planted is found, and what else fits.

The figures stand in docs/accuracy-patterns.md.
"""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from tests.demo_ledger import LEDGER, DemoLedger
from tracing.engine.market_banks import find_market_banks
from tracing.engine.patterns import peel_chains, peel_pattern
from tracing.ledgers.clusters import stored_clusters
from tracing.pattern_views import address_patterns

pytestmark = pytest.mark.xdist_group("demo_ledger")


@pytest.fixture(autouse=True)
def world(demo: DemoLedger, settings: Any) -> DemoLedger:
    settings.FIU_HOME = demo.home
    return demo


def kinds(address: str) -> dict[str, dict[str, str]]:
    found = address_patterns(LEDGER, address)
    return {p.kind: dict(p.facts) for asset in found.assets for p in asset.patterns}


def test_of_500_chains_of_that_shape_the_planted_one_alone_counts(demo: DemoLedger) -> None:
    ledger = demo.ledger
    chains = peel_chains(ledger)
    told = [peel_pattern(ledger, chain) for chain in chains]
    assert Counter(each.confidence for each in told) == {"high": 1, "low": 499}
    (high,) = [each for each in told if each.confidence == "high"]
    assert dict(high.facts)["paid_again_permille"] == "571"
    planted = set(demo.oracle["addresses"]["peel"])
    spenders = {demo.coins_of(txid)[0][0][0] for txid in high.places}
    assert (len(high.places), spenders <= planted) == (14, True)
    assert "peel_chain" in kinds(demo.oracle["addresses"]["peel"][3])


def test_the_planted_crumbs_and_the_forged_sender_are_found_and_no_others(
    demo: DemoLedger,
) -> None:
    ledger, known = demo.ledger, demo.oracle["addresses"]
    small = (ledger.out_value > 0) & (ledger.out_value <= 1_000)
    owners = np.unique(ledger.out_address[small])
    texts = ledger.address_texts(owners[owners < ledger.num_addresses])
    assert len(texts) == 64
    found = {text: kinds(text) for text in texts}
    dusted = {text: each["dust"] for text, each in found.items() if "dust" in each}
    assert {text: each["crumbs"] for text, each in dusted.items()} == {known["a1.0"]: "3"}
    forged = {text: e["address_poisoning"] for text, e in found.items() if "address_poisoning" in e}
    assert {text: each["forged"] for text, each in forged.items()} == {
        known["a1.0"]: known["dust_sender"]
    }


def test_of_all_clusters_the_planted_bank_alone_works_like_one(demo: DemoLedger) -> None:
    ledger, known = demo.ledger, demo.oracle["addresses"]
    clusters = stored_clusters(ledger, [address for address, _kind in demo.walls])
    parent = clusters.clusters.parent.astype(np.int64)
    banks = find_market_banks(ledger, parent)
    (bank,) = banks
    assert ledger.address_text(bank.anchor) in demo.oracle["clusters"]["bank"]
    assert ledger.address_text(bank.fee_wallet) == known["fee_wallet"]
    assert bank.num_deposits >= 4_000
    assert (bank.hours <= 6, 200 <= bank.fee_bp <= 1_000) == (True, True)


def test_the_exchanges_hot_wallet_is_like_a_service_and_fans(demo: DemoLedger) -> None:
    found = address_patterns(LEDGER, demo.oracle["addresses"]["exchange_hot"], most=200)
    assert (found.num_movements, found.is_cut) == (200, True)
    (asset,) = found.assets
    assert {each.kind for each in asset.patterns} >= {"fan_in", "service_like"}
    assert not kinds(demo.oracle["addresses"]["z"])


def test_the_command_tells_the_patterns(demo: DemoLedger) -> None:
    out = StringIO()
    call_command("patterns", LEDGER, demo.oracle["addresses"]["a1.0"], stdout=out)
    assert "address poisoning (high): forged" in out.getvalue()
    out = StringIO()
    call_command("patterns", LEDGER, demo.oracle["addresses"]["z"], "--json", stdout=out)
    assert json.loads(out.getvalue())["assets"] == []
