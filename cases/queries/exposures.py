"""Exposure of a whole case and of a customer: what their money met, with the coins behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from cases.models import Case, ExchangeAccount, ExchangeRecord, Wallet
from tracing import reads
from tracing.reads import ExposureView

MOST_MOVEMENTS = 20_000


@dataclass(frozen=True)
class LedgerExposure:
    """Exposure on one ledger; `view` is None where the loaded ledger holds nothing of it."""

    ledger: str
    view: ExposureView | None
    num_left_out: int = 0  # movements beyond the limit, the oldest


def case_exposure(case: Case) -> list[LedgerExposure]:
    """Exposure of all wallets of a case together, by ledger: 1 query, and those of exposure.

    What the wallets pay each other is nobody's exposure.
    """
    by_ledger: dict[str, list[Wallet]] = {}
    for wallet in case.wallets.order_by("pk"):
        by_ledger.setdefault(wallet.ledger, []).append(wallet)
    loaded = {info.name for info in reads.ledgers()}
    found = []
    for ledger, wallets in sorted(by_ledger.items()):
        if ledger not in loaded:
            found.append(LedgerExposure(ledger, None))
        else:
            asked = tuple((wallet.address, wallet.is_cluster) for wallet in wallets)
            found.append(LedgerExposure(ledger, reads.wallets_exposure(ledger, asked)))
    return found


def account_of_case(case: Case, account_id: UUID) -> ExchangeAccount | None:
    """The account, if the case links, reached, asks to freeze or has it in a cohort: 1 query."""
    mine = ExchangeAccount.objects.filter(
        Q(suspect_links__suspect__case=case)
        | Q(reached__case_run__case=case)
        | Q(freeze_lines__freeze__case=case)
        | Q(cohort_members__cohort__case=case),
        public_id=account_id,
    )
    return mine.first()


def customer_exposure(account: ExchangeAccount) -> list[LedgerExposure]:
    """Exposure of all deposits and withdrawals of the customer behind an account, by ledger.

    The coins and transfers are those of our own records, so nobody else's money is in it. 2
    queries for each ledger that is loaded, and those of exposure.
    """
    accounts = ExchangeAccount.objects.filter(customer=account.customer)
    found = []
    for info in sorted(reads.ledgers(), key=lambda info: info.name):
        rows = ExchangeRecord.objects.filter(
            account__in=accounts, asset__asset__startswith=f"{info.chain}/", status="completed"
        ).exclude(txid="")
        paid_in, left_in = _places(rows.filter(kind="deposit"))
        paid_out, left_out = _places(rows.filter(kind="withdrawal"))
        if paid_in or paid_out:
            view = reads.movements_exposure(info.name, paid_in, paid_out)
            found.append(LedgerExposure(info.name, view, num_left_out=left_in + left_out))
    return found


def exposure_on(found: Sequence[LedgerExposure], ledger: str) -> LedgerExposure | None:
    """The part on one ledger; without a name the first."""
    return next((each for each in found if ledger in ("", each.ledger)), None)


def _places(rows: QuerySet[ExchangeRecord]) -> tuple[list[tuple[str, str, str]], int]:
    """(txid, address, asset) of the newest movements, and how many older ones there are."""
    newest = rows.order_by("-at", "-pk").values_list("txid", "address", "asset_id")
    places = [place for place in newest[: MOST_MOVEMENTS + 1] if place[1]]
    if len(places) <= MOST_MOVEMENTS:
        return places, 0
    return places[:MOST_MOVEMENTS], rows.count() - MOST_MOVEMENTS
