"""Money followed through the exchange's own records: of one account, or of what a run reached."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from cases.models import (
    Asset,
    Balance,
    Case,
    ExchangeAccount,
    ExchangeRecord,
    ReachedAccount,
)
from cases.queries.money_facts import IN_KINDS, NOT_ARRIVED
from tracing import reads
from tracing.reads import OUTSIDE, AssetSheet, BookQuestion, BookTrace, Held, Hop, Line, Seed

MOST_LINES = 20_000
"""Lines of an account from which its books are a service's: it is not entered."""
MOST_SHOWN = 500
ASKED_AT_ONCE = 5_000  # transactions in one query
WISHES = ("pending", "stopped")
WALL = "exchange_boundary"
OUT_KINDS = ("withdrawal", "fiat_out")
DEPOSITS, HELD, WITHDRAWALS = WHATS = ("deposits", "held", "withdrawals")
"""What of an account is followed: its deposits onward, what it holds or withdrew to its sources."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Record(NamedTuple):
    """A line of the exchange's records as it is followed; accounts by their public id."""

    pk: int
    ref: str
    kind: str
    at: datetime
    account: str
    counter_account: str
    asset: str
    base: int
    asset_out: str = ""
    base_out: int = 0
    fee_asset: str = ""
    fee_base: int = 0


def lines_of(record: Record) -> list[Line]:
    """The lines of the books that a record stands for.

    A fee lies inside the amount that it is taken from: of a withdrawal, deposit or transfer
    `base - fee_base` arrive, of a conversion `base_out`. One in a third asset is a line of its own.
    """
    place = ((record.at - EPOCH) // timedelta(microseconds=1), record.pk * 2)
    fee = min(record.fee_base, record.base) if record.fee_asset == record.asset else 0
    net, asset = record.base - fee, record.asset
    account, to_account, to_asset, to_units = record.account, OUTSIDE, asset, net
    if record.kind in IN_KINDS:
        account, to_account = OUTSIDE, record.account
    elif record.asset_out:  # a conversion, or a trade whose other side is booked
        to_account, to_asset, to_units = account, record.asset_out, record.base_out
    elif record.counter_account:
        to_account = record.counter_account
    lines = [
        Line(
            place, record.ref, record.kind, account, asset, record.base, to_account, to_asset,
            to_units, fee,
        )
    ]  # fmt: skip
    if record.fee_base and record.fee_asset not in (asset, to_asset, ""):
        lines.append(
            Line(
                (place[0], place[1] + 1), record.ref, "fee", record.account, record.fee_asset,
                record.fee_base, OUTSIDE, record.fee_asset, 0, record.fee_base,
            )
        )  # fmt: skip
    return lines


class RecordedBooks:
    """The exchange's records as books to follow: 3 queries an account.

    Args:
        until: the last record's number, for the books as they were then; without it all of them.
        held: what accounts held then, where balances of today would say something else.
    """

    def __init__(
        self, until: int | None = None, held: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self.until, self.held = until, held
        self.last_at: dict[str, datetime] = {}

    def lines(self, account: str) -> Sequence[Line] | None:
        """Every completed record that touches the account; None of more than 20,000."""
        mine = Q(account__public_id=account) | Q(counter_account__public_id=account)
        rows = self.then().filter(mine).exclude(status__in=NOT_ARRIVED)
        found = [record for record, _state in _records(rows, MOST_LINES + 1)]
        if len(found) > MOST_LINES:
            return None
        if found:
            self.last_at[account] = found[-1].at
        return [line for record in found for line in lines_of(record)]

    def asked(self, account: str) -> Sequence[tuple[Line, str]]:
        """Withdrawals of the account that wait or were stopped."""
        rows = self.then().filter(account__public_id=account, kind__in=OUT_KINDS, status__in=WISHES)
        return [(lines_of(record)[0], state) for record, state in _records(rows, MOST_SHOWN)]

    def holdings(self, account: str) -> Mapping[str, int]:
        """Balances that were told after the account's last line."""
        if self.held is not None:
            told = self.held.get(account, {})
            return {asset: int(units) for asset, units in told.items()}
        rows = Balance.objects.filter(account__public_id=account)
        if account in self.last_at:
            rows = rows.filter(at__gte=self.last_at[account])
        return dict(rows.values_list("asset_id", "base"))

    def then(self) -> QuerySet[ExchangeRecord]:
        """The records that there are, or were."""
        rows = ExchangeRecord.objects.all()
        return rows if self.until is None else rows.filter(pk__lte=self.until)


def _records(rows: QuerySet[ExchangeRecord], most: int) -> Iterator[tuple[Record, str]]:
    """The first records in their order, each with its state: 1 query."""
    columns = (
        "pk", "ref", "kind", "at", "account__public_id", "counter_account__public_id", "asset_id",
        "base", "asset_out_id", "base_out", "fee_asset_id", "fee_base", "status",
    )  # fmt: skip
    for pk, ref, kind, at, mine, other, asset, base, *rest in rows.order_by("at", "pk").values_list(
        *columns
    )[:most]:
        out, base_out, fee_asset, fee, state = rest
        record = Record(
            pk, ref, kind, at, str(mine), str(other or ""), asset, base, out or "", base_out or 0,
            fee_asset or "", fee or 0,
        )  # fmt: skip
        yield record, state


@dataclass(frozen=True)
class HopRow:
    """One hop for readers: who is who, masked, of which assets, when, and where to."""

    hop: Hop
    at: datetime | None  # None for what is held at the end
    account: ExchangeAccount | None
    to_account: ExchangeAccount | None
    asset: Asset | str
    to_asset: Asset | str
    txid: str
    address: str


@dataclass(frozen=True)
class HeldRow:
    """What an account holds at the end."""

    held: Held
    account: ExchangeAccount
    asset: Asset | str


@dataclass(frozen=True)
class SheetRow:
    """The balance sheet of one asset."""

    asset: Asset | str
    sheet: AssetSheet


@dataclass(frozen=True)
class BookView:
    """An answer with everything that its page and its program need."""

    trace: BookTrace
    hops: list[HopRow]
    asked: list[HopRow]
    held: list[HeldRow]
    sheets: list[SheetRow]
    num_hops: int
    run: UUID | None = None
    num_unrecorded: int = 0  # coins that a run says arrived, without a record of ours

    @property
    def rows(self) -> list[HopRow]:
        """What moved, and then what was asked for and did not."""
        return self.hops + self.asked


@dataclass(frozen=True)
class CaseQuestion:
    """What a run of a case reached, or came from, as a question to our books."""

    question: BookQuestion
    run: UUID
    num_unrecorded: int


def account_books(
    account: ExchangeAccount, policy: str, refs: Sequence[str] | None = None, what: str = DEPOSITS
) -> BookView:
    """Follow money of an account, all of it or the records of these references, each whole.

    5 queries and 3 for each account reached. Raises TracingError.
    """
    question = account_question(account, policy, refs, what)
    return view_of(reads.ask_books(question, RecordedBooks()))


def account_question(
    account: ExchangeAccount, policy: str, refs: Sequence[str] | None = None, what: str = DEPOSITS
) -> BookQuestion:
    """The question that `account_books` asks: 2 queries, 4 for what it holds."""
    own = str(account.public_id)
    if what == HELD:
        books = RecordedBooks()
        books.lines(own)
        held = sorted(books.holdings(own).items())
        seeds = [
            Seed(reads.held_ref(own, asset), units, units, units) for asset, units in held if units
        ]
    else:
        kinds = IN_KINDS if what == DEPOSITS else OUT_KINDS
        rows = ExchangeRecord.objects.filter(account=account, kind__in=kinds)
        rows = rows.exclude(status__in=NOT_ARRIVED)
        if refs is not None:
            rows = rows.filter(ref__in=list(refs))
        told = rows.order_by("ref").values_list("ref", "base")
        if refs is None:  # with more lines these are a service's books, and are not entered
            told = told[: MOST_LINES + 1]
        seeds = [Seed(ref, base, base, base) for ref, base in told]
        missing = set(refs or ()) - {seed.ref for seed in seeds}
        seeds += [Seed(ref, 0, 0, 0) for ref in sorted(missing)]  # told as unmet
    direction = "forward" if what == DEPOSITS else "backward"
    return BookQuestion(direction, policy, (own,), tuple(seeds), _last_record())


def case_books(case: Case, run: UUID | None = None) -> BookView | None:
    """Follow what a run of a case reached, by the run's policy; None without such a run.

    Without one named the lead run is meant. A run for the source of funds leads from our
    withdrawals back to what they came from. 9 queries and 3 for each account reached. Raises
    TracingError.
    """
    asked = case_question(case, run)
    if asked is None:
        return None
    trace = reads.ask_books(asked.question, RecordedBooks())
    return view_of(trace, run=asked.run, num_unrecorded=asked.num_unrecorded)


def case_question(case: Case, run: UUID | None = None) -> CaseQuestion | None:
    """The question that `case_books` asks: 6 queries."""
    lead = case.runs.filter(Q(is_lead=True) if run is None else Q(run=run)).first()
    view = reads.run_view(lead.run) if lead is not None else None
    if lead is None or view is None:
        return None
    policy = str(view.parameters.get("policy", ""))
    if view.mode == "source":
        return _question_back(lead.run, policy)
    lots = _lots(lead.run) if policy in ("fifo", "lifo") else None
    rows = list(lead.reached.select_related("account").order_by("outpoint"))
    records = _deposits(
        {row.account_id for row in rows},
        {row.outpoint.rpartition(":")[0].lower() for row in rows},
    )
    parts: dict[tuple[str, int], list[ReachedAccount]] = {}
    num_unrecorded = 0
    for row in rows:
        found = records.get((row.account_id, row.asset, row.outpoint.rpartition(":")[0].lower()))
        if found is None:
            num_unrecorded += 1
            continue
        # A transaction that paid several of its addresses is several deposits.
        ref, base, _address = next((each for each in found if each[2] == row.address), found[0])
        parts.setdefault((ref, base), []).append(row)
    seeds = []
    for (ref, base), of_it in sorted(parts.items()):
        units, low, high = (
            min(base, sum(getattr(row, name) for row in of_it)) for name in ("base", "low", "high")
        )
        seeds.append(Seed(ref, units, low, high, _tape(of_it, base, lots)))
    accounts = sorted({str(row.account.public_id) for of_it in parts.values() for row in of_it})
    question = BookQuestion("forward", policy, tuple(accounts), tuple(seeds), _last_record())
    return CaseQuestion(question, lead.run, num_unrecorded)


def _question_back(run: UUID, policy: str) -> CaseQuestion:
    """From the withdrawals that a run for the source of funds came to, back through our books.

    The run ends at a coin of our own wallets: whose money that was, only the record of the
    transaction that paid it out can say. Bounds of a single output are those of the coins behind
    it; of several nothing is certain of any.
    """
    result = reads.result(run) or {}
    at_wall = {end["outpoint"]: end for end in result.get("ends", ()) if end["status"] == WALL}
    found: dict[tuple[str, str], Seed] = {}
    for step in result.get("steps", ()):
        spent = [at_wall.get(row[0]) for row in step["in"]]
        ours = [end for end in spent if end is not None]
        if not ours or len(ours) < len(spent):
            continue  # not ours alone: no withdrawal
        low, high = (sum(int(end[name]) for end in ours) for name in ("low", "high"))
        for _outpoint, address, amount, _status in step["out"]:
            place = (step["txid"].lower(), address or "")
            is_one = len(step["out"]) == 1 and place not in found
            before = found.get(place, Seed("", 0, 0, 0))
            found[place] = Seed(
                "", before.units + int(amount), low if is_one else 0, before.high + high
            )
    # By address, which has an index: whatever capitals the transaction was written with.
    rows = ExchangeRecord.objects.filter(kind="withdrawal").exclude(status__in=NOT_ARRIVED)
    rows = rows.select_related("account").order_by("ref")
    records: dict[tuple[str, str], ExchangeRecord] = {}
    addresses = sorted({address for _txid, address in found})
    for start in range(0, len(addresses), ASKED_AT_ONCE):
        for row in rows.filter(address__in=addresses[start : start + ASKED_AT_ONCE]):
            records.setdefault((row.txid.lower(), row.address), row)
    seeds, accounts = [], set()
    for place, asked in sorted(found.items()):
        record = records.get(place)
        if record is None:
            continue
        units, low, high = (min(record.net, each) for each in (asked.units, asked.low, asked.high))
        seeds.append(Seed(record.ref, units, low, high))
        accounts.add(str(record.account.public_id))
    seeds.sort(key=lambda seed: seed.ref)
    question = BookQuestion(
        "backward", policy, tuple(sorted(accounts)), tuple(seeds), _last_record()
    )
    return CaseQuestion(question, run, len(found) - len(seeds))


def _last_record() -> int:
    last = ExchangeRecord.objects.order_by("-pk").values_list("pk", flat=True).first()
    return last or 0


Place = tuple[str, str]


def _lots(run: UUID) -> dict[Place, list[tuple[int, int]]]:
    """Where in coins that are followed in part the run's units lie, by outpoint and address."""
    result = reads.result(run) or {}
    return {
        (end["outpoint"], end["address"]): [(int(at), int(units)) for at, units in end["lots"]]
        for end in result.get("ends", ())
        if "lots" in end
    }


def _tape(
    rows: Sequence[ReachedAccount], base: int, lots: Mapping[Place, list[tuple[int, int]]] | None
) -> tuple[tuple[int, bool], ...]:
    """The whole deposit as (units, followed or not), in order; empty where nobody can say."""
    found: list[tuple[int, bool]] = []
    if lots is None or sum(row.value for row in rows) != base:
        return ()
    for row in sorted(rows, key=lambda row: int(row.outpoint.rpartition(":")[2])):
        pieces = lots.get((row.outpoint, row.address))
        if pieces is None and 0 < row.base < row.value:
            return ()  # of a run that was sealed before places were kept
        position = 0
        for start, units in pieces if pieces is not None else [(0, row.base)]:
            found += [(start - position, False), (units, True)]
            position = start + units
        found.append((row.value - position, False))
    return tuple(lot for lot in found if lot[0])


def _deposits(
    accounts: set[int], txids: set[str]
) -> dict[tuple[int, str, str], list[tuple[str, int, str]]]:
    """(ref, amount, address) of deposits by account, asset and transaction.

    Of these transactions alone, in small letters: an account may have a million others. 1 query
    for 5,000 of them.
    """
    rows = ExchangeRecord.objects.filter(account_id__in=accounts, kind__in=IN_KINDS)
    rows = rows.exclude(status__in=NOT_ARRIVED).alias(mark=Lower("txid")).order_by("ref")
    found: dict[tuple[int, str, str], list[tuple[str, int, str]]] = {}
    names = sorted(txids - {""})
    for start in range(0, len(names), ASKED_AT_ONCE):
        part = rows.filter(mark__in=names[start : start + ASKED_AT_ONCE])
        for account, asset, txid, *told in part.values_list(
            "account_id", "asset_id", "txid", "ref", "base", "address"
        ):
            found.setdefault((account, asset, txid.lower()), []).append((told[0], told[1], told[2]))
    return found


def view_of(trace: BookTrace, *, run: UUID | None = None, num_unrecorded: int = 0) -> BookView:
    """An answer with the people, assets and places that it names: 3 queries."""
    asked = trace.asked[:MOST_SHOWN]
    shown = (*trace.hops[:MOST_SHOWN], *asked)
    ids = {each.account for each in trace.held}
    ids |= {name for hop in shown for name in (hop.line.account, hop.line.to_account) if name}
    people = {str(row.public_id): row for row in ExchangeAccount.objects.filter(public_id__in=ids)}
    assets: dict[str, Asset] = Asset.objects.in_bulk(list(trace.sheets))
    records = ExchangeRecord.objects.filter(ref__in=[hop.line.ref for hop in shown])
    places = {ref: rest for ref, *rest in records.values_list("ref", "txid", "address")}
    hops = []
    for hop in shown:
        line = hop.line
        txid, address = places.get(line.ref, ("", ""))
        hops.append(
            HopRow(
                hop,
                None if line.kind == HELD else EPOCH + timedelta(microseconds=line.place[0]),
                people.get(line.account),
                people.get(line.to_account), assets.get(line.asset, line.asset),
                assets.get(line.to_asset, line.to_asset), txid, address,
            )
        )  # fmt: skip
    return BookView(
        trace=trace,
        hops=hops[: len(hops) - len(asked)],
        asked=hops[len(hops) - len(asked) :],
        held=[
            HeldRow(each, people[each.account], assets.get(each.asset, each.asset))
            for each in trace.held
        ],
        sheets=[SheetRow(assets.get(name, name), sheet) for name, sheet in trace.sheets.items()],
        num_hops=len(trace.hops),
        run=run,
        num_unrecorded=num_unrecorded,
    )
