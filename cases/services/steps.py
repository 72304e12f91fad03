"""The one way in which rows change their state: compare and swap by the state's table."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from cases.states import A, InvalidTransition, S, next_state


def step_of(row: Any, table: Mapping[tuple[S, A], S], action: A) -> tuple[S, S]:
    """The states before and after a step of the row in hand; InvalidTransition where none is."""
    old = type(next(iter(table.values())))(row.state)
    return old, next_state(table, old, action)


def swap_state(
    row: Any,  # a row of any model with `state`
    table: Mapping[tuple[S, A], S],
    action: A,
    name: str,
    seen: Mapping[str, object] | None = None,
    /,  # a row may have a field that is called as one of these
    **fields: object,
) -> tuple[S, S]:
    """Take one step of `table`, with `fields` in the same update: of two callers one wins.

    The row in hand carries the new values; who passes an expression reads it again. Returns the
    states before and after: 1 query. Raises InvalidTransition where the table has no such step,
    or where another caller took one meanwhile; `name` is what the message calls the row. `seen`
    are columns that must be as they were too, for a step that leaves the state.
    """
    old, new = step_of(row, table, action)
    rows = type(row).objects.filter(pk=row.pk, state=old.value, **(seen or {}))
    if not rows.update(state=new.value, **fields):
        raise InvalidTransition(
            _("Nothing was done: somebody moved %(name)s on. Look at it again before you go on.")
            % {"name": name}
        )
    for field, value in {"state": new.value, **fields}.items():
        setattr(row, field, value)
    return old, new
