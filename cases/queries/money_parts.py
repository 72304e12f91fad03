"""What one row of the money strip is made of: outputs, records and freeze lines of an account."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from cases.models import (
    Asset,
    Case,
    ExchangeAccount,
    ExchangeRecord,
    FreezeLine,
    ReachedAccount,
)
from cases.policy import Actor
from cases.queries.money import CaseMoney, MoneyRow, account_money, money_by_case
from cases.queries.money_facts import IN_KINDS, NOT_ARRIVED, Amount, coins_of
from cases.states import LineState


@dataclass(frozen=True)
class AccountParts:
    """One account and asset of a case; `reached` or, where no run covers it, `records`.

    `lines` are those of the case, and what other cases hold.
    """

    account: ExchangeAccount
    asset: Asset | str
    reached: list[ReachedAccount]
    records: list[ExchangeRecord]
    lines: list[FreezeLine]
    rows: dict[str, MoneyRow]


@dataclass(frozen=True)
class CaseAmount:
    """One case's money, for the totals over all cases."""

    case: Case
    money: CaseMoney


@dataclass(frozen=True)
class Coin:
    """One coin of a total over several cases, counted once, and the cases that know it."""

    fact: Amount
    cases: list[Case]


@dataclass(frozen=True)
class UnitAccount:
    """One account and asset over all cases the reader sees."""

    account: ExchangeAccount
    asset: Asset | str
    coins: list[Coin]
    lines: list[FreezeLine]
    rows: dict[str, MoneyRow]

    @property
    def asset_name(self) -> str:
        return self.asset if isinstance(self.asset, str) else self.asset.asset


def account_parts(
    case: Case, money: CaseMoney, account_id: UUID, asset: str, actor: Actor
) -> AccountParts | None:
    """The facts behind the rows of one account and asset: at most 5 queries.

    None for an account that is in no sum of the case.
    """
    rows = _rows_of(money, account_id, asset)
    if not rows:
        return None
    account = ExchangeAccount.objects.get(public_id=account_id)
    reached = list(
        ReachedAccount.objects.visible_to(actor)
        .filter(case_run__case=case, case_run__is_lead=True, account=account, asset=asset)
        .select_related("case_run")
        .order_by("at", "outpoint")
    )
    records: list[ExchangeRecord] = []
    if "reached" in rows and not reached:
        records = list(
            ExchangeRecord.objects.filter(account=account, asset_id=asset, kind__in=IN_KINDS)
            .exclude(status__in=NOT_ARRIVED)
            .order_by("at", "ref")
        )
    lines = _lines_of(account, asset, actor).filter(
        Q(freeze__case=case) | Q(state=LineState.HELD.value)
    )
    return AccountParts(
        account=account,
        asset=Asset.objects.filter(pk=asset).first() or asset,
        reached=reached,
        records=records,
        lines=list(lines),
        rows=rows,
    )


def unit_account(account_id: UUID, asset: str, actor: Actor) -> UnitAccount | None:
    """The coins and freeze lines behind one row of the totals over all cases: at most 11 queries.

    None for an account that is in no sum.
    """
    facts, money = account_money(account_id, actor)
    rows = _rows_of(money, account_id, asset)
    if not rows:
        return None
    account = ExchangeAccount.objects.get(public_id=account_id)
    told = [fact for fact in facts.reached if fact.asset == asset]
    cases = Case.objects.visible_to(actor).in_bulk({fact.case_id for fact in told})
    coins = [
        Coin(
            coin,
            [
                cases[pk]
                for pk in sorted({fact.case_id for fact in told if coin.is_same_as(fact)})
                if pk in cases
            ],
        )
        for coin in sorted(coins_of(told), key=lambda fact: (-fact.base, fact.key))
    ]
    return UnitAccount(
        account=account,
        asset=Asset.objects.filter(pk=asset).first() or asset,
        coins=coins,
        lines=list(_lines_of(account, asset, actor)),
        rows=rows,
    )


def _rows_of(money: CaseMoney, account_id: UUID, asset: str) -> dict[str, MoneyRow]:
    return {
        name: row
        for name, part in (
            ("reached", money.reached), ("frozen", money.frozen), ("elsewhere", money.elsewhere),
            ("pending", money.pending), ("left", money.not_held), ("beyond", money.beyond),
        )
        for row in part.rows
        if (row.account, row.asset) == (account_id, asset)
    }  # fmt: skip


def _lines_of(account: ExchangeAccount, asset: str, actor: Actor) -> QuerySet[FreezeLine]:
    lines = FreezeLine.objects.visible_to(actor).filter(account=account, asset_id=asset)
    return lines.select_related("freeze__case").order_by("pk")


def amounts_by_case(actor: Actor) -> list[CaseAmount]:
    """The money of each case the actor sees, most first; cases without any left out: 9 queries."""
    cases = list(Case.objects.visible_to(actor).order_by("reference"))
    money = money_by_case([case.pk for case in cases], actor)
    found = [CaseAmount(case, money[case.pk]) for case in cases if money[case.pk].prices]
    return sorted(found, key=lambda each: (-each.money.reached.fiat, each.case.reference))
