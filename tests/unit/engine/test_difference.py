"""Two results beside each other: equal ones differ in nothing, and no change is missed."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracing.engine.difference import differences

AMOUNT = st.integers(0, 10**12).map(str)
END = st.fixed_dictionaries(
    {
        "outpoint": st.sampled_from(["a:0", "b:1", "c:0"]),
        "address": st.sampled_from(["x", "y", None]),
        "amount": AMOUNT,
        "low": AMOUNT,
        "high": AMOUNT,
        "status": st.sampled_from(["unspent", "exchange"]),
    }
)
STEP = st.fixed_dictionaries(
    {"txid": st.sampled_from(["t", "u"]), "fee": AMOUNT, "in": st.lists(st.lists(AMOUNT))}
)
RESULT = st.fixed_dictionaries(
    {
        "seal": st.fixed_dictionaries(
            {"snapshot": st.integers(0, 3), "code_hash": st.text(max_size=2)}
        ),
        "ends": st.lists(END, max_size=4),
        "possible": st.lists(END, max_size=2),
        "steps": st.lists(STEP, max_size=3),
        "totals": st.fixed_dictionaries({"seeds": AMOUNT, "cut": st.just({"dust": "5"})}),
    }
)


def answer(result: dict[str, Any]) -> dict[str, Any]:
    """A result without who gave it, rows in an order of their own."""
    rows = {name: sorted(map(repr, result[name])) for name in ("ends", "possible", "steps")}
    seal = {key: value for key, value in result["seal"].items() if key != "code_hash"}
    return {**result, **rows, "seal": seal}


@given(RESULT)
def test_a_result_equals_itself(result: dict[str, Any]) -> None:
    assert differences(result, copy.deepcopy(result)) == []


@given(RESULT, RESULT)
def test_two_results_without_a_difference_are_the_same_answer(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    if not differences(before, after):
        assert answer(before) == answer(after)


def test_a_figure_is_named_by_its_place() -> None:
    before = {"seal": {}, "totals": {"cut": {"dust": "5"}}}
    after = {"seal": {}, "totals": {"cut": {"dust": "6"}}}
    [change] = differences(before, after)
    assert (change.kind, change.key) == ("figure", "totals.cut.dust")
    assert (change.before, change.after) == ("5", "6")
