"""The freeze as a ledger: extended, released in parts, closed when empty, always in balance."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cases.models import (
    FreezeExtension,
    FreezeLine,
    FreezeRelease,
    FreezeRequest,
    OutboxMessage,
)
from cases.policy import PermissionDenied, StepUpRequired
from cases.queries.freeze_register import register
from cases.queries.ledger import expiry_step, ledger_of, line_page, lines_for_page
from cases.queries.totals import freezes_by_month, unit_money
from cases.services.audit import verify_chains
from cases.services.cases import block_user
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.freezes import (
    approve_extension,
    approve_release,
    content_hash_of,
    flag_decisions_due,
    reject_extension,
    reject_release,
    request_extension,
    request_release,
)
from cases.services.ledger import out_of_balance
from cases.services.verification import altered_contents
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import (
    BTC,
    USDT,
    person,
    stale,
)
from tests.conftest import client_of
from tests.held import Held, make_held

pytestmark = pytest.mark.django_db


@pytest.fixture
def held() -> Held:
    return make_held()


def test_a_part_is_released_and_the_rest_stays_held(held: Held) -> None:
    release = held.approve(held.ask(100_000_000))
    assert (release.state, held.line().held) == ("approved", 300_000_000)  # nothing before receipt
    held.send()
    release.refresh_from_db()
    line = held.line()
    assert (release.state, line.state, line.held) == ("executed", "held", 200_000_000)
    assert (line.executed, line.released) == (300_000_000, 100_000_000)
    assert held.freeze.state == "active"
    assert out_of_balance() == []


def test_a_freeze_that_holds_nothing_any_more_is_closed(held: Held) -> None:
    both = {held.line().pk: 300_000_000, held.line(USDT).pk: 5_000_000}
    held.approve(held.ask(amounts=both))
    held.send()
    assert held.freeze.state == "closed"
    assert {line.state for line in held.freeze.lines.all()} == {"released"}
    assert held.exchange.held == {("77001234", BTC): 0, ("77001234", USDT): 0}
    with pytest.raises(InvalidTransition):
        request_release(held.freeze, amounts=both, reason="Again.", by=held.analyst)


def test_a_release_without_an_answer_is_unknown_and_asked_by_key(held: Held) -> None:
    release = held.approve(held.ask())
    held.exchange.script = ["late"]
    held.send()
    release.refresh_from_db()
    assert (release.state, held.line().held) == ("unknown", 300_000_000)
    held.send()
    release.refresh_from_db()
    assert (release.state, held.line().held) == ("executed", 200_000_000)
    assert [kind for kind, _, _ in held.exchange.calls].count("release") == 1


def test_a_refused_release_failed_and_may_be_asked_again(held: Held) -> None:
    release = held.approve(held.ask())
    held.exchange.script = ["refuse"]
    held.send()
    release.refresh_from_db()
    assert (release.state, held.line().held) == ("failed", 300_000_000)
    held.approve(held.ask())
    held.send()
    assert held.line().held == 200_000_000


@pytest.mark.parametrize("role", ["analyst", "supervisor"])
def test_only_compliance_releases_and_extends(held: Held, role: str) -> None:
    release = held.ask()
    with pytest.raises(PermissionDenied):
        held.approve(release, by=person(role))
    with pytest.raises(PermissionDenied):
        reject_release(release, reason="No.", by=person(role))
    extension = ask_longer(held)
    with pytest.raises(PermissionDenied):
        approve_extension(
            extension, content_hash=extension.content_hash, reason="R.", by=person(role)
        )


def test_who_asked_for_a_release_does_not_approve_it(held: Held) -> None:
    own = request_release(held.freeze, amounts={held.line().pk: 1}, reason="R.", by=held.compliance)
    with pytest.raises(PermissionDenied):
        held.approve(own)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_freezerelease SET state = 'approved', decided_by_id = requested_by_id"
        )


def test_a_release_needs_a_fresh_second_factor_and_the_shown_content(held: Held) -> None:
    release = held.ask()
    with pytest.raises(StepUpRequired):
        held.approve(release, by=stale(held.compliance))
    with pytest.raises(ContentChanged):
        approve_release(release, content_hash="0" * 64, reason="R.", by=held.compliance)


def test_the_second_approver_of_a_release_loses(held: Held) -> None:
    release = held.ask()
    held.approve(release)
    with pytest.raises(InvalidTransition):
        held.approve(FreezeRelease.objects.get(pk=release.pk), by=person("compliance"))
    with pytest.raises(InvalidTransition):
        reject_release(release, reason="Late.", by=person("compliance"))
    assert OutboxMessage.objects.filter(kind="release").count() == 1


def test_a_rejected_release_holds_on(held: Held) -> None:
    reject_release(held.ask(), reason="Not proven.", by=held.compliance)
    held.send()
    assert held.line().held == 300_000_000


@pytest.mark.parametrize("amount", [0, 300_000_001])
def test_no_more_is_released_than_is_held(held: Held, amount: int) -> None:
    with pytest.raises(CaseworkError):
        held.ask(amount)


def test_one_release_of_a_freeze_is_open_at_a_time(held: Held) -> None:
    held.ask()
    with pytest.raises(CaseworkError, match="open"):
        held.ask()


def test_a_release_whose_approver_left_never_goes_out(held: Held) -> None:
    release = held.approve(held.ask())
    User.objects.filter(pk=held.compliance.user_id).update(is_active=False)
    held.send()
    release.refresh_from_db()
    assert (release.state, held.line().held) == ("failed", 300_000_000)
    assert "release" not in [kind for kind, _, _ in held.exchange.calls]


def test_a_release_whose_approver_was_walled_off_never_goes_out(held: Held) -> None:
    release = held.approve(held.ask())
    assert held.compliance.user_id is not None
    block_user(held.case, held.compliance.user_id, "Related.", by=person("compliance"))
    held.send()
    release.refresh_from_db()
    assert release.state == "failed"


def test_an_outsider_asks_for_nothing(held: Held) -> None:
    with pytest.raises(PermissionDenied):
        request_release(held.freeze, amounts={held.line().pk: 1}, reason="R.", by=person("auditor"))


def ask_longer(held: Held, days: int = 180, **fields: Any) -> FreezeExtension:
    values = {
        "basis": "internal_suspicion",
        "until": timezone.now() + timedelta(days=days),
        "reason": "The order is extended.",
    }
    return request_extension(held.freeze, **(values | fields), by=held.analyst)


def longer(held: Held, extension: FreezeExtension) -> None:
    approve_extension(
        extension, content_hash=extension.content_hash, reason="Still needed.", by=held.compliance
    )
    held.freeze.refresh_from_db()


def test_an_extension_moves_the_end_and_leaves_the_approved_content(held: Held) -> None:
    hash_before = held.freeze.content_hash
    extension = ask_longer(held)
    longer(held, extension)
    assert (held.freeze.state, held.freeze.expires_at) == ("active", extension.until)
    assert content_hash_of(held.freeze) == hash_before
    assert altered_contents() == []


def test_a_freeze_past_its_end_is_extended_back_into_force(held: Held) -> None:
    FreezeRequest.objects.filter(pk=held.freeze.pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert flag_decisions_due() == 1
    held.freeze.refresh_from_db()
    assert held.freeze.state == "decision_due"
    longer(held, ask_longer(held))
    assert held.freeze.state == "active"
    assert flag_decisions_due() == 0


def test_an_extension_has_its_rules(held: Held) -> None:
    with pytest.raises(CaseworkError, match="later"):
        ask_longer(held, days=10)
    with pytest.raises(CaseworkError, match="instrument"):
        ask_longer(held, basis="court_order")
    extension = ask_longer(held)
    with pytest.raises(CaseworkError, match="waits"):
        ask_longer(held)
    own = replace(held.analyst, role=held.compliance.role)
    with pytest.raises(PermissionDenied):
        approve_extension(extension, content_hash=extension.content_hash, reason="R.", by=own)
    with pytest.raises(StepUpRequired):
        reject_extension(extension, reason="R.", by=stale(held.compliance))
    with pytest.raises(ContentChanged):
        approve_extension(extension, content_hash="0" * 64, reason="R.", by=held.compliance)
    reject_extension(extension, reason="Not needed.", by=held.compliance)
    with pytest.raises(InvalidTransition):
        longer(held, extension)
    assert ask_longer(held).number == 2


@pytest.mark.owner
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE cases_freezeextension SET until = '2099-01-01 00:00:00'",
        "UPDATE cases_freezerelease SET reason = 'other'",
        "UPDATE cases_freezerelease SET content_hash = 'a'",
        "UPDATE cases_freezerelease SET state = 'executed'",
        "DELETE FROM cases_freezereleaseline",
        "UPDATE cases_freezereleaseline SET release_id = release_id",
    ],
)
def test_what_was_asked_cannot_be_rewritten(held: Held, change: str) -> None:
    held.ask()
    ask_longer(held)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_totals_reconcile_from_the_case_down_to_the_receipts(held: Held) -> None:
    held.approve(held.ask(100_000_000))
    held.send()
    ledger = ledger_of(held.compliance, [held.case.pk])
    assert ledger.executed_fiat == ledger.released_fiat + ledger.held_fiat == Decimal("300005.00")
    assert ledger.released_fiat == Decimal("100000.00")
    (btc, usdt) = ledger.by_asset
    assert (btc.requested, btc.executed, btc.released, btc.held) == (
        300_000_000, 300_000_000, 100_000_000, 200_000_000,
    )  # fmt: skip
    assert usdt.held == 5_000_000
    assert unit_money(held.compliance).frozen.at_execution == ledger.held_fiat
    month = freezes_by_month(held.compliance)[-1]
    assert (month.held, month.released) == (ledger.held_fiat, ledger.released_fiat)
    page = line_page(lines_for_page(held.analyst).get(pk=held.line().pk))
    assert [entry.held_after for entry in page.entries] == [300_000_000, 200_000_000]
    assert page.entries[-1].held_after == page.book.line.held
    assert page.short == 0


def test_the_ledger_needs_a_known_number_of_queries(
    held: Held, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):
        assert len(ledger_of(held.analyst, [held.case.pk]).lines) == 2


def test_reconciling_names_what_is_wrong(held: Held, capsys: Any) -> None:
    call_command("freeze_reconcile")
    assert "2 lines: all reconcile." in capsys.readouterr().out
    FreezeLine.objects.filter(asset_id=USDT).update(released=1)
    (fault,) = out_of_balance()
    assert "release receipts say 0" in fault.reason
    with pytest.raises(SystemExit):
        call_command("freeze_reconcile", "--json")


def test_the_alarm_rings_fourteen_seven_and_one_day_before(held: Held) -> None:
    now = timezone.now()
    steps = {days: expiry_step(now + timedelta(days=days), now) for days in (20, 14, 8, 7, 2, 1)}
    assert steps == {20: None, 14: 14, 8: 14, 7: 7, 2: 7, 1: 1}
    assert expiry_step(now, now) == 0
    assert expiry_step(None, now) is None


def test_every_step_left_its_event(held: Held) -> None:
    held.approve(held.ask())
    held.send()
    longer(held, ask_longer(held))
    actions = list(held.case.events.values_list("action", flat=True))
    for action in (
        "request_release", "approve_release", "execute_release", "request_extension",
        "approve_extension", "extend_freeze",
    ):  # fmt: skip
        assert action in actions
    assert verify_chains().is_whole


def test_the_register_says_what_is_to_be_renewed_and_what_was_lifted_why(held: Held) -> None:
    assert register(held.compliance).renewals == []  # it ends in ninety days
    assert register(held.compliance).lifts == []
    held.ask(100_000_000)  # asked for, and so not lifted
    assert register(held.compliance).lifts == []
    held.approve(FreezeRelease.objects.get())
    held.send()
    near = timezone.now() + timedelta(days=13)
    FreezeRequest.objects.filter(pk=held.freeze.pk).update(expires_at=near)
    held.freeze.refresh_from_db()
    [renewal] = register(held.compliance).renewals
    assert (renewal.freeze.pk, renewal.ends_at, renewal.asked) == (held.freeze.pk, near, None)
    assert (len(renewal.lines), renewal.held_fiat) == (2, Decimal(200_005))
    longer_asked = ask_longer(held)
    [renewal] = register(held.compliance).renewals
    assert renewal.asked == longer_asked
    page = client_of(User.objects.get(pk=held.compliance.user_id)).get("/freezes/register/")
    words = page.content.decode()
    for expected in ("Order HDIB-7.", "Renewals due", "asked for, until", "Approved"):
        assert expected in words, expected
    [lift] = register(held.compliance).lifts
    assert (str(lift.what), lift.amount, lift.line.pk) == (
        "Released", 100_000_000, held.line().pk,
    )  # fmt: skip
    assert (lift.reason, lift.at) == ("Order HDIB-7.", FreezeRelease.objects.get().decided_at)


def test_the_register_sums_to_the_same_whatever_it_is_summed_by(
    held: Held, django_assert_max_num_queries: Any
) -> None:
    held.approve(held.ask(100_000_000))
    held.send()
    with django_assert_max_num_queries(10):
        book = register(held.compliance)
        totals = book.totals
    assert list(totals) == ["operation", "case", "authority", "asset", "account"]
    for groups in totals.values():
        assert sum(each.executed for each in groups) == book.ledger.executed_fiat == 300_005
        assert sum(each.held for each in groups) == book.ledger.held_fiat == 200_005
        assert sum(each.now for each in groups) == book.ledger.now_fiat
        assert sum(each.num_lines for each in groups) == 2
    assert [each.name for each in totals["asset"]] == ["BTC", "USDT"]
    assert {each.name for each in totals["case"]} == {held.case.reference}
    page = client_of(User.objects.get(pk=held.compliance.user_id)).get("/freezes/register/")
    words = page.content.decode()
    for expected in ("of no operation", "$300,005.00", "$200,005.00", "Test market"):
        assert expected in words, expected
    assert register(person("liaison")).ledger.lines == ()
