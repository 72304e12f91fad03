"""A trace as docs/api.md tells it: a token, the cases, a trace queued, polled and read."""

import json
import re
import shlex
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from cases.services.findings import collect_findings
from fiu.models import User
from fiu.tokens import make_token
from tests.casework import LEDGER, make_actor
from tests.integration.api.conftest import Program, made, program_of, told
from tests.integration.web.conftest import *  # noqa: F403  # its room and ledger
from tests.integration.web.conftest import BANK, Room
from tracing.follow import follow
from tracing.models import TraceRun
from tracing.runner import run

pytestmark = pytest.mark.django_db
DOCUMENT = Path(__file__).resolve().parents[3] / "docs/api.md"


def work(run_id: str) -> None:
    """What a worker does."""
    assert run(TraceRun.objects.get(public_id=run_id).pk, follow) == "done"
    collect_findings(TraceRun.objects.get(public_id=run_id).public_id)


def test_a_trace_is_queued_polled_and_read(room: Room) -> None:
    program = program_of(room.analyst)
    path = f"cases/{room.case.public_id}/traces"
    body = {"ledger": LEDGER, "seeds": [BANK], "policy": "fifo"}
    trace = made(program.post(path, body, key="trace-1"))
    assert (trace["state"], trace["is_over"]) == ("queued", False)
    assert made(program.post(path, body, key="trace-1")) == trace
    told(program.get(f"traces/{trace['id']}/result"), 404, "not-found")
    work(trace["id"])
    done = made(program.get(f"traces/{trace['id']}"), 200)
    assert (done["state"], done["is_over"]) == ("done", True)
    result = made(program.get(f"traces/{trace['id']}/result"), 200)
    assert result["is_conserved"]
    assert all(isinstance(each["amount"], str) for each in result["ends"])
    assert result["seal"]["result_sha256"] == done["result_sha256"]
    told(program.post(f"traces/{trace['id']}/cancel"), 409, "state-changed")
    assert made(program.post(f"traces/{trace['id']}/lead"), 200)["is_lead"]
    assert len(made(program.get("traces", case=str(room.case.public_id)), 200)["rows"]) == 1


def test_a_live_trace_is_cancelled_and_a_stranger_sees_none(room: Room) -> None:
    program = program_of(room.analyst)
    body = {"ledger": LEDGER, "seeds": [BANK]}
    trace = made(program.post(f"cases/{room.case.public_id}/traces", body))
    stranger = program_of(User.objects.create(username="s", email="s@x.example", role="auditor"))
    for answer in (
        stranger.get(f"traces/{trace['id']}"), stranger.post(f"traces/{trace['id']}/cancel"),
    ):  # fmt: skip
        told(answer, 404, "not-found")
    made(program.post(f"traces/{trace['id']}/cancel"), 200)
    told(program.post(f"traces/{trace['id']}/cancel"), 409, "state-changed")


def test_a_person_has_only_so_many_traces_at_once(room: Room, settings: Settings) -> None:
    """S4, by token and by session alike; the refused call may be sent again under its key."""
    settings.TRACES_AT_ONCE = 1
    program = program_of(room.analyst)
    path = f"cases/{room.case.public_id}/traces"
    first = {"ledger": LEDGER, "seeds": [BANK]}
    second = first | {"policy": "fifo"}
    trace = made(program.post(path, first))
    refused = program.post(path, second, key="second")
    told(refused, 429, "too-fast")
    assert int(refused["Retry-After"]) > 0
    assert made(program.post(path, first))["id"] == trace["id"], "the one that runs is no new one"
    assert TraceRun.objects.count() == 1
    work(trace["id"])
    assert made(program.post(path, second, key="second"))["state"] == "queued"


@pytest.mark.parametrize(
    "body",
    [
        {"ledger": "no-such-ledger", "seeds": [BANK]},
        {"ledger": LEDGER, "seeds": ["not an address"]},
        {"ledger": LEDGER, "seeds": ["x"]},
        {"ledger": LEDGER, "seeds": [BANK[:-1] + ("q" if BANK[-1] != "q" else "p")]},  # a slip
        {"ledger": LEDGER, "seeds": [BANK], "mode": "paths", "targets": ["$BANK"]},
        {"ledger": LEDGER, "seeds": [BANK], "mode": "paths"},
    ],
)
def test_a_question_that_tracing_cannot_take_is_one_sentence(
    room: Room, body: dict[str, object]
) -> None:
    program = program_of(room.analyst)
    told(program.post(f"cases/{room.case.public_id}/traces", body), 422, "not-possible")
    assert not room.case.runs.exists()


def test_the_wallet_of_the_bank_has_exposure_and_labels(room: Room) -> None:
    program = program_of(room.analyst)
    exposure = made(program.get(f"wallets/{room.bank.public_id}/exposure"), 200)
    assert exposure["num_addresses"] == 1
    assert made(program.get(f"wallets/{room.bank.public_id}/tags"), 200)["direct"] == []


CURL = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def test_the_examples_of_the_document_work(room: Room) -> None:
    """Each curl of docs/api.md is sent as it stands there, with its variables filled in."""
    token = make_token(room.analyst, "Document", 30, by=make_actor(room.analyst))
    known = {"TOKEN": token, "FIU": "http://testserver", "CASE": str(room.case.public_id)}
    sent = []
    for block in CURL.findall(DOCUMENT.read_text(encoding="utf-8")):
        for command in re.findall(r"curl .*?(?:\n(?!  )|\Z)", block, re.DOTALL):
            path, answer = send(Client(), command, known)
            assert answer.status_code in (200, 201), (command, answer.content)
            body = json.loads(answer.content)
            if path.endswith("/traces"):
                known["TRACE"] = body["id"]
                known["BANK"] = BANK
                work(body["id"])
            sent.append(path)
    assert any(path.endswith("/cases") for path in sent)
    assert any(path.endswith("/result") for path in sent)


def send(client: Client, command: str, known: dict[str, str]) -> tuple[str, object]:
    """What curl would send: a shell puts no values between single quotes."""
    assert "$" not in "".join(re.findall(r"'[^']*'", command)), command
    for name, value in {**known, "BANK": BANK, "LEDGER": LEDGER}.items():
        command = command.replace(f"${name}", value)
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    headers, data, url = {}, None, ""
    for word in words:
        if word == "-H":
            name, _colon, value = next(words).partition(": ")
            headers[name] = value
        elif word == "--data":
            data = next(words)
        elif not word.startswith("-"):
            url = word.removeprefix(known["FIU"])
    if data is None:
        return url.partition("?")[0], client.get(url, headers=headers)
    kind = headers.pop("Content-Type")
    return url, client.post(url, data, content_type=kind, headers=headers)


__all__ = ["Program"]
