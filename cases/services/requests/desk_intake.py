"""Requests that reach the desk another way: by letter, through a program, or another portal's list.

The desk files them for a known officer of the agency; from then on they go the way of all others.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext as _

from cases.models import InformationRequest
from cases.policy import Action, Actor, Role, require
from cases.request_words import CHANNELS, DATASETS, INSTRUMENTS, URGENCIES
from cases.services.errors import CaseworkError
from cases.services.requests.intake import RequestSpec, file_request
from cases.services.validation import require_text

MAXIMUM_ROWS = 500
MAXIMUM_BYTES = 5 * 1024 * 1024
COLUMNS = (
    "agency_ref", "officer", "channel", "instrument_type", "instrument_number", "issued_by",
    "issued_on", "valid_until", "legal_basis", "offences", "background", "identifiers", "datasets",
    "period_from", "period_until", "urgency", "due_on",
)  # fmt: skip
# What other portals call the same columns; compared without case, blanks and signs.
ALIASES: Mapping[str, str] = {
    "casenumber": "agency_ref", "filenumber": "agency_ref", "referencenumber": "agency_ref",
    "officeremail": "officer", "requestoremail": "officer", "requester": "officer",
    "source": "channel", "processtype": "instrument_type", "requesttype": "instrument_type",
    "legalprocess": "instrument_type", "processnumber": "instrument_number",
    "ordernumber": "instrument_number", "court": "issued_by", "issuer": "issued_by",
    "dateissued": "issued_on", "issuedate": "issued_on", "expires": "valid_until",
    "statute": "legal_basis", "crime": "offences", "offence": "offences", "offense": "offences",
    "notes": "background", "description": "background", "targets": "identifiers",
    "accounts": "identifiers", "datarequested": "datasets", "data": "datasets",
    "startdate": "period_from", "enddate": "period_until", "priority": "urgency",
    "duedate": "due_on", "deadline": "due_on",
}  # fmt: skip
REQUIRED = (
    "agency_ref", "officer", "instrument_type", "issued_on", "identifiers", "datasets", "due_on",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """One line of the list: the request it became, or why it was not taken."""

    line: int
    agency_ref: str
    request: InformationRequest | None
    reason: str = ""


@transaction.atomic
def record_for_agency(
    spec: RequestSpec, *, officer: str, channel: str, by: Actor
) -> InformationRequest:
    """File a request that an officer sent another way; `officer` is the user name or e-mail.

    Raises PermissionDenied, CaseworkError.
    """
    require(by, Action.VERIFY_REQUESTER)
    if channel not in CHANNELS or channel == "portal":
        raise CaseworkError(_("Say by which way it came: %(ways)s.") % {
            "ways": ", ".join(name for name in CHANNELS if name != "portal")
        })  # fmt: skip
    people = get_user_model().objects.filter(role=Role.LIAISON.value, is_active=True)
    named = require_text(officer, _("Say which officer asks, by user name or e-mail."))
    found = list(people.filter(username=named) or people.filter(email__iexact=named)[:2])
    liaison = found[0] if found else None
    if liaison is None or liaison.agency_id is None:
        raise CaseworkError(_("No active officer of a known agency is called so."))
    if len(found) > 1:
        raise CaseworkError(_("Two officers have this e-mail: give the user name."))
    return file_request(
        spec, agency_id=liaison.agency_id, liaison_id=liaison.pk, channel=channel, by=by
    )


def import_requests(content: bytes, *, by: Actor) -> list[ImportedRow]:
    """File the rows of another portal's CSV export, each for itself.

    A row that cannot be filed comes back with its reason and the others stand; read twice, the
    second time every row is known already. Raises PermissionDenied, CaseworkError for another file.
    """
    require(by, Action.VERIFY_REQUESTER)
    rows = []
    for line, row in read_rows(content):
        agency_ref = row.get("agency_ref", "")
        try:
            filed = record_for_agency(
                _spec(row), officer=row.get("officer", ""), channel=row.get("channel") or "kodex",
                by=by,
            )  # fmt: skip
        except CaseworkError as error:
            rows.append(ImportedRow(line, agency_ref, None, str(error)))
        else:
            rows.append(ImportedRow(line, agency_ref, filed))
    return rows


def read_rows(content: bytes) -> list[tuple[int, dict[str, str]]]:
    """The rows under our column names, with their lines. Raises CaseworkError."""
    if len(content) > MAXIMUM_BYTES:
        raise CaseworkError(_("The file is larger than 5 MB."))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CaseworkError(_("The file is not UTF-8.")) from None
    if "\x00" in text:
        raise CaseworkError(_("This is no CSV file."))
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        raise CaseworkError(_("This is no CSV file.")) from None
    head = [_column(name) for name in table[0]] if table else []
    missing = [name for name in REQUIRED if name not in head]
    if missing:
        raise CaseworkError(_("The file lacks the columns %(names)s.") % {
            "names": ", ".join(missing)
        })  # fmt: skip
    if len(set(filter(None, head))) != len(list(filter(None, head))):
        raise CaseworkError(_("Two columns of the file mean the same."))
    body = [(line, row) for line, row in enumerate(table[1:], 2) if any(map(str.strip, row))]
    if len(body) > MAXIMUM_ROWS:
        raise CaseworkError(_("The file has more than %(n)d rows.") % {"n": MAXIMUM_ROWS})
    return [
        (line, {name: value.strip() for name, value in zip(head, row, strict=False) if name})
        for line, row in body
    ]


def _column(name: str) -> str:
    plain = "".join(each for each in name.casefold() if each.isalnum())
    ours = {each.replace("_", ""): each for each in COLUMNS}
    return ours.get(plain) or ALIASES.get(plain, "")


def _spec(row: Mapping[str, str]) -> RequestSpec:
    """Raises CaseworkError that names the column."""
    due_on = _day(row, "due_on")
    if due_on is None:
        raise CaseworkError(_("The column %(name)s is empty.") % {"name": "due_on"})
    issued_on = _day(row, "issued_on")
    if issued_on is None:
        raise CaseworkError(_("The column %(name)s is empty.") % {"name": "issued_on"})
    asked = [_known(each, DATASETS) for each in row.get("datasets", "").replace(";", " ").split()]
    return RequestSpec(
        agency_ref=row.get("agency_ref", ""),
        instrument_type=_known(row.get("instrument_type", ""), INSTRUMENTS),
        instrument_number=row.get("instrument_number", ""),
        issued_by=row.get("issued_by", ""),
        issued_on=issued_on,
        valid_until=_day(row, "valid_until"),
        legal_basis=row.get("legal_basis", ""),
        offences=row.get("offences", ""),
        background=row.get("background", ""),
        identifiers="\n".join(
            part.strip() for part in row.get("identifiers", "").replace(";", "\n").splitlines()
        ),
        datasets=tuple(asked),
        period_from=_day(row, "period_from"),
        period_until=_day(row, "period_until"),
        urgency=_known(row.get("urgency", "") or "routine", URGENCIES),
        due_at=datetime.combine(due_on, time(23, 59, 59), UTC),
    )


def _known(value: str, names: Mapping[str, object]) -> str:
    """A name of one of our lists, or its words. Raises CaseworkError."""
    plain = value.strip().casefold().replace(" ", "_").replace("-", "_")
    for name, words in names.items():
        if plain in (name, str(words).casefold().replace(" ", "_")):
            return name
    raise CaseworkError(
        _("“%(value)s” is none of: %(names)s.") % {"value": value[:60], "names": ", ".join(names)}
    )


def _day(row: Mapping[str, str], name: str) -> date | None:
    value = row.get(name, "")
    if not value:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        raise CaseworkError(
            _("The column %(name)s holds no day such as 2026-05-31.") % {"name": name}
        ) from None
