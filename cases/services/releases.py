"""Releases: sealed once with their hashes, shared by grant, ended at once by recall."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils import timezone

from cases.dossier import Dossier, Seal, SealDecision, from_json
from cases.dossier_grants import STEPS
from cases.exports import (
    canonical_json,
    csv,
    custody,
    exhibits,
    flow_svg,
    ftm,
    html,
    manifest,
    misp,
    package,
    pdf,
    run_seals,
    stix,
)
from cases.files import load_bytes, store_bytes
from cases.models import (
    AuditEvent,
    Referral,
    ReleaseFile,
    ReleaseStamp,
    SharedRelease,
    ShareGrant,
)
from cases.policy import Actor
from cases.services.custody import custody_of
from cases.services.dossier_exhibits import exhibit_files, hand_out_exhibits
from cases.services.dossiers import replaced_release
from cases.services.references import next_reference
from cases.services.steps import swap_state
from cases.states import RELEASE, ReleaseAction
from cases.times import iso
from tracing.jobs import failpoint

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no letter that reads like a digit
MIMES = {
    "json": canonical_json.MIME, "html": html.MIME, "csv": csv.MIME, "svg": flow_svg.MIME,
}  # fmt: skip
COPIES = "The readable release is one copy per recipient, named by its watermark."


@dataclass(frozen=True, slots=True)
class CopyFile:
    """One file of one recipient's copy, rendered and not yet stored."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class RecipientCopy:
    """What one officer gets beside the common files."""

    liaison_id: int
    watermark: str
    files: tuple[CopyFile, ...]


def seal_release(referral: Referral, dossier: Dossier, *, by: Actor) -> SharedRelease:
    """Number the dossier, note where the case's audit chain stands, and keep every file.

    In the caller's transaction, with the case locked. The release never changes afterwards.
    """
    head = AuditEvent.objects.filter(case_id=referral.case_id).order_by("-seq").first()
    assert head is not None  # a case begins with its first event
    previous = replaced_release(referral)
    now = timezone.now()
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    log = custody_of(referral)
    sealed = dossier.sealed(
        Seal(
            number=next_reference("R"),
            version=previous.version + 1 if previous else 1,
            sealed_at=iso(now),
            audit_seq=head.seq,
            audit_hash=head.hash,
            decisions=_decisions(log),
        )
    )
    assert sealed.seal is not None
    dossier_bytes = canonical_json.render(sealed)
    files = {canonical_json.NAME: dossier_bytes, html.NAME: html.render(sealed)}
    files |= csv.render_tables(sealed) | run_seals.render_all(sealed)
    files |= {each.NAME: each.render(sealed) for each in (stix, misp, ftm)}
    files[custody.NAME] = custody.render(sealed, log)
    if sealed.runs:
        files[flow_svg.NAME] = flow_svg.render(sealed)
    mimes = {name: MIMES[name.rpartition(".")[2]] for name in files}
    cited = exhibit_files(sealed)
    if cited:
        logs = hand_out_exhibits(referral, sealed, by=by)
        files |= cited | {exhibits.NAME: exhibits.render(sealed, logs)}
        mimes |= {exhibits.NAME: exhibits.MIME, **{x.name: x.mime for x in sealed.exhibits}}
    listing = manifest.render(sealed, files, notes=[COPIES])
    release = SharedRelease.objects.create(
        referral=referral,
        agency_id=referral.agency_id,
        number=sealed.seal.number,
        version=sealed.seal.version,
        dossier=dossier_bytes.decode(),
        sha256=hashlib.sha256(dossier_bytes).hexdigest(),
        manifest=listing.decode(),
        audit_seq=head.seq,
        audit_hash=head.hash,
        sealed_by_id=by.person,
        sealed_at=now,
        supersedes=previous,
    )
    for name, content in files.items():
        _keep(release, None, CopyFile(name, mimes[name], content))
    _keep(release, None, CopyFile(manifest.NAME, manifest.MIME, listing))
    return release


def _decisions(log: Sequence[custody.CustodyLine]) -> tuple[SealDecision, ...]:
    """The last of each decision on this content, as the custody log tells it."""
    last = {line.step: line for line in log if line.about == "release"}
    taken = [last[step] for step in STEPS if step in last]
    return tuple(SealDecision(each.step, each.office, each.at) for each in taken)


def _keep(release: SharedRelease, grant: ShareGrant | None, file: CopyFile) -> None:
    sha256 = store_bytes(file.content)
    failpoint("release.file")
    ReleaseFile.objects.create(
        release=release,
        grant=grant,
        name=file.name,
        mime=file.mime,
        size=len(file.content),
        sha256=sha256,
    )


def new_watermark() -> str:
    """Ten letters and digits that name one recipient's copy and tell nothing else."""
    return "".join(secrets.choice(ALPHABET) for _ in range(10))


def render_copy(release: SharedRelease, liaison_id: int, watermark: str) -> RecipientCopy:
    """One recipient's readable copy, its manifest and the package of all; a PDF where Pango is.

    Takes about a second with PDF: call it outside a transaction. The sealed dossier is its only
    input, so the same watermark gives the same bytes.
    """
    dossier = sealed_dossier(release)
    page = html.render(dossier, watermark)
    own = [CopyFile(f"release-{watermark}.html", html.MIME, page)]
    notes = pdf.notes_on(dossier, page)
    if pdf.prints(dossier.language):
        own.append(
            CopyFile(f"release-{watermark}.pdf", pdf.MIME, pdf.from_page(page, dossier, watermark))
        )
    common = {
        file.name: load_bytes(file.sha256)
        for file in release.files.filter(grant=None).exclude(name__in=MASTERS)
    }
    everything = common | {file.name: file.content for file in own}
    listing = manifest.render(dossier, everything, watermark=watermark, notes=notes)
    own.append(CopyFile(f"manifest-{watermark}.json", manifest.MIME, listing))
    own.append(
        CopyFile(
            package.name_of(dossier, watermark),
            package.MIME,
            package.render(
                dossier, everything, listing, watermark=watermark, stamp=_stamp_of(release)
            ),
        )
    )
    return RecipientCopy(liaison_id, watermark, tuple(own))


def _stamp_of(release: SharedRelease) -> bytes:
    """The time stamp of its dossier, where an authority gave one in time."""
    found = ReleaseStamp.objects.filter(release=release).first()
    return bytes(found.answer) if found else b""


# Kept for the house: recipients get their own, watermarked ones instead.
MASTERS = (html.NAME, manifest.NAME)


def sealed_dossier(release: SharedRelease) -> Dossier:
    """The dossier of a release, back from the bytes that were sealed."""
    return from_json(json.loads(release.dossier))


def share_release(
    release: SharedRelease, copies: Sequence[RecipientCopy], expires_at: datetime, *, by: Actor
) -> None:
    """Open the release to these officers until a time, each with a copy of their own."""
    _advance(release, ReleaseAction.SHARE)
    for copy in copies:
        grant = ShareGrant.objects.create(
            release=release,
            liaison_id=copy.liaison_id,
            watermark=copy.watermark,
            granted_by_id=by.person,
            granted_at=timezone.now(),
            expires_at=expires_at.astimezone(UTC),
        )
        for file in copy.files:
            _keep(release, grant, file)


def supersede_release(release: SharedRelease) -> None:
    """End its grants because another release took its place; the record stays."""
    _advance(release, ReleaseAction.SUPERSEDE)
    release.grants.filter(revoked_at=None).update(revoked_at=timezone.now())


def recall_release(release: SharedRelease) -> None:
    """End every grant at this moment; the record stays."""
    _advance(release, ReleaseAction.RECALL)
    release.grants.filter(revoked_at=None).update(revoked_at=timezone.now())


def _advance(release: SharedRelease, action: ReleaseAction) -> None:
    swap_state(release, RELEASE, action, str(release.number))
