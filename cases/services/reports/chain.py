"""The chain of report events, entry into a report, and its steps.

The case row is locked as for every write (C4), but nothing of the case is touched: not its time of
change, not its chain.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import acting_as
from cases.models import ReportEvent, ReportWall, SuspicionReport
from cases.policy import SYSTEM, Action, Actor
from cases.services.audit import FIRST_PREVIOUS, canonical, event_hash, keyed
from cases.services.errors import NotFound
from cases.services.locks import enter_case
from cases.services.self_lookups import namesakes
from cases.services.steps import swap_state
from cases.states import REPORT, ReportAction

CHAIN = "reports"
CHAIN_LOCK = 7_411_209  # advisory lock of this chain, taken last


def record_report_event(
    report: SuspicionReport,
    action: str,
    *,
    by: Actor,
    reason: str = "",
    data: Mapping[str, Any] | None = None,
) -> ReportEvent:
    """Append one event, in the transaction of the change: 2 queries."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
    with acting_as(SYSTEM):  # the last event may be of a report that the actor must not see
        last = ReportEvent.objects.order_by("-seq").values_list("seq", "hash").first()
    seq, prev_hash = (last[0] + 1, last[1]) if last else (1, FIRST_PREVIOUS)
    now = timezone.now()
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    text = canonical(dict(data or {})).decode()
    return ReportEvent.objects.create(
        seq=seq,
        report=report,
        at=at,
        actor_id=by.user_id,
        actor_ip=by.address,
        action=action,
        reason=reason,
        data=text,
        prev_hash=prev_hash,
        hash=_hash(
            prev_hash, seq, at, by.user_id, by.address, action, report.reference, reason, text
        ),
    )


def _hash(
    prev: str, seq: int, at: Any, actor: int | None, address: str, action: str, reference: str,
    reason: str, data: str,
) -> str:  # fmt: skip
    return event_hash(
        prev, case=CHAIN, seq=seq, at=at, actor=actor, actor_ip=address, action=action,
        object=reference, reason=reason, data=data,
    )  # fmt: skip


def verify_report_chain() -> int | None:
    """The number of the first event that does not hold, None when all do. Says no count."""
    prev = FIRST_PREVIOUS
    rows = ReportEvent.objects.order_by("seq").select_related("report")
    for seq, row in enumerate(rows.iterator(), start=1):
        expected = _hash(
            prev, seq, row.at, row.actor_id, row.actor_ip, row.action, row.report.reference,
            row.reason, row.data,
        )  # fmt: skip
        if (row.seq, row.prev_hash, row.hash) != (seq, prev, expected):
            return row.seq
        prev = row.hash
    return None


def seal_of_reports(number: int) -> str:
    """A word for where this chain stands, for the checkpoint of that number.

    It differs at every checkpoint and tells nobody without the secret key whether a report exists.
    """
    last = ReportEvent.objects.order_by("-seq").values_list("seq", "hash").first()
    return _seal(number, *(last or (0, FIRST_PREVIOUS)))


def holds_report_seal(number: int, seal: str) -> bool:
    """Whether this chain still has the event that was its last at the checkpoint of that number."""
    if seal == _seal(number, 0, FIRST_PREVIOUS):
        return True
    rows = ReportEvent.objects.order_by("-seq").values_list("seq", "hash")
    return any(seal == _seal(number, seq, sha256) for seq, sha256 in rows.iterator())


def _seal(number: int, seq: int, sha256: str) -> str:
    return keyed(f"checkpoint:{number}:{seq}:{sha256}")


@transaction.atomic
def read_report(report: SuspicionReport, *, by: Actor) -> None:
    """Keep the look at a report (H4) where only those who may see reports find it."""
    record_report_event(report, "read_report", by=by)


def enter_report(report: SuspicionReport, action: Action, *, by: Actor) -> SuspicionReport:
    """Lock its case, check the right, and read the report fresh: 4 queries.

    Raises NotFound for whoever may be a subject of it.
    """
    case = enter_case(report.case_id, action, by=by)
    fresh = SuspicionReport.objects.filter(pk=report.pk).first()  # none under row-level security
    if fresh is None or fresh.walls.filter(user_id=by.person).exists():
        raise NotFound(_("There is no such report."))
    fresh.case = case
    return fresh


def names_of(report: SuspicionReport) -> list[str]:
    """Every name of its subjects, as the exchange and as the form has them: 1 query."""
    return [
        name
        for row in report.subjects.select_related("account")
        for name in (
            row.account.holder_name, row.full_name_original, f"{row.first_name} {row.last_name}"
        )
        if name.strip()
    ]  # fmt: skip


def raise_walls(report: SuspicionReport, *, by: Actor) -> None:
    """Hide the report from our own people who may be subjects of it: 5 queries.

    The house knows no more of that than names: a namesake is shut out as well, and others work on.
    """
    mine = namesakes(names_of(report))
    known = set(report.walls.values_list("user_id", flat=True))
    fresh = [pk for pk in mine if pk not in known]
    if not fresh:
        return
    now = timezone.now()
    ReportWall.objects.bulk_create(
        [ReportWall(report=report, user_id=pk, at=now) for pk in fresh], ignore_conflicts=True
    )
    record_report_event(report, "wall_report", by=by, data={"num_people": len(fresh)})


def advance_report(
    report: SuspicionReport,
    action: ReportAction,
    *,
    by: Actor,
    reason: str = "",
    data: Mapping[str, Any] | None = None,
    **fields: object,
) -> None:
    """Take one step of the state table and write its event: of two callers exactly one wins."""
    old, new = swap_state(report, REPORT, action, report.reference, **fields)
    record_report_event(
        report, action.value, by=by, reason=reason,
        data={"from": old.value, "to": new.value, **(data or {})},
    )  # fmt: skip
