"""Labels from outside: tag packs and sanctions lists, loaded with a line in the audit trail."""

from datetime import date
from pathlib import Path

from django.db import transaction

from cases.policy import SYSTEM
from cases.services.audit import record_event
from tracing import jobs
from tracing.jobs import LabelReport


@transaction.atomic
def import_tags(path: Path, *, confidence: str = "", category: str = "") -> LabelReport:
    """Load one file of tags; a version that is there already changes and records nothing.

    Raises tracing's TagFileError with the reason the file is refused.
    """
    report = jobs.load_tags(path, confidence=confidence, category=category)
    _record("import_tags", report)
    return report


@transaction.atomic
def import_sanctions(
    path: Path, *, name: str = "", as_of: date | None = None, listed_on: date | None = None
) -> LabelReport:
    """Load one sanctions list; a version that is there already changes and records nothing.

    Raises tracing's TagFileError with the reason the file is refused.
    """
    report = jobs.load_sanctions(path, name=name, as_of=as_of, listed_on=listed_on)
    _record("import_sanctions", report)
    return report


def _record(action: str, report: LabelReport) -> None:
    if not report.num_added:
        return
    record_event(
        None, action, f"labels:{report.sha256[:16]}", by=SYSTEM,
        data={
            "name": report.name,
            "sha256": report.sha256,
            "num_added": report.num_added,
            "num_rejected": len(report.rejected),
            "chains": report.chains,
            "supersedes": report.supersedes,
        },
    )  # fmt: skip
