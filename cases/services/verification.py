"""What was approved or released, against the hash it was approved or released under (H7)."""

import hashlib
from collections.abc import Iterator

from cases.models import (
    Finding,
    FreezeExtension,
    FreezeRelease,
    FreezeRequest,
    InformationRequest,
    SharedRelease,
)
from cases.services import findings, freezes, requests
from cases.services.audit import Break
from cases.services.reads import altered_reads
from cases.states import FindingState, FreezeState

BATCH = 500


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
