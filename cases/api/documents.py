"""The door's own description: openapi.json for programs, one plain page for people."""

import json
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import URLPattern
from rest_framework.request import Request

from cases.api.door import Door, route
from cases.api.schema import describe, visible_patterns
from cases.policy import Action, Actor, Role

ANYBODY_OF_THE_HOUSE = (Action.VIEW_CASE, Action.READ_AUDIT, Action.VERIFY_AUDIT)


class Described(Door):
    """What exists for the reader, and nothing else: without the right no report is named (P1)."""

    rights = ANYBODY_OF_THE_HOUSE
    patterns: Sequence[URLPattern] = ()
    prefix = ""

    def document(self) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(_document(self.actor.role, self._sees_reports, self))
        return made

    @property
    def _sees_reports(self) -> bool:
        return self.actor.may_view_reports


class OpenAPI(Described):
    def get(self, request: Request) -> HttpResponse:
        content = _document(self.actor.role, self._sees_reports, self)
        return HttpResponse(content, content_type="application/json")


class Page(Described):
    def get(self, request: Request) -> HttpResponse:
        document = self.document()
        groups: dict[str, list[dict[str, Any]]] = {}
        for path, methods in document["paths"].items():
            for method, told in methods.items():
                row = {"method": method.upper(), "path": path, **told}
                groups.setdefault(told["tags"][0], []).append(row)
        context = {"nouns": sorted(groups.items()), "prefix": self.prefix}
        return render(request._request, "cases/api_page.html", context)


# Documents by what their readers may see; routes never change while the process lives.
_made: dict[tuple[Role, bool], bytes] = {}


def _document(role: Role, sees_reports: bool, view: Described) -> bytes:
    key = (role, sees_reports)
    if key not in _made:
        reader = Actor(user_id=None, role=role, may_view_reports=sees_reports)
        patterns = visible_patterns(view.patterns, reader)
        made = describe(patterns, view.prefix)
        _made[key] = json.dumps(made, ensure_ascii=False, default=str).encode()
    return _made[key]


def described(patterns: Sequence[URLPattern], prefix: str) -> list[URLPattern]:
    """The routes of the description of `patterns`."""
    return [
        route("openapi.json", OpenAPI, "schema", patterns=patterns, prefix=prefix),
        route("docs", Page, "docs", patterns=patterns, prefix=prefix),
    ]
