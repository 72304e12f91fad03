"""Sealing an answer out of our books, so that it can be cited and asked again."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import BookRun, Case, ExchangeAccount
from cases.policy import Action, Actor
from cases.queries.book_traces import (
    DEPOSITS,
    WITHDRAWALS,
    RecordedBooks,
    account_question,
    case_question,
)
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from tracing import reads

LEAST_LETTERS = 8


def seal_books(
    case: Case,
    account: ExchangeAccount | None,
    *,
    policy: str = "",
    what: str = "",
    of_run: UUID | None = None,
    by: Actor,
) -> BookRun:
    """Ask our books of an account, or of what a run reached, and keep the answer sealed.

    Args:
        policy, what: of an account; a run has its own policy.
        of_run: a run of the case; without one or an account the lead run is meant.

    The books are read outside of any transaction: seconds in which others write. The right is
    asked before and again with what is kept. Raises PermissionDenied, CaseworkError where there is
    nothing to follow.
    """
    with transaction.atomic():
        fresh = enter_case(case.pk, Action.QUEUE_TRACE, by=by)
    run = None
    if account is not None:
        question = account_question(account, policy, what=what)
    else:
        found = case_question(fresh, of_run)
        if found is None:
            raise CaseworkError(_("No run leads this case yet: a finished trace can be made its"
                                  " lead."))  # fmt: skip
        question, run = found.question, found.run
        what = DEPOSITS if question.direction == "forward" else WITHDRAWALS
    if not question.seeds:
        raise CaseworkError(_("Our records hold nothing of it to follow."))
    try:
        result: dict[str, Any] = reads.sealed_answer(question, RecordedBooks())
    except reads.TracingError as error:
        raise CaseworkError(str(error)) from None
    with transaction.atomic():
        enter_case(case.pk, Action.QUEUE_TRACE, by=by)
        kept = BookRun.objects.create(
            case=fresh, account=account, run=run, what=what, result=result,
            result_sha256=result["seal"]["result_sha256"], sealed_by_id=by.person,
            sealed_at=timezone.now(),
        )  # fmt: skip
        record_event(
            fresh, "seal_books", f"book_run:{kept.public_id}", by=by,
            data={
                "what": what,
                "policy": question.policy,
                "result_sha256": kept.result_sha256,
                "books_sha256": result["seal"]["books_sha256"],
                "num_lines": result["seal"]["num_lines"],
            },
        )  # fmt: skip
    return kept


def find_book_run(name: str) -> BookRun | None:
    """The sealed answer of an id, or of the beginning of its hash, for a command: 1 or 2 queries.

    None where none or several are meant.
    """
    text = name.strip().lower()
    try:
        return BookRun.objects.filter(public_id=text).select_related("case").first()
    except ValidationError:
        pass
    if len(text) < LEAST_LETTERS:
        return None
    found = list(BookRun.objects.filter(result_sha256__startswith=text).select_related("case")[:2])
    return found[0] if len(found) == 1 else None
