"""What an ended finding leaves behind: a task for each referral and each hold that cites it.

Nothing that was released changes by itself. Reports to authorities cite records, never findings.
"""

from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Finding, FreezeLine, Referral, Task
from cases.policy import Actor
from cases.queries.clocks import clock_for
from cases.services.audit import record_event
from cases.states import LIVE_LINE_STATES, ReferralState

OUT = (
    ReferralState.REDACTION.value, ReferralState.APPROVED.value, ReferralState.CLEARED.value,
    ReferralState.PACKAGED.value, ReferralState.SENT.value, ReferralState.ACKNOWLEDGED.value,
)  # fmt: skip


def tell_users(finding: Finding, *, by: Actor) -> int:
    """Write the tasks, in the caller's transaction under the case lock; returns how many."""
    clock = clock_for("finding_ended")
    due = clock.ends(timezone.now()) if clock else None
    number = {"finding": finding.reference}
    tasks = [
        (_("%(finding)s ended; %(what)s cites it: supersede or recall it")
         % {**number, "what": referral.reference}, referral.drafted_by_id)
        for referral in Referral.objects.filter(findings=finding, state__in=OUT).order_by("pk")
    ]  # fmt: skip
    lines = FreezeLine.objects.filter(finding=finding, state__in=LIVE_LINE_STATES)
    held = {line.freeze: line for line in lines.select_related("freeze").order_by("pk")}
    tasks += [
        (_("%(finding)s ended; %(what)s rests on it: find other evidence or release")
         % {**number, "what": freeze.reference}, freeze.requested_by_id)
        for freeze in held
    ]  # fmt: skip
    blocked = set(finding.case.blocks.values_list("user_id", flat=True))
    for title, person in tasks:
        task = Task.objects.create(
            case=finding.case, title=title[:160], due_at=due, created_by_id=by.person,
            assignee_id=None if person in blocked else person, created_at=timezone.now(),
        )  # fmt: skip
        record_event(
            finding.case, "add_task", str(task.public_id), by=by,
            data={"assignee": task.assignee_id, "finding": finding.reference},
        )  # fmt: skip
    return len(tasks)
