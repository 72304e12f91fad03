"""Handing a referral over: seal it, send it to officers of the agency, recall it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.hints import AUDIT_CHECKPOINT, hint_on_commit
from cases.models import Referral, SharedRelease
from cases.policy import Action, Actor, Role, require, require_second_person, require_step_up
from cases.queries.officers import verified_officers
from cases.services.audit import record_event
from cases.services.dossiers import build_dossier, refuse_leaks
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.referrals.steps import (
    advance_referral,
    check_content,
    content_hash_of,
    enter_referral,
)
from cases.services.releases import (
    new_watermark,
    recall_release,
    render_copy,
    seal_release,
    share_release,
    supersede_release,
)
from cases.states import (
    REFERRAL,
    InvalidTransition,
    ReferralAction,
    ReferralState,
    ReleaseState,
    next_state,
)
from tracing.jobs import failpoint

APPROVAL_LASTS = timedelta(hours=72)
LONGEST_GRANT = timedelta(days=365)


@transaction.atomic
def package_referral(referral: Referral, *, reason: str = "", by: Actor) -> SharedRelease:
    """Seal the release from what was approved and cleared, after counting both again.

    Raises PermissionDenied, ContentChanged, CaseworkError, InvalidTransition.
    """
    enter_referral(referral, Action.SEND_REFERRAL, by=by)
    next_state(REFERRAL, ReferralState(referral.state), ReferralAction.PACKAGE)
    dossier = build_dossier(referral)
    if content_hash_of(referral) != referral.content_hash:
        raise ContentChanged(_("This referral changed after its approval: return it."))
    check_content(referral.case, list(referral.findings.all()), list(referral.freezes.all()))
    refuse_leaks(referral, dossier)
    _require_standing(referral, "approve", (Role.SUPERVISOR, Role.COMPLIANCE))
    _require_standing(referral, "clear", (Role.COMPLIANCE,))
    release = seal_release(referral, dossier, by=by)
    advance_referral(
        referral,
        ReferralAction.PACKAGE,
        by=by,
        reason=reason.strip(),
        data={"release": release.number, "sha256": release.sha256},
    )
    hint_on_commit(AUDIT_CHECKPOINT, "release")
    failpoint("release.sealed")
    return release


def _require_standing(referral: Referral, step: str, roles: tuple[Role, ...]) -> None:
    """The decision of this step still stands: its person, role and age (E5)."""
    approval = (
        referral.approvals.filter(step=step, content_hash=referral.content_hash)
        .select_related("user")
        .order_by("-at")
        .first()
    )
    person = approval.user if approval else None
    if approval is None or person is None:
        raise CaseworkError(_("Nobody approved this content."))
    if timezone.now() - approval.at > APPROVAL_LASTS:
        raise CaseworkError(_("The approval is older than 72 hours: return the referral."))
    if (
        not person.is_active
        or person.role not in [role.value for role in roles]
        or referral.case.blocks.filter(user_id=person.pk).exists()
    ):
        raise CaseworkError(_("An approver is no longer in office: return the referral."))


def send_referral(
    referral: Referral,
    *,
    liaison_ids: Sequence[int],
    expires_at: datetime,
    reason: str = "",
    by: Actor,
) -> Referral:
    """Open the sealed release to officers of the agency, each with a watermarked copy.

    Copies are rendered before the transaction. Raises PermissionDenied, StepUpRequired,
    CaseworkError, InvalidTransition.
    """
    require(by, Action.SEND_REFERRAL)
    require_step_up(by)
    now = timezone.now()
    if not now < expires_at <= now + LONGEST_GRANT:
        raise CaseworkError(_("A release is open for at least a moment and at most 365 days."))
    chosen = sorted(set(liaison_ids))
    _require_liaisons(referral, chosen)
    release = referral.releases.order_by("-version").first()
    if release is None:
        raise InvalidTransition(_("Nothing is sealed yet: package the referral first."))
    copies = [render_copy(release, officer, new_watermark()) for officer in chosen]
    failpoint("release.rendered")
    with transaction.atomic():
        enter_referral(referral, Action.SEND_REFERRAL, by=by)
        _require_liaisons(referral, chosen)
        release.refresh_from_db()
        _require_readable_before(release)
        share_release(release, copies, expires_at, by=by)
        _end_the_one_before(release, by=by)
        advance_referral(
            referral,
            ReferralAction.SEND,
            by=by,
            reason=reason.strip(),
            data={
                "release": release.number,
                "copies": [
                    {
                        "liaison": copy.liaison_id,
                        "watermark": copy.watermark,
                        "files": {file.name: len(file.content) for file in copy.files},
                    }
                    for copy in copies
                ],
            },
        )
        failpoint("release.shared")
    return referral


def _require_readable_before(release: SharedRelease) -> None:
    """A sealed release quotes the one before: none that was recalled since leaves again in it."""
    before = release.supersedes
    if before is not None and before.state == ReleaseState.RECALLED.value:
        raise CaseworkError(
            _("The release before this one was recalled: recall this one too, and draft anew.")
        )


def _end_the_one_before(release: SharedRelease, *, by: Actor) -> None:
    """Whom the new release takes the place of is closed at the same moment."""
    before = release.supersedes
    if before is None or before.state != ReleaseState.SHARED.value:
        return
    supersede_release(before)
    record_event(
        before.referral.case, "supersede_release", before.referral.reference, by=by,
        data={"release": before.number, "by": release.number},
    )  # fmt: skip


def _require_liaisons(referral: Referral, liaison_ids: Sequence[int]) -> None:
    """Verified officers of the referral's agency, and at least one."""
    if not liaison_ids:
        raise CaseworkError(_("Choose at least one officer of the agency."))
    officers = verified_officers(referral.agency_id).filter(pk__in=liaison_ids)
    if officers.count() != len(liaison_ids):
        raise CaseworkError(
            _("Only officers of this agency whom two people verified can receive the release.")
        )


@transaction.atomic
def recall_referral(referral: Referral, *, reason: str, by: Actor) -> Referral:
    """End every grant at once, as a second person of compliance; the record stays.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    enter_referral(referral, Action.RECALL_REFERRAL, by=by)
    require_second_person(by, referral.drafted_by_id, referral.last_edited_by_id)
    if not reason.strip():
        raise CaseworkError(_("Say why the release is recalled."))
    advance_referral(referral, ReferralAction.RECALL, by=by, reason=reason.strip())
    for release in referral.releases.filter(
        state__in=[ReleaseState.SEALED.value, ReleaseState.SHARED.value]
    ):
        recall_release(release)
    return referral
