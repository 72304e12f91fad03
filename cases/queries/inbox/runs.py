"""Traces that failed, for whoever asked for them, and those that drifted, for whoever may ask."""

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import CaseRun
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import MOST, InboxRow
from tracing import reads

RECENT = timedelta(days=14)  # a failed run older than this waits for nobody


def failed_runs(actor: Actor) -> list[InboxRow]:
    """The actor's own runs that failed lately, and any that drifted: 2 or 3 queries.

    Until a run of the same case was asked for since.
    """
    if not may(actor, Action.QUEUE_TRACE):
        return []
    lately = timezone.now() - RECENT
    later = CaseRun.objects.filter(
        case=OuterRef("case"), requested_at__gt=OuterRef("drifted_at"), collected_at__isnull=False
    )
    visible = CaseRun.objects.visible_to(actor).select_related("case").order_by("-requested_at")
    # Asked for apart: joined by OR, the rights of every run that there is are looked up.
    own = visible.filter(requested_by=actor.user_id, requested_at__gte=lately, collected_at=None)
    drifted = visible.filter(~Exists(later), drifted_at__gte=lately)
    either = {each.pk: each for each in (*own[:MOST], *drifted[:MOST])}
    found = sorted(either.values(), key=lambda each: each.requested_at, reverse=True)[:MOST]
    told = [
        InboxRow(
            "run", "triangle-alert", "warn", _("Asked again, this trace concludes something else"),
            "", "trace_detail", (each.case.public_id, each.run), each.run, each.case,
            each.drifted_at,
        )
        for each in found
        if each.drifted_at is not None
    ]  # fmt: skip
    mine = [each for each in found if each.collected_at is None]
    if not mine:
        return told
    views = reads.runs_by_id([each.run for each in mine])
    newest = {each.case_id: each.requested_at for each in reversed(mine)}
    return told + [
        InboxRow(
            "run", "route", "bad", _("This trace failed: look why and start it again"), "",
            "trace_detail", (each.case.public_id, each.run), each.run, each.case,
            each.requested_at,
        )
        for each in mine
        if (view := views.get(each.run)) is not None
        and view.state == "failed"
        and newest[each.case_id] == each.requested_at
    ]  # fmt: skip
