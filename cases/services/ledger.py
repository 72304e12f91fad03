"""The books of the freezes against their receipts and orders: what does not reconcile, in words."""

from cases.models import FreezeLine, FreezeRelease, FreezeRequest
from cases.services.audit import Break
from cases.states import FreezeReleaseState, FreezeState, LineState, OutboxState


def out_of_balance() -> list[Break]:
    """Lines, freezes and releases whose sums do not agree: 5 queries and one pass.

    requested >= executed = hold receipts; executed = released + seized + held; seized >=
    transferred; released, seized and transferred are each the sum of their receipts, and what was
    seized that of the seizures' lines; a closed freeze holds nothing; an executed release was
    confirmed order by order.
    """
    found = []
    lines = FreezeLine.objects.select_related("freeze__case", "account").prefetch_related(
        "receipts", "seizures"
    )
    for line in lines.order_by("pk").iterator(500):
        where = f"{line.freeze.reference}, account {line.account.masked}, {line.asset_id[:40]}"
        found += [
            Break(line.freeze.case.reference, 0, f"{where}: {what}") for what in _faults(line)
        ]
    ended = FreezeRequest.objects.filter(state=FreezeState.CLOSED.value)
    for freeze in ended.filter(lines__state=LineState.HELD.value).select_related("case").distinct():
        found.append(Break(freeze.case.reference, 0, f"{freeze.reference} is closed and holds"))
    executed = FreezeRelease.objects.filter(state=FreezeReleaseState.EXECUTED.value)
    for release in executed.select_related("freeze__case").prefetch_related("orders", "lines"):
        done = [order for order in release.orders.all() if order.state == OutboxState.CONFIRMED]
        if len(done) != len(release.lines.all()):
            case = release.freeze.case.reference
            found.append(Break(case, 0, f"{release.reference} is executed without its receipts"))
    return found


def _faults(line: FreezeLine) -> list[str]:
    receipts = list(line.receipts.all())
    held = sum(each.base for each in receipts if each.kind == "hold")
    released = sum(each.base for each in receipts if each.kind == "release")
    seized = sum(each.base for each in receipts if each.kind == "seizure")
    gone = sum(each.base for each in receipts if each.kind == "transfer")
    parts = list(line.seizures.all())
    faults = []
    if line.seized != seized or line.seized != sum(each.seized for each in parts):
        faults.append(f"seized {line.seized}, but its seizure receipts say {seized}")
    if line.transferred != gone or gone != sum(each.transferred for each in parts):
        faults.append(f"transferred {line.transferred}, but its receipts say {gone}")
    if line.released + line.seized > line.executed or line.transferred > line.seized:
        faults.append("gave more than it held")
    if line.executed != held:
        faults.append(f"executed {line.executed}, but its hold receipts say {held}")
    if line.released != released:
        faults.append(f"released {line.released}, but its release receipts say {released}")
    if line.executed > line.requested:
        faults.append(f"executed {line.executed} of {line.requested} that were asked for")
    if (line.held > 0) != (line.state == LineState.HELD.value):
        faults.append(f"holds {line.held} and is {line.state}")
    return faults
