"""Ties between accounts: each told with the records it rests on, and a crowd ties nobody."""

from datetime import UTC, datetime, timedelta

import pytest

from cases.models import AccountLink, ExchangeAccount, ExchangeRecord
from cases.queries.account_links import CROWD, ties_of
from tests.casework import make_account, make_asset

pytestmark = pytest.mark.django_db
START = datetime(2025, 3, 1, tzinfo=UTC)


def move(
    account: ExchangeAccount, kind: str, hours: float, *, address: str = "",
    to: ExchangeAccount | None = None, status: str = "completed",
) -> None:  # fmt: skip
    number = ExchangeRecord.objects.count()
    ExchangeRecord.objects.create(
        ref=f"R{number}", kind=kind, account=account, counter_account=to, asset=make_asset(),
        base=5, at=START + timedelta(hours=hours), address=address, status=status,
    )  # fmt: skip


def told(account: ExchangeAccount) -> list[tuple[int, str, str, int]]:
    return [(t.account.pk, t.kind, t.basis, t.num_records) for t in ties_of(account).ties]


def test_every_tie_names_its_basis() -> None:
    main = make_account(customer="C1")
    sub = make_account(customer="C1", kind="sub")
    peer, mule, near = make_account(), make_account(), make_account()
    AccountLink.objects.create(account=main, other_account=near, link="device", basis="D-17")
    move(main, "withdrawal", 1, address="shared")
    move(peer, "withdrawal", 2, address="shared")
    move(peer, "withdrawal", 3, address="shared")
    move(peer, "withdrawal", 4, address="own")
    move(main, "internal_transfer", 5, to=mule)
    move(mule, "internal_transfer", 6, to=main)
    assert told(main) == [
        (sub.pk, "same_customer", "main – sub", 0),
        (near.pk, "device", "D-17", 0),
        (peer.pk, "withdrawal_address", "shared", 2),
        (mule.pk, "transfer", "R4, R5", 2),
    ]
    assert told(make_account()) == []


def test_an_address_of_many_accounts_is_a_services_and_ties_nobody() -> None:
    account = make_account()
    move(account, "withdrawal", 0, address="shop")
    for _ in range(CROWD - 1):
        move(make_account(), "withdrawal", 1, address="shop")
    assert len(told(account)) == CROWD - 1
    move(make_account(), "withdrawal", 1, address="shop")
    assert told(account) == []


def test_money_that_only_passes_is_timed_from_coming_in_to_going_out() -> None:
    account, other = make_account(), make_account()
    move(account, "deposit", 0)
    move(account, "deposit", 2)
    move(account, "withdrawal", 3)
    move(other, "internal_transfer", 10, to=account)
    move(account, "withdrawal", 11, status="refused")
    move(account, "internal_transfer", 20, to=other)
    move(account, "deposit", 30)  # nothing follows
    [found] = ties_of(account).passes
    assert (found.num_passes, found.shortest, found.middle) == (
        3, timedelta(hours=1), timedelta(hours=3),
    )  # fmt: skip
    assert ties_of(make_account()).passes == []
