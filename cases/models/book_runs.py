"""Answers out of the exchange's own books, kept under a seal; never changed."""

from django.conf import settings
from django.db import models

from cases.models.base import CaseScopedQuerySet, PublicModel
from cases.models.cases import Case
from cases.models.exchange import ExchangeAccount


class BookRun(PublicModel):
    """One question to our books with its answer and all that was read for it.

    Without an account it is of what the lead run of the case reached.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="book_runs")
    account = models.ForeignKey(
        ExchangeAccount, models.PROTECT, null=True, related_name="book_runs"
    )
    run = models.UUIDField(null=True)
    what = models.CharField(max_length=12)  # deposits, held or withdrawals
    result = models.JSONField()  # as `tracing.engine.bookseal` sealed it
    result_sha256 = models.CharField(max_length=64)
    sealed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    sealed_at = models.DateTimeField()

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        indexes = [
            # The page of our books in a case: what was sealed, newest first.
            models.Index(fields=["case", "-sealed_at"], name="book_run_of_case"),
            # `manage.py rerun`: the answer of a hash, or of the beginning of it.
            models.Index(fields=["result_sha256"], name="book_run_by_hash"),
        ]

    @property
    def policy(self) -> str:
        """The rule by which mixed money was divided."""
        return str(self.result["policy"])
