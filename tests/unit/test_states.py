"""The tables of the states, and their drawing in the documents."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import states
from cases.web.events import WORDS
from tests.state_tables import DOCUMENT, TABLES, drawn


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_every_state_is_reached_from_the_first_one(table: Mapping[Any, Any]) -> None:
    first = next(iter(table))[0]
    reached, new = {first}, {first}
    while new:
        new = {to for (start, _action), to in table.items() if start in reached} - reached
        reached |= new
    assert reached == set(type(first))


@given(st.data())
def test_what_the_table_does_not_list_is_refused(data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(list(TABLES.values())))
    (state, action), _to = next(iter(table.items()))
    old: StrEnum = data.draw(st.sampled_from(list(type(state))))
    step: StrEnum = data.draw(st.sampled_from(list(type(action))))
    if (old, step) in table:
        assert states.next_state(table, old, step) == table[(old, step)]
    else:
        with pytest.raises(states.InvalidTransition):
            states.next_state(table, old, step)


def test_live_lines_are_those_the_exchange_may_hold() -> None:
    assert set(states.LIVE_LINE_STATES) == {"sent", "unknown", "held"}


def test_a_case_is_over_where_it_can_at_most_be_opened_again() -> None:
    acts = {state: {act for at, act in states.CASE if at == state} for state in states.CaseState}
    assert set(states.OVER_CASES) == {
        state for state, found in acts.items() if found <= {states.CaseAction.REOPEN}
    }


def test_open_seizures_are_those_whose_units_nobody_else_may_be_promised() -> None:
    assert set(states.OPEN_SEIZURE_STATES) == {"requested", "approved", "unknown"}


def test_an_operation_is_over_from_its_closing_on() -> None:
    over = {
        to
        for (_at, act), to in states.OPERATION.items()
        if act in ("close_operation", "publish_operation")
    }
    assert set(states.OVER_OPERATIONS) == over


def test_open_alerts_are_those_that_somebody_may_still_take_or_decide() -> None:
    assert set(states.OPEN_ALERT_STATES) == {"new", "assigned"}


def test_a_report_is_sent_from_its_filing_on_whatever_comes_after() -> None:
    sent = {states.ReportState.FILED}
    while after := {to for (at, _act), to in states.REPORT.items() if at in sent} - sent:
        sent |= after
    assert set(states.SENT_REPORT_STATES) == sent


def test_an_approved_freeze_never_ends_by_itself() -> None:
    approved = {states.FreezeState.ACTIVE, states.FreezeState.DECISION_DUE}
    lapsing = {
        start for (start, _action), to in states.FREEZE.items() if to == states.FreezeState.LAPSED
    }
    assert not approved & lapsing


def test_the_document_draws_the_tables_as_they_are() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == drawn(), (
        "run: python -m tests.state_tables > docs/states.md"
    )


def test_every_act_is_told_in_words() -> None:
    """A list of what happened never shows the name of a program's act."""
    kinds = [kind for name, kind in vars(states).items() if name.endswith("Action")]
    assert {act.value for kind in kinds for act in kind} <= set(WORDS)
    assert len(kinds) >= 15


def test_a_step_that_is_refused_is_told_in_words_of_the_screens() -> None:
    with pytest.raises(states.InvalidTransition) as refused:
        states.next_state(
            states.FREEZE, states.FreezeState.DECISION_DUE, states.FreezeAction.SUBMIT
        )
    words = str(refused.value)
    assert words == (
        "Nothing was done: it is decision due by now. Look at it again before you go on."
    )
