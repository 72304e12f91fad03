"""Alerts that wait for a look."""

from django.db.models import Q
from django.utils.translation import gettext as _

from cases.models import Alert
from cases.models.alerts import LEAST_GRAVE
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_REFERENCE, InboxRow, Queue
from cases.states import OPEN_ALERT_STATES, AlertState


def alerts_waiting(actor: Actor) -> Queue | None:
    """Mine, new grave ones, and those whose dismissal somebody else asks for.

    New alerts of less weight wait in their own queue: they would bury the rest.
    """
    if not may(actor, Action.TRIAGE_ALERT):
        return None
    me = actor.user_id
    wanted = Q(state=AlertState.NEW.value, rank__gte=LEAST_GRAVE)
    wanted |= Q(state=AlertState.ASSIGNED.value, assigned_to=me)
    if may(actor, Action.DISMISS_GRAVE_ALERT):
        wanted |= Q(state__in=OPEN_ALERT_STATES, proposed_by__isnull=False)
    rows = Alert.objects.open_to(actor).filter(wanted)

    def tell(row: Alert) -> InboxRow:
        asked = row.proposed_by_id not in (None, me)
        words = _("Decide on the dismissal: %(rule)s") if asked else _("Look into: %(rule)s")
        return InboxRow(
            "alert", "triangle-alert", "bad" if row.is_grave else "",
            words % {"rule": row.rule.title}, row.account.masked, "alert_detail",
            (row.public_id,), row.public_id, row.case, row.raised_at,
            row.due_at, amount=row.fiat, owner=row.assigned_to,
        )  # fmt: skip

    rows = rows.select_related("rule", "account", "case", "assigned_to")
    return Queue(
        "alert", rows.order_by("-rank", "-score", "raised_at", "pk"), tell, since="raised_at",
        deadline="due_at", reference=NO_REFERENCE, owner="assigned_to",
    )  # fmt: skip
