"""Agencies and officers that wait for a second person, and alarms that nobody has looked at."""

from typing import Any

from django.utils.translation import gettext as _

from cases.models import AgencyEntry, OfficerAlarm, OfficerEntry
from cases.policy import Action, Actor, may
from cases.queries.inbox.proposals import proposals_of_others
from cases.queries.inbox.rows import NO_REFERENCE, NOT_TO_TAKE, InboxRow, Queue


def agencies_waiting(actor: Actor) -> Queue | None:
    """Agencies that others proposed."""
    return _proposals(
        actor, "agency", AgencyEntry.objects.all(), _("Decide on this agency"),
        lambda row: row.name,
    )  # fmt: skip


def officers_waiting(actor: Actor) -> Queue | None:
    """Officers whom others called back."""
    return _proposals(
        actor, "officer", OfficerEntry.objects.select_related("agency"), _("Verify this officer"),
        lambda row: f"{row.full_name} · {row.agency.short_name}",
    )  # fmt: skip


def _proposals(actor: Actor, kind: str, rows: Any, words: str, about: Any) -> Queue | None:
    return proposals_of_others(
        actor, kind, Action.DECIDE_OFFICER, rows, "user-check", "officer_list",
        lambda row: (words, about(row), ()),
    )  # fmt: skip


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
