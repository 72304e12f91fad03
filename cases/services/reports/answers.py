"""Answers of a receiver that come as a list: one line a report, by the reference it was sent under.

goAML publishes no form for its answers; its receivers give a list out of their portal or by mail.
This reads such a list as CSV under column names of ours and those that portals use.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from cases.models import ReportAcknowledgement, SuspicionReport
from cases.policy import Action, Actor, require
from cases.services.errors import CaseworkError
from cases.services.reports.afterwards import keep_answer
from cases.states import InvalidTransition

MOST_ROWS: Final = 500
MOST_BYTES: Final = 5_000_000
COLUMNS: Final = ("entity_reference", "status", "number", "message")
REQUIRED: Final = ("entity_reference", "status")
# What portals call the same columns; compared without case, blanks and signs.
ALIASES: Final[Mapping[str, str]] = {
    "entityreference": "entity_reference", "reference": "entity_reference",
    "entityreferencenumber": "entity_reference", "internalreference": "entity_reference",
    "status": "status", "reportstatus": "status", "answer": "status", "result": "status",
    "number": "number", "fiurefnumber": "number", "fiureference": "number",
    "webreferencenumber": "number", "acknowledgementnumber": "number",
    "message": "message", "reason": "message", "comments": "message", "rejectionreason": "message",
}  # fmt: skip
STATUSES: Final[Mapping[str, str]] = {
    "accepted": "accepted", "processed": "accepted", "acknowledged": "accepted",
    "acceptedwithwarnings": "accepted_with_warnings", "rejected": "rejected",
    "refused": "rejected", "failedvalidation": "rejected",
}  # fmt: skip
PENDING: Final = frozenset({"uploaded", "submitted", "received", "pending", "validated",
                            "inprocess", "transferred"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImportedAnswer:
    """What became of one line: the answer that is kept, known ones too, or why there is none."""

    line: int
    entity_reference: str
    answer: ReportAcknowledgement | None = None
    is_known: bool = False
    reason: str = ""


def import_answers(content: bytes, *, by: Actor) -> list[ImportedAnswer]:
    """Keep each line's answer with the report that it names, each for itself.

    A line that fits no report is named with its reason, and so is one for a report that the person
    may not see: the two are told alike. A file read twice keeps nothing twice. Raises
    PermissionDenied, and CaseworkError for a file that is no such list.
    """
    require(by, Action.FILE_REPORT)
    found = []
    for line, row in _rows(content):
        reference = row["entity_reference"]
        try:
            answer, is_known = _taken(row, by)
        except (CaseworkError, InvalidTransition) as error:
            found.append(ImportedAnswer(line, reference, reason=str(error)))
        else:
            found.append(ImportedAnswer(line, reference, answer, is_known))
    return found


def _taken(row: Mapping[str, str], by: Actor) -> tuple[ReportAcknowledgement, bool]:
    """The answer of one line, and whether it was kept already. Raises CaseworkError."""
    status = _plain(row["status"])
    if status in PENDING:
        raise CaseworkError(_("The receiver has not decided yet."))
    if status not in STATUSES:
        raise CaseworkError(_("The status %(word)s is not known.") % {"word": row["status"][:40]})
    report = SuspicionReport.objects.visible_to(by).filter(reference=row["entity_reference"])
    one = report.first()
    if one is None:
        raise CaseworkError(_("No report has this reference."))
    answer, number = STATUSES[status], row.get("number", "")
    known = one.acknowledgements.filter(answer=answer, number=number[:40]).order_by("pk").first()
    if known is not None:
        return known, True
    message = row.get("message", "")[:500]
    errors = [{"text": message}] if message else []
    told = "\n".join(f"{name}: {row[name]}" for name in COLUMNS if row.get(name))
    return keep_answer(one, answer, number, errors=errors, file=told, by=by), False


def _rows(content: bytes) -> list[tuple[int, dict[str, str]]]:
    """The lines under our names of the columns. Raises CaseworkError."""
    if len(content) > MOST_BYTES:
        raise CaseworkError(_("The file is larger than 5 MB."))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CaseworkError(_("The text of the file is not UTF-8.")) from None
    if "\x00" in text:
        raise CaseworkError(_("This is no CSV file."))
    first = text.partition("\n")[0]
    mark = ";" if first.count(";") > first.count(",") else ","
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=mark))
    except csv.Error:
        raise CaseworkError(_("This is no CSV file.")) from None
    head = [ALIASES.get(_plain(name), "") for name in table[0]] if table else []
    missing = [name for name in REQUIRED if name not in head]
    if missing:
        raise CaseworkError(
            _("The file lacks the columns %(names)s.") % {"names": ", ".join(missing)}
        )
    if len(set(filter(None, head))) != len(list(filter(None, head))):
        raise CaseworkError(_("Two columns of the file mean the same."))
    body = [(line, row) for line, row in enumerate(table[1:], 2) if any(map(str.strip, row))]
    if len(body) > MOST_ROWS:
        raise CaseworkError(_("The file has more than %(n)d rows.") % {"n": MOST_ROWS})
    empty = dict.fromkeys(REQUIRED, "")
    return [
        (line, empty | {name: cell.strip() for name, cell in zip(head, row, strict=False) if name})
        for line, row in body
    ]


def _plain(text: str) -> str:
    return "".join(each for each in text.casefold() if each.isalnum())
