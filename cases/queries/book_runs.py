"""Sealed answers out of our books: read, found by their hash, and asked again."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from cases.models import BookRun, Case, ExchangeAccount
from cases.policy import Actor
from cases.queries.book_traces import BookView, RecordedBooks, view_of
from tracing import reads
from tracing.reads import BookQuestion, Change


@dataclass(frozen=True)
class BookReplay:
    """A sealed answer asked again.

    Args:
        is_intact: nothing of the stored answer was changed since it was sealed.
        is_same_code: the engine that answered now is the one that answered then.
        changes: records, holdings, hops and sums that stand otherwise, the records first.
    """

    book_run: BookRun
    is_intact: bool
    is_same_code: bool
    changes: tuple[Change, ...]

    @property
    def is_identical(self) -> bool:
        """The same question to the same books gave the same answer."""
        return not self.changes

    def to_json(self) -> dict[str, Any]:
        """Everything for a program; amounts are texts."""
        return {
            "book_run": str(self.book_run.public_id),
            "identical": self.is_identical,
            "intact": self.is_intact,
            "same_code": self.is_same_code,
            "result_sha256": self.book_run.result_sha256,
            "counts": dict(Counter(change.kind for change in self.changes)),
            "changes": [
                {"kind": each.kind, "key": each.key, "before": each.before, "after": each.after}
                for each in self.changes
            ],
        }


def visible_book_run(actor: Actor, book_run_id: UUID) -> QuerySet[BookRun]:
    """A sealed answer that the actor may see, or nothing."""
    rows: QuerySet[BookRun] = BookRun.objects.visible_to(actor)
    return rows.filter(public_id=book_run_id).select_related("case", "account", "sealed_by")


def book_runs_of(
    case: Case, actor: Actor, account: ExchangeAccount | None = None
) -> QuerySet[BookRun]:
    """What was sealed of an account, or of the lead run, newest first, without the answers."""
    rows: QuerySet[BookRun] = BookRun.objects.visible_to(actor).filter(case=case, account=account)
    return rows.select_related("sealed_by").order_by("-sealed_at", "-pk")


def book_run_view(book_run: BookRun) -> BookView:
    """A sealed answer as its page shows it: 3 queries."""
    return view_of(reads.trace_of(book_run.result), run=book_run.run)


def repeat_book_run(book_run: BookRun, *, of_now: bool = False) -> BookReplay:
    """Ask a sealed question again: of the records that there were then, or of all there are now.

    Records keep their number when they are brought up to date, so what changed, or went, since
    then is seen; what an account held then is taken from the seal. Cost: that of the question.
    """
    sealed: Mapping[str, Any] = book_run.result
    question = BookQuestion.from_json(sealed["seal"]["parameters"])
    books = (
        RecordedBooks() if of_now else RecordedBooks(question.until, sealed["books"]["holdings"])
    )
    again = reads.sealed_answer(question, books)
    intact = reads.is_intact(sealed)
    return BookReplay(
        book_run,
        is_intact=intact and sealed["seal"]["result_sha256"] == book_run.result_sha256,
        is_same_code=sealed["seal"]["code_hash"] == reads.code_hash(),
        changes=tuple(reads.book_differences(sealed, again)),
    )
