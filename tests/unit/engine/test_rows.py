"""What a run finds stays numbers until it is read, and comes out as it went in."""

import pytest

from tracing.engine.ends import End, EndRows, Status
from tracing.engine.rows import Rows
from tracing.engine.walk import Step, StepRows

ENDS = (
    End(5, 70, 10, 80, 2, Status.UNSPENT),
    End(-3, 90, 0, 90, 1, Status.EXCHANGE_BOUNDARY, ((4, 60), (70, 30))),
    End(4, 70, 10, 80, 3, Status.SERVICE),
    End(9, 70, 0, 95, 3, Status.COINJOIN, ((0, 70),)),
)


def test_rows_by_one_and_by_many_lie_in_the_order_they_came() -> None:
    rows = Rows(2)
    rows.add(1, -2)
    rows.add_many(rows.table() + 10)
    kept = rows.table()
    rows.add(5, (1 << 63) - 1)
    assert kept.tolist() == [[1, -2], [11, 8]]
    assert rows.table().tolist() == [[1, -2], [11, 8], [5, (1 << 63) - 1]]
    with pytest.raises(OverflowError):
        rows.add(1 << 63, 0)


def test_ends_keep_their_lots_and_are_ranked_by_amount_then_high_then_chain() -> None:
    rows = EndRows()
    for end in ENDS:
        rows.add(end)
    assert rows.ends() == ENDS
    assert rows.ranked() == (ENDS[1], ENDS[3], ENDS[2], ENDS[0])
    assert rows.amount == 300
    twice = EndRows()
    twice.add(ENDS[3])
    twice.add_many(rows.rows.table(), rows.lots)
    assert twice.ends() == (ENDS[3], *ENDS)
    assert EndRows().ranked() == ()


def test_steps_keep_what_they_took_and_reached() -> None:
    steps = (
        Step(1, 1, 7, [(0, 9), (3, 8)], [(11, 10, "unspent")]),
        Step(4, 2, 0, [(11, 10)], []),
        Step(6, 3, 2, [(12, 5)], [(13, 1, "passed_on"), (-2, 2, "below_dust")]),
    )
    rows = StepRows()
    assert rows.steps() == ()
    for step in steps:
        rows.add(step)
    assert rows.steps() == steps
