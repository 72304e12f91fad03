"""What an officer reads across releases and requests: the own downloads and messages.

As in shared.py every row is asked for through the officer's open grants or the own agency; what
was recalled or has ended is gone from here as well.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cases.models import (
    InformationRequest,
    ReleaseDownload,
    ReleaseFile,
    ReleaseQuestion,
    RequestMessage,
    ShareGrant,
)
from cases.policy import Action, Actor, may
from cases.queries.shared import PACKAGE, SharedDownload

MOST = 200


@dataclass(frozen=True, slots=True)
class SharedCopy:
    """One open release: its package, and what the officer took of it, newest first."""

    release: UUID
    number: str
    version: int
    package: str
    size: int
    expires_at: datetime
    downloads: tuple[SharedDownload, ...]


@dataclass(frozen=True, slots=True)
class SharedMessage:
    """One thing said, of a release or of a request; exactly one of both ids is set."""

    release: UUID | None
    request: UUID | None
    number: str
    about: str
    from_officer: bool
    text: str
    at: datetime
    waits: bool  # for the officer


def copies_for(actor: Actor) -> list[SharedCopy]:
    """The open releases with the officer's downloads, newest release first: 3 queries."""
    if not may(actor, Action.READ_RELEASE):
        return []
    grants = list(
        ShareGrant.objects.visible_to(actor).select_related("release").order_by("-granted_at")
    )
    files = ReleaseFile.objects.filter(
        grant__in=[grant.pk for grant in grants], mime=PACKAGE
    ).values_list("grant_id", "name", "size")
    packages = {grant: (name, size) for grant, name, size in files}
    taken = ReleaseDownload.objects.filter(grant__in=[grant.pk for grant in grants])
    downloads: dict[int, list[ReleaseDownload]] = {}
    for each in taken.order_by("-at", "-pk")[:MOST]:
        downloads.setdefault(each.grant_id, []).append(each)
    return [
        SharedCopy(
            release=grant.release.public_id,
            number=grant.release.number,
            version=grant.release.version,
            package=packages.get(grant.pk, ("", 0))[0],
            size=packages.get(grant.pk, ("", 0))[1],
            expires_at=grant.expires_at,
            downloads=tuple(
                SharedDownload(f"{grant.watermark}-{each.number}", each.name, each.at, each.sha256)
                for each in downloads.get(grant.pk, [])
            ),
        )
        for grant in grants
    ]


def messages_for(actor: Actor) -> list[SharedMessage]:
    """All that was said, what waits for the officer first, then newest first: 3 queries."""
    if not may(actor, Action.READ_RELEASE):
        return []
    grants = ShareGrant.objects.visible_to(actor).values_list("pk", flat=True)
    found: list[SharedMessage] = []
    questions = ReleaseQuestion.objects.filter(grant__in=list(grants)).select_related("release")
    for each in questions.order_by("-pk")[:MOST]:
        one, number = each.release.public_id, each.release.number
        found.append(
            SharedMessage(one, None, number, each.about, True, each.text, each.asked_at, False)
        )
        if each.answered_at is not None:
            found.append(
                SharedMessage(
                    one, None, number, each.about, False, each.answer, each.answered_at, False
                )
            )
    mine = InformationRequest.objects.visible_to(actor)
    said = RequestMessage.objects.filter(request__in=mine).select_related("request")
    told: set[int] = set()
    for message in said.order_by("-pk")[:MOST]:
        request = message.request
        is_last = request.pk not in told
        told.add(request.pk)
        waits = is_last and not message.from_agency and request.state == "clarification"
        found.append(
            SharedMessage(
                None, request.public_id, request.agency_ref, "", message.from_agency,
                message.text, message.at, waits,
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: (each.waits, each.at), reverse=True)
