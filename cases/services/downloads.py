"""Taking a file of a release: the ledger gets its line with the hash of just these bytes."""

import hashlib
from dataclasses import replace
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from cases.exports import package
from cases.models import ReleaseDownload, ShareGrant
from cases.policy import Actor
from cases.queries.shared import SharedContent, file_for
from cases.times import iso


@transaction.atomic
def take_file(public_id: UUID, name: str, *, by: Actor) -> SharedContent | None:
    """One file of the officer's copy, or None where no grant is open: 10 queries.

    A ZIP carries a slip with the mark of this one download, so that each is another file; all
    that was sealed in it stays as it is. Raises FileDamaged.
    """
    found = file_for(by, public_id, name)
    if found is None:
        return None
    grants = ShareGrant.objects.visible_to(by).filter(release__public_id=public_id)
    # The line of the copy waits for this one: numbers of downloads have no gap and no double.
    grants.update(first_read_at=F("first_read_at"))
    grant = grants.first()
    if grant is None:  # recalled since the file was found
        return None
    number = ReleaseDownload.objects.filter(grant=grant).count() + 1
    now = timezone.now()
    content = found.content
    if found.file.mime == package.MIME:
        content = package.with_download(
            content, {"Download": f"{grant.watermark}-{number}", "At": iso(now)}
        )
    download = ReleaseDownload.objects.create(
        release_id=grant.release_id,
        grant=grant,
        number=number,
        name=found.file.name,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        at=now,
        address=by.address,
    )
    return replace(
        found, content=content, file=replace(found.file, size=len(content), sha256=download.sha256)
    )
