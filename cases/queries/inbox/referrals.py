"""Referrals that wait for the next signature, their seal or their sending."""

from django.db.models import Q
from django.utils.translation import gettext as _

from cases.models import Referral
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import InboxRow, Queue, row_of
from cases.states import ReferralState


def referrals_waiting(actor: Actor) -> Queue | None:
    """By the next step of each, never the own where a second person signs."""
    words = {}
    if may(actor, Action.APPROVE_REFERRAL):
        words[ReferralState.REDACTION.value] = _("Approve this referral")
    if may(actor, Action.CLEAR_REFERRAL):
        words[ReferralState.APPROVED.value] = _("Clear this referral")
    sends = {}
    if may(actor, Action.SEND_REFERRAL):
        sends[ReferralState.CLEARED.value] = _("Seal the release of this referral")
        sends[ReferralState.PACKAGED.value] = _("Send this release")
    if not words and not sends:
        return None
    others = ~(Q(drafted_by=actor.user_id) | Q(last_edited_by=actor.user_id))
    rows = Referral.objects.changeable_by(actor).filter(
        Q(state__in=list(words)) & others | Q(state__in=list(sends))
    )

    def tell(row: Referral) -> InboxRow:
        return row_of(
            "referral", "landmark", (words | sends)[row.state], row.reference, "referral_detail",
            row, since=row.drafted_at,
        )  # fmt: skip

    rows = rows.select_related("case").order_by("drafted_at", "pk")
    return Queue("referral", rows, tell, "drafted_at")
