"""Sealed answers out of our books: kept, read, and asked again."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import FilterSet, UUIDFilter
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.book_traces import POLICIES, BookTraceAnswer
from cases.api.cases import one_case
from cases.api.door import Call, Door, making, one, route
from cases.api.fields import Body, CaseName, PersonAnswer, Row
from cases.api.filters import Truth, judged
from cases.models import BookRun
from cases.queries import book_runs as queries
from cases.queries.book_traces import DEPOSITS, WHATS
from cases.queries.exposures import account_of_case
from cases.services.book_runs import seal_books
from cases.services.reads import BY_PROGRAM, keep_case_look


class BookRunAnswer(Row):
    """What was asked and what it rests on; `books_sha256` covers every record that was read."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    account = serializers.UUIDField(source="account.public_id", default=None, allow_null=True)
    direction = serializers.CharField(source="result.direction")
    policy = serializers.CharField()
    engine_version = serializers.CharField(source="result.seal.engine_version")
    code_hash = serializers.CharField(source="result.seal.code_hash")
    books_sha256 = serializers.CharField(source="result.seal.books_sha256")
    num_lines = serializers.IntegerField(source="result.seal.num_lines")
    sealed_by = PersonAnswer()

    class Meta:
        model = BookRun
        fields = [
            "id", "case", "account", "run", "what", "direction", "policy", "engine_version",
            "code_hash", "books_sha256", "num_lines", "result_sha256", "sealed_by", "sealed_at",
        ]  # fmt: skip


class BookRunDetailAnswer(serializers.Serializer):
    """A sealed answer as it was."""

    book_run = BookRunAnswer()
    answer = BookTraceAnswer()


class BookChangeAnswer(serializers.Serializer):
    """One thing that stands otherwise; null where it is in one of the answers only."""

    kind = serializers.CharField()
    key = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class BookReplayAnswer(serializers.Serializer):
    """A sealed answer asked again: identical, or what differs, the records first."""

    book_run = serializers.UUIDField(source="book_run.public_id")
    identical = serializers.BooleanField(source="is_identical")
    intact = serializers.BooleanField(source="is_intact")
    same_code = serializers.BooleanField(source="is_same_code")
    changes = BookChangeAnswer(many=True)


class NewBookRunBody(Body):
    """Which money to follow. Without an account it is what the lead run reached, by its policy."""

    account = serializers.UUIDField(required=False, allow_null=True, default=None)
    policy = serializers.ChoiceField(choices=POLICIES, default="haircut")
    what = serializers.ChoiceField(choices=[(each, each) for each in WHATS], default=DEPOSITS)


class BookRunFilter(FilterSet):
    """The list of sealed answers."""

    case = UUIDFilter(field_name="case__public_id")
    account = UUIDFilter(field_name="account__public_id")


class ReplayFilter(FilterSet):
    """Which books are asked."""

    now = Truth(method="kept", help_text=_("the books of now instead of those of then"))


class BookRuns(Door):
    calls = {
        "GET": Call(
            _("Sealed answers out of our books, newest first"), BookRunAnswer,
            filters=BookRunFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = BookRun.objects.visible_to(self.actor)
        return self.page(rows.select_related("case", "account", "sealed_by"), "sealed_at")


class CaseBookRuns(Door):
    calls = {
        "POST": making(
            _("Follow money through our records and keep the answer sealed"), BookRunAnswer,
            NewBookRunBody,
        )
    }  # fmt: skip

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)

        def do(*, account: UUID | None, policy: str, what: str) -> BookRun:
            found = None if account is None else account_of_case(case, account)
            if account is not None and found is None:
                raise exceptions.ValidationError({"account": [_("The case has no such account.")]})
            return seal_books(case, found, policy=policy, what=what, by=self.actor)

        return self.once(do)


class OneBookRun(Door):
    """Base of what is told of one sealed answer: to read it is kept as a look at its case."""

    def looked_at(self, book_run_id: UUID) -> BookRun:
        found: BookRun = one(queries.visible_book_run(self.actor, book_run_id))
        keep_case_look(found.case, self.route, by=self.actor, purpose=BY_PROGRAM)
        return found


class BookRunDetail(OneBookRun):
    calls = {"GET": Call(_("One sealed answer as it was"), BookRunDetailAnswer)}

    def get(self, request: Request, book_run_id: UUID) -> Response:
        found = self.looked_at(book_run_id)
        told: dict[str, Any] = {"book_run": found, "answer": queries.book_run_view(found)}
        return self.tell(told)


class BookRunRepeat(OneBookRun):
    calls = {
        "GET": Call(
            _("Ask a sealed question again: identical, or what differs"), BookReplayAnswer,
            filters=ReplayFilter, errors=(422,),
        )
    }  # fmt: skip

    def get(self, request: Request, book_run_id: UUID) -> Response:
        asked = judged(ReplayFilter, request, BookRun.objects.none()).form.cleaned_data
        found = self.looked_at(book_run_id)
        return self.tell(queries.repeat_book_run(found, of_now=bool(asked["now"])))


ONE = "book-runs/<uuid:book_run_id>"
urlpatterns = [
    route("book-runs", BookRuns, "book_run_list"),
    route("cases/<uuid:case_id>/book-runs", CaseBookRuns, "book_run_seal"),
    route(ONE, BookRunDetail, "book_run_detail"),
    route(f"{ONE}/repeat", BookRunRepeat, "book_run_repeat"),
]
