"""The facts that the money of cases is made of: what came in, what is held, what is asked for."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from cases.models import CaseRun, ExchangeRecord, FreezeLine, ReachedAccount, SuspectAccount
from cases.models.exchange import masked_uid
from cases.policy import Actor
from cases.states import FreezeState, LineState

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
EXACT = Context(prec=130, rounding=ROUND_HALF_EVEN)  # 78 digits of amount, 24 of price
ACCOUNT = ("account_id", "account__public_id", "account__uid")
LINE = (
    "state", "freeze__case_id", "asset_id", "public_id", "requested",
    "executed", "released", "seized", "fiat_value", "asset__decimals", "price__price",
)  # fmt: skip
IN_KINDS = ("deposit", "fiat_in")
NOT_ARRIVED = ("failed", "rejected", "refused", "cancelled", "reversed", "stopped", "pending")
PENDING_FREEZES = (
    FreezeState.SUBMITTED.value,
    FreezeState.IN_REVIEW.value,
    FreezeState.PROVISIONAL.value,
    FreezeState.APPROVED.value,
    FreezeState.EXECUTING.value,
)
PENDING_LINES = (LineState.PLANNED.value, LineState.SENT.value, LineState.UNKNOWN.value)


def value_of(base: int, decimals: int, price: Decimal) -> Decimal:
    """`base` / 10^decimals * price, exact and then rounded to the cent, half to even."""
    return EXACT.quantize(EXACT.multiply(EXACT.scaleb(Decimal(base), -decimals), price), CENT)


def cents_by(decimals: int, price: Decimal) -> Callable[[int], int]:
    """`value_of` in cents, by integers alone: for sums over tens of thousands of rows."""
    above, below = price.as_integer_ratio()
    above, below = above * 100, below * int(10**decimals)

    def cents(base: int) -> int:
        whole, rest = divmod(base * above, below)
        twice = 2 * rest
        return whole + (twice > below or (twice == below and whole & 1))

    return cents


def parts_at_execution(line: FreezeLine) -> tuple[Decimal, Decimal, Decimal] | None:
    """(held, released, seized) of a line's value when it was frozen, adding up to the cent.

    None where it was not executed or had no price. `price` and `asset` must be fetched.
    """
    price = None if line.price is None else line.price.price
    gone = line.released + line.seized
    both = shared_out(line.fiat_value, line.held, gone, line.asset.decimals, price)
    if both is None:
        return None
    if not line.seized or price is None:
        return *both, ZERO
    if not line.released:
        return both[0], ZERO, both[1]
    seized = min(value_of(line.seized, line.asset.decimals, price), both[1])
    return both[0], both[1] - seized, seized


def shared_out(
    fiat: Decimal | None, held: int, released: int, decimals: int, price: Decimal | None
) -> tuple[Decimal, Decimal] | None:
    """(held, gone) of a line that was read as plain values: gone is released or seized."""
    if fiat is None:
        return None
    if not released or price is None:
        return fiat, ZERO
    if not held:
        return ZERO, fiat
    given_back = value_of(released, decimals, price)
    return fiat - given_back, given_back


MOST_NUMBERS = 500  # of accounts in a query; more are asked for by a subquery


@dataclass(frozen=True, slots=True)
class Account:
    """Of an account only what a row shows: totals read tens of thousands of them."""

    pk: int
    public_id: UUID
    masked: str


@dataclass(frozen=True, slots=True)
class Amount:
    """One fact of one case: this much of an asset in an account, told apart by its key.

    `tx` is the transaction that brought it; `is_recorded` where the exchange's records say so
    and no run of the case does.
    """

    case_id: int
    account: Account
    asset: str
    base: int
    key: str
    at_execution: Decimal | None = None
    tx: str = ""
    is_recorded: bool = False

    def is_same_as(self, other: "Amount") -> bool:
        """Do both tell of one coin, or of one transaction that brought several?"""
        return self.key == other.key or (
            bool(self.tx) and self.tx == other.tx and self.is_recorded != other.is_recorded
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What the actor may know of some cases; `elsewhere` is what other cases hold of the same."""

    reached: list[Amount]
    frozen: list[Amount]
    pending: list[Amount]
    elsewhere: list[Amount]
    runs: list[tuple[int, UUID]]
    accounts: Mapping[int, Collection[int]]  # by case: those reached, and those of its suspects

    def assets(self) -> set[str]:
        parts = (self.reached, self.frozen, self.pending, self.elsewhere)
        return {fact.asset for part in parts for fact in part}

    def of(self, cases: Collection[int]) -> "Facts":
        """The facts of some of the cases: what the rest of them hold is held elsewhere."""
        accounts = {case_id: self.accounts.get(case_id, ()) for case_id in cases}
        touched = set().union(*accounts.values())
        return Facts(
            [fact for fact in self.reached if fact.case_id in cases],
            [fact for fact in self.frozen if fact.case_id in cases],
            [fact for fact in self.pending if fact.case_id in cases],
            [
                fact
                for fact in (*self.frozen, *self.elsewhere)
                if fact.case_id not in cases and fact.account.pk in touched
            ],
            [run for run in self.runs if run[0] in cases],
            accounts,
        )


def facts_of(case_ids: Iterable[int] | None, actor: Actor, account_id: UUID | None = None) -> Facts:
    """The facts of these cases, or of one account in them, as far as the actor sees: 6 queries.

    Where nothing was reached and no suspect has an account, 4.

    None stands for all cases the actor sees: then no query carries their numbers, and nothing is
    held elsewhere (5 queries).
    """
    cases = None if case_ids is None else list(case_ids)
    only: dict[str, Any] = {} if account_id is None else {"account__public_id": account_id}

    def of(path: str) -> dict[str, Any]:
        return only if cases is None else {f"{path}__in": cases, **only}

    leads = CaseRun.objects.visible_to(actor).filter(is_lead=True)
    if cases is not None:
        leads = leads.filter(case_id__in=cases)
    reached_rows = ReachedAccount.objects.visible_to(actor).filter(
        case_run__is_lead=True, **of("case_run__case_id")
    )
    linked = SuspectAccount.objects.visible_to(actor).filter(**of("suspect__case_id"))
    known: dict[int, Account] = {}

    def account(pk: int, public_id: UUID, uid: str) -> Account:
        if pk not in known:
            known[pk] = Account(pk, public_id, masked_uid(uid))
        return known[pk]

    reached = [
        Amount(
            case_id, account(*of_account), asset, base, outpoint,
            tx=outpoint.rpartition(":")[0].lower(),
        )
        for case_id, asset, base, outpoint, *of_account in reached_rows.values_list(
            "case_run__case_id", "asset", "base", "outpoint", *ACCOUNT
        )
    ]  # fmt: skip
    accounts: dict[int, set[int]] = {}
    for fact in reached:
        accounts.setdefault(fact.case_id, set()).add(fact.account.pk)
    covered = {(fact.case_id, fact.account.pk, fact.asset) for fact in reached}
    owners: dict[int, set[int]] = {}
    for case_id, account_pk in linked.values_list("suspect__case_id", "account_id"):
        owners.setdefault(account_pk, set()).add(case_id)
        accounts.setdefault(case_id, set()).add(account_pk)
    reached += [
        Amount(
            case_id, account(*of_account), asset, base, ref, tx=txid.lower(), is_recorded=True
        )
        for case_id, asset, base, ref, txid, *of_account in _recorded(linked, owners, covered)
    ]  # fmt: skip
    held = Q(state=LineState.HELD.value)
    waiting = Q(freeze__state__in=PENDING_FREEZES, state__in=PENDING_LINES)
    lines = FreezeLine.objects.visible_to(actor)
    mine = lines.filter(held | waiting, **of("freeze__case_id")).values_list(*LINE, *ACCOUNT)
    others: Iterable[tuple[Any, ...]] = []
    touched = set().union(*accounts.values())
    if cases is not None and touched:
        same = Q(account_id__in=touched)
        if len(touched) > MOST_NUMBERS:
            same = Q(account_id__in=reached_rows.values("account_id")) | Q(
                account_id__in=linked.values("account_id")
            )
        others = (
            lines.filter(held, same).exclude(freeze__case_id__in=cases).values_list(*LINE, *ACCOUNT)
        )

    def amount(row: tuple[Any, ...]) -> Amount:
        """What a held line holds, with its value at execution; of another what it asks for."""
        state, case_id, asset, key, requested, *parts, pk, public_id, uid = row
        holder = account(pk, public_id, uid)
        if state != LineState.HELD:
            return Amount(case_id, holder, asset, requested, str(key))
        executed, released, seized, fiat, decimals, price = parts
        gone = released + seized
        at_execution, _gone = shared_out(fiat, executed - gone, gone, decimals, price) or (None, 0)
        return Amount(case_id, holder, asset, executed - gone, str(key), at_execution)

    frozen: list[Amount] = []
    pending: list[Amount] = []
    for row in mine:
        (frozen if row[0] == LineState.HELD else pending).append(amount(row))
    return Facts(
        reached=reached,
        frozen=frozen,
        pending=pending,
        elsewhere=[amount(row) for row in others],
        runs=list(leads.values_list("case_id", "run")),
        accounts=accounts,
    )


def _recorded(
    linked: QuerySet[SuspectAccount],
    owners: Mapping[int, Collection[int]],
    covered: set[tuple[int, int, str]],
) -> Iterable[tuple[Any, ...]]:
    """Deposits of suspects' accounts in assets that no lead run of the case reached: 1 query."""
    if not owners:
        return []
    records = (
        ExchangeRecord.objects.filter(account_id__in=linked.values("account_id"), kind__in=IN_KINDS)
        .exclude(status__in=NOT_ARRIVED)
        .values_list("asset_id", "base", "ref", "txid", *ACCOUNT)
    )
    return [
        (case_id, asset, base, ref, txid, account_id, *of_account)
        for asset, base, ref, txid, account_id, *of_account in records
        for case_id in sorted(owners[account_id])
        if (case_id, account_id, asset) not in covered
    ]


def coins_of(facts: Iterable[Amount]) -> list[Amount]:
    """What came in, each coin once, in whatever cases and in whatever way it is known.

    Of one output, or one record, the largest amount counts. Where one case traced an account's
    asset and another one knows the exchange's records of it, both may tell of the same coin: of one
    transaction only the larger side counts, and so of what names no transaction. So a total is
    never less than that of one of its cases, and never has a coin twice.
    """
    once: dict[tuple[str, int, str], Amount] = {}
    for fact in facts:
        key = (fact.key, fact.account.pk, fact.asset)
        if key not in once or once[key].base < fact.base:
            once[key] = fact
    pairs: dict[tuple[int, str], list[Amount]] = {}
    for fact in once.values():
        pairs.setdefault((fact.account.pk, fact.asset), []).append(fact)
    return [fact for pair in pairs.values() for fact in _told_once(pair)]


def _told_once(pair: list[Amount]) -> list[Amount]:
    """The facts of one account and asset without those that tell of the same coins."""
    traced = {fact.tx for fact in pair if not fact.is_recorded}
    recorded = {fact.tx for fact in pair if fact.is_recorded}
    if not traced or not recorded:
        return pair
    same = traced & recorded - {""}
    kept: list[Amount] = []
    sides: dict[str, tuple[list[Amount], list[Amount]]] = {}
    for fact in pair:
        if fact.is_recorded and fact.tx and fact.tx not in same:
            kept.append(fact)  # a transaction that no run traced
        else:
            side = sides.setdefault(fact.tx if fact.tx in same else "", ([], []))
            side[fact.is_recorded].append(fact)
    for by_run, by_record in sides.values():
        kept += max(by_run, by_record, key=lambda side: sum(fact.base for fact in side))
    return kept
