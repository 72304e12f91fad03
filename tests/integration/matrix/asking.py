"""Asking one address as one person, and what became of it: answer, headers, tables written."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings
from django.core.cache import cache as counters
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

WRITE = re.compile(r'\s*(?:INSERT (?:OR \w+ )?INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)
# Differ from answer to answer: the masked token against forgery, and how long ago something was.
TOKEN = re.compile(rb'(csrfmiddlewaretoken" value="|X-CSRFToken(?:"|&quot;): ?(?:"|&quot;))\w+')
TIME = re.compile(rb"<time[^>]*>[^<]*</time>")
FORMS = ("POST", "PUT", "PATCH")
PROGRAMS = settings.API_PREFIX
# Of the session and of counting failures, not of the case.
OWN_TABLES = {"django_session", "usersessions_usersession", "fiu_cache", "cases_pace"}
# An answer is stored with the write that it tells of, and goes with it.
KEPT_ANSWERS = {"cases_idempotencykey"}


@dataclass
class Answer:
    """What came back, and every table that the request wrote to."""

    status: int
    headers: dict[str, str]
    body: bytes
    written: set[str] = field(default_factory=set)

    @property
    def where(self) -> str:
        """The path of a redirect."""
        return self.headers.get("Location", "").partition("?")[0]

    @property
    def text(self) -> bytes:
        """The body without what differs between two equal answers."""
        return TIME.sub(b"", TOKEN.sub(rb"\1", self.body))

    def holds(self, marks: list[bytes], path: str) -> list[str]:
        """The marks in body and headers that the question itself did not name."""
        told = self.body + b"\n" + "\n".join(self.headers.values()).encode()
        asked = path.encode()
        return [mark.decode() for mark in marks if mark not in asked and mark in told]


@contextmanager
def undone() -> Iterator[None]:
    """A savepoint that never stays; durable blocks may stand inside, as in a test case.

    On Redis the counters of sign-ins are no part of it: they are forgotten by hand.
    """
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)
    if settings.CACHES["default"]["BACKEND"].endswith("RedisCache"):
        counters.clear()


def ask(client: Client, method: str, path: str, data: Any = None, **headers: str) -> Answer:
    """One request; what a form changed is undone again, and so are the browser's cookies."""
    written: set[str] = set()

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = WRITE.match(sql)
        if found:
            written.add(found[1])
        return execute(sql, params, many, context)

    given: dict[str, Any] = {}
    if path.startswith(PROGRAMS):
        data = (data or {}) if method in FORMS else data
        given = {"content_type": "application/json"} if method in FORMS else {}
        headers = {"Idempotency-Key": "of-the-matrix"} | headers
    cookies = client.cookies.copy()
    client.raise_request_exception = False
    try:
        # Sign-in pages count what they are asked, whatever the method.
        changes = method in FORMS or path.startswith("/accounts/")
        with undone() if changes else nullcontext(), connection.execute_wrapper(watch):
            response: HttpResponse = getattr(client, method.lower())(
                path, data, headers=headers, **given
            )
            body = b"".join(response) if response.streaming else response.content
    finally:
        client.cookies = cookies
    own = OWN_TABLES | KEPT_ANSWERS if path.startswith(PROGRAMS) else OWN_TABLES
    return Answer(response.status_code, dict(response.headers), body, written - own)


@cache
def routes() -> dict[str, tuple[str, ...]]:
    """Name -> parameters of every route of the installation. Fails on one without a name."""
    found: dict[str, tuple[str, ...]] = {}

    def walk(resolver: URLResolver, before: tuple[str, ...]) -> None:
        for entry in resolver.url_patterns:
            parameters = before + tuple(entry.pattern.converters)
            if isinstance(entry, URLResolver):
                walk(entry, parameters)
                continue
            assert isinstance(entry, URLPattern)
            assert entry.name, f"{entry.pattern} has no name"
            assert entry.name not in found, f"{entry.name} names two routes"
            found[entry.name] = parameters

    walk(get_resolver(), ())
    return found


def path_of(route: str, ids: dict[str, Any]) -> str:
    """The address of a route with these parameters."""
    return reverse(route, kwargs={name: ids[name] for name in routes()[route]})
