"""The outbox: whatever gets lost, each order acts once and the books say what is held."""

import threading
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cases.models import FreezeLine, FreezeReceipt, FreezeRelease, FreezeRequest, OutboxMessage
from cases.policy import Actor
from cases.services import outbox
from cases.services.audit import verify_chains
from cases.services.errors import CaseworkError
from cases.services.freezes import (
    LineSpec,
    approve_extension,
    approve_freeze,
    approve_release,
    cite_evidence,
    content_hash_of,
    execute_freeze,
    lapse_provisional_freezes,
    place_hold,
    ratify_freeze,
    reject_freeze,
    reject_release,
    request_extension,
    request_freeze,
    request_release,
    submit_freeze,
    triage_freeze,
)
from cases.services.ledger import out_of_balance
from cases.services.verification import altered_contents
from cases.states import InvalidTransition, OutboxState
from cases.tasks import housekeeping_task, send_outbox_task
from fiu.reference_exchange.app import Exchange
from fiu.reference_exchange.books import Books
from fiu.reference_exchange.server import make_server
from tests.casework import BTC, make_account, make_approved_finding, make_asset, make_case, person
from tests.fakes import FakeExchange


def make_hold(by: Actor | None = None, amount: int = 300) -> tuple[FreezeRequest, FakeExchange]:
    make_asset()
    account = make_account()
    freeze = place_hold(
        make_case(),
        lines=[LineSpec(account.pk, BTC, amount)],
        urgency="life_at_risk",
        reason="Now.",
        by=by or person("supervisor"),
    )
    return freeze, FakeExchange(free={(account.uid, BTC): 1000})


def states(freeze: FreezeRequest) -> tuple[str, str]:
    return OutboxMessage.objects.get().state, freeze.lines.get().state


def send(gateway: FakeExchange) -> None:
    outbox.send_due_messages(gateway)


def skip_pauses() -> None:
    OutboxMessage.objects.update(not_before=None)


@pytest.mark.django_db
def test_the_fake_notices_a_call_inside_a_transaction() -> None:
    with pytest.raises(AssertionError, match="transaction"), transaction.atomic():
        FakeExchange().find(uuid.uuid4())


@pytest.mark.django_db
def test_a_lost_answer_is_unknown_until_the_exchange_is_asked_by_key() -> None:
    freeze, exchange = make_hold()
    exchange.script = ["late"]
    send(exchange)
    assert states(freeze) == ("unknown", "unknown")
    assert freeze.lines.get().held == 0  # never "frozen" while we do not know
    send(exchange)
    assert states(freeze) == ("unknown", "unknown")  # it waits before it asks
    skip_pauses()
    send(exchange)
    assert states(freeze) == ("confirmed", "held")
    assert [kind for kind, _, _ in exchange.calls] == ["freeze"]


@pytest.mark.django_db
def test_an_order_that_never_arrived_goes_out_again_under_the_same_key() -> None:
    freeze, exchange = make_hold()
    exchange.script = ["lost"]
    send(exchange)
    assert states(freeze) == ("unknown", "unknown")
    skip_pauses()
    send(exchange)
    assert states(freeze) == ("confirmed", "held")
    assert len({key for _, key, _ in exchange.calls}) == 1
    assert len(exchange.calls) == 2


@pytest.mark.django_db
def test_a_deaf_exchange_is_asked_in_longer_and_longer_pauses() -> None:
    freeze, exchange = make_hold()
    exchange.script, exchange.is_deaf = ["late"], True
    send(exchange)
    pauses = []
    for _ in range(4):
        skip_pauses()
        send(exchange)
        not_before = OutboxMessage.objects.get().not_before
        assert not_before is not None
        pauses.append(round((not_before - timezone.now()).total_seconds()))
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]
    assert states(freeze) == ("unknown", "unknown")


@pytest.mark.django_db
def test_a_sender_that_died_leaves_unknown_never_pending() -> None:
    freeze, exchange = make_hold()

    class Dies(FakeExchange):
        def freeze(self, *arguments: Any) -> Any:
            super().freeze(*arguments)
            raise KeyboardInterrupt

    dying = Dies(free=exchange.free)
    with pytest.raises(KeyboardInterrupt):
        send(dying)
    assert states(freeze) == ("sending", "sent")
    send(dying)  # the lease still runs: nobody touches it
    assert states(freeze) == ("sending", "sent")
    OutboxMessage.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    send(dying)
    assert states(freeze) == ("confirmed", "held")
    assert len(dying.calls) == 1


@pytest.mark.django_db
def test_a_late_answer_after_the_lease_counts_once() -> None:
    freeze, exchange = make_hold()

    class Slow(FakeExchange):
        def freeze(self, *arguments: Any) -> Any:
            receipt = super().freeze(*arguments)
            OutboxMessage.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            outbox.send_outbox_message(OutboxMessage.objects.get().pk, gateway=exchange_seen)
            return receipt

    slow = Slow(free=exchange.free)
    exchange_seen = FakeExchange(answers=slow.answers)
    send(slow)
    assert states(freeze) == ("confirmed", "held")
    assert FreezeReceipt.objects.count() == 1


@pytest.mark.django_db
def test_a_finished_message_is_never_sent_again() -> None:
    freeze, exchange = make_hold()
    send(exchange)
    message = OutboxMessage.objects.get()
    assert outbox.send_outbox_message(message.pk, gateway=exchange) == OutboxState.CONFIRMED
    assert outbox.due_messages() == []
    assert len(exchange.calls) == 1
    assert freeze.lines.get().receipts.count() == 1


@pytest.mark.django_db
def test_housekeeping_says_what_it_did() -> None:
    freeze, exchange = make_hold()
    send(exchange)
    FreezeRequest.objects.filter(pk=freeze.pk).update(
        provisional_until=timezone.now() - timedelta(seconds=1)
    )
    nothing = {
        "lapsed": 0, "warnings": 0, "decisions_due": 0, "late_cases": 0, "releases": 0,
        "answers": 0, "paces": 0,
    }  # fmt: skip
    assert outbox.housekeeping() == nothing | {"lapsed": 1}
    assert outbox.housekeeping() == nothing


class OutboxMachine(RuleBasedStateMachine):
    """Freezes and their orders against an exchange that loses what it likes."""

    @initialize()
    def begin(self) -> None:
        make_asset()
        self.analyst, self.supervisor = person("analyst"), person("supervisor")
        self.compliance = person("compliance")
        self.case_row = make_case(self.analyst)
        self.finding = make_approved_finding(self.case_row, self.analyst, self.supervisor)
        self.exchange = FakeExchange(depth=len(connection.savepoint_ids))

    @rule(amount=st.integers(1, 900), free=st.integers(0, 1000), stopped=st.integers(0, 300))
    def approve_one(self, amount: int, free: int, stopped: int) -> None:
        account = make_account()
        self.exchange.free[account.uid, BTC] = free
        self.exchange.stopped[account.uid, BTC] = stopped
        freeze = request_freeze(
            self.case_row, legal_basis="internal_suspicion", restriction="all",
            urgency="routine", agency_id=None, reason="R.",
            expires_at=timezone.now() + timedelta(days=30),
            lines=[LineSpec(account.pk, BTC, amount, self.finding.pk)], by=self.analyst,
        )  # fmt: skip
        submit_freeze(freeze, by=self.analyst)
        triage_freeze(freeze, by=self.analyst)
        approve_freeze(
            freeze, content_hash=content_hash_of(freeze), reason="Y.", by=self.compliance
        )

    @rule(amount=st.integers(1, 900), free=st.integers(0, 1000))
    def hold_one(self, amount: int, free: int) -> None:
        account = make_account()
        self.exchange.free[account.uid, BTC] = free
        place_hold(
            self.case_row, lines=[LineSpec(account.pk, BTC, amount)], urgency="urgent",
            reason="R.", by=self.supervisor,
        )  # fmt: skip

    @rule(script=st.lists(st.sampled_from(["ok", "lost", "late", "refuse"]), max_size=3))
    def send(self, script: list[str]) -> None:
        self.exchange.script = list(script)
        send(self.exchange)

    @rule()
    def time_passes(self) -> None:
        skip_pauses()

    @rule(deaf=st.booleans())
    def exchange_listens(self, deaf: bool) -> None:
        self.exchange.is_deaf = deaf

    @rule()
    def windows_end(self) -> None:
        FreezeRequest.objects.filter(state="provisional").update(
            provisional_until=timezone.now() - timedelta(seconds=1)
        )
        lapse_provisional_freezes()

    @precondition(lambda self: FreezeRequest.objects.filter(state="provisional").exists())
    @rule()
    def refuse_a_hold(self) -> None:
        freeze = FreezeRequest.objects.filter(state="provisional").first()
        assert freeze is not None
        reject_freeze(freeze, reason="N.", by=self.compliance)

    @rule()
    def try_again(self) -> None:
        for freeze in FreezeRequest.objects.filter(state="failed"):
            execute_freeze(freeze, by=self.supervisor)

    @precondition(lambda self: FreezeRequest.objects.filter(state="active").exists())
    @rule(share=st.integers(1, 4), refuse=st.booleans(), left=st.booleans())
    def release_a_part(self, share: int, refuse: bool, left: bool) -> None:
        for freeze in FreezeRequest.objects.filter(state="active"):
            line = freeze.lines.get()
            if not line.held:  # ratified while its order is on the way: nothing to release yet
                continue
            try:
                release = request_release(
                    freeze, amounts={line.pk: max(1, line.held // share)}, reason="P.",
                    by=self.analyst,
                )  # fmt: skip
            except CaseworkError:  # one is open already
                assert freeze.releases.filter(state__in=["requested", "approved", "unknown"])
                continue
            if refuse:
                reject_release(release, reason="N.", by=self.compliance)
            elif not left:
                approve_release(
                    release, content_hash=release.content_hash, reason="Y.", by=self.compliance
                )

    @precondition(lambda self: FreezeRequest.objects.filter(state="provisional").exists())
    @rule()
    def cite_and_ratify(self) -> None:
        for freeze in FreezeRequest.objects.filter(state="provisional"):
            if not freeze.lines.filter(state__in=["sent", "unknown", "held"]).exists():
                continue
            cite_evidence(freeze, finding_id=self.finding.pk, by=self.analyst)
            ratify_freeze(freeze, content_hash=freeze.content_hash, reason="Y.", by=self.compliance)

    @rule(days=st.integers(100, 200))
    def extend(self, days: int) -> None:
        for freeze in FreezeRequest.objects.filter(state="active", expires_at__isnull=False):
            assert freeze.expires_at is not None
            extension = request_extension(
                freeze, basis="internal_suspicion", reason="L.",
                until=freeze.expires_at + timedelta(days=days), by=self.analyst,
            )  # fmt: skip
            approve_extension(
                extension, content_hash=extension.content_hash, reason="Y.", by=self.compliance
            )

    @rule()
    def second_approval_never_works(self) -> None:
        for freeze in FreezeRequest.objects.exclude(state="in_review"):
            with pytest.raises((InvalidTransition, CaseworkError)):
                approve_freeze(
                    freeze, content_hash=content_hash_of(freeze), reason="Y.", by=self.compliance
                )

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "exchange"):
            return
        for line in FreezeLine.objects.select_related("account", "freeze"):
            receipts = list(line.receipts.all())
            held = sum(r.base for r in receipts if r.kind == "hold")
            released = sum(r.base for r in receipts if r.kind == "release")
            assert (line.executed, line.released) == (held, released)
            assert line.held == held - released >= 0
            assert line.executed <= line.requested
            truth = self.exchange.held.get((line.account.uid, BTC), 0)
            orders = list(line.outbox.all())
            if not any(order.state in ("sending", "unknown") for order in orders):
                assert line.held == truth, "every answered order is in the books"
            if line.state == "unknown":
                assert any(order.state == "unknown" for order in orders)
            if line.freeze.state == "active":
                assert line.held or line.state in ("sent", "unknown")
            if line.freeze.state == "closed":
                assert line.held == 0
        assert out_of_balance() == []
        keys = [key for _, key, _ in self.exchange.calls]
        assert len(self.exchange.answers) <= len(set(keys))

    def teardown(self) -> None:
        """However it went: once the exchange answers, nothing stays open or unknown."""
        if not hasattr(self, "exchange"):
            return
        self.exchange.is_deaf, self.exchange.script = False, []
        for _ in range(6):
            skip_pauses()
            send(self.exchange)
        assert outbox.due_messages() == []
        self.books_agree()
        assert not FreezeLine.objects.filter(state__in=["sent", "unknown", "planned"]).exists()
        assert not FreezeRequest.objects.filter(state="executing").exists()
        assert not FreezeRelease.objects.filter(state__in=["approved", "unknown"]).exists()
        assert altered_contents() == []
        for line in FreezeLine.objects.filter(freeze__state__in=["lapsed", "rejected"]):
            refused = line.outbox.filter(kind="release", state="refused").exists()
            assert line.held == 0 or refused
        assert verify_chains().is_whole


class TestOutboxMachine(TestCase):
    def test_any_order_of_losses_ends_with_books_that_agree(self) -> None:
        class PerExample(OutboxMachine):
            def __init__(self) -> None:
                super().__init__()
                self._atomic = transaction.atomic()
                self._atomic.__enter__()

            def teardown(self) -> None:
                try:
                    super().teardown()
                finally:
                    transaction.set_rollback(True)
                    self._atomic.__exit__(None, None, None)

        run_state_machine_as_test(
            PerExample,
            settings=settings(
                max_examples=12,
                stateful_step_count=12,
                phases=[Phase.explicit, Phase.reuse, Phase.generate],
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


@pytest.mark.django_db
def test_orders_wait_until_an_exchange_is_connected(settings: Any, tmp_path: Path) -> None:
    settings.FIU_HOME = tmp_path  # without the files that officers left in other tests
    settings.EXCHANGE_URL = ""
    freeze, _ = make_hold()
    assert send_outbox_task() == 0
    assert send_outbox_task(str(OutboxMessage.objects.get().pk)) == 0
    assert states(freeze) == ("pending", "sent")
    assert housekeeping_task() == {
        "lapsed": 0, "warnings": 0, "decisions_due": 0, "late_cases": 0, "releases": 0,
        "answers": 0, "paces": 0, "officers_expired": 0, "officer_alarms": 0,
        "reads_sealed": 0, "uploads_taken_in": 0, "mails": 0, "notices": 0, "stamps": 0,
    }  # fmt: skip


@pytest.mark.django_db
def test_the_task_sends_over_http_to_the_reference_exchange(settings: Any, tmp_path: Path) -> None:
    freeze, _ = make_hold()
    uid = freeze.lines.get().account.uid
    (tmp_path / "balances.csv").write_text(
        f"account,asset,base,at\n{uid},{BTC},200,2025-06-01T00:00:00Z\n"
    )
    token = "t" * 40
    (tmp_path / "token").write_text(token)
    app = Exchange(Books(tmp_path / "books"), token, balances=tmp_path / "balances.csv")
    server = make_server(app)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        settings.EXCHANGE_URL = f"http://127.0.0.1:{server.server_port}"
        settings.EXCHANGE_TOKEN_FILE = tmp_path / "token"
        assert send_outbox_task() == 1
    finally:
        server.shutdown()
        server.server_close()
    line = freeze.lines.get()
    assert (line.state, line.executed) == ("held", 200)
    assert line.shortfall_reason
