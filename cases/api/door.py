"""The door itself: who may pass, how a write is done once, how a page is cut.

A view says in `calls` what each of its methods takes and answers; the schema is made from that.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django_filters import FilterSet
from rest_framework import exceptions
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from cases.api.fields import require_once
from cases.api.filters import judged, require_known
from cases.api.parsing import idempotency_key, request_digest
from cases.models import Case
from cases.policy import Action, Actor, may
from cases.queries.keyset import PAGE_ROWS, Page, is_mark, newest_first
from cases.services.idempotency import answer_once
from cases.services.limits import take_call
from cases.services.reads import BY_PROGRAM, keep_case_look

REPLAYED = "Idempotent-Replayed"


@dataclass(frozen=True)
class Call:
    """One method of one route: what it does in words, what it takes, what it answers.

    `writes` asks for an idempotency key. `media` other than JSON is a file. `errors` are the
    statuses that it can end with beside those that every call can.
    """

    summary: str | Promise
    answer: type[Serializer] | None = None
    body: type[Serializer] | None = None
    filters: type[FilterSet] | None = None
    status: int = 200
    is_page: bool = False
    many: bool = False
    writes: bool = False
    media: str = ""
    takes: str = "application/json"
    errors: tuple[int, ...] = field(default=())


def writing(summary: str | Promise, answer: type[Serializer], body: type[Serializer]) -> Call:
    """A step of a row: answers the row as it is then."""
    return Call(summary, answer, body, writes=True)


def making(summary: str | Promise, answer: type[Serializer], body: type[Serializer]) -> Call:
    """A new row."""
    return Call(summary, answer, body, status=201, writes=True)


class AtTheDoor(BasePermission):
    """Signed in, and with a role that has one of the view's rights; else it does not exist (A3)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        actor: Actor | None = getattr(request._request, "actor", None)
        if not request.user.is_authenticated or actor is None:
            raise exceptions.NotAuthenticated
        if not any(may(actor, right) for right in view.rights):
            raise Http404
        return True


class Door(APIView):
    """Base of every view. `route` is its name in the schema and in the audit trail."""

    permission_classes = [AtTheDoor]
    http_method_names = ["get", "head", "post", "patch"]
    rights: tuple[Action, ...] = (Action.VIEW_CASE,)
    route = ""
    keeps_refusals = True
    calls: Mapping[str, Call] = {}

    @property
    def allowed_methods(self) -> list[str]:
        return [name for name in ("GET", "HEAD", "POST", "PATCH") if hasattr(self, name.lower())]

    @property
    def actor(self) -> Actor:
        actor: Actor = self.request._request.actor
        return actor

    def perform_authentication(self, request: Request) -> None:
        """Counted before anything is judged: a person by the account, anybody else by address."""
        address = f"address:{request.META.get('REMOTE_ADDR', '')}"
        try:
            super().perform_authentication(request)
        except exceptions.APIException:
            take_call(address)
            raise
        user = request.user
        take_call(f"user:{user.pk}" if user.is_authenticated else address)

    @property
    def call(self) -> Call:
        method = self.request.method
        return self.calls["GET" if method == "HEAD" else method]

    def check_permissions(self, request: Request) -> None:
        """Who may not pass hears that before anything about the words of the address."""
        super().check_permissions(request)
        call = self.calls.get("GET" if request.method == "HEAD" else request.method)
        if call is not None:
            require_known(request, call.filters, is_page=call.is_page)

    def head(self, request: Request, *args: Any, **ids: Any) -> HttpResponse:
        if not hasattr(self, "get"):
            raise exceptions.MethodNotAllowed(request.method)
        answer: HttpResponse = self.get(request, *args, **ids)
        return answer

    def read(self) -> dict[str, Any]:
        """The values of the body by the call's serializer. Raises ValidationError."""
        body = self.call.body
        if body is None:
            return {}
        sent = self.request.data
        if isinstance(sent, QueryDict):  # a form with files
            require_once(sent)
        reader = body(data=sent, context={"actor": self.actor, "view": self})
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)

    def tell(self, row: Any, status: int = 200) -> Response:
        """A row, or rows where the call answers many."""
        return Response(self._told(row), status=status)

    def _told(self, row: Any) -> Any:
        answer = self.call.answer
        if answer is None:
            return row
        context = {"actor": self.actor, "view": self}
        return answer(row, many=self.call.many, context=context).data

    def once(self, do: Callable[..., Any], *, fresh: bool = True) -> HttpResponse:
        """Do the write under the request's idempotency key and answer the row that it gives.

        Callers have looked up what the address names before: a replay is for those who may still
        see it. `do` takes the values of the body.
        """
        key = idempotency_key(self.request)
        values = self.read()
        call = self.call

        def write() -> tuple[int, str]:
            row = do(**values)
            if fresh and isinstance(row, models.Model):
                row.refresh_from_db()
            return call.status, JSONRenderer().render(self._told(row)).decode()

        digest = request_digest(self.request, self.request.data)
        answer = answer_once(key, digest, write, by=self.actor)
        response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
        if answer.is_replay:
            response[REPLAYED] = "true"
        return response

    def page(
        self,
        rows: QuerySet[Any],
        newest_by: str,
        told: Callable[[list[Any]], list[Any]] | None = None,
    ) -> Response:
        """One page, newest first; `after` is the mark of the page before.

        `told` turns the rows of a page into what the answer tells.
        """
        after, size = page_asked(self.request)
        filters = self.call.filters
        if filters is not None:
            rows = judged(filters, self.request, rows).qs
        page = newest_first(rows, newest_by, after, size)
        if told is not None:
            page = replace(page, rows=told(page.rows))
        return self.tell_page(page)

    def tell_page(self, page: Page) -> Response:
        answer = self.call.answer
        assert answer is not None
        context = {"actor": self.actor, "view": self}
        told = answer(page.rows, many=True, context=context).data
        return Response({"rows": told, "next": page.after})


def page_asked(request: Request, is_known: Callable[[str], bool] = is_mark) -> tuple[str, int]:
    """The mark that a page begins after, "" for the first, and how many rows it is to have.

    Raises ValidationError for what is no mark, and beyond 1 to 200 rows.
    """
    text, after = (request.query_params.get(name, "") for name in ("size", "after"))
    is_number = text.isascii() and text.isdecimal() and len(text) < 4
    if text and not (is_number and 1 <= int(text) <= 200):
        raise exceptions.ValidationError({"size": [_("A page has 1 to 200 rows.")]})
    if after and not is_known(after):
        raise exceptions.ValidationError({"after": [_("This is no mark of a page.")]})
    return after, int(text) if text else PAGE_ROWS


class Step(Door):
    """POST on one row: find it, call one service, answer the row.

    `find(actor, *ids)` gives the row or raises Http404; `service(row, *, by, **values)` writes.
    """

    find: Any = None
    service: Any = None

    def post(self, request: Request, **ids: Any) -> HttpResponse:
        row = self.find(self.actor, *ids.values())

        def do(**values: Any) -> Any:
            self.service(row, **values, by=self.actor)
            return row

        return self.once(do)


class One(Door):
    """GET on one row; of a case it is kept as a look (H4)."""

    find: Any = None

    def get(self, request: Request, **ids: Any) -> Response:
        row = self.find(self.actor, *ids.values())
        case = row if isinstance(row, Case) else getattr(row, "case", None)
        if isinstance(case, Case):
            what = getattr(row, "reference", "") or case.reference
            keep_case_look(case, self.route, by=self.actor, told=what, purpose=BY_PROGRAM)
        return self.tell(row)


def route(address: str, view: type[Door], name: str, **settings: Any) -> URLPattern:
    """A route of the door; its name in the URL space is `api_<name>`."""
    pattern: URLPattern = path(address, view.as_view(route=name, **settings), name=f"api_{name}")
    return pattern


def one(rows: QuerySet[Any], **named: Any) -> Any:
    """The one row of rows that the actor may see. Raises Http404."""
    found = rows.filter(**named).first()
    if found is None:
        raise Http404
    return found


def download(content: bytes, mime: str, name: str) -> HttpResponse:
    """A file, always as an attachment that nothing executes."""
    disposition = content_disposition_header(as_attachment=True, filename=name)
    headers = {"Content-Disposition": disposition or "attachment"}
    return HttpResponse(content, content_type=mime, headers=headers)


def plain_json(value: Any) -> Any:
    """A value as JSON reads it back: what a serializer without a model may tell."""
    return json.loads(json.dumps(value, default=str))
