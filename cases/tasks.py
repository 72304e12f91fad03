"""What workers do for the casework: each takes ids, calls one service, and may run twice."""

from uuid import UUID

from celery import shared_task

from cases.services.findings import collect_findings


@shared_task(name="cases.collect_findings")
def collect_findings_task(run: str) -> int:
    """Take the findings of a finished run; returns how many drafts were made."""
    return collect_findings(UUID(run))
