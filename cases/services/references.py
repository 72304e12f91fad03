"""Human numbers such as CASE-2026-000123, one series per kind and year, without gaps."""

from django.db import connection
from django.db.models import F
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from cases.models import ReferenceCounter

SERIES = frozenset({"CASE", "SUSP", "FIND", "FRZ", "REF", "R", "OP", "REQ", "REP", "OUT"})


def next_reference(series: str) -> str:
    """The next number of a series in the present UTC year; a rollback gives it back.

    Call it after `lock_case`: the counter row stays locked until the transaction ends.
    Raises ValueError on an unknown series, TransactionManagementError outside a transaction.
    """
    if series not in SERIES:
        raise ValueError(f"unknown reference series {series!r}")
    if not connection.in_atomic_block:
        raise TransactionManagementError("next_reference needs a transaction around it")
    year = timezone.now().year
    counter = ReferenceCounter.objects.filter(series=series, year=year)
    if not counter.update(last=F("last") + 1):
        ReferenceCounter.objects.get_or_create(series=series, year=year)
        counter.update(last=F("last") + 1)
    return f"{series}-{year}-{counter.values_list('last', flat=True).get():06d}"
