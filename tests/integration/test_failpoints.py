"""Killed at each numbered step of a run, an order and a release: nothing is lost or doubled."""

import os
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from cases.exports import pdf
from cases.files import load_bytes
from cases.gateways.exchange import HttpExchange
from cases.models import (
    ExchangeAccount,
    FreezeRequest,
    OutboxMessage,
    Referral,
    ReleaseFile,
    SharedRelease,
    ShareGrant,
)
from cases.services import outbox
from cases.services.audit import verify_chains
from cases.services.freezes import LineSpec, place_hold
from cases.services.referrals import package_referral, send_referral
from cases.services.traces import queue_trace
from cases.services.verification import altered_contents
from cases.states import OutboxState
from cases.tasks import collect_findings_task
from fiu.reference_exchange.app import Exchange
from fiu.reference_exchange.books import Books
from fiu.reference_exchange.server import make_server
from tests.casework import (
    BTC,
    LEDGER,
    end,
    finish_run,
    make_account,
    make_actor,
    make_asset,
    make_case,
    make_deposit_address,
    person,
    trace_result,
)
from tests.dying import die_at
from tests.integration.jobs.support import expected_digest, queued, slow_engine
from tests.integration.web.referral_desk import make_desk
from tracing import leases, runner
from tracing.engine.spec import TraceParameters
from tracing.failpoints import FAILPOINTS, UnknownFailpoint, arm, failpoint
from tracing.models import TraceResult, TraceRun

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
STEPS, SECONDS = 8, 0.08
RUN = [name for name in FAILPOINTS if name.startswith("run.") and "collect" not in name]
COLLECT = [name for name in FAILPOINTS if "collect" in name]
ORDER = [name for name in FAILPOINTS if name.startswith("order.")]
RELEASE = [name for name in FAILPOINTS if name.startswith("release.")]
TOKEN = "t" * 40


@pytest.fixture(autouse=True)
def short_leases(settings: Any) -> None:
    settings.LEASE_SECONDS, settings.HEARTBEAT_SECONDS = 1.0, 0.1
    settings.CHECKPOINT_SECONDS = 0.1


def test_every_failpoint_is_tried_and_documented() -> None:
    assert [*RUN, *COLLECT, *ORDER, *RELEASE] == list(FAILPOINTS)
    text = (Path(__file__).parents[2] / "docs/operate/trust.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| `([a-z.]+)` \|", text, flags=re.MULTILINE)
    assert rows == [(str(number), name) for number, name in enumerate(FAILPOINTS, 1)]


def test_an_installation_in_use_passes_every_failpoint() -> None:
    for name in FAILPOINTS:
        failpoint(name)
    with pytest.raises(UnknownFailpoint):
        arm("run.nowhere")


def test_a_run_killed_anywhere_ends_once_with_the_same_digest() -> None:
    for number, place in enumerate(RUN):
        run = queued(number)
        die_at(place, lambda run=run: runner.run(run.pk, slow_engine(STEPS, SECONDS)))
        results = TraceResult.objects.filter(run=run)
        assert results.count() == (1 if place == "run.finished" else 0), place
        run.refresh_from_db()
        end_at = time.monotonic() + 10
        while run.state != "done" and time.monotonic() < end_at:
            runner.run(run.pk, slow_engine(STEPS, 0))
            run.refresh_from_db()
            time.sleep(0.05)
        assert run.state == "done", place
        assert results.get().result_sha256 == expected_digest(run, STEPS), place
        assert runner.run(run.pk, slow_engine(STEPS, 0)) is None, f"{place}: run once more"
        if place in ("run.checkpointed", "run.heartbeat"):
            assert run.attempt == 2, place


def test_findings_killed_halfway_are_drafted_once() -> None:
    by = person("analyst")
    make_asset()
    make_deposit_address(make_account(), "bcrt1qdeposit")
    asked = TraceParameters(ledger=LEDGER, seeds=("00" * 32 + ":0",))
    for place in COLLECT:
        case = make_case(by)
        run = queue_trace(case, asked, by=by).run
        finish_run(run, trace_result([end("11" * 32 + ":0", "bcrt1qdeposit", value=10**8)]))
        die_at(place, lambda run=run: collect_findings_task(str(run)))
        assert case.findings.count() == (1 if place == "run.collected" else 0), place
        collect_findings_task(str(run))
        collect_findings_task(str(run))
        assert case.findings.count() == 1, place
        assert case.events.filter(action="collect_findings").count() == 1, place
    assert verify_chains().is_whole


@dataclass
class Core:
    """A real reference exchange over HTTP, and what its books say."""

    books: Books
    gateway: HttpExchange

    def said(self, account: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.books.file)) as connection:
            return connection.execute(
                "SELECT (SELECT count(*) FROM operation), held FROM balance WHERE account = ?",
                (account,),
            ).fetchall()


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    balances = tmp_path / "balances.csv"
    rows = "".join(f"{place},{BTC},1000,2025-06-01T00:00:00Z\n" for place in ORDER)
    balances.write_text(f"account,asset,base,at\n{rows}")
    app = Exchange(Books(tmp_path / "books"), TOKEN, balances=balances)
    server = make_server(app)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield Core(app.books, HttpExchange(f"http://127.0.0.1:{server.server_port}", TOKEN))
    server.shutdown()
    server.server_close()


def test_an_order_killed_anywhere_acts_once(core: Core) -> None:
    make_asset()
    case, by = make_case(), person("supervisor")
    for number, place in enumerate(ORDER, 1):
        account = make_account(place)

        def decide(account: ExchangeAccount = account) -> FreezeRequest:
            lines = [LineSpec(account.pk, BTC, 300)]
            return place_hold(case, lines=lines, urgency="life_at_risk", reason="Now.", by=by)

        def send() -> None:
            outbox.send_due_messages(core.gateway)

        if place == "order.write":
            die_at(place, decide)
            assert not FreezeRequest.objects.exists(), "half a decision was kept"
            assert not OutboxMessage.objects.exists()
        freeze = decide()
        if place == "order.asked":
            die_at("order.answered", send)
            _wait_for_lease()
        if place != "order.write":
            die_at(place, send)
        line = freeze.lines.get()
        if place != "order.confirmed":
            assert line.held == 0, f"{place}: it says held before it knows"
        end_at = time.monotonic() + 15
        while (state := line.outbox.get().state) != OutboxState.CONFIRMED.value:
            assert time.monotonic() < end_at, (place, state)
            send()
            time.sleep(0.05)
        line.refresh_from_db()
        assert (line.state, line.held) == ("held", 300), place
        assert core.said(place) == [(number, "300")], f"{place}: acted twice or not at all"
        assert line.receipts.count() == 1, place
    assert verify_chains().is_whole
    assert altered_contents() == []


def _wait_for_lease() -> None:
    end_at = time.monotonic() + 5
    while not outbox.due_messages():
        assert time.monotonic() < end_at
        time.sleep(0.05)


def test_a_release_killed_anywhere_is_sealed_and_sent_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pdf, "is_available", lambda: False)  # a second each
    desk = make_desk()
    by = make_actor(desk.supervisor)
    for place in RELEASE:
        is_sending = place in ("release.rendered", "release.shared")
        referral = desk.referral("packaged" if is_sending else "cleared")
        releases = SharedRelease.objects.filter(referral=referral)
        grants = ShareGrant.objects.filter(release__referral=referral)

        def package(pk: int = referral.pk) -> None:
            package_referral(Referral.objects.get(pk=pk), by=by)

        def hand_over(pk: int = referral.pk) -> None:
            send_referral(
                Referral.objects.get(pk=pk), liaison_ids=[desk.officer.pk],
                expires_at=timezone.now() + timedelta(days=3), by=by,
            )  # fmt: skip

        die_at(place, hand_over if is_sending else package)
        assert releases.count() == (1 if is_sending else 0), f"{place}: half a release was kept"
        assert not grants.exists(), place
        if not is_sending:
            package()
        hand_over()
        assert releases.get().state == "shared", place
        assert grants.count() == 1, place
    for file in ReleaseFile.objects.all():
        assert len(load_bytes(file.sha256)) == file.size
    assert verify_chains().is_whole
    assert altered_contents() == []


def stop_between_writes(child: int, run: TraceRun) -> None:
    """SIGSTOP: stopped within a write it would keep everybody else from writing."""
    while True:
        os.kill(child, signal.SIGSTOP)
        os.waitpid(child, os.WUNTRACED)
        if not is_being_written(run):
            return
        os.kill(child, signal.SIGCONT)
        time.sleep(0.01)


def is_being_written(run: TraceRun) -> bool:
    """Whether another process holds what a write to the run needs: its row, on SQLite the file."""
    try:
        if connection.vendor == "sqlite":
            name = connection.settings_dict["NAME"]
            with closing(sqlite3.connect(name, timeout=0)) as probe:
                probe.execute("BEGIN IMMEDIATE")
        else:
            with transaction.atomic():
                TraceRun.objects.select_for_update(nowait=True).get(pk=run.pk)
    except (sqlite3.OperationalError, OperationalError):
        return True
    return False


def test_a_worker_stopped_past_its_lease_writes_nothing_when_it_wakes() -> None:
    """SIGSTOP for one and a half leases: another worker takes the run, the sleeper is fenced."""
    run = queued()
    connections.close_all()
    child = os.fork()
    if child == 0:
        outcome = runner.run(run.pk, slow_engine(STEPS * 10, SECONDS))
        os._exit(7 if outcome == "fenced" else 1)
    end_at = time.monotonic() + 10
    while not TraceRun.objects.filter(step__gte=2).exists():
        assert time.monotonic() < end_at
        time.sleep(0.02)
    stop_between_writes(child, run)
    try:
        time.sleep(1.5)
        assert runner.run(run.pk, slow_engine(STEPS * 10, 0)) == "done"
    finally:
        os.kill(child, signal.SIGCONT)
        _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) == 7
    run.refresh_from_db()
    assert (run.state, run.attempt) == ("done", 2)
    assert TraceResult.objects.get().result_sha256 == expected_digest(run, STEPS * 10)


def test_fifty_forced_fences_all_hold() -> None:
    """A zombie's every write is refused: claim, lose the lease, second claim, first writes."""
    for number in range(50):
        run = queued(number)
        first = leases.claim(run.pk, "first")
        assert first is not None
        TraceRun.objects.filter(pk=run.pk).update(lease_until=run.queued_at)
        assert leases.claim(run.pk, "second") is not None
        with pytest.raises(leases.Fenced):
            leases.finish(first, {"seal": {"result_sha256": "0" * 64}}, {})
    assert TraceResult.objects.count() == 0
