"""The only reads of the liaison door: releases by grant, as frozen values.

Every call asks again whether the grant is open: person, agency, state, expiry. Content is handed
out together with its ReadEvent, in one transaction: no line, no bytes.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from cases.dossier import Dossier, from_json
from cases.files import load_bytes
from cases.models import (
    Outcome,
    ReadEvent,
    ReleaseDownload,
    ReleaseFile,
    ReleaseQuestion,
    ShareGrant,
)
from cases.policy import Action, Actor, may

# The house keeps these; each officer has watermarked ones.
MASTERS = ("manifest.json", "release.html")
PACKAGE = "application/zip"
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class SharedFile:
    """One file of the officer's copy."""

    name: str
    mime: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SharedDownload:
    """One download of the officer's copy; `mark` names it and stands in its ZIP."""

    mark: str
    name: str
    at: datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class SharedQuestion:
    """A question of the officer, with the answer once there is one."""

    about: str
    text: str
    asked_at: datetime
    answer: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class SharedOutcome:
    """What the officer reported back."""

    kind: str
    number: int
    happened_on: date
    text: str


@dataclass(frozen=True, slots=True)
class SharedRow:
    """One release in the officer's list."""

    public_id: UUID
    number: str
    version: int
    referral: str
    subject: str
    tlp: str
    handling_code: str
    agency: str
    watermark: str
    sealed_at: datetime
    granted_at: datetime
    expires_at: datetime
    first_read_at: datetime | None
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class SharedView:
    """One release as its officer reads it."""

    row: SharedRow
    dossier: Dossier
    files: tuple[SharedFile, ...]
    sha256: str
    audit_seq: int
    audit_hash: str
    downloads: tuple[SharedDownload, ...] = ()
    questions: tuple[SharedQuestion, ...] = ()
    outcomes: tuple[SharedOutcome, ...] = ()

    @property
    def package(self) -> SharedFile | None:
        """The one file that holds all of them; None in copies older than packages."""
        return next((file for file in self.files if file.mime == PACKAGE), None)


@dataclass(frozen=True, slots=True)
class SharedContent:
    """The bytes of one file, checked against its SHA-256."""

    file: SharedFile
    content: bytes


def releases_for(actor: Actor) -> list[SharedRow]:
    """The releases open to this officer, newest first: 1 query. Nobody else has any."""
    if not may(actor, Action.READ_RELEASE):
        return []
    grants = ShareGrant.objects.visible_to(actor).select_related("release__agency")
    return [_row(grant) for grant in grants.order_by("-granted_at", "-pk")]


def release_for(actor: Actor, public_id: UUID) -> SharedView | None:
    """One release with its files, or None; writes who read it and when: 10 queries."""
    with transaction.atomic():
        grant = _grant(actor, public_id)
        if grant is None:
            return None
        _note(grant, "view_release", grant.release.number, actor)
        files = tuple(_file(file) for file in _files(grant))
        downloads = tuple(
            SharedDownload(f"{grant.watermark}-{each.number}", each.name, each.at, each.sha256)
            for each in ReleaseDownload.objects.filter(grant=grant).order_by("-number")[:MOST_SHOWN]
        )
        questions = tuple(
            SharedQuestion(each.about, each.text, each.asked_at, each.answer, each.answered_at)
            for each in ReleaseQuestion.objects.filter(grant=grant).order_by("-pk")[:MOST_SHOWN]
        )
        outcomes = tuple(
            SharedOutcome(each.get_kind_display(), each.number, each.happened_on, each.text)
            for each in Outcome.objects.filter(grant=grant).order_by("-pk")[:MOST_SHOWN]
        )
    release = grant.release
    return SharedView(
        row=_row(grant),
        dossier=from_json(json.loads(release.dossier)),
        files=files,
        sha256=release.sha256,
        audit_seq=release.audit_seq,
        audit_hash=release.audit_hash,
        downloads=downloads,
        questions=questions,
        outcomes=outcomes,
    )


def file_for(actor: Actor, public_id: UUID, name: str) -> SharedContent | None:
    """One file of the officer's copy, or None; writes the download: 6 queries.

    Raises FileDamaged if the stored bytes are not those that were sealed.
    """
    with transaction.atomic():
        grant = _grant(actor, public_id)
        if grant is None:
            return None
        found = next((file for file in _files(grant) if file.name == name), None)
        if found is None:
            return None
        _note(grant, "download_release", f"{grant.release.number} {found.name}", actor)
        return SharedContent(_file(found), load_bytes(found.sha256))


def _grant(actor: Actor, public_id: UUID) -> ShareGrant | None:
    if not may(actor, Action.READ_RELEASE):
        return None
    found: ShareGrant | None = (
        ShareGrant.objects.visible_to(actor)
        .filter(release__public_id=public_id)
        .select_related("release__agency", "release__referral")
        .first()
    )
    return found


def _files(grant: ShareGrant) -> list[ReleaseFile]:
    """The files common to all recipients and this one's own, by name: 1 query."""
    files = grant.release.files.exclude(grant=None, name__in=MASTERS)
    return [file for file in files.order_by("name") if file.grant_id in (None, grant.pk)]


def _note(grant: ShareGrant, action: str, what: str, actor: Actor) -> None:
    now = timezone.now()
    ReadEvent.objects.create(
        case_id=grant.release.referral.case_id,
        at=now,
        actor_id=actor.person,
        actor_ip=actor.address,
        action=action,
        object=what[:120],
        purpose=f"copy {grant.watermark}",
    )
    if grant.first_read_at is None:
        ShareGrant.objects.filter(pk=grant.pk, first_read_at=None).update(first_read_at=now)
        grant.first_read_at = now


def _file(file: ReleaseFile) -> SharedFile:
    return SharedFile(file.name, file.mime, file.size, file.sha256)


def _row(grant: ShareGrant) -> SharedRow:
    release = grant.release
    words = json.loads(release.dossier)
    return SharedRow(
        public_id=release.public_id,
        number=release.number,
        version=release.version,
        referral=words["referral"],
        subject=words["subject"],
        tlp=words["tlp"],
        handling_code=words["handling_code"],
        agency=release.agency.short_name,
        watermark=grant.watermark,
        sealed_at=release.sealed_at,
        granted_at=grant.granted_at,
        expires_at=grant.expires_at,
        first_read_at=grant.first_read_at,
        acknowledged_at=grant.acknowledged_at,
    )
