"""What ties an account of the exchange to others, each with the records it rests on."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.models import AccountLink, ExchangeAccount, ExchangeRecord

MOST_RECORDS = 20_000
MOST_LINKS = 200
CROWD = 25
"""Accounts at one withdrawal address from which it is taken for a service's: it ties nobody."""
IN_KINDS = ("deposit", "fiat_in")
OUT_KINDS = ("withdrawal", "fiat_out")
SAME_CUSTOMER, WITHDRAWAL_ADDRESS, TRANSFER = "same_customer", "withdrawal_address", "transfer"
WORDS: dict[str, Promise] = {
    SAME_CUSTOMER: _("Same customer"),
    "device": _("Shared device"),
    WITHDRAWAL_ADDRESS: _("Shared withdrawal address"),
    TRANSFER: _("Internal transfers"),
}


@dataclass(frozen=True)
class Tie:
    """Another account and what ties it: a kind, its basis in our records, and when."""

    account: ExchangeAccount
    kind: str
    basis: str
    num_records: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def words(self) -> Promise | str:
        """The kind for readers; one that was imported under another name stays as it is."""
        return WORDS.get(self.kind, self.kind)


@dataclass(frozen=True)
class PassThrough:
    """How long money of one asset stayed: from each coming in to the next going out."""

    asset: str
    num_passes: int
    shortest: timedelta
    middle: timedelta


@dataclass(frozen=True)
class AccountTies:
    """All ties of an account; `is_cut` where it has more records than are looked at."""

    ties: list[Tie]
    passes: list[PassThrough]
    is_cut: bool


def ties_of(account: ExchangeAccount) -> AccountTies:
    """Ties of an account to others, and its pass-through times: 5 queries.

    Looked at are the newest 20,000 records. O(records of the account and at its addresses).
    """
    records = list(
        ExchangeRecord.objects.filter(Q(account=account) | Q(counter_account=account))
        .select_related("counter_account", "account")
        .order_by("-at", "-pk")[: MOST_RECORDS + 1]
    )
    is_cut = len(records) > MOST_RECORDS
    records = records[MOST_RECORDS - 1 :: -1] if is_cut else records[::-1]
    ties = [*_imported(account), *_of_customer(account), *_transfers(account, records)]
    ties += _addresses(account, records)
    ties.sort(key=lambda tie: (list(WORDS).index(tie.kind) if tie.kind in WORDS else len(WORDS),
                               -tie.num_records, tie.account.pk))  # fmt: skip
    return AccountTies(ties[:MOST_LINKS], pass_through(account, records), is_cut)


def pass_through(account: ExchangeAccount, records: list[ExchangeRecord]) -> list[PassThrough]:
    """Times from each coming in to the next going out of the same asset, records in order.

    Conversions count as both. A coming in that nothing follows is no pass.
    """
    since: dict[str, list[datetime]] = defaultdict(list)
    stays: dict[str, list[timedelta]] = defaultdict(list)
    for record in records:
        if record.status != "completed":
            continue
        came, went = _moves(account, record)
        if went:
            stays[went] += [record.at - at for at in since.pop(went, ())]
        if came:
            since[came].append(record.at)
    return [
        PassThrough(asset, len(times), min(times), median(times))  # type: ignore[type-var]
        for asset, times in sorted(stays.items())
        if times
    ]  # fmt: skip


def _moves(account: ExchangeAccount, record: ExchangeRecord) -> tuple[str, str]:
    """The assets that came in and went out by a record, each empty for none."""
    if record.counter_account_id is not None:
        mine = record.account_id == account.pk
        return ("", record.asset_id) if mine else (record.asset_id, "")
    if record.kind in IN_KINDS:
        return record.asset_id, ""
    if record.kind in OUT_KINDS:
        return "", record.asset_id
    return (record.asset_out_id, record.asset_id) if record.asset_out_id else ("", "")


def _imported(account: ExchangeAccount) -> list[Tie]:
    rows = AccountLink.objects.filter(account=account).select_related("other_account")
    return [Tie(row.other_account, row.link, row.basis) for row in rows.order_by("pk")]


def _of_customer(account: ExchangeAccount) -> list[Tie]:
    rows = ExchangeAccount.objects.filter(customer=account.customer).exclude(pk=account.pk)
    return [
        Tie(row, SAME_CUSTOMER, f"{account.kind} – {row.kind}")
        for row in rows.order_by("pk")[:MOST_LINKS]
    ]


def _transfers(account: ExchangeAccount, records: list[ExchangeRecord]) -> list[Tie]:
    found: dict[int, list[ExchangeRecord]] = defaultdict(list)
    others: dict[int, ExchangeAccount] = {}
    for record in records:
        if record.counter_account is None:
            continue
        other = record.counter_account if record.account_id == account.pk else record.account
        found[other.pk].append(record)
        others[other.pk] = other
    return [
        Tie(others[pk], TRANSFER, ", ".join(each.ref for each in rows[:3]), len(rows),
            rows[0].at, rows[-1].at)
        for pk, rows in found.items()
    ]  # fmt: skip


def _addresses(account: ExchangeAccount, records: list[ExchangeRecord]) -> list[Tie]:
    """Other accounts that withdrew to an address of this one, but for addresses of many."""
    mine = Counter(
        record.address
        for record in records
        if record.kind == "withdrawal" and record.address and record.account_id == account.pk
    )
    rows = (
        ExchangeRecord.objects.filter(kind="withdrawal", address__in=list(mine)[: MOST_LINKS * 5])
        .exclude(account=account)
        .select_related("account")
        .order_by("at", "pk")[:MOST_RECORDS]
    )
    at: dict[str, dict[int, list[ExchangeRecord]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        at[row.address][row.account_id].append(row)
    return [
        Tie(each[0].account, WITHDRAWAL_ADDRESS, address, len(each), each[0].at, each[-1].at)
        for address, accounts in at.items()
        if len(accounts) < CROWD
        for each in accounts.values()
    ]
