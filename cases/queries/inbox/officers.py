"""Agencies and officers that wait for a second person, and alarms that nobody has looked at."""

from typing import Any

from django.utils.translation import gettext as _

from cases.models import AgencyEntry, OfficerAlarm, OfficerEntry
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_REFERENCE, NOT_TO_TAKE, InboxRow, Queue
from cases.states import OfficerState, PolicyState


def agencies_waiting(actor: Actor) -> Queue | None:
    """Agencies that others proposed."""
    rows = AgencyEntry.objects.filter(state=PolicyState.PROPOSED.value)
    return _proposals(actor, "agency", rows, _("Decide on this agency"), lambda row: row.name)


def officers_waiting(actor: Actor) -> Queue | None:
    """Officers whom others called back."""
    rows = OfficerEntry.objects.filter(state=OfficerState.PROPOSED.value)
    return _proposals(
        actor, "officer", rows.select_related("agency"), _("Verify this officer"),
        lambda row: f"{row.full_name} · {row.agency.short_name}",
    )  # fmt: skip


def _proposals(actor: Actor, kind: str, rows: Any, words: str, about: Any) -> Queue | None:
    if not may(actor, Action.DECIDE_OFFICER):
        return None

    def tell(row: Any) -> InboxRow:
        return InboxRow(
            kind, "user-check", "", words, "", "officer_list", (), row.public_id, None,
            row.proposed_at, can_take=False, about=about(row),
        )  # fmt: skip

    rows = rows.exclude(proposed_by=actor.user_id).order_by("pk")
    return Queue(
        kind, rows, tell, since="proposed_at", reference=NO_REFERENCE, can_take=NOT_TO_TAKE
    )


def alarms_waiting(actor: Actor) -> Queue | None:
    """What was unusual of an officer, for whoever may close the account."""
    if not may(actor, Action.SUSPEND_OFFICER):
        return None

    def tell(row: OfficerAlarm) -> InboxRow:
        return InboxRow(
            "alarm", "triangle-alert", "bad", _("Unusual number: look at it"), "",
            "officer_list", (), row.public_id, None, row.raised_at, can_take=False,
            about=f"{row.user.username} · {row.get_kind_display()} · {row.num_seen}",
        )  # fmt: skip

    rows = OfficerAlarm.objects.filter(seen_by=None).select_related("user").order_by("pk")
    return Queue(
        "alarm", rows, tell, since="raised_at", reference=NO_REFERENCE, can_take=NOT_TO_TAKE
    )
