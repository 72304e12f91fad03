"""What a platform paid to customers: graded like payments, shown beside them, never exported."""

from datetime import datetime

import pytest
from django.urls import reverse

from cases.models import Cohort, CohortMember, ExchangeAccount, ExchangeRecord
from cases.services.cohorts import build_cohort, export_cohort
from cases.services.errors import CaseworkError
from cases.services.wallets import add_wallet
from tests.casework import BTC, LEDGER, make_account, make_actor, make_asset, make_user
from tests.integration.web.conftest import BANK, DEPOSIT, FEE, HOPS, Room, ledger_home, room
from tracing import reads

__all__ = ["ledger_home", "room"]
pytestmark = pytest.mark.django_db
PAID_IN = 2_000_000_000


def noted(kind: str, account: ExchangeAccount, address: str) -> ExchangeRecord:
    """Our record of the first payment to an address."""
    paid = reads.address_history(LEDGER, address)[-1]
    return ExchangeRecord.objects.create(
        ref=f"{kind}-{address[-6:]}", kind=kind, account=account, asset=make_asset(),
        base=paid.received, at=paid.at, txid=paid.txid, address=address,
        status="credited" if kind == "deposit" else "completed",
    )  # fmt: skip


def cohort_of(room: Room, *addresses: str) -> Cohort:
    wallets = [
        room.bank if address == BANK else add_wallet(
            room.case, address=address, role="service", label="", provenance="document",
            provenance_note="List", by=room.by,
        )
        for address in addresses
    ]  # fmt: skip
    return build_cohort(room.case, platform="Lanternbox", wallets=wallets, by=room.by)


def told(cohort: Cohort) -> list[tuple[str, int, str, bool, int, int, int, int]]:
    rows = CohortMember.objects.filter(cohort=cohort).select_related("account")
    return [
        (
            row.account.uid, row.tier, row.kept_out, row.is_exportable,
            row.num_payments, row.amount, row.num_payouts, row.received,
        )
        for row in rows.order_by("account__uid")
    ]  # fmt: skip


def test_a_payout_straight_to_a_deposit_address_is_our_own_record(room: Room) -> None:
    record = noted("deposit", room.account, DEPOSIT)
    cohort = cohort_of(room, HOPS[3])
    assert told(cohort) == [("NQ-0004417", 1, "payee", False, 0, 0, 1, PAID_IN)]
    (payment,) = cohort.members.get().payments.all()
    assert (payment.is_payout, payment.address, payment.txid, payment.record) == (
        True, HOPS[3], record.txid, record,
    )  # fmt: skip
    second = make_actor(make_user("compliance"))
    assert export_cohort(cohort, by=second) == []
    with pytest.raises(CaseworkError, match="only paid by the platform"):
        export_cohort(cohort, [cohort.members.get()], by=second)


def test_a_payout_by_a_wallet_used_once_is_proved_and_by_another_a_pattern(room: Room) -> None:
    noted("deposit", make_account("NQ-2"), HOPS[1])
    assert [row[:3] for row in told(cohort_of(room, BANK))] == [("NQ-2", 2, "payee")]
    noted("deposit", room.account, DEPOSIT)  # the last hop split its coin in two
    assert [row[:3] for row in told(cohort_of(room, HOPS[2]))] == [("NQ-0004417", 3, "payee")]


def test_who_paid_and_was_paid_is_judged_by_the_payments(room: Room) -> None:
    payer = make_account("NQ-3")
    noted("withdrawal", payer, HOPS[1])
    noted("deposit", payer, HOPS[2])
    cohort = cohort_of(room, HOPS[1])
    [(uid, *values)] = told(cohort)
    paid = reads.address_history(LEDGER, HOPS[1])[-1].received
    assert (uid, values) == ("NQ-3", [1, "", True, 1, paid, 1, paid - FEE])
    member = cohort.members.get()
    assert member.first_at == member.last_at == member.payments.get(is_payout=False).at
    page = room.client.get(reverse("cohort_member", args=[member.public_id])).text
    assert "received" in page
    assert HOPS[1][-6:] in page


def test_the_platforms_account_here_pays_inside_our_books(room: Room) -> None:
    payee, own = make_account("NQ-8"), make_account("NQ-9", customer=room.account.customer)
    at = datetime.fromisoformat("2025-02-01T00:00:00+00:00")
    for number, to in enumerate((payee, own)):
        ExchangeRecord.objects.create(
            ref=f"I{number}", kind="internal_transfer", account=room.account, counter_account=to,
            asset=make_asset(), base=70, at=at, status="completed",
        )  # fmt: skip
    cohort = cohort_of(room, DEPOSIT)
    assert told(cohort) == [("NQ-8", 1, "payee", False, 0, 0, 1, 70)]
    assert cohort.members.get().payments.get().is_inside
    assert cohort.asset.endswith(BTC.rpartition("/")[2])


def test_the_pages_and_programs_tell_payouts_apart(room: Room) -> None:
    noted("deposit", room.account, DEPOSIT)
    cohort = cohort_of(room, HOPS[3])
    tab = reverse("case_cohorts", args=[room.case.public_id])
    page = room.client.get(tab).text
    assert "Only paid by the platform 1" in page
    assert "Nobody in this part." in page
    part = " ".join(room.client.get(tab, {"part": "payee"}).text.split())
    assert "received in 1 payout" in part
    assert "Received</th>" in part
    assert "The platform paid somebody who never paid it" in part
    sample = room.client.get(reverse("cohort_numbers", args=[cohort.public_id]))
    assert sample.status_code == 200
