"""Asking the owner of another case that touches the same address, without learning which it is."""

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import acting_as
from cases.models import Case, Task, Wallet
from cases.policy import SYSTEM, Action, Actor
from cases.queries.deconfliction import hidden_cases, is_touched_elsewhere
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case, lock_case
from cases.states import TaskState


@transaction.atomic
def ask_owner(wallet: Wallet, *, by: Actor) -> None:
    """Leave the owner of every other case with this address a task to get in touch.

    The task names who asks, not their case; who asks learns neither how many there are nor whose.
    Sealed cases get it as well. Asking again while it is open adds nothing.

    Raises PermissionDenied, CaseworkError where no case would tell of itself.
    """
    if not is_touched_elsewhere(wallet, by):
        raise CaseworkError(_("No other case touches this address."))
    with acting_as(SYSTEM):  # cases that the actor does not see
        others = list(hidden_cases(wallet, by).values_list("pk", flat=True))
        cases = {pk: lock_case(pk) for pk in sorted({wallet.case_id, *others})}
    own = enter_case(wallet.case_id, Action.ADD_NOTE, by=by)
    asker = get_user_model().objects.get(pk=by.person)
    with acting_as(SYSTEM):
        for pk in others:
            _leave_task(cases[pk], wallet, asker.get_full_name() or asker.username, by=by)
    record_event(own, "ask_owner", f"wallet:{wallet.public_id}", by=by)


def _leave_task(case: Case, wallet: Wallet, asker: str, *, by: Actor) -> None:
    mine = Wallet.objects.get(case=case, ledger=wallet.ledger, address=wallet.address)
    short = f"{mine.address[:8]}…{mine.address[-4:]}"
    title = _("%(name)s works on %(address)s too: get in touch") % {
        "name": asker, "address": short,
    }  # fmt: skip
    if Task.objects.filter(case=case, title=title[:160], state=TaskState.OPEN).exists():
        return
    task = Task.objects.create(
        case=case, title=title[:160], assignee_id=case.owner_by_id, created_by_id=by.person,
        created_at=timezone.now(),
    )  # fmt: skip
    record_event(case, "asked_by_colleague", str(task.public_id), by=SYSTEM)
