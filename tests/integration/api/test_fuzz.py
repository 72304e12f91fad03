"""Schemathesis asks every operation as each role: no 5xx, nothing that the schema does not say.

One question an operation and role, the same in every run; FIU_TEST_EVERYTHING=1 adds three. A
longer search: `python -m tests.figures programs`, by FIU_TEST_API_CALLS, the calls of each role; it
reads from FIU_TEST_API_FILE how many there were.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cases.api import search
from cases.exports import pdf
from cases.models import Referral
from fiu.tokens import make_token
from fiu.wsgi import application
from tests.integration.api.conftest import PREFIX, Program
from tests.integration.matrix.asking import undone
from tests.integration.matrix.world import World, make_world

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.xdist_group("api-fuzz")]

ASKED: Counter[str] = Counter()
CALLS = int(os.environ.get("FIU_TEST_API_CALLS", "0"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
ROLES: tuple[str, ...] = ("analyst_member", "auditor")
if os.environ.get("FIU_TEST_EVERYTHING") == "1":
    ROLES += ("compliance", "supervisor_member", "admin")


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The sealed case of the matrix with everything in it; what a request writes is undone."""
    home = tmp_path_factory.mktemp("fuzz")
    with (
        django_db_blocker.unblock(),
        override_settings(FIU_HOME=home),
        pytest.MonkeyPatch.context() as patch,
        undone(),
    ):
        logging.disable(logging.CRITICAL)
        patch.setattr(pdf, "is_available", lambda: False)  # a second for each copy
        made = make_world(home, lambda world: None)
        # As Django's own test client does: the connection stands in the test's transaction.
        request_started.disconnect(close_old_connections)
        request_finished.disconnect(close_old_connections)
        yield made
        request_started.connect(close_old_connections)
        request_finished.connect(close_old_connections)
        logging.disable(logging.NOTSET)


def named(world: World) -> dict[str, Any]:
    """Rows of the case by the names that bodies use, so that some of them are there."""
    referral = Referral.objects.get(public_id=world.ids["referral_id"])
    one = {
        "case": "case_id", "finding": "finding_id", "account": "account_id", "line": "line_id",
        "instrument": "instrument_id", "release": "release_id",
    }  # fmt: skip
    many = {"findings": "finding_id", "freezes": "freeze_id", "alerts": "alert_id"}
    return (
        {name: str(world.ids[key]) for name, key in one.items()}
        | {name: [str(world.ids[key])] for name, key in many.items()}
        | {"agency": str(referral.agency.public_id), "version": 1, "number": 1}
    )


def fill(value: Any, rows: dict[str, Any]) -> Any:
    """The same body, naming rows that exist wherever it names one."""
    if isinstance(value, list):
        return [fill(each, rows) for each in value]
    if isinstance(value, dict):
        return {name: rows.get(name, fill(each, rows)) for name, each in value.items()}
    return value


def faults(world: World, role: str, only: str = "") -> list[str]:
    """What is wrong with the answers that this role gets, an operation a line."""
    user = world.users[role]
    program = Program(user, None, make_token(user, "Fuzz", 3, by=world.actor(role)))  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {program.token}"}
    schema = schemathesis.openapi.from_wsgi(f"{PREFIX}openapi.json", application, headers=headers)
    rows, found = named(world), []
    operations = [
        operation
        for operation in (each.ok() for each in schema.get_all_operations())
        # What a supervisor reads is what the others read; what they may do differs.
        if (role != "supervisor_member" or operation.method != "get") and only in operation.path
    ]
    for operation in operations:
        num = max(1, -(-CALLS // len(operations)))
        found += ask(operation, headers, world.ids, rows, num)
    return found


def ask(
    operation: Any, headers: dict[str, str], ids: dict[str, Any], rows: dict[str, Any], num: int
) -> list[str]:
    found: list[str] = []
    modes = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @settings(
        max_examples=num,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=modes, is_known=st.sampled_from([True, True, False]))
    def sends(case: Any, is_known: bool) -> None:
        if is_known:
            case.path_parameters = {name: str(ids[name]) for name in case.path_parameters or {}}
            case.body = fill(case.body, rows)
        with undone():
            answer = case.call(headers=headers)
        ASKED["calls"] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except (Failure, FailureGroup) as failure:
            causes = getattr(failure, "exceptions", [failure])
            words = "; ".join(str(cause).partition("\n")[0] for cause in causes)
            content = answer.content[:300] if answer.content else b""
            found.append(
                f"{case.method} {case.formatted_path} {case.body!r:.200} {words} {content!r}"
            )

    sends()
    return found[:3]


@pytest.mark.parametrize("role", ROLES)
def test_no_answer_is_a_fault_or_a_surprise(world: World, role: str) -> None:
    before = ASKED["calls"]
    found = faults(world, role)
    if place := os.environ.get("FIU_TEST_API_FILE"):
        line = {"role": role, "calls": ASKED["calls"] - before, "faults": len(found)}
        with Path(place).open("a") as file:
            file.write(json.dumps(line) + "\n")
    assert found == []


def test_a_planted_fault_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that never sees anything proves nothing."""

    def broken(*_words: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(search, "search", broken)
    found = faults(world, "analyst_member", only="/search")
    assert found
    assert "Server error" in found[0]


def test_a_planted_surprise_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search.Search, "_told", lambda _view, _found: {"kind": 7})
    found = faults(world, "analyst_member", only="/search")
    assert found
    assert json.dumps({"kind": 7}, separators=(",", ":")) in found[0]
