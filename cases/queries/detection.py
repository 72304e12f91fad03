"""What rules read, batch of accounts by batch: movements on both sides, contacts, events, profiles.

A batch is read whole and let go again, so memory follows the batch and not the exchange.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from heapq import merge
from itertools import groupby
from operator import itemgetter

from django.db.models import Max, Min, Q, QuerySet

from cases.detection import Account, Event, Movement, Touch, exposed_part
from cases.models import (
    AccountEvent,
    AccountLink,
    Asset,
    CustomerProfile,
    DepositAddress,
    ExchangeAccount,
    ExchangeRecord,
    Price,
    Provider,
)
from cases.queries.money import CURRENCY, NOT_ARRIVED, value_of
from tracing import reads

READ_AT_ONCE = 5_000
MOST_SWAPS = 200  # payments to exchangers of one account, the oldest
Rows = list[Movement]


class Prices:
    """The price of an asset at a time: the latest at or before it."""

    def __init__(self) -> None:
        self._at: defaultdict[str, list[datetime]] = defaultdict(list)
        self._price: defaultdict[str, list[Decimal]] = defaultdict(list)
        rows = Price.objects.filter(currency=CURRENCY).order_by("asset_id", "at", "-source")
        for asset, at, price in rows.values_list("asset_id", "at", "price"):
            self._at[asset].append(at)
            self._price[asset].append(price)
        self._decimals = dict(Asset.objects.values_list("asset", "decimals"))

    def value(self, asset: str, base: int, at: datetime) -> Decimal | None:
        place = bisect_right(self._at[asset], at)
        if not place:
            return None
        return value_of(base, self._decimals[asset], self._price[asset][place - 1])


class Inputs:
    """The inputs of one run; what holds for all accounts is read once.

    Args:
        with_ledger: whether a rule asks what money met on the ledger; costs a pass over it.
        with_events: whether a rule asks for events, profiles or links.
        with_banks: whether a rule asks for clusters that work like a market's bank.
        swaps: words in the names of instant exchangers, and for how many minutes after a payment
            to one the deposits of others are wanted; 1 query for each such payment.
    """

    def __init__(
        self,
        *,
        with_ledger: bool = False,
        with_events: bool = False,
        with_banks: bool = False,
        swaps: tuple[Sequence[str], int] = ((), 0),
    ) -> None:
        self.with_ledger, self.with_events, self.with_banks = with_ledger, with_events, with_banks
        self._exchangers, self._swap_time = swaps[0], timedelta(minutes=swaps[1])
        self.prices = Prices()
        self.symbols = dict(Asset.objects.values_list("asset", "symbol"))
        ends = ExchangeRecord.objects.aggregate(first=Min("at"), last=Max("at"))
        self.known_from: datetime | None = ends["first"]
        self.known_to: datetime | None = ends["last"]

    def batches(self, size: int, after: int = 0) -> Iterator[list[int]]:
        """Numbers of all accounts in order, `size` at a time, those after a number."""
        while True:
            rows = ExchangeAccount.objects.filter(pk__gt=after).order_by("pk")
            batch = list(rows.values_list("pk", flat=True)[:size])
            if not batch:
                return
            yield batch
            after = batch[-1]

    def histories(self, accounts: Sequence[int]) -> Iterator[tuple[int, Account, Rows]]:
        """Each account of a batch, with its movements in order of time; those without none too.

        2 queries for movements, 1 for accounts; 4 for events, and contacts by ledger, where asked.
        """
        known = self._accounts(accounts)
        rows: dict[int, Rows] = {
            pk: [row for _pk, row in found]
            for pk, found in groupby(self._movements(accounts), key=itemgetter(0))
        }
        touches = self._contacts(rows) if self.with_ledger else {}
        for pk in accounts:
            mine = rows.get(pk, [])
            if touches:
                mine = [touches.get((pk, row.ref), row) for row in mine]
            yield pk, self._beside_swaps(pk, known[pk], mine), mine

    def _movements(self, accounts: Sequence[int]) -> Iterator[tuple[int, Movement]]:
        """(account, movement) in order of account and time; a transfer stands on both sides."""
        prices, symbols = self.prices, self.symbols
        columns = (
            "ref", "kind", "account_id", "counter_account_id", "asset_id", "base", "asset_out_id",
            "base_out", "at", "account__customer", "address", "ip",
        )  # fmt: skip
        arrived = ExchangeRecord.objects.exclude(status__in=NOT_ARRIVED)

        def rows(side: str) -> Iterator[tuple[int, Movement]]:
            found: QuerySet[ExchangeRecord] = arrived.filter(_among(side, accounts))
            if side == "counter_account_id":
                found = found.filter(kind="internal_transfer")
            ordered = found.order_by(side, "at", "pk").values_list(*columns)
            for (
                ref, kind, own, other, asset, base, out, base_out, at, sender, address, ip,
            ) in ordered.iterator(chunk_size=READ_AT_ONCE):  # fmt: skip
                inward = side == "counter_account_id"
                if kind == "internal_transfer":
                    kind = "internal_in" if inward else "internal_out"
                yield (
                    other if inward else own,
                    Movement(
                        ref, kind, at, symbols[asset], base, prices.value(asset, base, at),
                        sender if inward else "",
                        symbols[out] if out else "",
                        prices.value(out, base_out, at) if out and base_out is not None else None,
                        str(own if inward else other or ""), address, (), ip or "",
                    ),
                )  # fmt: skip

        def place(row: tuple[int, Movement]) -> tuple[int, datetime]:
            return row[0], row[1].at

        return merge(rows("account_id"), rows("counter_account_id"), key=place)

    def _beside_swaps(self, pk: int, account: Account, rows: Rows) -> Account:
        """The account with the deposits of others that came soon after it paid an exchanger."""
        entries = [
            row.at for row in rows
            if row.kind == "withdrawal" and self._exchangers and any(
                touch.hops <= 1 and any(name in touch.label.lower() for name in self._exchangers)
                for touch in row.touches
            )
        ]  # fmt: skip
        if not entries:
            return account
        soon = Q()
        for at in entries[:MOST_SWAPS]:
            soon |= Q(at__gte=at, at__lte=at + self._swap_time)
        found = (
            ExchangeRecord.objects.filter(soon, kind="deposit").exclude(account=pk)
            .exclude(status__in=NOT_ARRIVED).order_by("at", "pk")
        )  # fmt: skip
        return replace(
            account,
            deposits_of_others=tuple(
                (at, self.symbols[asset], value)
                for at, asset, base in found.values_list("at", "asset_id", "base")
                if (value := self.prices.value(asset, base, at)) is not None
            ),
        )

    def _accounts(self, accounts: Sequence[int]) -> dict[int, Account]:
        plain = {
            pk: Account(uid, opened_on, self.known_from, self.known_to, country)
            for pk, uid, opened_on, country in ExchangeAccount.objects.filter(
                _among("pk", accounts)
            ).values_list("pk", "uid", "opened_on", "country")
        }
        if not self.with_events and not self.with_ledger:
            return plain
        profiles = {row.account_id: row for row in CustomerProfile.objects.filter(
            _among("account_id", accounts)
        )}  # fmt: skip
        events: defaultdict[int, list[Event]] = defaultdict(list)
        rows = AccountEvent.objects.filter(_among("account_id", accounts)).order_by("at", "pk")
        for row in rows.iterator(chunk_size=READ_AT_ONCE):
            events[row.account_id].append(
                Event(row.ref, row.kind, row.at, row.ip, row.country, row.detail)
            )
        shared, named = self._shared(accounts), self._named(accounts)
        return {
            pk: replace(
                account,
                birth_on=profiles[pk].birth_on if pk in profiles else None,
                median_birth_on=self._median_birth_on,
                income=profiles[pk].yearly_income if pk in profiles else None,
                expected=profiles[pk].monthly_volume if pk in profiles else None,
                events=tuple(events[pk]),
                shared=tuple(sorted(shared[pk])),
                named=tuple(named[pk]),
            )
            for pk, account in plain.items()
        }

    @cached_property
    def _median_birth_on(self) -> date | None:
        rows = CustomerProfile.objects.exclude(birth_on=None).order_by("birth_on")
        count = rows.count()
        return rows.values_list("birth_on", flat=True)[count // 2] if count else None

    def _shared(self, accounts: Sequence[int]) -> defaultdict[int, set[tuple[str, str]]]:
        """What each account shares with accounts of other customers."""
        found: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)
        mine = _among("account_id", accounts) | _among("other_account_id", accounts)
        rows = AccountLink.objects.filter(mine).values_list(
            "account_id", "other_account_id", "link", "account__uid", "other_account__uid",
            "account__customer", "other_account__customer",
        )  # fmt: skip
        for one, other, link, uid, other_uid, customer, other_customer in rows:
            if customer != other_customer:
                found[one].add((other_uid, link))
                found[other].add((uid, link))
        return found

    def _named(self, accounts: Sequence[int]) -> defaultdict[int, list[tuple[str, str, int]]]:
        """Tags on the accounts' own deposit addresses."""
        found: defaultdict[int, list[tuple[str, str, int]]] = defaultdict(list)
        if not self.with_ledger:
            return found
        rows = DepositAddress.objects.filter(_among("account_id", accounts))
        owners: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for ledger, address, account in rows.values_list("ledger", "address", "account_id"):
            owners[ledger][address] = account
        for ledger, mine in sorted(owners.items()):
            for address, level, category in reads.tag_levels(ledger, mine):
                found[mine[address]].append((address, category, level))
        return found

    @cached_property
    def _providers(self) -> dict[str, Provider]:
        return {row.name.lower(): row for row in Provider.objects.all()}

    @cached_property
    def _chains(self) -> list[tuple[str, str]]:
        return [(info.name, info.chain) for info in reads.ledgers()]

    def _contacts(self, rows: dict[int, Rows]) -> dict[tuple[int, str], Movement]:
        """The movements that met something on a loaded ledger, with what they met."""
        lines = [(pk, row) for pk, mine in rows.items() for row in mine if row.address]
        places = {
            ref: (txid, asset)
            for part in _parts([row.ref for _pk, row in lines])
            for ref, txid, asset in ExchangeRecord.objects.filter(ref__in=part)
            .exclude(txid="").values_list("ref", "txid", "asset_id")
        }  # fmt: skip
        found: dict[tuple[int, str], Movement] = {}
        for ledger, chain in self._chains:
            sides: dict[str, list[tuple[str, str]]] = {"deposit": [], "withdrawal": []}
            mine = []
            for pk, row in lines:
                txid, asset = places.get(row.ref, ("", ""))
                if row.kind in sides and asset.startswith(f"{chain}/"):
                    sides[row.kind].append((txid, row.address))
                    mine.append((pk, row, txid))
            if not mine:
                continue
            met = reads.movement_contacts(
                ledger, sides["deposit"], sides["withdrawal"], with_banks=self.with_banks
            )
            for pk, row, txid in mine:
                seen = met.get((txid, row.address))
                if seen is not None:
                    touches = tuple(map(self._touch, seen.met))
                    found[pk, row.ref] = replace(row, sources=seen.sources, touches=touches)
        return found

    def exposed(self, refs: Sequence[str]) -> dict[str, tuple[Decimal, Decimal]]:
        """What of each movement is at least, and can at most be, of an illicit origin or end.

        Those that no loaded ledger holds or nobody prices are left out: of them nothing is known.
        Cost: 2 queries for 900 movements, and their contacts; nothing without a ledger.
        """
        if not self._chains:
            return {}
        rows = [
            Movement(ref, kind, at, self.symbols[asset], base, self.prices.value(asset, base, at),
                     address=address)
            for part in _parts(refs)
            for ref, kind, at, asset, base, address in ExchangeRecord.objects.filter(ref__in=part)
            .values_list("ref", "kind", "at", "asset_id", "base", "address")
        ]  # fmt: skip
        return {
            row.ref: exposed_part(row.fiat, row.touches)
            for row in self._contacts({0: rows}).values()
            if row.fiat is not None
        }

    def _touch(self, met: reads.MetKind) -> Touch:
        known = self._providers.get(met.label.lower())
        if known is None:
            return Touch(
                met.category, met.hops, met.share_pct, met.label, low_pct=met.low_pct,
                high_pct=met.high_pct,
            )  # fmt: skip
        return Touch(
            met.category, met.hops, met.share_pct, met.label, known.rating, known.is_registered,
            known.is_high_risk, known.is_ruled, met.low_pct, met.high_pct,
        )  # fmt: skip


def device_groups() -> dict[int, int]:
    """Each account that shares a device to the smallest number of its group: 1 query."""
    leader: dict[int, int] = {}

    def find(account: int) -> int:
        while leader.setdefault(account, account) != account:
            account = leader[account]
        return account

    pairs = AccountLink.objects.filter(link="device").values_list("account_id", "other_account_id")
    for pair in pairs:
        low, high = sorted(map(find, pair))
        leader[high] = low
    return {account: find(account) for account in leader}


def accounts_moved(since: datetime | None = None, *, after: int = 0, to: int | None = None) -> Q:
    """Accounts with a movement from a time on, or of records after a number up to another."""
    rows = ExchangeRecord.objects.filter(pk__gt=after).exclude(status__in=NOT_ARRIVED)
    if to is not None:
        rows = rows.filter(pk__lte=to)
    if since is not None:
        rows = rows.filter(at__gte=since)
    paid = rows.filter(kind="internal_transfer").exclude(counter_account=None)
    return Q(pk__in=rows.values("account_id")) | Q(pk__in=paid.values("counter_account_id"))


def _among(column: str, accounts: Collection[int]) -> Q:
    """One span of numbers where the batch is without gaps, else the numbers themselves."""
    low, high = min(accounts), max(accounts)
    if high - low + 1 == len(accounts):
        return Q(**{f"{column}__gte": low, f"{column}__lte": high})
    return Q(**{f"{column}__in": accounts})


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), 900):
        yield values[start : start + 900]
