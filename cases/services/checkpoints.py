"""Audit checkpoints: where each chain stands, written outside the database, and compared with it.

A chain alone cannot tell that its end was cut or that all of it was written anew. A checkpoint that
left the machine can.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from cases.checkpoints import (
    FIRST_PREVIOUS,
    Checkpoint,
    Head,
    Series,
    append,
    folder_of_settings,
    merkle_root,
    public_key,
    read_series,
    writing,
)
from cases.models import AuditEvent, Case
from cases.policy import SYSTEM
from cases.services.audit import Break, VerifyReport, record_event, verify_chains
from cases.services.reports import holds_report_seal, seal_of_reports

logger = structlog.get_logger(__name__)


def write_checkpoint(*, begin_again: str = "") -> Checkpoint:
    """Write where every chain stands now. Raises CheckpointError.

    `begin_again` is a reason: the series starts anew, as it must after a restore, and the system's
    chain keeps that. Cost: one indexed look-up a case.
    """
    folder = folder_of_settings()
    if begin_again:
        with transaction.atomic():
            record_event(None, "begin_checkpoints_again", "audit", by=SYSTEM, reason=begin_again)
    with writing(folder):
        before = read_series(folder).newest
        heads = _heads()
        number = before.n + 1 if before else 1
        new = append(
            folder,
            before,
            Checkpoint(
                n=number,
                at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                prev=before.hash if before else FIRST_PREVIOUS,
                heads=heads,
                root=merkle_root(heads),
                other=seal_of_reports(number),
                begun_again=begin_again,
            ),
        )
    # H6: the log is one more place that keeps it.
    logger.info("audit_checkpoint", n=new.n, root=new.root, hash=new.hash)
    return new


def write_checkpoint_if_due() -> bool:
    """Write one unless the last is younger than half the interval: hints may come twice."""
    newest = read_series(folder_of_settings()).newest
    half = timedelta(seconds=settings.AUDIT_CHECKPOINT_SECONDS / 2)
    if newest is not None and timedelta(0) <= timezone.now() - newest.taken_at < half:
        return False
    write_checkpoint()
    return True


def verify_against_checkpoints(
    place: Path | None = None, keys: Sequence[str] = ()
) -> tuple[VerifyReport, Series]:
    """`verify_chains`, and whether each chain still has what the newest checkpoint saw of it.

    `place` is a folder or one file, by default that of the settings. Raises CheckpointError.
    """
    series = read_series(place or folder_of_settings(), keys)
    newest = series.newest
    if newest is None:
        return verify_chains(), series
    report = verify_chains(
        {chain: (seq, sha256, newest.name) for chain, (seq, sha256) in newest.heads.items()}
    )
    report.breaks += [Break("", 0, fault) for fault in series.faults]
    is_ours = newest.key == public_key()  # else the seal is of another secret key
    if is_ours and not holds_report_seal(newest.n, newest.other):
        reason = f"the chain of another kind is not that of {newest.name}"
        report.breaks.append(Break("", 0, reason))
    return report, series


def _heads() -> dict[str, Head]:
    """The last event of each chain: 2 queries. Read before or after a change, never half of it."""
    last = AuditEvent.objects.filter(case=OuterRef("pk")).order_by("-seq")
    rows = Case.objects.annotate(
        last_seq=Subquery(last.values("seq")[:1]), last_hash=Subquery(last.values("hash")[:1])
    ).values_list("public_id", "last_seq", "last_hash")
    heads = {str(case): (seq, sha256) for case, seq, sha256 in rows if seq is not None}
    system = AuditEvent.objects.filter(case=None).order_by("-seq").values_list("seq", "hash")
    if (head := system.first()) is not None:
        heads[""] = head
    return heads
