"""Operations with their totals rolled up from the cases, and down again to the lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from cases.models import Case, FreezeRequest, Operation, Referral, Suspect
from cases.policy import Actor
from cases.queries.ledger import Ledger, ledger_of
from cases.queries.money import CaseMoney, money_by_case, money_by_group
from cases.states import OPERATION, OperationAction, OperationState


@dataclass(frozen=True)
class OperationRow:
    """An operation as the list shows it; numbers are of the cases that the reader may see."""

    operation: Operation
    num_cases: int
    num_suspects: int
    agencies: list[str]
    money: CaseMoney
    ledger: Ledger


@dataclass(frozen=True)
class OperationCase:
    """One case of an operation with its share of the totals."""

    case: Case
    num_suspects: int
    money: CaseMoney
    ledger: Ledger


@dataclass(frozen=True)
class OperationPage:
    """One operation: its totals and the cases they are made of."""

    row: OperationRow
    cases: list[OperationCase]


def operation_list(actor: Actor) -> list[OperationRow]:
    """Every operation the actor may see, newest first: 12 queries for any number of them."""
    operations = list(_with_agencies(Operation.objects.visible_to(actor)).order_by("-reference"))
    return _rows(operations, actor)


def operation_page(operation: Operation, actor: Actor) -> OperationPage:
    """One operation down to its cases; `operation` comes from `operations_for_page`."""
    (row,) = _rows([operation], actor)
    cases = list(
        Case.objects.visible_to(actor)
        .filter(operation=operation)
        .select_related("owner_by")
        .order_by("reference")
    )
    money = money_by_case([case.pk for case in cases], actor)
    suspects = _suspects(actor, [case.pk for case in cases])
    return OperationPage(
        row,
        [
            OperationCase(
                case, suspects.get(case.pk, 0), money[case.pk], row.ledger.of_case(case.pk)
            )
            for case in cases
        ],
    )


def operations_for_page(actor: Actor) -> QuerySet[Operation]:
    """Operations the actor may see, with agencies fetched."""
    return _with_agencies(Operation.objects.visible_to(actor))


def cases_outside(operation: Operation, actor: Actor) -> QuerySet[Case]:
    """Cases that could join it: visible, in no operation: 1 query."""
    return Case.objects.visible_to(actor).filter(operation=None).order_by("-reference")


def operation_acts(operation: Operation) -> list[OperationAction]:
    """The acts that start from its state."""
    return [action for state, action in OPERATION if state == OperationState(operation.state)]


def _with_agencies(operations: QuerySet[Operation]) -> QuerySet[Operation]:
    return operations.select_related("lead_agency", "opened_by").prefetch_related(
        "partners__agency"
    )


def _rows(operations: list[Operation], actor: Actor) -> list[OperationRow]:
    groups: dict[int, list[int]] = {operation.pk: [] for operation in operations}
    members = Case.objects.visible_to(actor).filter(operation__in=operations)
    for case_id, operation_id in members.values_list("pk", "operation_id"):
        groups[operation_id].append(case_id)
    case_ids = [case_id for cases in groups.values() for case_id in cases]
    money = money_by_group(groups, actor)
    ledger = ledger_of(actor, case_ids)
    suspects = _suspects(actor, case_ids)
    agencies = _agencies(actor, case_ids)
    return [
        OperationRow(
            operation=operation,
            num_cases=len(groups[operation.pk]),
            num_suspects=sum(suspects.get(case_id, 0) for case_id in groups[operation.pk]),
            agencies=_names(operation, (agencies.get(pk, set()) for pk in groups[operation.pk])),
            money=money[operation.pk],
            ledger=Ledger(
                tuple(x for x in ledger.lines if x.line.freeze.case_id in groups[operation.pk])
            ),
        )
        for operation in operations
    ]


def _suspects(actor: Actor, cases: list[int]) -> dict[int, int]:
    numbers: dict[int, int] = {}
    rows = Suspect.objects.visible_to(actor).filter(case__in=cases)
    for case_id in rows.values_list("case_id", flat=True):
        numbers[case_id] = numbers.get(case_id, 0) + 1
    return numbers


def _agencies(actor: Actor, cases: list[int]) -> dict[int, set[str]]:
    """Agencies by case that asked for a freeze or were referred to: 2 queries."""
    found: dict[int, set[str]] = {}
    sources: tuple[QuerySet[Any], ...] = (
        FreezeRequest.objects.visible_to(actor),
        Referral.objects.visible_to(actor),
    )
    for rows in sources:
        named = rows.filter(case__in=cases, agency__isnull=False)
        for case_id, name in named.values_list("case_id", "agency__short_name"):
            found.setdefault(case_id, set()).add(name)
    return found


def _names(operation: Operation, found: Iterable[set[str]]) -> list[str]:
    """The leading agency, its partners, then whoever else the cases name."""
    names = [operation.lead_agency.short_name] if operation.lead_agency else []
    names += sorted(partner.agency.short_name for partner in operation.partners.all())
    names += sorted(set().union(*found))
    return list(dict.fromkeys(names))
