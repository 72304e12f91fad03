"""Seizures that wait for a call back, for the other key, or for their transfer."""

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from cases.models import Seizure, SeizureApproval
from cases.policy import Action, Actor, may
from cases.queries.inbox.freezes import part_of_freeze
from cases.queries.inbox.rows import InboxRow, Queue
from cases.states import SeizureState


def seizures_waiting(actor: Actor) -> Queue | None:
    """Those that others asked for: to sign by both offices, to send out by compliance."""
    if not may(actor, Action.APPROVE_SEIZURE):
        return None
    signed = SeizureApproval.objects.filter(
        seizure=OuterRef("pk"), decision="approve", content_hash=OuterRef("content_hash")
    )
    of_my_office = signed.filter(user__role=actor.role.value)
    wanted = Q(state=SeizureState.REQUESTED.value) & ~Q(Exists(of_my_office))
    if may(actor, Action.TRANSFER_SEIZURE):
        wanted |= Q(state=SeizureState.SEIZED.value)
    rows = Seizure.objects.changeable_by(actor).filter(wanted)
    rows = rows.exclude(requested_by=actor.user_id).select_related("freeze__case")

    def tell(row: Seizure) -> InboxRow:
        words = _("Send what was seized to the authority")
        if row.state == SeizureState.REQUESTED:
            words = _("Turn a key for this seizure")
            if row.confirmed_by_id is None:
                words = _("Call the authority back about its address")
        return InboxRow(
            "seizure", "gavel", "", words, row.reference, "freeze_detail",
            (row.freeze.public_id,), row.public_id, row.freeze.case, row.requested_at,
            about=row.reason,
        )  # fmt: skip

    return Queue(
        "seizure", rows.order_by("requested_at", "pk"), tell, since="requested_at",
        reference=part_of_freeze("-S"),
    )  # fmt: skip
