"""Payments to and by a platform, tied to customers by the exchange's own records.

A payment has one payer: the strongest tie decides. On the ledger it is tied to the withdrawal that
made it, or to one that its payer's wallet got; inside the books, where the platform has an account
here, a transfer to that account is a payment too, and no block knows of it. A payout is the same
the other way round: it is tied to the deposit that it was, or to one that its payee's wallet made.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cases.models import Cohort, DepositAddress, ExchangeAccount, ExchangeRecord
from cases.models.cohorts import TIER_PATTERN
from cases.queries.money_facts import NOT_ARRIVED
from tracing import reads
from tracing.reads import PaidPlace, Platform

CHUNK = 5_000
INSIDE = "internal_transfer"


@dataclass(frozen=True, slots=True)
class Link:
    """A payment tied to the record it began with: one output, transfer or line of the books."""

    record: ExchangeRecord
    tier: int
    is_disputed: bool
    txid: str
    vout: int
    address: str
    amount: int
    height: int
    at: datetime
    is_payout: bool = False


@dataclass
class Joined:
    """The links of one customer, those of disputed addresses apart."""

    links: list[Link] = field(default_factory=list)

    @property
    def counted(self) -> list[Link]:
        """What counts: payments to undisputed addresses, or payouts by them where there are none.

        Of somebody who never had to do with an undisputed one, the others of either kind.
        """
        sure = [link for link in self.links if not link.is_disputed]
        of_kind = sure or self.links
        return [link for link in of_kind if not link.is_payout] or of_kind


def joined(cohort: Cohort, platform: Platform) -> dict[str, Joined]:
    """Links by customer: one query for each 5,000 addresses, and 3 for the books."""
    found: dict[str, Joined] = {}
    links = [
        *_on_ledger(cohort, platform),
        *_paid_out(cohort, platform),
        *_in_books(cohort, platform),
    ]
    for link in links:
        found.setdefault(account_of(link).customer, Joined()).links.append(link)
    return found


def account_of(link: Link) -> ExchangeAccount:
    """The account of the customer: of a payout inside the books, the one that got it."""
    record = link.record
    is_got = link.is_payout and record.kind == INSIDE
    return record.counter_account if is_got and record.counter_account else record.account


def _on_ledger(cohort: Cohort, platform: Platform) -> Iterable[Link]:
    payments = platform.payments
    places = [place for each in payments for place in (each.paid, *each.sources)]
    records = _Records("withdrawal", (each.address for each in places), _asset_asked(cohort))
    for payment in payments:
        tied = _tied(payment.paid, payment.sources, payment.is_single_use, records)
        if tied is None:
            continue
        record, tier = tied
        paid = payment.paid
        yield Link(
            record, tier, paid.address in platform.disputed, paid.txid, paid.vout or 0,
            paid.address or "", paid.value, paid.height, datetime.fromisoformat(paid.at),
        )  # fmt: skip


def _tied(
    paid: PaidPlace, beyond: Iterable[PaidPlace], is_single_use: bool, records: "_Records"
) -> tuple[ExchangeRecord, int] | None:
    """The record at one end of a payment, and how sure that is.

    `beyond` are the places behind the wallet that lies between us and the platform.
    """
    direct = records.of(paid.txid, paid.address, paid.value, once=True)
    if direct:
        is_one = len({record.account.customer for record in direct}) == 1
        return (direct[0], 1) if is_one else None
    further = [
        record for place in beyond for record in records.of(place.txid, place.address, place.value)
    ]
    if len({record.account.customer for record in further}) != 1:
        return None  # nobody's, or the wallet had to do with two customers: it names neither
    return further[0], 2 if is_single_use else TIER_PATTERN


def _paid_out(cohort: Cohort, platform: Platform) -> Iterable[Link]:
    """Payouts that ended in a customer's deposit, at once or by way of the payee's wallet."""
    payouts = platform.payouts
    places = [place for each in payouts for place in (each.paid, *each.passed_on)]
    records = _Records("deposit", (each.address for each in places), _asset_asked(cohort))
    for payout in payouts:
        tied = _tied(payout.paid, payout.passed_on, payout.is_single_use, records)
        if tied is None:
            continue
        record, tier = tied
        paid = payout.paid
        yield Link(
            record, tier, not platform.disputed.isdisjoint(payout.by), paid.txid, paid.vout or 0,
            payout.by[0], paid.value, paid.height, datetime.fromisoformat(paid.at), True,
        )  # fmt: skip


def _asset_asked(cohort: Cohort) -> str:
    """The asset that a record must be of; on a ledger of coins the transaction says enough."""
    return cohort.asset if reads.is_account_ledger(cohort.ledger) else ""


class _Records:
    """Done records of a kind at addresses by transaction and address: one query a chunk."""

    def __init__(self, kind: str, named: Iterable[str | None], asset: str) -> None:
        self._found: dict[tuple[str, str], list[ExchangeRecord]] = {}
        self._taken: set[int] = set()
        addresses = sorted({address for address in named if address})
        for start in range(0, len(addresses), CHUNK):
            forms = [form for each in addresses[start : start + CHUNK] for form in _forms(each)]
            rows = ExchangeRecord.objects.filter(kind=kind, address__in=forms)
            # What came in has many words, such as credited; what went out is done or it is not.
            done = rows.filter(status="completed") if kind == "withdrawal" else rows.exclude(
                status__in=NOT_ARRIVED
            )  # fmt: skip
            for row in done.select_related("account").order_by("pk"):
                if row.txid and (not asset or row.asset_id.casefold() == asset.casefold()):
                    self._found.setdefault(_place(row.txid, row.address), []).append(row)

    def of(
        self, txid: str, address: str | None, value: int, *, once: bool = False
    ) -> list[ExchangeRecord]:
        """The records behind an output or transfer; of several nobody can say which it was.

        One transaction may pay several customers' withdrawals to one address: the amount tells
        them apart, and with `once` each of equal ones stands for one payment.
        """
        rows = self._found.get(_place(txid, address or ""), [])
        if len(rows) < 2:
            return rows
        exact = [row for row in rows if value in (row.base, row.net)]
        free = [row for row in exact if once and row.pk not in self._taken]
        if free:
            self._taken.add(free[0].pk)
        return free[:1] or exact or rows


def _forms(address: str) -> tuple[str, ...]:
    """How the exchange may have written an address: Ethereum's also with the capitals of EIP-55."""
    if not address.startswith("0x"):
        return (address,)
    return tuple({address, reads.parse_address(address).display})


def _place(txid: str, address: str) -> tuple[str, str]:
    """Transaction and address as one form, whatever capitals or 0x they were written with."""
    plain = address.lower() if address[:2] in ("0x", "0X") else address
    return txid.lower().removeprefix("0x"), plain


def _in_books(cohort: Cohort, platform: Platform) -> Iterable[Link]:
    """Transfers inside our books to or by whoever held one of the platform's addresses here."""
    held: dict[int, list[DepositAddress]] = {}
    addresses = platform.addresses
    for start in range(0, len(addresses), CHUNK):
        for period in DepositAddress.objects.filter(
            ledger=cohort.ledger, address__in=addresses[start : start + CHUNK]
        ).select_related("account"):
            held.setdefault(period.account_id, []).append(period)
    if not held:
        return
    moved = ExchangeRecord.objects.filter(
        kind=INSIDE, status="completed", asset_id=cohort.asset, counter_account__isnull=False
    ).select_related("account", "counter_account")
    if cohort.from_at:
        moved = moved.filter(at__gte=cohort.from_at)
    if cohort.to_at:
        moved = moved.filter(at__lte=cohort.to_at)
    packages = {int(package) for package in cohort.packages}
    for row in moved.filter(counter_account__in=list(held)).order_by("at", "pk"):
        assert row.counter_account_id is not None  # asked for
        then = _at(held[row.counter_account_id], row.at)
        net = row.net
        if then is None or (packages and net not in packages):
            continue
        if row.account.customer == then.account.customer:
            continue  # the platform moves its own money
        yield Link(
            row, 1, then.address in platform.disputed, row.ref, 0, then.address, net, 0, row.at
        )
    for row in moved.filter(account__in=list(held)).order_by("at", "pk"):
        assert row.counter_account is not None  # asked for
        then = _at(held[row.account_id], row.at)
        if then is None or row.counter_account.customer == then.account.customer:
            continue
        yield Link(
            row, 1, then.address in platform.disputed, row.ref, 0, then.address, row.net, 0,
            row.at, True,
        )  # fmt: skip


def _at(periods: Sequence[DepositAddress], at: datetime) -> DepositAddress | None:
    """The period that held at a time, the first of several."""
    return next(
        (
            each
            for each in sorted(periods, key=lambda each: (each.assigned_from_at, each.address))
            if each.assigned_from_at <= at
            and (each.assigned_to_at is None or at < each.assigned_to_at)
        ),
        None,
    )
