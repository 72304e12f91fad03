"""Refreshing labels: each source is a row with its cadence; what fails changes nothing loaded.

The row is the job: a worker takes it for a time, and only who holds the attempt writes the result.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.gateways.labels import LabelsUnreachable, check_location, fetch_labels
from cases.models import LabelSource
from cases.policy import SYSTEM
from cases.services.attribution import import_sanctions, import_tags
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.validation import check_fields, require_text
from tracing.jobs import LabelReport
from tracing.reads import TracingError

logger = structlog.get_logger(__name__)

LEASE = timedelta(minutes=30)
SHRUNK = 2
"""A version with less than a half of the rows is taken by hand alone: it may be cut off."""


@dataclass(frozen=True)
class SourceSpec:
    """A source as it is named: where the file lies, and what is assumed where it is silent."""

    name: str
    kind: str
    location: str
    every_hours: int
    confidence: str = ""
    category: str = ""


@transaction.atomic
def add_label_source(spec: SourceSpec) -> LabelSource:
    """Keep a source; it is asked at the dispatcher's next round. Raises CaseworkError."""
    try:
        check_location(spec.location)
    except LabelsUnreachable as error:
        raise CaseworkError(str(error)) from None
    source = LabelSource(
        name=require_text(spec.name, _("Name the source.")),
        kind=spec.kind,
        location=spec.location,
        confidence=spec.confidence,
        category=spec.category,
        every_hours=spec.every_hours,
        due_at=timezone.now(),
    )
    check_fields(source, "name", "kind", "location", "confidence", "category")
    if not 1 <= spec.every_hours <= 24 * 31:
        raise CaseworkError(_("A source is asked every hour at most and every 31 days at least."))
    try:
        with transaction.atomic():
            source.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("A source of this name is there already.")) from error
    _record("add_label_source", source)
    return source


@transaction.atomic
def switch_label_source(name: str, *, is_on: bool) -> LabelSource:
    """Ask a source again, at once, or no more; what it brought stays. Raises CaseworkError."""
    changed = LabelSource.objects.filter(name=name).exclude(is_on=is_on)
    if changed.update(is_on=is_on, due_at=Now()):
        source = LabelSource.objects.get(name=name)
        _record("start_label_source" if is_on else "stop_label_source", source)
        return source
    return find_label_source(name)


def find_label_source(name: str) -> LabelSource:
    """The source of this name. Raises CaseworkError."""
    source = LabelSource.objects.filter(name=name).first()
    if source is None:
        raise CaseworkError(_("No source is called %(name)s.") % {"name": name})
    return source


def refresh_due_labels() -> int:
    """Fetch every source that is due; how many were. Two workers share them out."""
    due = _due().order_by("due_at", "pk").values_list("pk", flat=True)
    return sum(refresh_label_source(pk) is not None for pk in list(due))


def refresh_label_source(pk: int, *, now: bool = False) -> LabelSource | None:
    """Fetch one source and load what it holds; None where somebody else does or it is not due.

    A version is loaded whole or not at all. What cannot be had or read is written on the row, and
    asked for again after 1, 2, 4 ... hours, at most its cadence.

    Args:
        now: also where it is not due yet.
    """
    rows = LabelSource.objects.filter(pk=pk) if now else _due().filter(pk=pk)
    rows = rows.filter(Q(lease_until=None) | Q(lease_until__lt=Now()))
    if not rows.update(attempt=F("attempt") + 1, lease_until=Now() + LEASE):
        return None
    source = LabelSource.objects.get(pk=pk)
    try:
        cache = settings.FIU_HOME / "cache"
        cache.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=cache) as folder:
            report = _load(source, fetch_labels(source.location, Path(folder)))
    except (LabelsUnreachable, TracingError) as error:
        logger.warning("labels_not_refreshed", source=source.name, reason=str(error))
        _fail(source, str(error))
    else:
        is_new = bool(report.num_added)
        _finish(
            source, num_failures=0, last_error="", num_rows=report.num_stored,
            last_outcome="changed" if is_new else "same", sha256=report.sha256,
            due_at=Now() + timedelta(hours=source.every_hours),
            **({"changed_at": Now()} if is_new else {}),
        )  # fmt: skip
    return LabelSource.objects.get(pk=pk)


def _load(source: LabelSource, path: Path) -> LabelReport:
    """The new version, unless it lost more than half of what stood before."""
    with transaction.atomic():
        report = (
            import_tags(path, confidence=source.confidence, category=source.category)
            if source.kind == "tags"
            else import_sanctions(path, name=source.name)
        )
        if not report.is_active:
            raise LabelsUnreachable(_("It offers a version that a later one took the place of."))
        if report.num_before > SHRUNK * report.num_stored:
            raise LabelsUnreachable(
                _("It went from %(before)s rows to %(now)s: look, and load it by hand.")
                % {"before": report.num_before, "now": report.num_stored}
            )
    return report


def _due() -> QuerySet[LabelSource]:
    return LabelSource.objects.filter(is_on=True, due_at__lte=Now())


@transaction.atomic
def _fail(source: LabelSource, reason: str) -> None:
    hours = min(2**source.num_failures, source.every_hours)
    done = _finish(
        source, num_failures=min(source.num_failures + 1, 10), last_outcome="failed",
        last_error=reason[:500], due_at=Now() + timedelta(hours=hours),
    )  # fmt: skip
    if done and not source.num_failures:
        _record("fail_label_source", source, reason=reason[:500])


def _finish(source: LabelSource, **fields: object) -> int:
    """Write what came of it, if the attempt is still ours."""
    mine = LabelSource.objects.filter(pk=source.pk, attempt=source.attempt)
    return mine.update(lease_until=None, last_at=Now(), **fields)


def _record(action: str, source: LabelSource, *, reason: str = "") -> None:
    record_event(
        None, action, f"label_source:{source.public_id}", by=SYSTEM, reason=reason,
        data={"name": source.name, "kind": source.kind, "location": source.location},
    )  # fmt: skip
