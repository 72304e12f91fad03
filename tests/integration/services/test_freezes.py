"""Freezes: two people, what they saw, what it rests on, and what the exchange really holds."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.models import (
    AuditEvent,
    Case,
    ExchangeAccount,
    FreezeApproval,
    FreezeLine,
    FreezeRequest,
    LegalInstrument,
    OutboxMessage,
    Price,
)
from cases.policy import SYSTEM, Actor, PermissionDenied, StepUpRequired
from cases.queries.freeze_register import register
from cases.services import outbox
from cases.services.cases import block_user
from cases.services.errors import CaseworkError, ContentChanged, NotFound
from cases.services.findings import withdraw_finding
from cases.services.freezes import (
    LineSpec,
    approve_freeze,
    cancel_freeze,
    cite_evidence,
    content_hash_of,
    execute_freeze,
    flag_decisions_due,
    lapse_provisional_freezes,
    place_hold,
    place_provisional_freeze,
    ratify_freeze,
    reject_freeze,
    release_leftovers,
    request_freeze,
    submit_freeze,
    triage_freeze,
)
from cases.services.instruments import UploadedBytes, record_instrument, verify_instrument
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import (
    BTC,
    USDT,
    make_account,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    make_finding,
    make_price,
    person,
    stale,
)
from tests.fakes import FakeExchange

pytestmark = pytest.mark.django_db


@pytest.fixture
def analyst() -> Actor:
    return person("analyst")


@pytest.fixture
def compliance() -> Actor:
    return person("compliance")


@pytest.fixture
def case(analyst: Actor) -> Case:
    make_asset()
    make_asset(USDT, "USDT", 6)
    return make_case(analyst)


@pytest.fixture
def account() -> ExchangeAccount:
    return make_account("77001234")


@pytest.fixture
def exchange(account: ExchangeAccount) -> FakeExchange:
    return FakeExchange(free={(account.uid, BTC): 500_000_000, (account.uid, USDT): 7_000_000})


def draft(case: Case, by: Actor, lines: list[LineSpec], **fields: Any) -> FreezeRequest:
    values: dict[str, Any] = {
        "legal_basis": "internal_suspicion",
        "restriction": "withdrawals",
        "urgency": "routine",
        "agency_id": None,
        "reason": "Proceeds of Lanternbox.",
    }
    return request_freeze(case, **(values | fields), lines=lines, by=by)


def in_review(case: Case, by: Actor, account: ExchangeAccount, **fields: Any) -> FreezeRequest:
    finding = make_approved_finding(case, by)
    freeze = draft(case, by, [LineSpec(account.pk, BTC, 300_000_000, finding.pk)], **fields)
    submit_freeze(freeze, by=by)
    return triage_freeze(freeze, by=by)


def approved(case: Case, by: Actor, account: ExchangeAccount, second: Actor) -> FreezeRequest:
    freeze = in_review(case, by, account)
    return approve_freeze(
        freeze, content_hash=content_hash_of(freeze), reason="Proportionate.", by=second
    )


def send(exchange: FakeExchange) -> None:
    for message_id in outbox.due_messages():
        outbox.send_outbox_message(message_id, gateway=exchange)


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def test_the_whole_walk_ends_in_a_held_line_with_its_value(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    price = make_price()
    Price.objects.create(
        asset_id=BTC, currency="USD", price="1", at=timezone.now() + timedelta(days=1), source="x"
    )
    freeze = approved(case, analyst, account, compliance)
    assert fresh(freeze).state == "executing"
    line = freeze.lines.get()
    assert (line.state, line.held) == ("sent", 0)
    send(exchange)
    line = fresh(line)
    assert (line.state, line.executed, line.held) == ("held", 300_000_000, 300_000_000)
    assert (line.fiat_value, line.fiat_currency) == (Decimal("300000.00"), "USD")
    assert line.price == price
    assert line.shortfall_reason == ""
    assert (fresh(freeze).state, fresh(freeze).approved_by_id) == ("active", compliance.user_id)
    assert fresh(freeze).executed_at is not None
    actions = list(case.events.order_by("seq").values_list("action", flat=True))
    assert actions[-7:] == [
        "request_freeze", "submit_freeze", "triage_freeze", "approve_freeze", "execute_freeze",
        "confirm_line", "settle_freeze",
    ]  # fmt: skip


def test_an_order_says_account_asset_amount_and_nothing_of_the_case(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    freeze = approved(case, analyst, account, compliance)
    payload = OutboxMessage.objects.get().payload
    assert set(payload) == {"account", "asset", "amount", "reference", "reason_code"}
    send(exchange)
    said = str(payload) + str(exchange.calls)
    for word in (case.reference, freeze.reference, "Lanternbox", "FRZ", "CASE", "suspic"):
        assert word not in said


def test_less_than_asked_is_held_and_says_so(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    exchange.free[account.uid, BTC] = 120
    freeze = approved(case, analyst, account, compliance)
    send(exchange)
    line = freeze.lines.get()
    assert (line.state, line.executed) == ("held", 120)
    assert line.shortfall_reason
    assert line.fiat_value is None  # no price, no value


def test_free_balance_and_a_stopped_withdrawal_are_two_receipts_of_one_line(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    exchange.free[account.uid, BTC] = 100_000_000
    exchange.stopped[account.uid, BTC] = 400_000_000
    freeze = approved(case, analyst, account, compliance)
    send(exchange)
    line = freeze.lines.get()
    assert {r.source: r.base for r in line.receipts.all()} == {
        "balance": 100_000_000, "withdrawal": 200_000_000,
    }  # fmt: skip
    assert line.executed == 300_000_000


def test_a_freeze_of_which_nothing_is_held_failed_and_can_be_sent_again(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    exchange.script = ["refuse"]
    freeze = approved(case, analyst, account, compliance)
    send(exchange)
    assert (fresh(freeze).state, freeze.lines.get().state) == ("failed", "refused")
    with pytest.raises(PermissionDenied):
        execute_freeze(freeze, by=analyst)
    execute_freeze(freeze, by=person("supervisor"))
    assert OutboxMessage.objects.count() == 2  # another key: the first one stays answered
    send(exchange)
    assert (fresh(freeze).state, freeze.lines.get().state) == ("active", "held")


def test_a_failed_freeze_ends_by_a_supervisor_and_the_case_can_ask_again(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    exchange.script = ["refuse"]
    freeze = approved(case, analyst, account, compliance)
    send(exchange)
    with pytest.raises(PermissionDenied, match="Only a supervisor"):
        cancel_freeze(freeze, reason="Too late.", by=analyst)
    cancel_freeze(freeze, reason="The approval is too old.", by=person("supervisor"))
    assert fresh(freeze).state == "cancelled"
    with pytest.raises(InvalidTransition):
        execute_freeze(freeze, by=person("supervisor"))
    assert approved(case, analyst, account, compliance).pk != freeze.pk


def test_execution_counts_the_approval_again(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    exchange.script = ["refuse"]
    freeze = approved(case, analyst, account, compliance)
    send(exchange)
    User.objects.filter(pk=compliance.user_id).update(is_active=False)
    with pytest.raises(CaseworkError, match="no longer in office"):
        execute_freeze(freeze, by=person("supervisor"))


def test_an_order_whose_approver_left_never_goes_out(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    freeze = approved(case, analyst, account, compliance)
    User.objects.filter(pk=compliance.user_id).update(role="supervisor")
    send(exchange)
    assert exchange.calls == []
    assert (fresh(freeze).state, freeze.lines.get().state) == ("failed", "refused")


def test_an_order_whose_approver_was_walled_off_never_goes_out(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    approved(case, analyst, account, compliance)
    block_user(case, compliance.person, "Conflict of interest.", by=person("compliance"))
    send(exchange)
    assert exchange.calls == []


@pytest.mark.parametrize("role", ["analyst", "supervisor", "auditor", "admin", "liaison"])
def test_only_compliance_approves(
    case: Case, analyst: Actor, account: ExchangeAccount, role: str
) -> None:
    freeze = in_review(case, analyst, account)
    with pytest.raises(PermissionDenied):
        approve_freeze(freeze, content_hash=content_hash_of(freeze), reason="Yes.", by=person(role))
    assert fresh(freeze).state == "in_review"


def test_the_requester_never_approves(case: Case, account: ExchangeAccount) -> None:
    both = person("compliance")
    freeze = in_review(case, both, account)
    with pytest.raises(PermissionDenied, match="second person"):
        approve_freeze(freeze, content_hash=content_hash_of(freeze), reason="Yes.", by=both)
    for change in ({"approved_by_id": both.user_id}, {"state": "approved"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            FreezeRequest.objects.filter(pk=freeze.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        FreezeApproval.objects.create(
            freeze=freeze, user_id=both.person, decision="approve", reason="",
            content_hash=freeze.content_hash, at=timezone.now(),
        )  # fmt: skip


def test_approval_needs_a_fresh_second_factor(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount
) -> None:
    freeze = in_review(case, analyst, account)
    shown = content_hash_of(freeze)
    for actor in (stale(compliance), replace(compliance, mfa_at=None)):
        with pytest.raises(StepUpRequired):
            approve_freeze(freeze, content_hash=shown, reason="Yes.", by=actor)


def test_what_is_approved_is_what_was_shown(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount
) -> None:
    freeze = in_review(case, analyst, account)
    with pytest.raises(ContentChanged):
        approve_freeze(freeze, content_hash="0" * 64, reason="Yes.", by=compliance)
    approval = approved(case, person("analyst"), make_account(), compliance).approvals.get()
    assert approval.auth_at == compliance.mfa_at
    assert approval.decision == "approve"


def test_the_second_approver_loses(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount
) -> None:
    freeze = in_review(case, analyst, account)
    shown = content_hash_of(freeze)
    late = FreezeRequest.objects.get(pk=freeze.pk)
    approve_freeze(freeze, content_hash=shown, reason="Yes.", by=compliance)
    with pytest.raises(InvalidTransition):
        approve_freeze(late, content_hash=shown, reason="Yes.", by=person("compliance"))
    assert freeze.approvals.count() == 1
    assert OutboxMessage.objects.count() == 1


def test_a_line_cites_an_approved_finding_or_a_verified_instrument(
    case: Case, analyst: Actor, account: ExchangeAccount
) -> None:
    freeze = draft(case, analyst, [LineSpec(account.pk, BTC, 1)])
    with pytest.raises(CaseworkError, match="neither"):
        submit_freeze(freeze, by=analyst)
    instrument = make_instrument(case, analyst)
    freeze = draft(case, analyst, [LineSpec(account.pk, BTC, 1, None, instrument.pk)])
    with pytest.raises(CaseworkError, match="neither"):
        submit_freeze(freeze, by=analyst)
    verify_instrument(instrument, by=person("supervisor"))
    assert submit_freeze(freeze, by=analyst).state == "submitted"


def test_a_court_order_needs_the_order_itself(
    case: Case, analyst: Actor, account: ExchangeAccount
) -> None:
    finding = make_approved_finding(case, analyst)
    freeze = draft(
        case, analyst, [LineSpec(account.pk, BTC, 1, finding.pk)], legal_basis="court_order"
    )
    with pytest.raises(CaseworkError, match="verified instrument"):
        submit_freeze(freeze, by=analyst)


def test_a_withdrawn_finding_carries_no_freeze(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount
) -> None:
    freeze = in_review(case, analyst, account)
    withdraw_finding(freeze.lines.get().finding, reason="Wrong.", by=person("supervisor"))
    with pytest.raises(CaseworkError):
        approve_freeze(freeze, content_hash=content_hash_of(freeze), reason="Yes.", by=compliance)


@pytest.mark.parametrize(
    "change",
    [
        {"lines": []},
        {"requested": 0},
        {"asset": "eip155:1/slip44:60"},
        {"account": 999_999},
        {"doubled": True},
        {"foreign": True},
        {"legal_basis": "whim"},
        {"reason": " "},
        {"agency_id": 999_999},
        {"expires_at": timezone.now() - timedelta(days=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_request_that_makes_no_sense_is_refused(
    case: Case, analyst: Actor, account: ExchangeAccount, change: dict[str, Any]
) -> None:
    line = LineSpec(
        change.pop("account", account.pk), change.pop("asset", BTC), change.pop("requested", 5)
    )
    lines = change.pop("lines", [line])
    if change.pop("doubled", False):
        lines = [line, line]
    if change.pop("foreign", False):
        other = make_approved_finding(make_case(analyst), analyst)
        lines = [replace(line, finding_id=other.pk)]
    with pytest.raises(CaseworkError):
        draft(case, analyst, lines, **change)
    assert FreezeRequest.objects.count() == 0


def test_one_live_hold_per_account_and_asset(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount
) -> None:
    approved(case, analyst, account, compliance)
    with pytest.raises(CaseworkError, match="already has a live hold"):
        approved(make_case(analyst), analyst, account, compliance)


def test_an_outsider_cannot_ask_or_decide(analyst: Actor, account: ExchangeAccount) -> None:
    case = make_case(analyst, visibility="team")
    make_asset()
    with pytest.raises(PermissionDenied):
        draft(case, person("analyst"), [LineSpec(account.pk, BTC, 5)])
    with pytest.raises(PermissionDenied):
        draft(case, SYSTEM, [LineSpec(account.pk, BTC, 5)])


def test_its_author_or_a_supervisor_takes_a_request_back(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount
) -> None:
    freeze = draft(case, analyst, [LineSpec(account.pk, BTC, 5)])
    with pytest.raises(PermissionDenied):
        cancel_freeze(freeze, reason="No.", by=person("analyst"))
    assert cancel_freeze(freeze, reason="Mistake.", by=analyst).state == "cancelled"
    with pytest.raises(InvalidTransition):
        cancel_freeze(freeze, reason="Again.", by=analyst)
    other = in_review(case, analyst, account)
    with pytest.raises(InvalidTransition):
        cancel_freeze(other, reason="Too late.", by=person("supervisor"))


def test_only_its_author_submits(case: Case, analyst: Actor, account: ExchangeAccount) -> None:
    freeze = draft(case, analyst, [LineSpec(account.pk, BTC, 5)])
    with pytest.raises(PermissionDenied):
        submit_freeze(freeze, by=person("analyst"))


def test_a_refused_request_holds_nothing(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount
) -> None:
    freeze = in_review(case, analyst, account)
    with pytest.raises(PermissionDenied):
        reject_freeze(freeze, reason="No.", by=person("supervisor"))
    assert reject_freeze(freeze, reason="Out of proportion.", by=compliance).state == "rejected"
    assert freeze.approvals.get().decision == "reject"
    assert OutboxMessage.objects.count() == 0


# --- Provisional holds ----------------------------------------------------------------------------


def hold(case: Case, account: ExchangeAccount, by: Actor) -> FreezeRequest:
    return place_hold(
        case,
        lines=[LineSpec(account.pk, BTC, 300_000_000)],
        urgency="urgent",
        reason="The account is being emptied.",
        by=by,
    )


def test_a_supervisor_holds_in_one_step_before_any_finding(
    case: Case, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    freeze = hold(case, account, person("supervisor"))
    assert freeze.state == "provisional"
    left = freeze.provisional_until - timezone.now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    send(exchange)
    assert freeze.lines.get().state == "held"
    assert fresh(freeze).state == "provisional"
    assert fresh(freeze).executed_at is not None


def test_an_analyst_cannot_hold(case: Case, account: ExchangeAccount, analyst: Actor) -> None:
    with pytest.raises(PermissionDenied):
        hold(case, account, analyst)
    assert FreezeRequest.objects.count() == 0  # nothing of the one step is kept


def test_a_routine_request_is_no_reason_to_hold_at_once(
    case: Case, account: ExchangeAccount, analyst: Actor
) -> None:
    freeze = in_review(case, analyst, account)
    with pytest.raises(CaseworkError, match="urgent"):
        place_provisional_freeze(freeze, reason="Now.", by=person("supervisor"))


def test_a_hold_without_evidence_cannot_be_ratified_until_it_cites_some(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    freeze = hold(case, account, person("supervisor"))
    send(exchange)
    with pytest.raises(CaseworkError, match="neither"):
        ratify_freeze(freeze, content_hash=content_hash_of(freeze), reason="Yes.", by=compliance)
    before = content_hash_of(freeze)
    finding = make_approved_finding(case, analyst)
    cite_evidence(freeze, finding_id=finding.pk, by=analyst)
    with pytest.raises(ContentChanged):
        ratify_freeze(freeze, content_hash=before, reason="Yes.", by=compliance)
    ratify_freeze(freeze, content_hash=content_hash_of(freeze), reason="Yes.", by=compliance)
    assert (fresh(freeze).state, fresh(freeze).approved_by_id) == ("active", compliance.user_id)
    with pytest.raises(CaseworkError):
        cite_evidence(freeze, finding_id=finding.pk, by=analyst)


def test_an_urgent_request_cites_nothing_or_what_stands(
    case: Case, analyst: Actor, account: ExchangeAccount
) -> None:
    loose = make_finding(case, analyst)
    freeze = draft(case, analyst, [LineSpec(account.pk, BTC, 5, loose.pk)], urgency="urgent")
    with pytest.raises(CaseworkError, match="not approved"):
        submit_freeze(freeze, by=analyst)
    bare = hold(case, account, person("supervisor"))
    with pytest.raises(CaseworkError, match="not approved"):
        cite_evidence(bare, finding_id=loose.pk, by=analyst)
    assert bare.lines.get().finding is None


def test_who_placed_or_cited_does_not_ratify(
    case: Case, analyst: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    placed, cited = person("compliance"), person("compliance")
    freeze = hold(case, account, placed)
    send(exchange)
    cite_evidence(freeze, finding_id=make_approved_finding(case, analyst).pk, by=cited)
    for actor in (placed, cited):
        with pytest.raises(PermissionDenied, match="second person"):
            ratify_freeze(freeze, content_hash=freeze.content_hash, reason="Yes.", by=actor)


def test_an_unratified_hold_lapses_and_its_lines_are_released(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    freeze = hold(case, account, person("supervisor"))
    send(exchange)
    assert lapse_provisional_freezes() == 0
    cite_evidence(freeze, finding_id=make_approved_finding(case, analyst).pk, by=analyst)
    FreezeRequest.objects.filter(pk=freeze.pk).update(
        provisional_until=timezone.now() - timedelta(seconds=1)
    )
    with pytest.raises(InvalidTransition, match="over"):
        ratify_freeze(freeze, content_hash=content_hash_of(freeze), reason="Yes.", by=compliance)
    assert lapse_provisional_freezes() == 1
    assert lapse_provisional_freezes() == 0
    assert (fresh(freeze).state, freeze.lines.get().state) == ("lapsed", "held")
    send(exchange)
    line = freeze.lines.get()
    assert (line.state, line.held, line.released) == ("released", 0, 300_000_000)
    assert exchange.held[account.uid, BTC] == 0
    assert case.events.filter(action="lapse_freeze", actor=None).count() == 1
    [lift] = register(compliance).lifts
    assert (str(lift.what), lift.amount, lift.decision) == ("Lapsed", 300_000_000, None)


def test_a_refused_hold_is_released_too(
    case: Case, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    freeze = hold(case, account, person("supervisor"))
    send(exchange)
    reject_freeze(freeze, reason="No ground.", by=compliance)
    send(exchange)
    assert freeze.lines.get().state == "released"


def test_an_order_of_a_lapsed_hold_never_goes_out(
    case: Case, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    freeze = hold(case, account, person("supervisor"))
    FreezeRequest.objects.filter(pk=freeze.pk).update(
        provisional_until=timezone.now() - timedelta(seconds=1)
    )
    lapse_provisional_freezes()
    send(exchange)
    assert exchange.calls == []
    assert freeze.lines.get().state == "refused"


def test_an_answer_after_the_end_is_released_at_once(
    case: Case, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    exchange.script = ["late"]
    freeze = hold(case, account, person("supervisor"))
    send(exchange)
    assert freeze.lines.get().state == "unknown"
    FreezeRequest.objects.filter(pk=freeze.pk).update(
        provisional_until=timezone.now() - timedelta(seconds=1)
    )
    lapse_provisional_freezes()
    OutboxMessage.objects.update(not_before=None)
    send(exchange)
    assert freeze.lines.get().state == "held"
    send(exchange)
    assert (freeze.lines.get().state, exchange.held[account.uid, BTC]) == ("released", 0)


def test_a_refused_release_is_asked_again_after_an_hour(
    case: Case, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    freeze = hold(case, account, person("supervisor"))
    send(exchange)
    FreezeRequest.objects.filter(pk=freeze.pk).update(
        provisional_until=timezone.now() - timedelta(seconds=1)
    )
    exchange.script = ["refuse"]
    lapse_provisional_freezes()
    send(exchange)
    assert (freeze.lines.get().state, release_leftovers()) == ("held", 0)
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert release_leftovers() == 1
    send(exchange)
    assert freeze.lines.get().state == "released"


def test_an_ended_freeze_stays_held_and_asks_for_a_decision(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    freeze = approved(case, analyst, account, compliance)
    send(exchange)
    assert flag_decisions_due() == 0
    FreezeRequest.objects.filter(pk=freeze.pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert flag_decisions_due() == 1
    assert (fresh(freeze).state, freeze.lines.get().state) == ("decision_due", "held")
    assert lapse_provisional_freezes() == 0


@pytest.mark.owner
def test_lines_and_receipts_cannot_be_rewritten(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    freeze = approved(case, analyst, account, compliance)
    send(exchange)
    line = freeze.lines.get()
    for change in ({"requested": 1}, {"account_id": make_account().pk}, {"state": "planned"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            FreezeLine.objects.filter(pk=line.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        line.receipts.update(base=1)


# --- Instruments ----------------------------------------------------------------------------------


def make_instrument(case: Case, by: Actor, **fields: Any) -> LegalInstrument:
    values: dict[str, Any] = {
        "type": "court_order",
        "number": "12 Gs 34/25",
        "agency_id": make_agency().pk,
        "issued_by": "District Court",
        "issued_on": date(2025, 5, 2),
        "valid_until": None,
        "jurisdiction": "de",
        "document": None,
    }
    return record_instrument(case, **(values | fields), by=by)


def test_an_instrument_is_verified_by_a_second_person_once(case: Case) -> None:
    recorder, verifier = person("supervisor"), person("supervisor")
    instrument = make_instrument(case, recorder)
    assert instrument.jurisdiction == "DE"
    for actor, error in ((recorder, PermissionDenied), (person("analyst"), PermissionDenied)):
        with pytest.raises(error):
            verify_instrument(instrument, by=actor)
    assert verify_instrument(instrument, by=verifier).verified_by_id == verifier.user_id
    with pytest.raises(InvalidTransition):
        verify_instrument(instrument, by=person("compliance"))
    with pytest.raises(IntegrityError), transaction.atomic():
        LegalInstrument.objects.filter(pk=instrument.pk).update(number="other")


def test_a_document_is_taken_by_its_bytes_not_its_name(case: Case, analyst: Actor) -> None:
    with pytest.raises(CaseworkError, match="PDF"):
        make_instrument(case, analyst, document=UploadedBytes("order.pdf", b"MZ\x90"))
    with pytest.raises(CaseworkError, match="PDF"):
        make_instrument(case, analyst, document=UploadedBytes("order.exe", b"%PDF-1.7"))
    instrument = make_instrument(
        case, analyst, document=UploadedBytes("../../étc/order 1.pdf", b"%PDF-1.7 x")
    )
    assert "/" not in instrument.document_name
    assert len(instrument.document_sha256) == 64


def test_an_instrument_is_recorded_once_and_in_date(case: Case, analyst: Actor) -> None:
    make_instrument(case, analyst)
    with pytest.raises(CaseworkError, match="already"):
        make_instrument(case, analyst)
    with pytest.raises(NotFound):
        make_instrument(case, analyst, number="2", agency_id=999_999)
    old = make_instrument(case, analyst, number="3", valid_until=date(2025, 5, 3))
    with pytest.raises(CaseworkError, match="out of date"):
        verify_instrument(old, by=person("supervisor"))


def test_every_change_left_its_event(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount
) -> None:
    before = AuditEvent.objects.count()
    freeze = draft(case, analyst, [LineSpec(account.pk, BTC, 5)])
    cancel_freeze(freeze, reason="Mistake.", by=analyst)
    assert AuditEvent.objects.count() == before + 2
