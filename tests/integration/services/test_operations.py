"""Operations: two people start one, its totals are those of its cases, and walls hold."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from cases.models import Case, FreezeReceipt, FreezeRequest, Operation
from cases.policy import Actor, PermissionDenied
from cases.queries.operations import operation_list, operation_page, operations_for_page
from cases.services import outbox
from cases.services.cases import block_user
from cases.services.errors import CaseworkError
from cases.services.freezes import (
    LineSpec,
    approve_release,
    cite_evidence,
    place_hold,
    ratify_freeze,
    request_release,
)
from cases.services.operations import (
    close_operation,
    open_action_day,
    open_operation,
    publish_operation,
    put_case,
    start_operation,
)
from cases.states import InvalidTransition
from fiu.models import Agency
from tests.casework import (
    BTC,
    USDT,
    make_account,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    make_price,
    make_suspect,
    person,
)
from tests.fakes import FakeExchange

pytestmark = pytest.mark.django_db


@pytest.fixture
def supervisor() -> Actor:
    return person("supervisor")


@pytest.fixture
def compliance() -> Actor:
    return person("compliance")


def opened(by: Actor, **fields: Any) -> Operation:
    values = {
        "name": "Obelisk",
        "code_name": "Sandglass",
        "starts_on": date(2025, 6, 1),
        "lead_agency_id": (
            Agency.objects.filter(short_name="FNTF").first() or make_agency(short_name="FNTF")
        ).pk,
    }
    return open_operation(**(values | fields), by=by)


def test_an_operation_is_opened_started_and_closed(supervisor: Actor, compliance: Actor) -> None:
    operation = opened(supervisor)
    assert operation.reference.startswith("OP-")
    with pytest.raises(CaseworkError, match="without a case"):
        start_operation(operation, reason="Now.", by=compliance)
    put_case(make_case(supervisor), operation, reason="Same market.", by=supervisor)
    operation = start_operation(operation, reason="Agreed.", by=compliance)
    operation = open_action_day(operation, reason="Arrests at six.", by=compliance)
    assert (operation.state, operation.embargo_until) == ("action_day", None)
    assert close_operation(operation, reason="Over.", by=supervisor).state == "closed"
    with pytest.raises(InvalidTransition):
        close_operation(operation, reason="Again.", by=supervisor)
    with pytest.raises(PermissionDenied):
        publish_operation(operation, reason="It was in the papers.", by=supervisor)
    operation = publish_operation(operation, reason="It was in the papers.", by=compliance)
    assert operation.state == "published"
    with pytest.raises(CaseworkError, match="keeps the cases"):
        put_case(make_case(supervisor), operation, reason="Late.", by=supervisor)


def test_nothing_of_an_operation_is_public_before_its_embargo_ends(
    supervisor: Actor, compliance: Actor
) -> None:
    operation = opened(supervisor, embargo_until=timezone.now() + timedelta(days=1))
    put_case(make_case(supervisor), operation, reason="Same market.", by=supervisor)
    start_operation(operation, reason="Agreed.", by=compliance)
    close_operation(operation, reason="Called off.", by=supervisor)
    with pytest.raises(CaseworkError, match="embargo still runs"):
        publish_operation(operation, reason="Now.", by=compliance)
    Operation.objects.filter(pk=operation.pk).update(embargo_until=timezone.now())
    assert publish_operation(operation, reason="Now.", by=compliance).state == "published"


def test_who_opened_an_operation_does_not_start_it(compliance: Actor) -> None:
    operation = opened(compliance)
    put_case(make_case(compliance), operation, reason="R.", by=compliance)
    with pytest.raises(PermissionDenied):
        start_operation(operation, reason="Now.", by=compliance)


@pytest.mark.parametrize("role", ["analyst", "auditor", "admin", "liaison"])
def test_an_analyst_opens_no_operation(role: str) -> None:
    with pytest.raises(PermissionDenied):
        opened(person(role))


def test_a_supervisor_does_not_start_one(supervisor: Actor) -> None:
    operation = opened(supervisor)
    with pytest.raises(PermissionDenied):
        start_operation(operation, reason="Now.", by=person("supervisor"))


def test_a_code_name_is_used_once(supervisor: Actor) -> None:
    opened(supervisor)
    with pytest.raises(CaseworkError, match="code name"):
        opened(supervisor, code_name="SANDGLASS", lead_agency_id=None)


def test_a_closed_operation_keeps_its_cases(supervisor: Actor, compliance: Actor) -> None:
    operation, case = opened(supervisor), make_case(supervisor)
    put_case(case, operation, reason="R.", by=supervisor)
    start_operation(operation, reason="R.", by=compliance)
    close_operation(operation, reason="R.", by=supervisor)
    with pytest.raises(CaseworkError, match="closed"):
        put_case(case, None, reason="R.", by=supervisor)


def test_only_who_sees_a_case_of_it_sees_an_operation(supervisor: Actor, compliance: Actor) -> None:
    operation = opened(supervisor)
    sealed = make_case(compliance, visibility="sealed")
    put_case(sealed, operation, reason="R.", by=compliance)
    outsider = person("analyst")

    def seen(actor: Actor) -> bool:
        return bool(Operation.objects.visible_to(actor).filter(pk=operation.pk))

    assert (seen(supervisor), seen(compliance), seen(outsider)) == (True, True, False)
    assert not seen(person("auditor"))
    put_case(make_case(supervisor), operation, reason="R.", by=supervisor)
    assert seen(outsider)
    (row,) = operation_list(outsider)
    assert row.num_cases == 1  # the sealed one is not even counted
    assert outsider.user_id is not None
    block_user(sealed, outsider.user_id, "Related.", by=compliance)
    assert not seen(outsider)


def test_under_an_embargo_only_compliance_holds_at_once(
    supervisor: Actor, compliance: Actor
) -> None:
    operation = opened(supervisor, embargo_until=timezone.now() + timedelta(days=3))
    case = make_case(supervisor)
    put_case(case, operation, reason="R.", by=supervisor)
    make_asset()
    fields = {
        "lines": [LineSpec(make_account().pk, BTC, 5)], "urgency": "urgent", "reason": "Now.",
    }  # fmt: skip
    with pytest.raises(PermissionDenied):
        place_hold(case, **fields, by=supervisor)
    case.refresh_from_db()
    assert place_hold(case, **fields, by=compliance).state == "provisional"


def frozen(case: Case, asset: str, base: int, exchange: FakeExchange, second: Actor) -> None:
    account, first = make_account(), person("supervisor")
    exchange.free[account.uid, asset] = base
    finding = make_approved_finding(case, person("analyst"))
    freeze = place_hold(
        case, lines=[LineSpec(account.pk, asset, base * 2)], urgency="urgent", reason="R.", by=first
    )
    cite_evidence(freeze, finding_id=finding.pk, by=first)
    outbox.send_due_messages(exchange)
    freeze.refresh_from_db()
    ratify_freeze(freeze, content_hash=freeze.content_hash, reason="R.", by=second)


def test_totals_reconcile_from_the_operation_to_the_receipts(
    supervisor: Actor, compliance: Actor, django_assert_max_num_queries: Any
) -> None:
    make_asset()
    make_asset(USDT, "USDT", 6)
    make_price(BTC, "100000.01")
    make_price(USDT, "1")
    operation, exchange = opened(supervisor), FakeExchange()
    cases = [make_case(supervisor) for _ in range(2)]
    for number, case in enumerate(cases, 1):
        put_case(case, operation, reason="R.", by=supervisor)
        make_suspect(case, supervisor)
        frozen(case, BTC, number * 123_456_789, exchange, compliance)
        frozen(case, USDT, number * 7_654_321, exchange, compliance)
    freeze = FreezeRequest.objects.filter(case=cases[1]).order_by("pk")[0]
    line = freeze.lines.get()
    release = request_release(freeze, amounts={line.pk: 33_333_333}, reason="R.", by=supervisor)
    approve_release(release, content_hash=release.content_hash, reason="R.", by=compliance)
    outbox.send_due_messages(exchange)

    with django_assert_max_num_queries(40):
        page = operation_page(operations_for_page(supervisor).get(), supervisor)
    ledger = page.row.ledger
    assert (page.row.num_cases, page.row.num_suspects) == (2, 2)
    assert page.row.agencies == ["FNTF"]
    for name in ("executed_fiat", "released_fiat", "held_fiat", "now_fiat"):
        by_case = [getattr(each.ledger, name) for each in page.cases]
        by_asset = [getattr(book, name) for book in ledger.by_asset]
        by_line = [getattr(each, name) for each in ledger.lines]
        total = getattr(ledger, name)
        assert total == sum(by_case) == sum(by_asset) == sum(by_line) > 0
    assert ledger.executed_fiat == ledger.released_fiat + ledger.held_fiat
    assert page.row.money.frozen.fiat == ledger.now_fiat
    assert page.row.money.frozen.at_execution == ledger.held_fiat
    for book in ledger.by_asset:
        receipts = FreezeReceipt.objects.filter(line__asset_id=book.asset)
        sums = {"hold": 0, "release": 0}
        for receipt in receipts:
            sums[receipt.kind] += receipt.base
        assert (book.executed, book.released) == (sums["hold"], sums["release"])
        assert book.executed == book.released + book.held
    assert ledger.released_fiat == Decimal("33333.34")


def test_the_list_of_operations_needs_the_same_queries_for_any_number(
    supervisor: Actor, django_assert_num_queries: Any
) -> None:
    for number in range(4):
        operation = opened(supervisor, code_name=f"N{number}")
        case = make_case(supervisor)
        put_case(case, operation, reason="R.", by=supervisor)
        make_suspect(case, supervisor)
        if number not in (0, 3):
            continue
        with django_assert_num_queries(11):
            assert len(operation_list(supervisor)) == number + 1
