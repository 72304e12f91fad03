"""Legal instruments: court orders, agency requests, sanctions entries; verified by two people."""

from dataclasses import dataclass
from datetime import date

from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.files import store_bytes
from cases.models import Case, LegalInstrument
from cases.policy import Action, Actor, require_second_person
from cases.services.audit import record_event
from cases.services.errors import CaseworkError, NotFound
from cases.services.limits import take_upload
from cases.services.locks import enter_case
from cases.states import InvalidTransition

MAXIMUM_BYTES = 25 * 1024 * 1024
# Extension -> what such a file begins with.
DOCUMENTS = {
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
}
INSTRUMENT_TYPES = frozenset({"court_order", "agency_request", "sanctions_entry"})


@dataclass(frozen=True, slots=True)
class UploadedBytes:
    """A file as it was uploaded: the name it had and its bytes."""

    name: str
    content: bytes


@transaction.atomic
def record_instrument(
    case: Case,
    *,
    type: str,  # noqa: A002  # the column's name
    number: str,
    agency_id: int | None,
    issued_by: str,
    issued_on: date,
    valid_until: date | None,
    jurisdiction: str,
    document: UploadedBytes | None,
    by: Actor,
) -> LegalInstrument:
    """Record an instrument as received; nothing rests on it until a second person verified it.

    Raises PermissionDenied, NotFound, CaseworkError.
    """
    case = enter_case(case.pk, Action.RECORD_INSTRUMENT, by=by)
    number, issued_by = number.strip(), issued_by.strip()
    if type not in INSTRUMENT_TYPES:
        raise CaseworkError(_("Choose the kind of instrument from the list."))
    if not number or not issued_by:
        raise CaseworkError(_("Give the number of the instrument and who issued it."))
    if valid_until is not None and valid_until < issued_on:
        raise CaseworkError(_("The instrument ends before it was issued."))
    if agency_id is not None and (
        not apps.get_model("fiu", "Agency").objects.filter(pk=agency_id).exists()
    ):
        raise NotFound(_("This agency is not known."))
    name, sha256 = keep_document(document, by=by)
    try:
        with transaction.atomic():
            instrument = LegalInstrument.objects.create(
                case=case,
                type=type,
                number=number,
                agency_id=agency_id,
                issued_by=issued_by,
                issued_on=issued_on,
                valid_until=valid_until,
                jurisdiction=jurisdiction.upper()[:2],
                document_name=name,
                document_sha256=sha256,
                recorded_by_id=by.person,
                recorded_at=timezone.now(),
            )
    except IntegrityError as error:
        raise CaseworkError(_("This instrument is already recorded in the case.")) from error
    record_event(
        case, "record_instrument", str(instrument.public_id), by=by,
        data={"type": type, "document_sha256": sha256},
    )  # fmt: skip
    return instrument


def keep_document(document: UploadedBytes | None, *, by: Actor) -> tuple[str, str]:
    """Check the file by its bytes and its name, store it, and return both names of it.

    Raises CaseworkError, TooFast.
    """
    if document is None:
        return "", ""
    if len(document.content) > MAXIMUM_BYTES:
        raise CaseworkError(_("The file is larger than 25 MB."))
    extension = document.name.rpartition(".")[2].lower()
    if not document.content.startswith(DOCUMENTS.get(extension, ())):
        raise CaseworkError(_("The document must be a PDF, PNG or JPEG file."))
    take_upload(len(document.content), by=by)
    plain = "".join(ch for ch in document.name if ch.isalnum() or ch in "._- ").strip(". ")
    return plain[-120:] or f"document.{extension}", store_bytes(document.content)


@transaction.atomic
def verify_instrument(instrument: LegalInstrument, *, by: Actor) -> LegalInstrument:
    """Confirm as a second person that the instrument is genuine and in date.

    Raises PermissionDenied, CaseworkError, InvalidTransition if somebody verified it before.
    """
    case = enter_case(instrument.case_id, Action.VERIFY_INSTRUMENT, by=by)
    require_second_person(by, instrument.recorded_by_id)
    now = timezone.now()
    if instrument.valid_until is not None and instrument.valid_until < now.date():
        raise CaseworkError(_("This instrument is out of date."))
    verified = LegalInstrument.objects.filter(pk=instrument.pk, verified_by=None).update(
        verified_by_id=by.user_id, verified_at=now
    )
    if not verified:
        raise InvalidTransition(_("Somebody verified this instrument already."))
    instrument.refresh_from_db()
    record_event(case, "verify_instrument", str(instrument.public_id), by=by)
    return instrument
