"""The description of the door in OpenAPI: made from `Door.calls`, with an example for everything.

What the reader has no right to is not described either (P1).
"""

from collections.abc import Iterable
from typing import Any

from django.urls import URLPattern, include, path
from django.utils.translation import gettext as _
from django_filters import BooleanFilter, ChoiceFilter, FilterSet, IsoDateTimeFilter, UUIDFilter
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiRequest,
    OpenApiResponse,
    inline_serializer,
)
from rest_framework import serializers

from cases.api.door import Call, Door
from cases.api.examples import ERROR_EXAMPLES, example_of
from cases.api.fields import Body
from cases.api.parsing import KEY_HEADER
from cases.api.problems import MEDIA_TYPE, TITLES
from cases.policy import Actor, may

JSON = "application/json"


class RefusedValue(serializers.Serializer):
    """One value that was refused."""

    field = serializers.CharField(allow_blank=True)
    detail = serializers.CharField()


class ProblemAnswer(serializers.Serializer):
    """RFC 9457: `type` is what programs branch on, `detail` one sentence for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = RefusedValue(many=True, required=False)
    present = serializers.DictField(required=False)


_pages: dict[str, Any] = {}  # one class a name: the schema knows components by both


def page_of(answer: type[serializers.Serializer]) -> Any:
    """A page of rows and the mark of the next one."""
    name = f"{answer.__name__.removesuffix('Answer')}Page"
    if name not in _pages:
        fields = {"rows": answer(many=True), "next": serializers.CharField(allow_blank=True)}
        _pages[name] = inline_serializer(name=name, fields=fields)
    return _pages[name]


class Operation(AutoSchema):
    """One method of one route, as its `Call` says."""

    view: Door

    @property
    def call(self) -> Call:
        return self.view.calls[self.method]

    def get_operation_id(self) -> str:
        several = len(self.view.calls) > 1
        return f"{self.view.route}_{self.method.lower()}" if several else self.view.route

    def get_tags(self) -> list[str]:
        return [self.view.route.partition("_")[0]]

    def get_summary(self) -> str:
        return str(self.call.summary)

    def get_description(self) -> str:
        return ""

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [{"token": []}, {"session": []}]

    def get_override_parameters(self) -> list[Any]:
        call = self.call
        found = []
        if call.writes and self.method == "POST":
            found.append(
                OpenApiParameter(
                    KEY_HEADER, {"type": "string", "pattern": "^[!-~]{1,255}$"},
                    OpenApiParameter.HEADER, required=True,
                    description=_(
                        "The same key with the same body gives the same answer; with another "
                        "body 409. Kept for 30 days."
                    ),
                )
            )  # fmt: skip
        if call.is_page:
            found += [
                OpenApiParameter(
                    "after", str, description=_("The mark `next` of the page before.")
                ),
                OpenApiParameter("size", {"type": "integer", "minimum": 1, "maximum": 200}),
            ]
        if call.filters is not None:
            found += [_parameter(name, each) for name, each in _filters(call.filters)]
        return found

    def get_request_serializer(self) -> Any:
        body = self.call.body
        if body is None:
            return None
        example = OpenApiExample("example", _example(body), request_only=True)
        return {self.call.takes: OpenApiRequest(body, examples=[example])}

    def get_response_serializers(self) -> Any:
        call = self.call
        found: dict[Any, OpenApiResponse] = {}
        if call.media:
            found[call.status, call.media] = OpenApiResponse(
                OpenApiTypes.BINARY, description=_("The bytes, as a download.")
            )
        elif call.answer is not None:
            told: Any = call.answer(many=call.many)
            value = _example(call.answer)  # of one row: a list is made of it
            if call.is_page:
                told = page_of(call.answer)
                value = {"rows": [value], "next": ""}
            example = OpenApiExample("example", value, response_only=True)
            found[call.status, JSON] = OpenApiResponse(
                told, description=_("What the summary says."), examples=[example]
            )
        for status in _errors(self.method, call, has_ids="{" in self.path):
            example = OpenApiExample("example", ERROR_EXAMPLES[status], response_only=True)
            found[status, MEDIA_TYPE] = OpenApiResponse(
                ProblemAnswer, description=str(TITLES[status][0]), examples=[example]
            )
        return found


_examples: dict[type, Any] = {}


def _example(kind: type) -> Any:
    """Made once: the generator asks for the answers of each call three times."""
    if kind not in _examples:
        _examples[kind] = example_of(kind())
    return _examples[kind]


def _errors(method: str, call: Call, *, has_ids: bool) -> list[int]:
    """The statuses that this call can end with besides success."""
    found = {401, 403, 404, 429, *call.errors}
    if call.is_page or call.filters is not None:
        found.add(400)
    if method != "GET":
        found |= {400, 413, 415}
        if call.writes:
            found |= {409, 422}
    return sorted(found)


def _filters(filters: type[FilterSet]) -> Iterable[tuple[str, Any]]:
    named: dict[str, Any] = filters.base_filters
    return named.items()


def _parameter(name: str, each: Any) -> OpenApiParameter:
    words = str(each.extra.get("help_text", ""))
    kind: Any = str
    if isinstance(each, ChoiceFilter):
        values = [value for value, _words in each.extra["choices"]]
        return OpenApiParameter(name, str, description=words, enum=values)
    if isinstance(each, UUIDFilter):
        kind = OpenApiTypes.UUID
    elif isinstance(each, IsoDateTimeFilter):
        kind = OpenApiTypes.DATETIME
    elif isinstance(each, BooleanFilter):
        kind = bool
    return OpenApiParameter(name, kind, description=words)


def visible_patterns(patterns: Iterable[URLPattern], actor: Actor) -> list[URLPattern]:
    """The routes that exist for this person."""
    return [each for each in patterns if any(may(actor, right) for right in _rights(each))]


def _rights(pattern: URLPattern) -> Any:
    view: Any = pattern.callback
    return view.initkwargs.get("rights", view.cls.rights)


def describe(patterns: Iterable[URLPattern], prefix: str) -> dict[str, Any]:
    """The OpenAPI document of these routes, as values. Cost: about a second."""
    urls = [path(prefix.lstrip("/"), include(list(patterns)))]
    generator: Any = SchemaGenerator
    made: dict[str, Any] = generator(patterns=urls).get_schema(request=None, public=True)
    # A field that is not listed is refused: say so.
    schemas = made["components"]["schemas"]
    for body in _bodies(Body):
        if body.__name__ in schemas:
            schemas[body.__name__]["additionalProperties"] = False
    return made


def _bodies(body: type[Body]) -> Iterable[type[Body]]:
    for each in body.__subclasses__():
        yield each
        yield from _bodies(each)
