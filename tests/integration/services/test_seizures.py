"""Seizures: two keys of two offices, the address called back, and the books to the base unit."""

import random
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cases.models import AuditEvent, FreezeReceipt, LegalInstrument, OutboxMessage, Seizure
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.queries.ledger import freeze_ledger, line_page
from cases.queries.totals import freezes_by_month
from cases.services.audit import verify_chains
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.freezes import (
    approve_seizure,
    confirm_destination,
    reject_seizure,
    request_seizure,
    transfer_seizure,
)
from cases.services.instruments import record_instrument, verify_instrument
from cases.services.ledger import out_of_balance
from cases.services.verification import altered_contents
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import BTC, USDT, make_agency, make_user, person, stale
from tests.held import Held, make_held

pytestmark = pytest.mark.django_db
ADDRESS = "bcrt1qauthority0000000000000000000000000000"


@pytest.fixture
def held() -> Held:
    return make_held()


def order_of(held: Held) -> LegalInstrument:
    paper = LegalInstrument.objects.filter(case=held.case).first()
    if paper is None:
        paper = record_instrument(
            held.case, type="court_order", number="C-1", agency_id=None, issued_by="Court",
            issued_on=date(2025, 1, 1), valid_until=None, jurisdiction="XX",
            document=None, by=held.analyst,
        )  # fmt: skip
        verify_instrument(paper, by=person("supervisor"))
    return paper


def ask(held: Held, amount: int = 100_000_000, asset: str = BTC, **fields: Any) -> Seizure:
    values: dict[str, Any] = {
        "amounts": {held.line(asset).pk: amount}, "agency_id": make_agency().pk,
        "destination": ADDRESS, "instrument_id": order_of(held).pk, "reason": "Order C-1.",
    }  # fmt: skip
    return request_seizure(held.freeze, **(values | fields), by=held.analyst)


def turn(seizure: Seizure, by: Actor) -> Seizure:
    return approve_seizure(seizure, content_hash=seizure.content_hash, reason="Checked.", by=by)


def both_keys(seizure: Seizure, held: Held) -> Seizure:
    supervisor = person("supervisor")
    confirm_destination(seizure, reason="Called the desk on the known number.", by=supervisor)
    turn(seizure, supervisor)
    return turn(seizure, held.compliance)


def transfer(seizure: Seizure, held: Held) -> None:
    transfer_seizure(seizure, content_hash=seizure.content_hash, reason="Now.", by=held.compliance)


def test_a_seizure_takes_two_keys_and_then_leaves_for_the_authority(held: Held) -> None:
    seizure = ask(held)
    supervisor = person("supervisor")
    with pytest.raises(CaseworkError, match="calls the authority back"):
        turn(seizure, supervisor)
    confirm_destination(seizure, reason="Desk, known number.", by=supervisor)
    assert turn(seizure, supervisor).state == "requested"
    with pytest.raises(PermissionDenied, match="other office"):
        turn(seizure, person("supervisor"))
    assert not OutboxMessage.objects.filter(kind="seizure").exists()
    assert turn(seizure, held.compliance).state == "approved"
    assert held.line().seized == 0  # nothing before the receipt
    held.send()
    seizure.refresh_from_db()
    line = held.line()
    assert (seizure.state, line.state) == ("seized", "held")
    assert (line.executed, line.seized, line.transferred, line.held) == (
        300_000_000, 100_000_000, 0, 200_000_000,
    )  # fmt: skip
    transfer(seizure, held)
    held.send()
    seizure.refresh_from_db()
    assert seizure.state == "transferred"
    assert held.line().transferred == 100_000_000
    assert held.exchange.gone == {ADDRESS: 100_000_000}
    receipt = FreezeReceipt.objects.get(kind="transfer")
    assert (len(receipt.txid), receipt.base) == (64, 100_000_000)
    assert out_of_balance() == []
    assert altered_contents() == []
    assert verify_chains().breaks == []
    entries = line_page(held.line()).entries
    assert [entry.held_after for entry in entries] == [300_000_000, 200_000_000, 200_000_000]
    words = set(AuditEvent.objects.filter(case=held.case).values_list("action", flat=True))
    assert {"request_seizure", "confirm_destination", "sign_seizure", "approve_seizure",
            "execute_seizure", "transfer_seizure", "confirm_transfer"} <= words  # fmt: skip


def test_what_is_seized_is_part_of_the_totals_to_the_cent(held: Held) -> None:
    both_keys(ask(held), held)
    held.send()
    held.approve(held.ask(50_000_000))
    held.send()
    (book,) = [x for x in freeze_ledger(held.compliance, held.freeze.pk).by_asset if x.asset == BTC]
    assert (book.held, book.released, book.seized) == (150_000_000, 50_000_000, 100_000_000)
    assert book.held_fiat + book.released_fiat + book.seized_fiat == book.executed_fiat
    assert (book.seized_fiat, book.released_fiat) == (100_000, 50_000)
    month = freezes_by_month(held.compliance)[-1]
    assert month.held + month.released == 300_005


def test_a_line_that_was_seized_whole_is_over(held: Held) -> None:
    amounts = {held.line().pk: 300_000_000, held.line(USDT).pk: 5_000_000}
    both_keys(ask(held, amounts=amounts), held)
    held.send()
    assert {line.state for line in held.freeze.lines.all()} == {"seized"}
    assert held.freeze.state == "closed"
    seizure = Seizure.objects.get()
    transfer(seizure, held)  # it leaves although the freeze is over
    held.send()
    assert held.line().transferred == 300_000_000


def test_who_asked_turns_no_key_and_does_not_call_back(held: Held) -> None:
    seizure = request_seizure(
        held.freeze, amounts={held.line().pk: 1}, agency_id=make_agency().pk, destination=ADDRESS,
        instrument_id=order_of(held).pk, reason="R.", by=held.compliance,
    )  # fmt: skip
    for act in (turn, lambda row, by: confirm_destination(row, reason="R.", by=by)):
        with pytest.raises(PermissionDenied):
            act(seizure, held.compliance)
    for role in ("analyst", "auditor"):
        with pytest.raises(PermissionDenied):
            turn(seizure, person(role))
    with pytest.raises(StepUpRequired):
        turn(seizure, stale(person("supervisor")))
    confirm_destination(seizure, reason="Desk.", by=person("supervisor"))
    with pytest.raises(InvalidTransition):
        confirm_destination(seizure, reason="Again.", by=person("compliance"))
    with pytest.raises(ContentChanged):
        approve_seizure(seizure, content_hash="0" * 64, reason="R.", by=person("supervisor"))


def test_the_database_refuses_a_seizure_of_one_key(held: Held) -> None:
    seizure = ask(held)
    supervisor = person("supervisor")
    confirm_destination(seizure, reason="Desk.", by=supervisor)
    turn(seizure, supervisor)
    for words in (
        f"state = 'approved', decided_by_id = {supervisor.user_id}, decided_at = requested_at",
        "destination = 'elsewhere'",
        "confirmed_how = 'nobody'",
    ):
        with (
            pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor,
        ):  # fmt: skip
            cursor.execute(f"UPDATE cases_seizure SET {words}")  # noqa: S608  # constants


@pytest.mark.parametrize("amount", [0, 300_000_001])
def test_no_more_is_seized_than_is_held(held: Held, amount: int) -> None:
    with pytest.raises(CaseworkError):
        ask(held, amount)


def test_a_seizure_needs_a_verified_order(held: Held) -> None:
    with pytest.raises(CaseworkError, match="verified and in date"):
        ask(held, instrument_id=None)
    paper = record_instrument(
        held.case, type="court_order", number="C-2", agency_id=None, issued_by="Court",
        issued_on=date(2025, 1, 1), valid_until=None, jurisdiction="XX", document=None,
        by=held.analyst,
    )  # fmt: skip
    with pytest.raises(CaseworkError, match="verified and in date"):
        ask(held, instrument_id=paper.pk)


def test_no_unit_is_promised_to_a_release_and_a_seizure(held: Held) -> None:
    seizure = ask(held)
    with pytest.raises(CaseworkError, match="seizure of this freeze is still open"):
        held.ask()
    with pytest.raises(CaseworkError, match="seizure of this freeze is still open"):
        ask(held)
    reject_seizure(seizure, reason="No.", by=held.compliance)
    held.ask()
    with pytest.raises(CaseworkError, match="release of this freeze is still open"):
        ask(held)


def test_a_key_whose_holder_left_opens_nothing(held: Held) -> None:
    seizure = both_keys(ask(held), held)
    User.objects.filter(pk=held.compliance.user_id).update(is_active=False)
    held.send()
    seizure.refresh_from_db()
    assert (seizure.state, held.line().seized) == ("failed", 0)
    assert "seizure" not in [kind for kind, _, _ in held.exchange.calls]


def test_a_refused_transfer_stays_seized_and_may_be_sent_again(held: Held) -> None:
    seizure = both_keys(ask(held), held)
    held.send()
    seizure.refresh_from_db()
    transfer(seizure, held)
    held.exchange.script = ["refuse"]
    held.send()
    seizure.refresh_from_db()
    assert (seizure.state, held.line().transferred) == ("seized", 0)
    transfer(seizure, held)
    held.exchange.script = ["late"]
    held.send()
    seizure.refresh_from_db()
    assert seizure.state == "transfer_unknown"  # the screen says unknown, never gone
    held.send()
    seizure.refresh_from_db()
    assert (seizure.state, held.line().transferred) == ("transferred", 100_000_000)
    assert [kind for kind, _, _ in held.exchange.calls].count("transfer") == 2


@pytest.mark.parametrize("seed", range(2))
def test_any_sequence_with_any_loss_reconciles_to_the_base_unit(held: Held, seed: int) -> None:
    """Releases, seizures and transfers at random; each call may get lost, late or refused.

    Long: `for seed in range(...)` with more steps; the seeds here are printed by their ids.
    """
    dice = random.Random(f"seizures:{seed}")
    supervisor = person("supervisor")
    User.objects.filter(pk=supervisor.user_id).update(username=f"s{seed}")

    def some(asset: str) -> int:
        return dice.randint(1, max(1, held.line(asset).held))

    for _step in range(8):
        asset = dice.choice([BTC, USDT])
        held.exchange.script = dice.choices(["ok", "lost", "late", "refuse"], [4, 2, 2, 1], k=2)
        what = dice.choice(["release", "seize", "transfer"])
        try:
            if what == "release":
                held.approve(held.ask(some(asset), asset))
            elif what == "seize":
                seizure = ask(held, some(asset), asset)
                confirm_destination(seizure, reason="Desk.", by=supervisor)
                turn(seizure, supervisor)
                turn(seizure, held.compliance)
            elif ready := Seizure.objects.filter(state="seized").first():
                transfer(ready, held)
        except (CaseworkError, InvalidTransition, PermissionDenied):
            pass  # an open one stands in the way, or nothing is held any more
        held.send()
        check(held)
    held.exchange.script = []
    for _round in range(3):
        held.send()
    check(held)
    assert not OutboxMessage.objects.filter(state__in=["pending", "sending", "unknown"]).exists()
    for each in held.freeze.lines.select_related("account"):
        at = (each.account.uid, each.asset_id)
        assert held.exchange.held.get(at, 0) == each.held
        assert held.exchange.seized.get(at, 0) == each.seized - each.transferred
    assert sum(held.exchange.gone.values()) == sum(x.transferred for x in held.freeze.lines.all())


def check(held: Held) -> None:
    assert out_of_balance() == []
    for line in held.freeze.lines.all():
        assert line.executed == line.released + line.seized + line.held
        assert 0 <= line.transferred <= line.seized


def test_keys_grow_old(held: Held) -> None:
    seizure = ask(held)
    supervisor = person("supervisor")
    confirm_destination(seizure, reason="Desk.", by=supervisor)
    turn(seizure, supervisor)
    later = timezone.now() + timedelta(hours=73)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: later)
        again = turn(seizure, person("compliance", username=make_user("auditor").username + "x"))
    assert again.state == "requested"  # the first key is too old
