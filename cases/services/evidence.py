"""The evidence store: exhibits sealed as they come in, and the custody log of each.

    hash = SHA-256("tracehold-custody-v1\\0" + prev_hash + RFC 8785 form of the event), hex

An exhibit is never edited and never deleted. What the database holds of that stands in
cases/guards.py; `verify_store` finds what was changed behind its back.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.files import FileDamaged, is_stored, load_bytes, store_bytes
from cases.models import Case, CustodyEvent, Evidence, LegalInstrument, ReleaseFile
from cases.policy import (
    SYSTEM,
    Action,
    Actor,
    PermissionDenied,
    require,
    require_second_person,
    require_step_up,
)
from cases.services.audit import Break, canonical, record_event
from cases.services.errors import CaseworkError
from cases.services.instruments import MAXIMUM_BYTES, UploadedBytes
from cases.services.limits import require_room_in_case, take_export, take_upload
from cases.services.locks import enter_case, lock_case
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_reason, require_text
from cases.states import EVIDENCE, EvidenceAction, EvidenceState
from cases.times import iso

PREFIX = b"tracehold-custody-v1\0"
FIRST_PREVIOUS = "0" * 64
# Extension -> what such a file begins with (empty: plain text in UTF-8), and how it is served.
TYPES: dict[str, tuple[tuple[bytes, ...], str]] = {
    "pdf": ((b"%PDF-",), "application/pdf"),
    "png": ((b"\x89PNG\r\n\x1a\n",), "image/png"),
    "jpg": ((b"\xff\xd8\xff",), "image/jpeg"),
    "jpeg": ((b"\xff\xd8\xff",), "image/jpeg"),
    "txt": ((), "text/plain; charset=utf-8"),
    "csv": ((), "text/csv; charset=utf-8"),
    "json": ((), "application/json"),
    "eml": ((), "message/rfc822"),
}
HANDED_OVER = ("copy", "transfer", "receive")
ACTIVE_CONTENT = (b"<!doctype", b"<html", b"<script", b"<svg", b"<?xml")


@dataclass(frozen=True, slots=True)
class Origin:
    """The exhibit of the same case that a file was made from: redacted, or in any other way."""

    exhibit: Evidence
    is_redacted: bool = False


def checked_type(document: UploadedBytes) -> tuple[str, str]:
    """The plain name of an upload and its type, by its extension and its bytes together (S8).

    Raises CaseworkError for what is too large, empty, of a type not taken, or not what it says.
    """
    if len(document.content) > MAXIMUM_BYTES:
        raise CaseworkError(_("The file is larger than 25 MB."))
    if not document.content:
        raise CaseworkError(_("The file is empty."))
    extension = document.name.rpartition(".")[2].lower()
    if extension not in TYPES:
        raise CaseworkError(
            _("Files of these kinds are taken: %(kinds)s.") % {"kinds": ", ".join(sorted(TYPES))}
        )
    beginnings, mime = TYPES[extension]
    fits = document.content.startswith(beginnings) if beginnings else _is_text(document.content)
    if fits and extension == "json":
        fits = _is_json(document.content)
    if not fits:
        raise CaseworkError(_("The file's content is not what its name says."))
    plain = "".join(ch for ch in document.name if ch.isalnum() or ch in "._- ").strip(". ")
    return plain[-120:] or f"exhibit.{extension}", mime


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    begins_active = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(ACTIVE_CONTENT)
    return not begins_active and not any(ord(ch) < 32 and ch not in "\t\r\n\f" for ch in text)


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


@transaction.atomic
def acquire_evidence(
    case: Case,
    *,
    document: UploadedBytes,
    kind: str,
    title: str,
    source: str,
    source_grade: str,
    information_grade: str,
    reason: str = "",
    origin: Origin | None = None,
    tlp: str = "AMBER",
    handling_code: str = "H0",
    handling_text: str = "",
    by: Actor,
) -> Evidence:
    """Take a file into the case as an exhibit: hashed, stored, sealed at once.

    One that was made from another exhibit of the case says so, and so does that one's custody.
    Raises PermissionDenied, CaseworkError, TooFast.
    """
    case = enter_case(case.pk, Action.ACQUIRE_EVIDENCE, by=by)
    name, mime = checked_type(document)
    require_room_in_case(case, len(document.content))
    take_upload(len(document.content), by=by)
    sha256 = store_bytes(document.content)
    last = case.evidence.order_by("-number").values_list("number", flat=True).first() or 0
    evidence = Evidence(
        case=case,
        number=last + 1,
        kind=kind,
        title=title.strip(),
        original_name=name,
        mime=mime,
        size=len(document.content),
        sha256=sha256,
        sha512=hashlib.sha512(document.content).hexdigest(),
        source=source.strip(),
        source_grade=source_grade,
        information_grade=information_grade,
        acquired_by_id=by.person,
        acquired_at=timezone.now(),
        tlp=tlp,
        handling_code=handling_code,
        handling_text=handling_text.strip(),
    )
    check_fields(
        evidence, "kind", "title", "source", "source_grade", "information_grade", "tlp",
        "handling_code", "handling_text",
    )  # fmt: skip
    if handling_code == "H3" and not evidence.handling_text:
        raise CaseworkError(_("H3 says how to handle it in words: write them."))
    if origin is not None:
        _require_origin(origin, case)
        setattr(evidence, "redaction_of" if origin.is_redacted else "derived_from", origin.exhibit)
    try:
        with transaction.atomic():
            evidence.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("This file is an exhibit of the case already.")) from error
    log_custody(evidence, "acquire", reason, sha256, by=by)
    seal_evidence(evidence)
    if origin is not None:
        act = "redact" if origin.is_redacted else "copy"
        log_custody(origin.exhibit, act, evidence.exhibit_no, origin.exhibit.sha256, by=by)
    record_event(
        case, "acquire_evidence", evidence.exhibit_no, by=by, reason=reason,
        data={"sha256": sha256, "kind": kind},
    )  # fmt: skip
    return evidence


def _require_origin(origin: Origin, case: Case) -> None:
    if origin.exhibit.case_id != case.pk:
        raise CaseworkError(_("It was made from an exhibit of another case: take that in first."))
    _require_there(origin.exhibit)


def seal_evidence(evidence: Evidence) -> None:
    """From here on the exhibit stays as it is; the system's own step, in the caller's transaction.

    Raises InvalidTransition if it is sealed already.
    """
    swap_state(evidence, EVIDENCE, EvidenceAction.SEAL, evidence.exhibit_no)
    log_custody(evidence, "seal", "", evidence.sha256, by=SYSTEM)


@transaction.atomic
def open_evidence(evidence: Evidence, *, by: Actor) -> bytes:
    """The bytes for somebody who may see the case; that they were viewed is kept.

    Raises PermissionDenied, FileDamaged.
    """
    _enter_to_look(evidence, by=by)
    _require_there(evidence)
    content = load_bytes(evidence.sha256)
    log_custody(evidence, "view", "", evidence.sha256, by=by)
    return content


def _require_there(evidence: Evidence) -> None:
    evidence.refresh_from_db(fields=["state", "disposed_at"])
    if evidence.state == EvidenceState.DISPOSED.value:
        raise CaseworkError(
            _("The file was disposed of on %(day)s; its hashes and its custody log stay.")
            % {"day": f"{evidence.disposed_at:%Y-%m-%d}"}
        )


def _enter_to_look(evidence: Evidence, *, by: Actor) -> Case:
    """Lock the case for the custody log; reading access is enough."""
    case = lock_case(evidence.case_id)
    require(by, Action.VIEW_CASE)
    if not Case.objects.visible_to(by).filter(pk=case.pk).exists():
        raise PermissionDenied("You may not see this case.")
    return case


@transaction.atomic
def verify_evidence(evidence: Evidence, *, by: Actor) -> bool:
    """Hash the stored bytes again and keep the answer in the custody log; True where they agree."""
    case = _enter_to_look(evidence, by=by)
    _require_there(evidence)
    found = _present_hash(evidence)
    is_whole = found == evidence.sha256
    log_custody(
        evidence, "verify", "" if is_whole else "The stored bytes are damaged.", found, by=by
    )
    record_event(case, "verify_evidence", evidence.exhibit_no, by=by, data={"is_whole": is_whole})
    return is_whole


@transaction.atomic
def hand_over_evidence(
    evidence: Evidence, *, act: str, party: str, reason: str, by: Actor
) -> CustodyEvent:
    """Write down that a copy or the original went to somebody, or came back from there.

    `act` is copy, transfer or receive. Raises PermissionDenied, StepUpRequired, CaseworkError.
    """
    case = enter_case(evidence.case_id, Action.EXPORT_EVIDENCE, by=by)
    require_step_up(by)
    _require_there(evidence)
    text = require_reason(reason)
    whom = require_text(party, _("Say to whom it went, or from whom it came."))
    if act not in HANDED_OVER:
        raise CaseworkError(_("Say whether a copy went, the original went, or it came back."))
    event = log_custody(evidence, act, text, evidence.sha256, by=by, party=whom)
    record_event(
        case, "hand_over_evidence", evidence.exhibit_no, by=by, reason=text,
        data={"act": act, "party": whom[:120]},
    )  # fmt: skip
    return event


@transaction.atomic
def export_evidence(evidence: Evidence, *, reason: str, by: Actor) -> bytes:
    """A ZIP with the file, its custody log and their hashes, as a second person (bytes of the ZIP).

    Raises PermissionDenied, StepUpRequired, CaseworkError, FileDamaged.
    """
    case = enter_case(evidence.case_id, Action.EXPORT_EVIDENCE, by=by)
    require_second_person(by, evidence.acquired_by_id)
    require_step_up(by)
    _require_there(evidence)
    text = require_reason(reason)
    take_export(by=by)
    content = load_bytes(evidence.sha256)
    log_custody(evidence, "export", text[:200], evidence.sha256, by=by)
    record_event(case, "export_evidence", evidence.exhibit_no, by=by, reason=text)
    return _package(evidence, content)


def _package(evidence: Evidence, content: bytes) -> bytes:
    log = {
        "exhibit": evidence.exhibit_no,
        "title": evidence.title,
        "file": evidence.original_name,
        "size": evidence.size,
        "sha256": evidence.sha256,
        "sha512": evidence.sha512,
        "source": evidence.source,
        "grading": evidence.source_grade + evidence.information_grade,
        "tlp": evidence.tlp,
        "handling": evidence.handling_code,
        "handling_text": evidence.handling_text,
        "derived_from": _number_of(evidence.derived_from),
        "redaction_of": _number_of(evidence.redaction_of),
        "custody": [
            _content(event) | {"prev_hash": event.prev_hash, "hash": event.hash}
            for event in evidence.custody.order_by("seq")
        ],
    }
    files = {f"data/{evidence.original_name}": content, "custody.json": canonical(log)}
    sums = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())
    )
    files["manifest-sha256.txt"] = sums.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return packed.getvalue()


def _number_of(exhibit: Evidence | None) -> str | None:
    return exhibit.exhibit_no if exhibit else None


def _present_hash(evidence: Evidence) -> str:
    try:
        return hashlib.sha256(load_bytes(evidence.sha256)).hexdigest()
    except FileDamaged:
        return ""


def _content(event: CustodyEvent) -> dict[str, str | int | None]:
    """What is hashed of one custody event; whom it went to, where it went to somebody."""
    return {
        "evidence": str(event.evidence.public_id),
        "seq": event.seq,
        "at": iso(event.at),
        "actor": event.actor_id,
        "action": event.action,
        "reason": event.reason,
        "file_sha256": event.file_sha256,
        **({"party": event.party} if event.party else {}),
    }


def _hash(event: CustodyEvent) -> str:
    text = canonical(_content(event))
    return hashlib.sha256(PREFIX + event.prev_hash.encode() + text).hexdigest()


def _now() -> datetime:
    now = timezone.now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def log_custody(
    evidence: Evidence, action: str, reason: str, file_sha256: str, *, by: Actor, party: str = ""
) -> CustodyEvent:
    """Append one line to the exhibit's custody; the case row is locked, so it cannot fork."""
    last = evidence.custody.order_by("-seq").first()
    event = CustodyEvent(
        evidence=evidence,
        seq=last.seq + 1 if last else 1,
        at=_now(),
        actor_id=by.user_id,
        action=action,
        reason=reason.strip()[:200],
        party=party.strip()[:120],
        file_sha256=file_sha256,
        prev_hash=last.hash if last else FIRST_PREVIOUS,
    )
    event.hash = _hash(event)
    event.save(force_insert=True)
    return event


@dataclass(slots=True)
class StoreReport:
    """What `verify_store` saw."""

    num_exhibits: int = 0
    num_events: int = 0
    breaks: list[Break] = field(default_factory=list)


def verify_store() -> StoreReport:
    """Hash every exhibit again and walk every custody log. Cost: all bytes once, read only."""
    report = StoreReport()
    rows = Evidence.objects.select_related("case").order_by("case_id", "number")
    for evidence in rows.iterator(200):
        report.num_exhibits += 1
        if evidence.state == EvidenceState.DISPOSED.value:
            if is_stored(evidence.sha256) and not is_needed(evidence.sha256):
                report.breaks.append(_break(evidence, 0, "was disposed of, its file is still here"))
        elif _present_hash(evidence) != evidence.sha256:
            report.breaks.append(_break(evidence, 0, "its stored file is missing or changed"))
        for event, reason in _walk(evidence):
            report.num_events += 1
            if reason:
                report.breaks.append(_break(evidence, event.seq, reason))
                break
    return report


def is_needed(sha256: str) -> bool:
    """Whether an exhibit that stands, an instrument or a release still rests on these bytes."""
    exhibits = Evidence.objects.filter(sha256=sha256).exclude(state=EvidenceState.DISPOSED.value)
    return (
        exhibits.exists()
        or LegalInstrument.objects.filter(document_sha256=sha256).exists()
        or ReleaseFile.objects.filter(sha256=sha256).exists()
    )


def _walk(evidence: Evidence) -> Iterator[tuple[CustodyEvent, str]]:
    last = FIRST_PREVIOUS
    events = evidence.custody.select_related("evidence").order_by("seq")
    for seq, event in enumerate(events, 1):
        reason = ""
        if event.seq != seq or event.prev_hash != last:
            reason = "its custody does not continue the line before"
        elif _hash(event) != event.hash:
            reason = "its custody was changed"
        last = event.hash
        yield event, reason


def _break(evidence: Evidence, seq: int, reason: str) -> Break:
    return Break(evidence.case.reference, seq, f"{evidence.exhibit_no}: {reason}")
