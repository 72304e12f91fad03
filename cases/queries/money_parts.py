"""What one row of the money strip is made of: outputs, records and freeze lines of an account."""

from dataclasses import dataclass
from uuid import UUID

from cases.models import (
    Asset,
    Case,
    ExchangeAccount,
    ExchangeRecord,
    FreezeLine,
    ReachedAccount,
)
from cases.policy import Actor
from cases.queries.money import IN_KINDS, NOT_ARRIVED, CaseMoney, MoneyRow, money_by_case


@dataclass(frozen=True)
class AccountParts:
    """One account and asset of a case; `reached` or, where no run covers it, `records`."""

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


def account_parts(
    case: Case, money: CaseMoney, account_id: UUID, asset: str, actor: Actor
) -> AccountParts | None:
    """The facts behind the rows of one account and asset: at most 5 queries.

    None for an account that is in no sum of the case.
    """
    rows = {
        name: row
        for name, part in (
            ("reached", money.reached), ("frozen", money.frozen),
            ("pending", money.pending), ("left", money.left),
        )
        for row in part.rows
        if (row.account, row.asset) == (account_id, asset)
    }  # fmt: skip
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
    lines = FreezeLine.objects.visible_to(actor).filter(freeze__case=case, account=account)
    return AccountParts(
        account=account,
        asset=Asset.objects.filter(pk=asset).first() or asset,
        reached=reached,
        records=records,
        lines=list(lines.filter(asset_id=asset).select_related("freeze").order_by("pk")),
        rows=rows,
    )


def amounts_by_case(actor: Actor) -> list[CaseAmount]:
    """The money of each case the actor sees, most first; cases without any left out: 8 queries."""
    cases = list(Case.objects.visible_to(actor).order_by("reference"))
    money = money_by_case([case.pk for case in cases], actor)
    found = [CaseAmount(case, money[case.pk]) for case in cases if money[case.pk].prices]
    return sorted(found, key=lambda each: (-each.money.reached.fiat, each.case.reference))
