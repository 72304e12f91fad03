"""Freezes that wait: for a decision, for their end, and what is asked of standing ones."""

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import (
    ApprovalPolicy,
    ExtensionApproval,
    FreezeApproval,
    FreezeExtension,
    FreezeRelease,
    FreezeReleaseApproval,
    FreezeRequest,
)
from cases.policy import Action, Actor, may
from cases.queries.freezes import worth_of
from cases.queries.inbox.rows import InboxRow, Queue, changeable, row_of, when
from cases.queries.ledger import expiry_step, hours_step
from cases.states import ExtensionState, FreezeReleaseState, FreezeState, PolicyState

L = gettext_lazy
ENDING = timedelta(days=14)


FREEZE_WORDS = {
    FreezeState.DRAFT.value: ("pencil", L("Submit this freeze")),
    FreezeState.SUBMITTED.value: ("snowflake", L("Take this freeze into review")),
    FreezeState.IN_REVIEW.value: ("snowflake", L("Approve or reject this freeze")),
    FreezeState.PROVISIONAL.value: ("hourglass", L("Ratify or reject this provisional hold")),
    FreezeState.FAILED.value: ("triangle-alert", L("Send this failed freeze again")),
}


def freezes_waiting(actor: Actor) -> Queue | None:
    """Compliance decides; supervisors triage and see clocks run; authors finish their drafts."""
    me = actor.user_id
    freezes = FreezeRequest.objects.changeable_by(actor)
    others = ~(Q(requested_by=me) | Q(last_edited_by=me) | Q(provisional_by=me))
    asked = Q(
        state__in=[
            FreezeState.SUBMITTED.value, FreezeState.IN_REVIEW.value, FreezeState.PROVISIONAL.value,
        ]
    )  # fmt: skip
    wanted = Q(state=FreezeState.DRAFT.value, requested_by=me)
    if may(actor, Action.EXECUTE_FREEZE):
        wanted |= Q(state=FreezeState.FAILED.value)
    if may(actor, Action.APPROVE_FREEZE):
        signed = FreezeApproval.objects.filter(
            freeze=OuterRef("pk"), content_hash=OuterRef("content_hash"), user=me
        )
        wanted |= asked & others & ~Q(Exists(signed))  # the others of a policy sign next
    elif may(actor, Action.PLACE_PROVISIONAL_FREEZE):
        mine_to_sign = opened_to(actor, Action.APPROVE_FREEZE, freezes.filter(asked & others))
        signed = FreezeApproval.objects.filter(
            freeze=OuterRef("pk"), content_hash=OuterRef("content_hash"), user=me
        )
        wanted |= asked & others & mine_to_sign & ~Q(Exists(signed))
        wanted |= Q(state=FreezeState.SUBMITTED.value) & others
        wanted |= Q(state=FreezeState.PROVISIONAL.value, provisional_by=me)
    elif not may(actor, Action.REQUEST_FREEZE):
        return None

    def tell(row: FreezeRequest) -> InboxRow:
        icon, words = FREEZE_WORDS[row.state]
        is_provisional = row.state == FreezeState.PROVISIONAL
        is_own = row.provisional_by_id == me
        if is_provisional and is_own:
            words = L("Your provisional hold waits for compliance")
        told = str(words)
        hours = hours_step(row.provisional_until, timezone.now()) if is_provisional else None
        if hours is not None:
            told = _("%(words)s: it lapses within %(n)d h") % {"words": words, "n": hours}
        return row_of(
            "freeze", icon, told, row.reference, "freeze_detail", row,
            since=row.submitted_at or row.requested_at, about=row.reason,
            deadline=row.provisional_until if is_provisional else None,
            tone="bad" if icon == "triangle-alert" or hours in (1, 4)
            else "warn" if is_provisional else "",
        )  # fmt: skip

    rows = freezes.filter(wanted).select_related("case")
    return Queue(
        "freeze", rows.order_by("submitted_at", "pk"), tell,
        since=Coalesce("submitted_at", "requested_at"),
        deadline=when(Q(state=FreezeState.PROVISIONAL.value), "provisional_until"),
    )  # fmt: skip


def freezes_ending(actor: Actor) -> Queue | None:
    """The alarm of 14, 7 and 1 days, and what is past its end: compliance, and who asked for it."""
    if not may(actor, Action.REQUEST_FREEZE):
        return None
    rows = FreezeRequest.objects.changeable_by(actor).filter(
        Q(state=FreezeState.ACTIVE.value, expires_at__lte=timezone.now() + ENDING)
        | Q(state=FreezeState.DECISION_DUE.value)
    )
    if not may(actor, Action.EXTEND_FREEZE):
        rows = rows.filter(Q(requested_by=actor.user_id) | Q(case__owner_by=actor.user_id))

    def tell(row: FreezeRequest) -> InboxRow:
        step = expiry_step(row.expires_at, timezone.now())
        if row.state == FreezeState.DECISION_DUE or step == 0:
            words, tone = _("Ended: extend or release it; everything stays held"), "bad"
        else:
            words = _("Ends within %(n)d days: extend or release it") % {"n": step or 14}
            hours = hours_step(row.expires_at, timezone.now())
            if hours is not None:
                words = _("Ends within %(n)d h: extend or release it") % {"n": hours}
            tone = "bad" if step == 1 else "warn"
        return row_of(
            "ending", "clock", words, row.reference, "freeze_detail", row,
            since=row.executed_at, deadline=row.expires_at, tone=tone, about=row.reason,
        )  # fmt: skip

    rows = rows.select_related("case").order_by("expires_at", "pk")
    return Queue("ending", rows, tell, "executed_at", deadline="expires_at")


def extensions_waiting(actor: Actor) -> Queue | None:
    """Extensions that others ask for: compliance, and whom a policy opens them to."""
    if not may(actor, Action.SIGN_FREEZE):
        return None
    asked = FreezeExtension.objects.visible_to(actor).filter(state=ExtensionState.REQUESTED.value)
    rows = _to_sign(asked, actor, Action.EXTEND_FREEZE, ExtensionApproval, "extension")
    return Queue(
        "extension", _of_others(rows, actor), lambda row: _freeze_part(row, "extension"),
        since="requested_at", deadline="freeze__expires_at", reference=part_of_freeze("-E"),
    )  # fmt: skip


def releases_waiting(actor: Actor) -> Queue | None:
    """Releases that others ask for: compliance, and whom a policy opens them to."""
    if not may(actor, Action.SIGN_FREEZE):
        return None
    asked = FreezeRelease.objects.visible_to(actor).filter(state=FreezeReleaseState.REQUESTED.value)
    rows = _to_sign(asked, actor, Action.RELEASE_FREEZE, FreezeReleaseApproval, "release")
    return Queue(
        "release", _of_others(rows, actor), lambda row: _freeze_part(row, "release"),
        since="requested_at", reference=part_of_freeze("-R"),
    )  # fmt: skip


def opened_to(actor: Actor, action: Action, freezes: QuerySet[Any]) -> Q:
    """Filter of the freezes whose act the policies in force open to this person's role.

    1 query for a role that may sign but does not decide by office; 6 more where the worth counts.
    """
    if may(actor, action):
        return Q()
    rules = list(ApprovalPolicy.objects.filter(action=action, state=PolicyState.IN_FORCE.value))
    opening = [rule for rule in rules if actor.role.value in rule.roles.split()]
    nobody = Q(pk__in=[])
    if not opening:
        return nobody
    if not any(rule.amount_over for rule in rules):
        return Q() if len(opening) == len(rules) else nobody
    found = []
    for public_id, worth in worth_of(freezes).items():
        fitting = [
            rule for rule in rules
            if not rule.amount_over or worth is None or worth > rule.amount_over
        ]  # fmt: skip
        if fitting and all(rule in opening for rule in fitting):
            found.append(public_id)
    return Q(public_id__in=found)


def _to_sign(
    rows: QuerySet[Any], actor: Actor, action: Action, approvals: type[models.Model], name: str
) -> QuerySet[Any]:
    """Parts of freezes that this person's office decides, without those already signed by it."""
    if not may(actor, action):
        freezes = FreezeRequest.objects.visible_to(actor)
        freezes = freezes.filter(pk__in=rows.values("freeze"))
        open_ones = freezes.filter(opened_to(actor, action, freezes))
        rows = changeable(rows.filter(freeze__in=open_ones), actor, "freeze__case__")
    signed = approvals._default_manager.filter(
        content_hash=OuterRef("content_hash"), user=actor.user_id, **{name: OuterRef("pk")}
    )
    return rows.filter(~Q(Exists(signed)))


def _of_others(rows: QuerySet[Any], actor: Actor) -> QuerySet[Any]:
    found = rows.exclude(requested_by=actor.user_id).select_related("freeze__case")
    return found.order_by("requested_at", "pk")


def part_of_freeze(mark: str) -> Concat:
    """The reference of a part of a freeze, as a column: "FRZ-2026-000001-R2" by "-R"."""
    return Concat(
        "freeze__reference", Value(mark), Cast("number", models.CharField()),
        output_field=models.CharField(),
    )  # fmt: skip


def _freeze_part(row: Any, kind: str) -> InboxRow:
    words = _("Decide on this extension") if kind == "extension" else _("Decide on this release")
    return InboxRow(
        kind=kind,
        icon="clock" if kind == "extension" else "undo-2",
        tone="",
        words=words,
        reference=row.reference,
        route="freeze_detail",
        path=(row.freeze.public_id,),
        subject=row.public_id,
        case=row.freeze.case,
        since=row.requested_at,
        deadline=row.freeze.expires_at if kind == "extension" else None,
        about=row.reason,
    )
