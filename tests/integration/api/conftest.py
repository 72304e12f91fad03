"""Programs with a token, people with a session, and a case that one of them may see."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from cases.models import Case
from cases.policy import Actor
from fiu.models import User
from fiu.tokens import make_token
from tests.casework import BTC, make_actor, make_case, make_user
from tests.conftest import client_of

PREFIX = "/api/v1/"
FINDING = {
    "kind": "exposure", "severity": "high", "statement": "OP-1 received 8.60 BTC.", "tier": 2,
    "confidence": 80,
    "amounts": [
        {"asset": BTC, "value": "860000000", "base": "820180000", "low": "620000000",
         "high": "860000000"},
    ],
    "counter_evidence": [{"kind": "analyst", "text": "It may be a sale."}],
}  # fmt: skip
_keys = itertools.count(1)


@dataclass(frozen=True)
class Program:
    """Somebody's program: paths are below /api/v1/, bodies are JSON."""

    user: User
    client: Client
    token: str = ""

    @property
    def actor(self) -> Actor:
        return make_actor(self.user)

    def get(self, path: str, **query: str) -> HttpResponse:
        return self.client.get(PREFIX + path, query, headers=self._headers())

    def post(self, path: str, body: Any = None, *, key: str | None = "") -> HttpResponse:
        """With a key of its own, the given one, or with None without any."""
        headers = self._headers()
        if key is not None:
            headers["Idempotency-Key"] = key or f"key-{next(_keys)}"
        return self.client.post(
            PREFIX + path, json.dumps(body or {}), content_type="application/json", headers=headers
        )

    def patch(self, path: str, body: Any) -> HttpResponse:
        return self.client.patch(
            PREFIX + path, json.dumps(body), content_type="application/json",
            headers=self._headers(),
        )  # fmt: skip

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def program_of(user: User) -> Program:
    """With a live token."""
    return Program(user, Client(), make_token(user, "Test", 30, by=make_actor(user)))


def browser_of(user: User) -> Program:
    """With a session and a fresh second factor: legal acts are possible."""
    return Program(user, client_of(user))


def made(answer: HttpResponse, status: int = 201) -> Any:
    """The body of an answer that must have gone well."""
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def told(answer: HttpResponse, status: int, code: str) -> Any:
    """The problem of an answer that must have been refused so."""
    assert answer["Content-Type"] == "application/problem+json"
    problem = json.loads(answer.content)
    expected = {"status": status, "type": f"urn:tracehold:problem:{code}"}
    assert {name: problem[name] for name in expected} == expected, problem
    assert problem["detail"]
    return problem


@pytest.fixture
def analyst() -> Program:
    return program_of(make_user("analyst"))


@pytest.fixture
def stranger() -> Program:
    """An analyst who is not named on the team's case."""
    return program_of(make_user("analyst"))


@pytest.fixture
def supervisor() -> Program:
    return browser_of(make_user("supervisor"))


@pytest.fixture
def compliance() -> Program:
    return browser_of(make_user("compliance"))


@pytest.fixture
def case(analyst: Program) -> Case:
    """A team's case of the analyst."""
    return make_case(analyst.actor, started=True, visibility="team")
