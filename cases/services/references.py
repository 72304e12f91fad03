"""Human numbers such as CASE-2026-000123, one series per kind and year, without gaps."""

import re
from collections.abc import Iterable

from django.db import connection
from django.db.models import F
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from cases.models import InformationRequest, ReferenceCounter, SharedRelease

SERIES = frozenset({"CASE", "SUSP", "FIND", "FRZ", "REF", "R", "OP", "REQ", "REP", "OUT"})
REFERENCE = re.compile(rf"\b(?:{'|'.join(sorted(SERIES))})-[0-9]{{4}}-[0-9]{{6}}\b", re.IGNORECASE)


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


def names_inner_reference(text: str, agency_id: int, own: Iterable[str] = ()) -> bool:
    """Whether a text for an agency names a number of ours that this agency does not know.

    It knows its own requests, the releases made for it and those in `own`; anything else would
    betray a case, a suspicion report or another agency's referral. 2 queries where it names any.
    """
    named = {found.upper() for found in REFERENCE.findall(text)} - set(own)
    if not named:
        return False
    asked = InformationRequest.objects.filter(agency=agency_id, reference__in=named)
    shared = SharedRelease.objects.filter(agency=agency_id, number__in=named)
    named -= set(asked.values_list("reference", flat=True))
    return bool(named - set(shared.values_list("number", flat=True)))
