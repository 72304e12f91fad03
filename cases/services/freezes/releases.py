"""Ending a hold, whole or in part: asked for, approved by compliance, executed by the outbox.

One release of a freeze is open at a time, so that no unit is promised twice. An approved release
becomes executed only when the exchange confirmed every order of it; an order without an answer
makes it unknown until the exchange was asked by key.
"""

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import (
    FreezeLine,
    FreezeRelease,
    FreezeReleaseApproval,
    FreezeReleaseLine,
    FreezeRequest,
)
from cases.policy import (
    Action,
    Actor,
    require_office,
    require_second_person,
    require_step_up,
)
from cases.services.approval_policies import (
    ApprovalRule,
    is_signed_enough,
    num_missing,
    require_unsigned,
)
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.freezes.content import amounts_content, approval_rule, stands_in_date
from cases.services.freezes.orders import order_release
from cases.services.freezes.steps import advance_release, enter_freeze
from cases.services.validation import require_reason
from cases.states import (
    FREEZE_RELEASE,
    OPEN_SEIZURE_STATES,
    FreezeReleaseAction,
    FreezeReleaseState,
    FreezeState,
    InvalidTransition,
    LineState,
    OutboxState,
    next_state,
)

STANDING = (FreezeState.ACTIVE.value, FreezeState.DECISION_DUE.value)


def release_hash_of(release: FreezeRelease) -> str:
    """SHA-256 of what is approved with a release: its reason and the amount of each line."""
    instrument = release.instrument
    lines = release.lines.select_related("line__account").order_by("line_id")
    return content_digest(
        {
            "reference": release.reference,
            "reason": release.reason,
            "instrument": str(instrument.public_id) if instrument else None,
            "requested_by": release.requested_by_id,
            "lines": amounts_content(lines),
        }
    )


@transaction.atomic
def request_release(
    freeze: FreezeRequest,
    *,
    amounts: Mapping[int, int],
    reason: str,
    instrument_id: int | None = None,
    by: Actor,
) -> FreezeRelease:
    """Ask that amounts of lines are released; `amounts` maps line ids to base units, at least 1.

    Raises PermissionDenied, CaseworkError, InvalidTransition where the freeze does not stand.
    """
    enter_freeze(freeze, Action.REQUEST_FREEZE, by=by)
    if freeze.state not in STANDING:
        raise InvalidTransition(
            _("%(name)s holds nothing now: nothing can be released.") % {"name": freeze.reference}
        )
    release = FreezeRelease(
        freeze=freeze,
        number=freeze.releases.count() + 1,
        reason=require_reason(reason),
        instrument_id=instrument_id,
        requested_by_id=by.person,
        requested_at=timezone.now(),
    )
    paper = release.instrument
    if paper is not None and (paper.case_id != freeze.case_id or not stands_in_date(paper)):
        raise CaseworkError(_("This instrument is not verified, out of date or of another case."))
    if freeze.seizures.filter(state__in=OPEN_SEIZURE_STATES).exists():
        raise CaseworkError(_("A seizure of this freeze is still open."))
    if not amounts:
        raise CaseworkError(_("Name the amount of at least one line."))
    lines = {line.pk: line for line in freeze.lines.select_related("account", "asset")}
    for line_id, amount in amounts.items():
        _check_amount(lines.get(line_id), amount)
    release.content_hash = ""
    try:
        with transaction.atomic():
            release.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("A release of this freeze is still open.")) from error
    for line_id, amount in sorted(amounts.items()):
        FreezeReleaseLine.objects.create(release=release, line_id=line_id, amount=amount)
    release.content_hash = release_hash_of(release)
    FreezeRelease.objects.filter(pk=release.pk).update(content_hash=release.content_hash)
    record_event(
        freeze.case, "request_release", release.reference, by=by, reason=release.reason,
        data={"lines": len(amounts), "content_hash": release.content_hash},
    )  # fmt: skip
    return release


def _check_amount(line: FreezeLine | None, amount: int) -> None:
    if line is None:
        raise CaseworkError(_("A line named here is not part of this freeze."))
    if line.state != LineState.HELD.value or not 1 <= amount <= line.held:
        raise CaseworkError(
            _("Account %(account)s does not hold that much %(asset)s under this freeze.")
            % {"account": line.account.masked, "asset": line.asset.symbol}
        )


def _enter(release: FreezeRelease, *, by: Actor) -> ApprovalRule:
    enter_freeze(release.freeze, Action.SIGN_FREEZE, by=by)
    freeze = release.freeze
    release.refresh_from_db()
    release.freeze = freeze
    rule = approval_rule(
        freeze, Action.RELEASE_FREEZE,
        signers=[by.user_id, *release.approvals.values_list("user_id", flat=True)],
    )  # fmt: skip
    require_office(by, Action.RELEASE_FREEZE, rule.roles)
    require_second_person(by, release.requested_by_id)
    require_step_up(by)
    return rule


def _sign(release: FreezeRelease, decision: str, reason: str, *, by: Actor) -> None:
    FreezeReleaseApproval.objects.create(
        release=release,
        user_id=by.person,
        decision=decision,
        reason=reason.strip(),
        content_hash=release.content_hash,
        auth_at=by.mfa_at,
        at=timezone.now(),
    )


@transaction.atomic
def approve_release(
    release: FreezeRelease, *, content_hash: str, reason: str, by: Actor
) -> FreezeRelease:
    """Approve as a second person and write the orders; the exchange is asked after the commit.

    Raises PermissionDenied, StepUpRequired, ContentChanged, CaseworkError, InvalidTransition.
    """
    rule = _enter(release, by=by)
    next_state(FREEZE_RELEASE, FreezeReleaseState(release.state), FreezeReleaseAction.APPROVE)
    if release.freeze.state not in STANDING:
        raise InvalidTransition(
            _("%(name)s holds nothing any more.") % {"name": release.freeze.reference}
        )
    present = release_hash_of(release)
    if present != content_hash or present != release.content_hash:
        raise ContentChanged(_("This release changed since you opened it."))
    lines = list(release.lines.select_related("line__account", "line__asset").order_by("line_id"))
    for each in lines:
        _check_amount(each.line, each.amount)
    require_unsigned(release.approvals.all(), present, by=by)
    _sign(release, "approve", reason, by=by)
    if not is_signed_enough(
        release.approvals.all(), release.freeze.case, present, rule,
        event="sign_release", reference=release.reference, reason=reason, by=by,
    ):  # fmt: skip
        return release
    advance_release(
        release, FreezeReleaseAction.APPROVE, by=by, reason=reason,
        data={"content_hash": present}, decided_by_id=by.user_id, decided_at=timezone.now(),
    )  # fmt: skip
    for each in lines:
        order_release(release.freeze, each.line, each.amount, release)
    return release


@transaction.atomic
def reject_release(release: FreezeRelease, *, reason: str, by: Actor) -> FreezeRelease:
    """Refuse it: everything stays held."""
    _enter(release, by=by)
    require_reason(reason)
    require_unsigned(release.approvals.all(), release.content_hash, by=by)
    advance_release(
        release, FreezeReleaseAction.REJECT, by=by, reason=reason,
        decided_by_id=by.user_id, decided_at=timezone.now(),
    )  # fmt: skip
    _sign(release, "reject", reason, by=by)
    return release


def require_standing_release(release: FreezeRelease) -> None:
    """Count the approval again when the order goes out: content, person, age (E4, E5).

    Raises ContentChanged, CaseworkError.
    """
    if release_hash_of(release) != release.content_hash:
        raise ContentChanged(_("This release changed after its approval."))
    person = release.decided_by
    if person is None or release.decided_at is None:
        raise CaseworkError(_("Nobody approved this release."))
    rule = approval_rule(
        release.freeze, Action.RELEASE_FREEZE,
        signers=release.approvals.values_list("user_id", flat=True),
    )  # fmt: skip
    if timezone.now() - release.decided_at > rule.lasts:
        hours = int(rule.lasts.total_seconds() // 3600)
        raise CaseworkError(
            _("The approval is older than %(n)d hours: ask for it again.") % {"n": hours}
        )
    if not person.is_active or person.role not in rule.roles:
        raise CaseworkError(_("The approver is no longer in office: ask for a new approval."))
    if release.freeze.case.blocks.filter(user_id=person.pk).exists():
        raise CaseworkError(_("The approver was taken off this case: ask for a new approval."))
    if num_missing(release.approvals.all(), release.freeze.case, release.content_hash, rule):
        raise CaseworkError(_("The policy asks for more approvals than still stand: ask again."))


def follow_orders(release: FreezeRelease, *, by: Actor) -> None:
    """Bring the release to where its orders are; nothing where it is there already."""
    release.refresh_from_db(fields=["state"])
    orders = set(release.orders.values_list("state", flat=True))
    state = FreezeReleaseState(release.state)
    if OutboxState.UNKNOWN.value in orders:
        step, target = FreezeReleaseAction.TIME_OUT, FreezeReleaseState.UNKNOWN
    elif orders & {OutboxState.PENDING.value, OutboxState.SENDING.value}:
        step, target = FreezeReleaseAction.RESEND, FreezeReleaseState.APPROVED
    elif OutboxState.REFUSED.value in orders:
        step, target = FreezeReleaseAction.FAIL, FreezeReleaseState.FAILED
    else:
        step, target = FreezeReleaseAction.EXECUTE, FreezeReleaseState.EXECUTED
    if state != target:
        advance_release(release, step, by=by)
