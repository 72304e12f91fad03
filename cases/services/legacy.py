"""Cases of another system, taken over row by row with their days as recorded there.

Each becomes a case of this house, opened now and in intake: here nobody has investigated, decided
or closed anything yet. What it said of itself there stands beside it; the chain says when it came.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import acting_as
from cases.models import Case, LegacyCase
from cases.policy import SYSTEM, Action, Actor, Role, require
from cases.services.audit import record_event
from cases.services.command_files import read_command_file
from cases.services.errors import CaseworkError, ImportRefused
from cases.services.references import next_reference
from cases.services.validation import check_fields

COLUMNS = (
    "system", "number", "title", "case_type", "priority", "summary", "opened_on", "closed_on",
    "owner", "outcome",
)  # fmt: skip
NEEDED = ("system", "number", "title", "opened_on")
MOST = 50_000
EARLIEST = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class LegacyRow:
    """What became of one row: the case it is now, or why it was not taken.

    Of a row that is known, but whose case is not to be seen by who sends it, neither.
    """

    number: int
    case: UUID | None = None
    reference: str = ""
    reason: str = ""


@dataclass(slots=True)
class LegacyReport:
    """Every row once: taken, known from before, or refused."""

    num_added: int = 0
    num_known: int = 0
    rows: list[LegacyRow] = field(default_factory=list)

    @property
    def refused(self) -> list[LegacyRow]:
        return [row for row in self.rows if row.reason]


def import_legacy_file(path: Path, *, visibility: str = "sealed") -> LegacyReport:
    """Take over the cases of a CSV file by command; its first line names the columns.

    The cases belong to nobody yet: compliance sees them and gives them away. Each row is a
    transaction of its own. Raises ImportRefused where the file is none.
    """
    file = read_command_file(path, MOST)
    head = file.head
    if not set(NEEDED) <= set(head) <= set(COLUMNS) or len(set(head)) != len(head):
        raise ImportRefused(path.name, 1, f"the first line must be of {','.join(COLUMNS)}.")
    told = (
        dict(zip(head, cells, strict=True)) if len(cells) == len(head) else {}
        for cells in file.rows
    )
    return _take(told, visibility, by=SYSTEM)


def import_legacy_cases(
    *, cases: list[Mapping[str, str]], visibility: str = "sealed", by: Actor
) -> LegacyReport:
    """Take over what a program sends; who sends them owns the cases. Raises PermissionDenied."""
    require(by, Action.IMPORT_CASES)
    return _take(cases, visibility, by=by)


def _take(rows: Iterable[Mapping[str, str]], visibility: str, *, by: Actor) -> LegacyReport:
    report = LegacyReport()
    for number, row in enumerate(rows, 1):
        try:
            with transaction.atomic():
                case, is_new = _one(row, visibility, by=by)
        except CaseworkError as error:
            report.rows.append(LegacyRow(number, reason=str(error)))
            continue
        report.num_added += is_new
        report.num_known += not is_new
        told = (case.public_id, case.reference) if is_new or _may_name(case, by) else ()
        report.rows.append(LegacyRow(number, *told))
    return report


def _may_name(case: Case, by: Actor) -> bool:
    """Whether who sends a row known from before may learn which case it is: a wall holds (A7)."""
    return by.role == Role.SYSTEM or Case.objects.visible_to(by).filter(pk=case.pk).exists()


def _one(row: Mapping[str, str], visibility: str, *, by: Actor) -> tuple[Case, bool]:
    """The case of one row; a row taken before gives the case that it became."""
    told = {name: str(row.get(name) or "").strip() for name in COLUMNS}
    if any("\0" in cell for cell in told.values()):
        raise CaseworkError(_("It holds a sign that no text has."))
    for name in NEEDED:
        if not told[name]:
            raise CaseworkError(_("%(name)s is missing.") % {"name": name})
    known = LegacyCase.objects.filter(system=told["system"], number=told["number"])
    with acting_as(SYSTEM):  # known is known, also to whom its case is hidden
        before = known.select_related("case").first()
    if before is not None:
        return before.case, False
    opened_on, closed_on = _day("opened_on", told), _day("closed_on", told)
    assert opened_on is not None  # it is needed
    if closed_on is not None and closed_on < opened_on:
        raise CaseworkError(_("It was closed before it was opened."))
    now = timezone.now()
    case = Case(
        title=told["title"], summary=told["summary"], case_type=told["case_type"] or "other",
        priority=told["priority"] or "P3", visibility=visibility, owner_by_id=by.user_id,
        opened_by_id=by.user_id, opened_at=now,
    )  # fmt: skip
    check_fields(case, "title", "summary", "case_type", "priority", "visibility")
    legacy = LegacyCase(
        case=case, opened_on=opened_on, closed_on=closed_on, imported_at=now,
        **{name: told[name] for name in ("system", "number", "owner", "outcome")},
    )  # fmt: skip
    check_fields(legacy, "system", "number", "owner", "outcome")
    case.reference = next_reference("CASE")
    case.save(force_insert=True)
    if by.role != Role.SYSTEM and visibility != "unit":
        case.accesses.create(user_id=by.person, level="lead", granted_by_id=by.person)
    try:
        with transaction.atomic():
            legacy.save(force_insert=True)
    except IntegrityError:
        raise CaseworkError(_("This case is being taken over by somebody else.")) from None
    record_event(
        case, "import_case", case.reference, by=by, reason=_("As recorded elsewhere."),
        data=_content(legacy) | {"visibility": visibility},
    )  # fmt: skip
    return case, True


def _day(name: str, told: Mapping[str, str]) -> date | None:
    """The day in a column, None where it is empty. Raises CaseworkError."""
    if not told[name]:
        return None
    try:
        day = date.fromisoformat(told[name])
    except ValueError:
        raise CaseworkError(_("%(name)s is no day such as 2019-05-20.") % {"name": name}) from None
    if not EARLIEST <= day <= timezone.now().date():
        raise CaseworkError(_("%(name)s lies before 1970 or in the future.") % {"name": name})
    return day


def _content(legacy: LegacyCase) -> dict[str, Any]:
    return {
        "system": legacy.system,
        "number": legacy.number,
        "opened_on": legacy.opened_on.isoformat(),
        "closed_on": legacy.closed_on.isoformat() if legacy.closed_on else None,
    }
