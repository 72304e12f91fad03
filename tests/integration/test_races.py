"""Races on real transactions: of several callers at once exactly one wins.

In the suite each kind is run a few times; `python -m tests.races` runs them as often
as asked for, on both databases, and tells what it counted.
"""

import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, close_old_connections, connection, connections
from django.utils import timezone

from cases.models import (
    Case,
    ExchangeAccount,
    Finding,
    FreezeApproval,
    FreezeReceipt,
    FreezeRequest,
    OutboxMessage,
)
from cases.policy import Actor, PermissionDenied
from cases.services import outbox
from cases.services.audit import verify_chains
from cases.services.errors import CaseworkError
from cases.services.findings import approve_finding, edit_finding, submit_finding
from cases.services.freezes import (
    LineSpec,
    approve_freeze,
    cancel_freeze,
    content_hash_of,
    lapse_provisional_freezes,
    place_hold,
    ratify_freeze,
    request_freeze,
    submit_freeze,
    triage_freeze,
)
from cases.services.traces import queue_trace
from cases.states import InvalidTransition
from tests.casework import (
    BTC,
    LEDGER,
    fresh,
    make_account,
    make_approved_finding,
    make_asset,
    make_case,
    make_finding,
    person,
    see_all,
)
from tests.fakes import FakeExchange
from tracing.jobs import TraceParameters
from tracing.models import TraceRun

pytestmark = pytest.mark.django_db(transaction=True)

RACES = int(os.environ.get("FIU_TEST_RACES", "10"))
FEW = int(os.environ.get("FIU_TEST_RACES", "3"))  # where the field of a race takes long to lay out


def tell(kind: str, winners: list[int]) -> None:
    """One line for `python -m tests.races`: how many races, and how many with one winner."""
    file = os.environ.get("FIU_TEST_RACE_FILE")
    if file:
        line = {"kind": kind, "races": len(winners), "with_one_winner": winners.count(1)}
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(line) + "\n")


def race(*calls: Callable[[], Any]) -> list[Exception | None]:
    """Start all calls at one moment, each with its own connection; what each ended with."""
    barrier = threading.Barrier(len(calls))
    outcomes: list[Exception | None] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        close_old_connections()
        try:
            barrier.wait(timeout=30)
            call()
        except (InvalidTransition, CaseworkError, PermissionDenied, IntegrityError) as error:
            outcomes[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


@pytest.fixture
def analyst() -> Actor:
    return person("analyst")


@pytest.fixture
def case(analyst: Actor) -> Iterator[Case]:
    make_asset()
    yield make_case(analyst)
    assert verify_chains().is_whole


@pytest.fixture
def finding(case: Case, analyst: Actor) -> Finding:
    return make_approved_finding(case, analyst)


def drafted(case: Case, by: Actor, finding: Finding, account: ExchangeAccount) -> FreezeRequest:
    return request_freeze(
        case, legal_basis="internal_suspicion", restriction="all", urgency="urgent",
        agency_id=None, reason="R.", lines=[LineSpec(account.pk, BTC, 5, finding.pk)], by=by,
    )  # fmt: skip


def ask(
    case: Case, by: Actor, finding: Finding, account: ExchangeAccount | None = None
) -> FreezeRequest:
    return submit_freeze(drafted(case, by, finding, account or make_account()), by=by)


def approving(freeze: FreezeRequest, shown: str, by: Actor) -> Callable[[], Any]:
    mine = FreezeRequest.objects.get(pk=freeze.pk)
    asked = fresh(by)  # ten thousand races take longer than a second factor holds
    return lambda: approve_freeze(mine, content_hash=shown, reason="Y.", by=asked)


def test_of_two_approvers_at_once_exactly_one_wins(
    case: Case, analyst: Actor, finding: Finding
) -> None:
    first, second = person("compliance"), person("compliance")
    winners = []
    for number in range(RACES):
        freeze = triage_freeze(ask(case, analyst, finding), by=analyst)
        shown = content_hash_of(freeze)
        outcomes = race(approving(freeze, shown, first), approving(freeze, shown, second))
        losers = [error for error in outcomes if error is not None]
        winners.append(outcomes.count(None))
        assert len(losers) == 1, f"race {number}: {outcomes}"
        assert isinstance(losers[0], InvalidTransition)
    tell("two approvers", winners)
    assert FreezeApproval.objects.count() == RACES
    assert OutboxMessage.objects.count() == RACES
    assert case.events.filter(action="approve_freeze").count() == RACES


def test_of_two_submissions_at_once_exactly_one_counts(
    case: Case, analyst: Actor, finding: Finding
) -> None:
    account = make_account()
    winners = []
    for number in range(RACES):
        freeze = drafted(case, analyst, finding, account)
        one, two = (FreezeRequest.objects.get(pk=freeze.pk) for _ in range(2))
        outcomes = race(
            lambda one=one: submit_freeze(one, by=analyst),
            lambda two=two: submit_freeze(two, by=analyst),
        )
        winners.append(outcomes.count(None))
        assert winners[-1] == 1, f"race {number}: {outcomes}"
    tell("double submit", winners)
    assert case.events.filter(action="submit_freeze").count() == RACES


def test_of_two_equal_questions_at_once_exactly_one_is_queued(case: Case, analyst: Actor) -> None:
    winners = []
    for number in range(RACES):
        asked = TraceParameters(ledger=LEDGER, seeds=(f"{number:064x}:0",))
        race(*[lambda: queue_trace(case, asked, by=analyst)] * 2)  # noqa: B023  # run at once
        winners.append(TraceRun.objects.filter(params_hash=asked.params_hash).count())
        assert winners[-1] == 1, f"race {number}"
    tell("double question", winners)
    assert case.runs.count() == RACES


def test_an_answer_that_arrives_twice_is_booked_once(
    case: Case, analyst: Actor, finding: Finding
) -> None:
    supervisor = person("supervisor")
    winners = []
    for number in range(RACES):
        account = make_account()
        freeze = place_hold(
            case, lines=[LineSpec(account.pk, BTC, 5, finding.pk)], urgency="urgent", reason="R.",
            by=fresh(supervisor),
        )  # fmt: skip
        exchange = FakeExchange(free={(account.uid, BTC): 9}, script=["late"])
        key = OutboxMessage.objects.get(line__freeze=freeze).pk
        outbox.send_outbox_message(key, gateway=exchange)
        OutboxMessage.objects.filter(pk=key).update(not_before=None)
        barrier = threading.Barrier(2)
        answered = TwiceAtOnce(exchange, barrier)

        def ask(key: uuid.UUID = key, answered: TwiceAtOnce = answered) -> object:
            return outbox.send_outbox_message(key, gateway=answered)  # type: ignore[arg-type]

        assert race(ask, ask) == [None, None]
        line = freeze.lines.get()
        winners.append(line.receipts.count())
        assert (line.state, line.held, winners[-1]) == ("held", 5, 1), f"race {number}"
        assert len(exchange.calls) == 1
    tell("duplicate answer", winners)


class TwiceAtOnce:
    """The exchange's answer by key, in the hands of two workers at the same moment."""

    def __init__(self, exchange: FakeExchange, barrier: threading.Barrier) -> None:
        self._exchange, self._barrier = exchange, barrier

    def find(self, key: uuid.UUID) -> Any:
        answer = self._exchange.find(key)
        with suppress(threading.BrokenBarrierError):  # the other saw it booked, and asks no more
            self._barrier.wait(timeout=1)
        return answer


def test_of_an_edit_and_an_approval_at_once_exactly_one_stands(case: Case, analyst: Actor) -> None:
    reviewer = person("supervisor")
    winners = []
    for number in range(RACES):
        finding = submit_finding(make_finding(case, analyst), by=analyst)
        see_all(finding, reviewer)
        one, two = (Finding.objects.get(pk=finding.pk) for _ in range(2))
        shown = finding.content_hash
        outcomes = race(
            lambda one=one: edit_finding(one, version=one.version, statement="New.", by=analyst),
            lambda two=two, shown=shown: approve_finding(
                two, content_hash=shown, reason="Y.", by=reviewer
            ),
        )
        winners.append(outcomes.count(None))
        assert winners[-1] == 1, f"race {number}: {outcomes}"
        finding.refresh_from_db()
        is_edited = outcomes[0] is None
        assert (finding.state == "draft") == is_edited
        assert (finding.content_hash != shown) == is_edited
        assert finding.approvals.count() == (not is_edited)
    tell("edit against approval", winners)


def test_the_requester_never_wins_a_race_against_the_approver(case: Case, finding: Finding) -> None:
    both, other = person("compliance"), person("compliance")
    for _ in range(5):
        freeze = triage_freeze(ask(case, both, finding), by=both)
        shown = content_hash_of(freeze)
        outcomes = race(approving(freeze, shown, both), approving(freeze, shown, other))
        assert isinstance(outcomes[0], PermissionDenied)
        assert outcomes[1] is None
    assert not FreezeApproval.objects.filter(user_id=both.person).exists()


def test_self_approval_is_refused_by_the_database_itself(case: Case, finding: Finding) -> None:
    both = person("compliance")
    freeze = triage_freeze(ask(case, both, finding), by=both)
    row, me = freeze.pk, both.person
    statements = [
        ("UPDATE cases_freezerequest SET approved_by_id=%s WHERE id=%s", (me, row)),
        (
            "UPDATE cases_freezerequest SET state='approved', approved_by_id=%s WHERE id=%s",
            (me, row),
        ),
        ("UPDATE cases_freezerequest SET state='active' WHERE id=%s", (row,)),
        (
            "INSERT INTO cases_freezeapproval"
            " (freeze_id, user_id, decision, reason, content_hash, at)"
            " VALUES (%s, %s, 'approve', '', %s, %s)",
            (row, me, freeze.content_hash, timezone.now()),
        ),
    ]
    for sql, values in statements:
        with pytest.raises(IntegrityError), connection.cursor() as cursor:
            cursor.execute(sql, values)
    freeze.refresh_from_db()
    assert (freeze.state, freeze.approved_by_id) == ("in_review", None)


def test_of_two_freezes_of_one_holding_exactly_one_stands(
    case: Case, analyst: Actor, finding: Finding
) -> None:
    second = person("compliance")
    for _ in range(5):
        account = make_account()
        pair = [triage_freeze(ask(case, analyst, finding, account), by=analyst) for _ in range(2)]
        outcomes = race(*[approving(each, content_hash_of(each), second) for each in pair])
        assert [type(error) for error in outcomes if error] == [CaseworkError]


def test_taking_back_and_triage_do_not_both_happen(
    case: Case, analyst: Actor, finding: Finding
) -> None:
    for _ in range(5):
        freeze = ask(case, analyst, finding)
        one, two = (FreezeRequest.objects.get(pk=freeze.pk) for _ in range(2))
        outcomes = race(
            lambda one=one: cancel_freeze(one, reason="Mistake.", by=analyst),
            lambda two=two: triage_freeze(two, by=analyst),
        )
        assert sum(error is None for error in outcomes) == 1


def test_ratifying_and_lapsing_do_not_both_happen(
    case: Case, analyst: Actor, finding: Finding
) -> None:
    supervisor, compliance = person("supervisor"), person("compliance")
    for _ in range(5):
        account = make_account()
        freeze = place_hold(
            case, lines=[LineSpec(account.pk, BTC, 5, finding.pk)], urgency="urgent",
            reason="R.", by=supervisor,
        )  # fmt: skip
        exchange = FakeExchange(free={(account.uid, BTC): 5})
        outbox.send_due_messages(exchange)
        FreezeRequest.objects.filter(pk=freeze.pk).update(
            provisional_until=timezone.now() + timedelta(milliseconds=30)
        )
        mine = FreezeRequest.objects.get(pk=freeze.pk)
        shown = content_hash_of(mine)
        race(
            lambda mine=mine, shown=shown: ratify_freeze(
                mine, content_hash=shown, reason="Y.", by=compliance
            ),
            lapse_provisional_freezes,
            lapse_provisional_freezes,
        )
        lapse_provisional_freezes()
        freeze.refresh_from_db()
        is_lapsed = freeze.state == "lapsed"
        assert is_lapsed or (freeze.state, freeze.approved_by_id) == ("active", compliance.user_id)
        orders = OutboxMessage.objects.filter(line__freeze=freeze, kind="release").count()
        assert orders == is_lapsed


def test_two_workers_send_an_order_once(case: Case) -> None:
    supervisor = person("supervisor")
    for number in range(10):
        account = make_account()
        freeze = place_hold(
            case, lines=[LineSpec(account.pk, BTC, 5)], urgency="urgent", reason="R.",
            by=supervisor,
        )  # fmt: skip
        exchange = FakeExchange(free={(account.uid, BTC): 9})
        if number % 2:
            exchange.script = ["late"]
        message = OutboxMessage.objects.get(line__freeze=freeze)

        def send(key: uuid.UUID = message.pk, exchange: FakeExchange = exchange) -> object:
            return outbox.send_outbox_message(key, gateway=exchange)

        assert race(send, send, send) == [None, None, None]
        assert len(exchange.calls) == 1
        if number % 2:
            message.refresh_from_db()
            assert message.state == "unknown"
            OutboxMessage.objects.update(not_before=None)
            assert race(send, send, send) == [None, None, None]
        line = freeze.lines.get()
        assert (line.state, line.held, line.receipts.count()) == ("held", 5, 1)
    assert FreezeReceipt.objects.count() == 10
