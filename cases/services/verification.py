"""What was approved or released, against the hash it was approved or released under (H7)."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import structlog
from django.db import transaction
from django.utils import timezone

from cases.checkpoints import Series
from cases.models import (
    AuditEvent,
    Finding,
    FreezeExtension,
    FreezeRelease,
    FreezeRequest,
    InformationRequest,
    Seizure,
    SharedRelease,
)
from cases.policy import SYSTEM
from cases.services import findings, freezes, requests
from cases.services.audit import Break, VerifyReport, record_event
from cases.services.checkpoints import verify_against_checkpoints
from cases.services.reads import altered_reads
from cases.services.reports import verify_report_chain
from cases.states import FindingState, FreezeState

logger = structlog.get_logger(__name__)

BATCH = 500
EVERY = timedelta(hours=24)


def verify_everything(
    place: Path | None = None, keys: Sequence[str] = ()
) -> tuple[VerifyReport, Series]:
    """Every chain against the checkpoints, and every approved content. Raises CheckpointError.

    `place` is a folder or one file of checkpoints, by default that of the settings.
    """
    report, series = verify_against_checkpoints(place, keys)
    report.breaks += altered_contents()
    # This chain is told only where it breaks: a count would betray that there are reports.
    if (seq := verify_report_chain()) is not None:
        report.breaks.append(Break("", seq, "the chain of another kind does not hold"))
    return report, series


def verify_if_due() -> bool:
    """Verify everything once a day and keep what came out in the system's chain (H7).

    A break is an error in the log as well, by number; `audit_verify` says where.
    """
    chain = AuditEvent.objects.filter(case=None)
    last = chain.filter(action="verify_audit").order_by("-seq").first()
    since = last or chain.order_by("seq").first()
    if since is None or timezone.now() - since.at < EVERY:
        return False
    report, series = verify_everything()
    found = {"num_events": report.num_events, "num_breaks": len(report.breaks)}
    if report.breaks:
        logger.error("audit_broken", **found)
    with transaction.atomic():
        compared = series.newest.n if series.newest else 0
        record_event(
            None, "verify_audit", "audit", by=SYSTEM, data={**found, "checkpoint": compared}
        )
    return True


def altered_contents() -> list[Break]:
    """What left its hash: findings, freezes, releases, requests; `seq` is 0, they are no events.

    And sealed looks, by the event that sealed them.

    Cost: one pass over all of them, about five queries a finding batch and a freeze.
    """
    return [
        Break(case, 0, f"{reference} is not what was {what}")
        for case, reference, what in [
            *_findings(),
            *_freezes(),
            *_decisions(),
            *_releases(),
            *_requests(),
        ]
    ] + list(altered_reads())


def _findings() -> Iterator[tuple[str, str, str]]:
    rows = (
        Finding.objects.exclude(state=FindingState.DRAFT.value)
        .select_related("case")
        .prefetch_related("amounts", "counter_evidence", "wallets", "suspects")
    )
    for row in rows.order_by("pk").iterator(BATCH):
        if findings.content_hash_of(row) != row.content_hash:
            yield row.case.reference, row.reference, "submitted or decided"


def _freezes() -> Iterator[tuple[str, str, str]]:
    rows = FreezeRequest.objects.exclude(
        state__in=[FreezeState.DRAFT.value, FreezeState.CANCELLED.value]
    ).select_related("case", "agency")
    for row in rows.order_by("pk").iterator(BATCH):
        if freezes.content_hash_of(row) != row.content_hash:
            yield row.case.reference, row.reference, "submitted or decided"


def _decisions() -> Iterator[tuple[str, str, str]]:
    for extension in FreezeExtension.objects.select_related("freeze__case", "instrument"):
        if freezes.extension_hash_of(extension) != extension.content_hash:
            yield extension.freeze.case.reference, extension.reference, "requested or decided"
    for release in FreezeRelease.objects.select_related("freeze__case", "instrument"):
        if freezes.release_hash_of(release) != release.content_hash:
            yield release.freeze.case.reference, release.reference, "requested or decided"
    for seizure in Seizure.objects.select_related("freeze__case", "instrument", "agency"):
        if freezes.seizure_hash_of(seizure) != seizure.content_hash:
            yield seizure.freeze.case.reference, seizure.reference, "requested or decided"


def _releases() -> Iterator[tuple[str, str, str]]:
    rows = SharedRelease.objects.order_by("pk").values_list(
        "referral__case__reference", "number", "dossier", "sha256"
    )
    for case, number, dossier, sha256 in rows.iterator(BATCH):
        if hashlib.sha256(dossier.encode()).hexdigest() != sha256:
            yield case, number, "released"


def _requests() -> Iterator[tuple[str, str, str]]:
    for row in InformationRequest.objects.order_by("pk").iterator(BATCH):
        if requests.content_hash_of(row) != row.content_hash:
            yield "", row.reference, "asked"
