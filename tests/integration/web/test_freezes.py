"""Freezes on screen: what the dialog of approval says, and what stands on the same coins."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, ExchangeAccount, FreezeRequest
from cases.policy import Actor
from cases.services import outbox
from cases.services.freezes import (
    LineSpec,
    place_hold,
    request_freeze,
    submit_freeze,
    triage_freeze,
)
from cases.services.operations import open_operation, put_case
from cases.services.suspects import link_account
from cases.web.forms_freezes import parse_amount
from fiu.models import User
from tests.casework import (
    BTC,
    make_account,
    make_actor,
    make_approved_finding,
    make_asset,
    make_balance,
    make_case,
    make_price,
    make_suspect,
    make_user,
    person,
)
from tests.conftest import client_of
from tests.fakes import FakeExchange

pytestmark = pytest.mark.django_db


@pytest.fixture
def analyst() -> User:
    return make_user("analyst")


@pytest.fixture
def by(analyst: User) -> Actor:
    return make_actor(analyst)


@pytest.fixture
def account() -> ExchangeAccount:
    make_asset()
    make_price(BTC, "100000")
    return make_account("NQ-0004417")


def case_on(account: ExchangeAccount, by: Actor, visibility: str = "unit") -> Case:
    case = make_case(by, visibility=visibility)
    link_account(make_suspect(case, by), account.uid, "Own name.", by=by)
    return case


def asked(case: Case, account: ExchangeAccount, base: int, by: Actor) -> FreezeRequest:
    finding = make_approved_finding(case, by)
    freeze = request_freeze(
        case, legal_basis="internal_suspicion", restriction="withdrawals", urgency="routine",
        agency_id=None, reason="R.", lines=[LineSpec(account.pk, BTC, base, finding.pk)], by=by,
        expires_at=datetime(2030, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    return submit_freeze(freeze, by=by)


def act_page(freeze: FreezeRequest) -> str:
    boss = client_of(make_user("compliance"))
    return boss.get(reverse("freeze_approve", args=[freeze.public_id])).content.decode()


def test_the_board_is_narrowed_by_chips_that_stand_in_the_address(
    account: ExchangeAccount, analyst: User, by: Actor
) -> None:
    mine = asked(case_on(account, by), account, 5, by)
    other = make_actor(make_user("analyst"))
    theirs = asked(case_on(account, other), account, 6, other)
    client, url = client_of(analyst), reverse("freeze_list")

    def shown(**query: str) -> set[str]:
        page = client.get(url, query).content.decode()
        return {each.reference for each in (mine, theirs) if each.reference in page}

    both = {mine.reference, theirs.reference}
    assert shown() == shown(asset="BTC") == shown(view="table") == both
    assert shown(mine="1") == shown(mine="1", view="table") == {mine.reference}
    assert shown(asset="ETH") == shown(agency="NONE") == set()
    page = client.get(url, {"mine": "1"}).content.decode()
    # The whole card is a link, and what it opens is the request.
    assert page.count('class="ref whole"') == 1
    assert f'<a class="ref whole" href="{reverse("freeze_detail", args=[mine.public_id])}"' in page
    assert '<a class="chip on" href="?" aria-current="true">Mine</a>' in page
    assert 'href="?mine=1&amp;asset=BTC"' in page or 'href="?asset=BTC&amp;mine=1"' in page
    assert (
        "No request fits all of these filters." in client.get(url, {"asset": "<"}).content.decode()
    )


def test_the_approval_names_amounts_what_is_blocked_and_until_when(
    account: ExchangeAccount, by: Actor
) -> None:
    freeze = asked(case_on(account, by), account, 550_000_000, by)
    triage_freeze(freeze, by=person("supervisor"))
    page = act_page(freeze)
    for words in ("••4417", "5.5 BTC", "USD 550,000.00", "Withdrawals", "2030-01-02 00:00 UTC"):
        assert words in page
    assert "Type the last four characters" in page


def test_a_second_request_on_the_same_coins_says_so_before_it_is_sent(
    account: ExchangeAccount, analyst: User, by: Actor
) -> None:
    make_balance(account, 600_000_000)
    first, second = case_on(account, by), case_on(account, by)
    waits = asked(first, account, 550_000_000, by)
    client = client_of(analyst)
    form = reverse("freeze_new", args=[second.public_id])
    assert waits.reference in client.get(form).content.decode()
    other = asked(second, account, 500_000_000, by)
    page = client.get(reverse("freeze_detail", args=[other.public_id])).content.decode()
    assert '5.50 BTC is asked for in <a class="ref"' in page
    assert waits.reference in page
    assert "held already" not in page


def test_coins_that_another_case_holds_cannot_be_approved_again_and_its_request_is_not_told(
    account: ExchangeAccount, by: Actor
) -> None:
    secret = make_case(by, visibility="sealed")
    other = asked(case_on(account, by), account, 500_000_000, by)
    Case.objects.filter(pk=secret.pk).update(visibility="unit")
    hold = place_hold(
        secret, lines=[LineSpec(account.pk, BTC, 300_000_000)], urgency="urgent", reason="R.",
        by=person("supervisor"),
    )  # fmt: skip
    Case.objects.filter(pk=secret.pk).update(visibility="sealed")
    outbox.send_due_messages(FakeExchange(free={(account.uid, BTC): 300_000_000}))
    triage_freeze(other, by=person("supervisor"))
    page = act_page(other)
    assert "3 BTC of ••4417 is held already." in page
    assert "disabled" in page
    outsider = client_of(make_user("supervisor"))
    page = outsider.get(reverse("freeze_detail", args=[other.public_id])).content.decode()
    assert "3.00 BTC is held already" in page
    assert hold.reference not in page


@pytest.mark.parametrize(
    ("typed", "base"),
    [("1,250.5", 125_050_000_000), ("1 250", 125_000_000_000), ("0.5", 50_000_000)],
)
def test_an_amount_is_read_with_its_thousands_set_apart(typed: str, base: int) -> None:
    assert parse_amount(typed, 8) == base


@pytest.mark.parametrize("typed", ["1,5", "1,50", "12,5.0", ",5", "1,,000", "1e3", "-1", "1.", "١"])
def test_a_comma_that_may_be_a_decimal_point_is_not_passed_over(typed: str) -> None:
    with pytest.raises(ValidationError, match=r"12\.5 or 1,250\.75"):
        parse_amount(typed, 8)


def test_a_hold_that_is_not_urgent_or_is_embargoed_is_told_before_it_is_asked_for(
    account: ExchangeAccount,
) -> None:
    make_balance(account, 500_000_000)
    user = make_user("supervisor")
    by = make_actor(user)
    case, client = case_on(account, by), client_of(user)
    url = reverse("freeze_new", args=[case.public_id])
    fields = {
        "take_0": "on", "amount_0": "5", "legal_basis": "internal_suspicion",
        "restriction": "withdrawals", "urgency": "routine", "reason": "Leaving.", "hold": "1",
    }  # fmt: skip
    page = client.post(url, fields).content.decode()
    assert "A provisional hold needs the urgency “urgent”" in page
    assert "cites neither" not in page
    assert 'name="hold"' in page

    operation = open_operation(
        name="O", code_name="GLASS", starts_on=date(2025, 6, 1), by=by,
        embargo_until=timezone.now() + timedelta(days=3),
    )  # fmt: skip
    put_case(case, operation, reason="R.", by=by)
    page = client.get(url).content.decode()
    assert 'name="hold"' not in page
    assert page.count("Until the operation&#x27;s embargo ends only compliance holds.") == 2


def test_a_hold_placed_before_any_finding_gets_its_evidence_and_is_ratified(
    account: ExchangeAccount,
) -> None:
    make_balance(account, 500_000_000)
    first, second = make_user("supervisor"), make_user("compliance")
    by = make_actor(first)
    case = case_on(account, by)
    hold = place_hold(
        case, lines=[LineSpec(account.pk, BTC, 100_000_000)], urgency="urgent", reason="R.", by=by
    )
    url = reverse("freeze_detail", args=[hold.public_id])
    cite = reverse("freeze_cite", args=[hold.public_id])
    page = client_of(second).get(url).content.decode()
    assert "Cite the evidence first: only a provisional hold can do without." in page
    finding = make_approved_finding(case, by)
    client = client_of(first)
    assert cite in client.get(url).content.decode()
    assert client.post(cite, {"evidence": "finding-0"}).status_code == 422
    assert client.post(cite, {"evidence": f"finding-{finding.pk}"}).url == url
    assert client.post(cite, {"evidence": f"finding-{finding.pk}"}).status_code == 422
    page = client_of(second).get(url).content.decode()
    assert cite not in page
    assert reverse("freeze_ratify", args=[hold.public_id]) in page
    assert hold.lines.get().finding == finding
