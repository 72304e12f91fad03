"""The seal names what changed nothing, and notices everything that did."""

from __future__ import annotations

import copy

import pytest

from tests.unit.engine.operator_world import operator_ledger
from tracing.engine.resolve import trace_spec
from tracing.engine.seal import ENGINE_VERSION, boundaries_sha256, code_hash, is_intact
from tracing.engine.spec import Json, TraceParameters
from tracing.engine.trace import trace


def sealed(**wishes: object) -> Json:
    ledger, seeds = operator_ledger()
    parameters = TraceParameters("bitcoin-regtest", seeds, **wishes)  # type: ignore[arg-type]
    return trace(trace_spec(parameters, ledger, [("Z", "service")]), ledger).json


def test_the_seal_pins_snapshot_engine_question_and_walls() -> None:
    seal = sealed()["seal"]
    assert isinstance(seal, dict)
    assert seal["snapshot"] == {
        "ledger": "bitcoin-regtest",
        "chain": "bip122:0f9188f13cb7b2c71f2a335e3a4fc328",
        "height": 18_654,
        "block_hash": "00" * 32,
        "epoch": 1,
    }
    assert (seal["engine_version"], seal["code_hash"]) == (ENGINE_VERSION, code_hash())
    assert seal["boundaries_sha256"] == boundaries_sha256([("Z", "service")])
    assert TraceParameters.from_json(seal["parameters"]).policy == "haircut"


def test_the_same_run_has_the_same_seal_twice() -> None:
    assert sealed()["seal"] == sealed()["seal"]
    assert sealed()["seal"] != sealed(max_hops=3)["seal"]


@pytest.mark.parametrize(
    "path",
    [
        ("ends", 0, "amount"),
        ("ends", 0, "address"),
        ("totals", "fees"),
        ("steps", 3, "out", 0, 2),
        ("seal", "snapshot", "block_hash"),
        ("seal", "parameters", "policy"),
        ("seal", "code_hash"),
        ("conserved",),
    ],
)
def test_a_changed_value_breaks_the_seal(path: tuple[str | int, ...]) -> None:
    result = copy.deepcopy(sealed())
    assert is_intact(result)
    place = result
    for key in path[:-1]:
        place = place[key]  # type: ignore[assignment, index]
    place[path[-1]] = "1"  # type: ignore[index]
    assert not is_intact(result)


def test_walls_are_one_set_whatever_their_order() -> None:
    rows = [("b", "service"), ("a", "exchange_own"), ("b", "service")]
    assert boundaries_sha256(rows) == boundaries_sha256(sorted(rows)[:2])
