"""The case lock: first SQL of every writing service, so that lock order is always the same."""

from django.db import connection
from django.db.transaction import TransactionManagementError

from cases.models import Case
from cases.policy import (
    ENDED_BY_MERGE,
    Action,
    Actor,
    PermissionDenied,
    Role,
    require,
    writable_cases,
)
from cases.states import CaseState, InvalidTransition


def lock_case(case_id: int) -> Case:
    """Lock the case row until the transaction ends and return it fresh (C4).

    PostgreSQL: FOR NO KEY UPDATE. SQLite: the transaction began IMMEDIATE and is the only writer.
    Raises TransactionManagementError outside a transaction, and PermissionDenied where there is no
    such case: under row-level security also one that the actor may not see.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("lock_case needs a transaction around it")
    try:
        case: Case = Case.objects.select_for_update(no_key=True).get(pk=case_id)
    except Case.DoesNotExist as error:
        raise PermissionDenied("You may not change this case.") from error
    return case


def enter_case(case_id: int, action: Action, *, by: Actor) -> Case:
    """Lock the case, then require the right to `action` by role and by membership: 2 queries.

    A person must be able to see the case and hold more than read access to it; the system acts
    with its role alone. Raises PermissionDenied, and InvalidTransition for work on a merged case.
    """
    case = lock_case(case_id)
    require(by, action)
    if by.role != Role.SYSTEM and not (
        Case.objects.filter(writable_cases(by), pk=case_id).exists()
    ):
        raise PermissionDenied("You may not change this case.")
    if action in ENDED_BY_MERGE:
        require_unmerged(case)
    return case


def require_unmerged(case: Case) -> None:
    """Raise InvalidTransition for a case whose work goes on in another."""
    if case.state == CaseState.MERGED.value:
        raise InvalidTransition("This case was merged into another: the work goes on there.")
