"""A release that takes the place of another: drafted from it, decided like any other."""

import json

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Finding, Referral, ReferralMember, SharedRelease
from cases.policy import Action, Actor
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.services.references import next_reference
from cases.services.referrals.drafts import EDITABLE
from cases.services.referrals.steps import STANDING
from cases.states import FindingState, InvalidTransition, ReferralState, ReleaseState

SENT = (ReferralState.SENT.value, ReferralState.ACKNOWLEDGED.value)


@transaction.atomic
def draft_successor(referral: Referral, *, by: Actor) -> Referral:
    """Draft what shall take the place of a sent release: same words, today's findings and freezes.

    A superseded finding gives way to the one in its place; one that was withdrawn is left out.
    Raises PermissionDenied, CaseworkError, InvalidTransition where there is one already.
    """
    case = enter_case(referral.case_id, Action.DRAFT_REFERRAL, by=by)
    referral.refresh_from_db()
    if referral.state not in SENT or shared_release(referral) is None:
        raise InvalidTransition(_("Only a release that officers can read is superseded."))
    if successor_of(referral) is not None:
        raise InvalidTransition(_("Another release in its place is being prepared."))
    findings = [each for each in map(_present, referral.findings.all()) if each is not None]
    if not findings:
        raise CaseworkError(_("None of its findings stands any more: recall the release."))
    new: Referral = Referral.objects.create(
        reference=next_reference("REF"),
        case=case,
        agency_id=referral.agency_id,
        supersedes=referral,
        answers_id=referral.answers_id,
        drafted_by_id=by.person,
        drafted_at=timezone.now(),
        last_edited_by_id=by.person,
        redactions=_carried(referral, findings),
        **{name: getattr(referral, name) for name in EDITABLE},
    )
    new.findings.set({each.pk: each for each in findings}.values())
    new.freezes.set(referral.freezes.filter(state__in=STANDING))
    for member in referral.members.filter(member__is_exportable=True):
        ReferralMember.objects.create(referral=new, member_id=member.member_id)
    record_event(
        case, "draft_successor", new.reference, by=by, data={"supersedes": referral.reference}
    )
    return new


def shared_release(referral: Referral) -> SharedRelease | None:
    """The release of this referral that officers can read: 1 query."""
    rows = referral.releases.filter(state=ReleaseState.SHARED.value).order_by("-version")
    found: SharedRelease | None = rows.first()
    return found


def successor_of(referral: Referral) -> Referral | None:
    """The referral drafted in its place, unless that was recalled: 1 query."""
    rows = Referral.objects.filter(supersedes=referral)
    return rows.exclude(state=ReferralState.RECALLED.value).order_by("-pk").first()


def _present(finding: Finding) -> Finding | None:
    seen = {finding.pk}
    while finding.superseded_by is not None and finding.superseded_by_id not in seen:
        finding = finding.superseded_by
        seen.add(finding.pk)
    return finding if finding.state == FindingState.APPROVED.value else None


def _carried(referral: Referral, findings: list[Finding]) -> dict[str, str]:
    """The redactions that still have their field; those of an old finding go to the new one."""
    text = json.dumps(referral.redactions)
    for old in referral.findings.all():
        now = _present(old)
        if now is not None:
            text = text.replace(f'"{old.reference}.', f'"{now.reference}.')
    return dict(json.loads(text))
