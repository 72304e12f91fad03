"""What the house holds on the identifiers of a request: accounts by time, records, wallets.

For the desk alone. Nothing of it reaches the agency before a release does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from django.db.models import Q

from cases.models import (
    DepositAddress,
    ExchangeAccount,
    ExchangeRecord,
    InformationRequest,
    RequestIdentifier,
    Suspect,
    SuspectAccount,
    Wallet,
)
from cases.policy import Actor

# The exchange's directory, as it is read here, holds none of these.
NOT_SEARCHED = frozenset({"email"})


@dataclass(frozen=True, slots=True)
class AccountMatch:
    """An account behind an identifier; the times are those of a deposit address.

    `in_period` is None where the request names no period or the match has no time.
    """

    account: ExchangeAccount
    how: str  # "deposit_address", "uid" or "name"
    since: datetime | None = None
    until: datetime | None = None
    in_period: bool | None = None


@dataclass(frozen=True, slots=True)
class RecordMatch:
    """A movement in the exchange's books that names the transaction or address."""

    record: ExchangeRecord
    in_period: bool | None


@dataclass
class Match:
    """One identifier and all that is held on it."""

    identifier: RequestIdentifier
    accounts: list[AccountMatch] = field(default_factory=list)
    records: list[RecordMatch] = field(default_factory=list)
    wallets: list[Wallet] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)

    @property
    def is_searched(self) -> bool:
        return self.identifier.kind not in NOT_SEARCHED

    @property
    def is_held(self) -> bool:
        """Whether the exchange itself holds something; a wallet of a case is no holding."""
        return bool(self.accounts or self.records)

    @property
    def num_found(self) -> int:
        return len(self.accounts) + len(self.records) + len(self.wallets) + len(self.suspects)


@dataclass(frozen=True, slots=True)
class Period:
    """From the first moment of a day to the end of another, either open."""

    start: datetime | None
    end: datetime | None

    @classmethod
    def of(cls, request: InformationRequest) -> "Period":
        first, last = request.period_from, request.period_until
        return cls(
            datetime.combine(first, time(), UTC) if first else None,
            datetime.combine(last + timedelta(days=1), time(), UTC) if last else None,
        )

    def touches(self, since: datetime, until: datetime | None) -> bool | None:
        """Whether a span of time overlaps it; None where no period is named."""
        if self.start is None and self.end is None:
            return None
        begins_before = self.end is None or since < self.end
        ends_after = self.start is None or until is None or until >= self.start
        return begins_before and ends_after


def matches_of(request: InformationRequest, actor: Actor) -> list[Match]:
    """Each valid identifier with its matches, in the order given: 7 queries, any number of them.

    Wallets and suspects are those of cases the actor may see; the rest is the exchange's own.
    """
    rows = request.identifiers.filter(valid=True).order_by("place")
    found = [Match(each) for each in rows]
    period = Period.of(request)
    of_kind = {
        kind: [each for each in found if each.identifier.kind == kind]
        for kind in ("address", "txid", "uid", "name")
    }
    _deposit_addresses(of_kind["address"], period)
    _accounts(of_kind["uid"], of_kind["name"])
    _records(of_kind["address"], of_kind["txid"], period)
    _wallets(of_kind["address"], actor)
    _suspects(found, actor)
    return found


def _texts(matches: Iterable[Match]) -> list[str]:
    return sorted({each.identifier.normalised for each in matches})


def _deposit_addresses(matches: list[Match], period: Period) -> None:
    spans = DepositAddress.objects.filter(address__in=_texts(matches)).select_related("account")
    for span in spans.order_by("assigned_from_at", "pk"):
        for each in matches:
            if (each.identifier.ledger, each.identifier.normalised) == (span.ledger, span.address):
                touches = period.touches(span.assigned_from_at, span.assigned_to_at)
                each.accounts.append(
                    AccountMatch(
                        span.account, "deposit_address", span.assigned_from_at,
                        span.assigned_to_at, touches,
                    )
                )  # fmt: skip


def _accounts(by_uid: list[Match], by_name: list[Match]) -> None:
    names = Q()
    for text in _texts(by_name):
        names |= Q(holder_name__iexact=text)
    wanted = Q(uid__in=_texts(by_uid)) | names
    for account in ExchangeAccount.objects.filter(wanted).order_by("pk"):
        for each in by_uid:
            if each.identifier.normalised == account.uid:
                each.accounts.append(AccountMatch(account, "uid"))
        for each in by_name:
            if each.identifier.normalised.casefold() == account.holder_name.casefold():
                each.accounts.append(AccountMatch(account, "name"))


def _records(by_address: list[Match], by_txid: list[Match], period: Period) -> None:
    wanted = Q(txid__in=_texts(by_txid)) | Q(address__in=_texts(by_address))
    rows = ExchangeRecord.objects.filter(wanted).select_related("account", "asset")
    for record in rows.order_by("at", "pk"):
        match = RecordMatch(record, period.touches(record.at, record.at))
        for each in by_txid:
            if each.identifier.normalised == record.txid:
                each.records.append(match)
        for each in by_address:
            if record.address and each.identifier.normalised == record.address:
                each.records.append(match)


def _wallets(matches: list[Match], actor: Actor) -> None:
    rows = Wallet.objects.visible_to(actor).filter(address__in=_texts(matches))
    for wallet in rows.select_related("case").order_by("pk"):
        for each in matches:
            if (each.identifier.ledger, each.identifier.normalised) == (
                wallet.ledger,
                wallet.address,
            ):
                each.wallets.append(wallet)


def _suspects(matches: list[Match], actor: Actor) -> None:
    """Those who have one of the accounts found, each once."""
    accounts = {each.account.pk for match in matches for each in match.accounts}
    links = SuspectAccount.objects.visible_to(actor).filter(account_id__in=accounts)
    for link in links.select_related("suspect__case").order_by("suspect_id", "pk"):
        for match in matches:
            has = any(each.account.pk == link.account_id for each in match.accounts)
            if has and link.suspect not in match.suspects:
                match.suspects.append(link.suspect)
