"""Having sealed releases stamped: beside the work, and never in its way."""

from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.gateways.timestamps import StampRefused, stamp
from cases.models import ReleaseStamp, SharedRelease
from cases.policy import SYSTEM
from cases.services.audit import record_event
from cases.services.locks import lock_case
from cases.states import ReleaseState

logger = structlog.get_logger(__name__)
MOST_AT_ONCE = 10
TRIED_FOR = timedelta(days=7)
"""A release that is older is not asked for any more: its stamp would say little."""


def stamp_releases(url: str) -> int:
    """Ask the authority about sealed releases without a stamp; returns how many got one.

    Where the authority does not answer nothing waits for it: the next round asks again. May run
    twice: a release has one stamp. Nothing without a URL.
    """
    if not url:
        return 0
    waiting = SharedRelease.objects.filter(
        stamp=None,
        state__in=[ReleaseState.SEALED.value, ReleaseState.SHARED.value],
        sealed_at__gt=timezone.now() - TRIED_FOR,
    )
    done = 0
    for release in waiting.order_by("pk")[:MOST_AT_ONCE]:
        try:
            answer = stamp(url, release.dossier.encode())
        except StampRefused as error:
            logger.warning("stamp_refused", release=release.pk, reason=str(error))
            break
        done += _keep(release, str(urlsplit(url).hostname), answer)
    return done


def _keep(release: SharedRelease, host: str, answer: bytes) -> bool:
    with transaction.atomic():
        case = lock_case(release.referral.case_id)
        try:
            with transaction.atomic():
                ReleaseStamp.objects.create(
                    release=release, host=host, answer=answer, at=timezone.now()
                )
        except IntegrityError:
            return False  # another worker was faster
        record_event(
            case, "stamp_release", release.referral.reference, by=SYSTEM,
            data={"release": release.number, "host": host},
        )  # fmt: skip
    return True
