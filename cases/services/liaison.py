"""What a liaison may do with a release: acknowledge it. Questions and outcomes enter alike."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import ShareGrant
from cases.policy import Action, Actor, require
from cases.services.audit import record_event
from cases.services.errors import NotFound
from cases.services.locks import lock_case
from cases.services.referrals import advance_referral
from cases.states import InvalidTransition, ReferralAction, ReferralState


@transaction.atomic
def acknowledge_release(release_public_id: UUID, *, by: Actor) -> None:
    """Acknowledge it, once per officer; the first one acknowledges the referral.

    Raises PermissionDenied, NotFound where no grant is open, InvalidTransition at the second time.
    """
    grant = open_grant(release_public_id, by)
    lock_case(grant.release.referral.case_id)
    require(by, Action.ACKNOWLEDGE_RELEASE)
    grant = open_grant(release_public_id, by)  # it may have ended while we waited
    referral = grant.release.referral
    acknowledged = ShareGrant.objects.filter(pk=grant.pk, acknowledged_at=None).update(
        acknowledged_at=timezone.now()
    )
    if not acknowledged:
        raise InvalidTransition(_("You acknowledged this release already."))
    receipt = {"release": grant.release.number, "watermark": grant.watermark}
    if referral.state == ReferralState.SENT.value:
        advance_referral(referral, ReferralAction.ACKNOWLEDGE, by=by, data=receipt)
    else:
        record_event(referral.case, "acknowledge_release", referral.reference, by=by, data=receipt)


def open_grant(release_public_id: UUID, by: Actor) -> ShareGrant:
    """The officer's open grant with its release, referral and case. Raises NotFound."""
    grant: ShareGrant | None = (
        ShareGrant.objects.visible_to(by)
        .filter(release__public_id=release_public_id)
        .select_related("release__referral__case")
        .first()
    )
    if grant is None:
        raise NotFound(_("This release is not open to you."))
    return grant
