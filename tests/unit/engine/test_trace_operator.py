"""The worked oracle: the operator's chain, whose figures an independent program computed."""

from __future__ import annotations

import pytest

from tests.unit.engine.operator_world import by_owner, operator_ledger
from tracing.engine.resolve import trace_spec
from tracing.engine.spec import TraceParameters
from tracing.engine.trace import trace

ROWS = {
    "Namewharf": (180_000, 0, 150_779, 0, 180_000, 180_000),
    "Z": (75_000_000, 75_000_000, 75_000_000, 75_000_000, 75_000_000, 75_000_000),
    "OP-1": (860_000_000, 620_000_000, 849_031_056, 820_180_000, 860_000_000, 860_000_000),
    "OP-3": (500_000_000, 340_000_000, 493_622_707, 500_000_000, 460_012_000, 500_000_000),
    "swap": (640_000_000, 480_000_000, 631_837_065, 640_000_000, 640_000_000, 640_000_000),
    "P": (1_133_783_500, 1_093_783_500, 1_119_322_561, *[1_133_783_500] * 3),
}
FEES = {"haircut": 35_832, "fifo": 36_500, "lifo": 24_500}
COLUMN = {"haircut": 2, "fifo": 3, "lifo": 4, "poison": 0}


@pytest.mark.parametrize("policy", COLUMN)
def test_every_row_of_the_operator_oracle_holds(policy: str) -> None:
    ledger, seeds = operator_ledger()
    spec = trace_spec(TraceParameters("bitcoin", seeds, policy=policy), ledger)
    result = trace(spec, ledger)
    found = by_owner(result, ledger)
    for owner, row in ROWS.items():
        assert found[owner] == (row[COLUMN[policy]], row[1], row[5]), owner
    assert sum(end.amount for end in result.ends) == result.sheet.ends
    if policy in FEES:
        assert result.sheet.seeds == 3_169_000_000
        assert result.sheet.fees == FEES[policy]
        assert result.sheet.difference == 0
