"""What all rules of the house share: one person proposes them, a second one puts them in force."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.policy import Action, Actor, require, require_second_person, require_step_up
from cases.services.errors import ContentChanged
from cases.services.steps import step_of, swap_state
from cases.services.validation import require_reason
from cases.states import POLICY, A, PolicyAction, S


def enter_proposal(
    row: Any, action: Action, table: Mapping[tuple[S, A], S], step: A, *, by: Actor
) -> None:
    """Lock a proposal for the decision of a second person, and read it as it is now: 2 queries.

    `row` is of any model with `proposed_by`, and `table` its states: whoever comes after `step`
    was taken is told so, before anything else is judged. Raises PermissionDenied,
    StepUpRequired, InvalidTransition.
    """
    require(by, action)
    type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
    row.refresh_from_db()
    require_second_person(by, row.proposed_by_id)
    require_step_up(by)
    step_of(row, table, step)


def require_as_shown(row: Any, shown: str, present: str) -> None:
    """Raise ContentChanged unless what was `shown`, what is kept and what is `present` are one.

    All three are hashes of the content (E4).
    """
    if not shown == row.content_hash == present:
        raise ContentChanged(_("This proposal is not the one that you were shown."))


def decide_proposal(
    row: Any, step: PolicyAction, reason: str, *, by: Actor, **columns: object
) -> str:
    """Take a step of a proposal with who decided and when; returns the reason as it is kept.

    `columns` are further ones of this kind of proposal. Raises CaseworkError, InvalidTransition.
    """
    words = require_reason(reason)
    swap_state(
        row, POLICY, step, "this proposal",
        decided_by_id=by.person, decided_at=timezone.now(), **columns,
    )  # fmt: skip
    return words


def supersede(rows: QuerySet[Any], name: str) -> dict[str, list[str]]:
    """End what was in force before, for the event of what takes its place: empty, or their ids.

    `name` is what a message calls one of them. 1 query, and 1 a row. Raises InvalidTransition
    where another caller ended one meanwhile.
    """
    ended = []
    for old in rows.order_by("pk"):
        swap_state(old, POLICY, PolicyAction.SUPERSEDE, name)
        ended.append(str(old.public_id))
    return {"supersedes": ended} if ended else {}
