"""Freezes as their screens need them: board, tab, one page with its lineage."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from cases.models import (
    Asset,
    AuditEvent,
    Balance,
    Case,
    ExchangeAccount,
    Finding,
    FreezeApproval,
    FreezeExtension,
    FreezeLine,
    FreezeRelease,
    FreezeRequest,
    LegalInstrument,
    Seizure,
)
from cases.policy import Actor
from cases.queries.ledger import Ledger, freeze_ledger
from cases.queries.money import AssetPrice, latest_prices, value_of
from cases.queries.prices import highest_prices
from cases.states import FreezeState, LineState

WAITING = (
    FreezeState.SUBMITTED.value,
    FreezeState.IN_REVIEW.value,
    FreezeState.PROVISIONAL.value,
)
UNDECIDED = (FreezeState.DRAFT.value, *WAITING)
# Lane, icon, states: groups of states, not a second set of them.
LANES = (
    ("draft", "pencil", (FreezeState.DRAFT.value,)),
    ("approval", "users", WAITING),
    (
        "executing",
        "loader",
        (FreezeState.APPROVED.value, FreezeState.EXECUTING.value, FreezeState.FAILED.value),
    ),
    ("frozen", "snowflake", (FreezeState.ACTIVE.value, FreezeState.DECISION_DUE.value)),
    (
        "closed",
        "check",
        (
            FreezeState.CLOSED.value,
            FreezeState.REJECTED.value,
            FreezeState.CANCELLED.value,
            FreezeState.LAPSED.value,
        ),
    ),
)
MOST_CARDS = 200


@dataclass(frozen=True)
class LineView:
    """A line with what it is worth: at execution where it was executed, else at the last price."""

    line: FreezeLine
    amount: int  # held now, or asked for while nothing is held
    fiat: Decimal | None
    price: AssetPrice | None


@dataclass(frozen=True)
class Card:
    """A request as board and table show it."""

    freeze: FreezeRequest
    lines: list[LineView]
    fiat: Decimal | None
    accounts: list[str]
    ends_at: datetime | None
    is_unknown: bool


@dataclass(frozen=True)
class Lane:
    """A column of the board with the sum of its cards."""

    name: str
    icon: str
    cards: list[Card]
    fiat: Decimal


@dataclass(frozen=True)
class BoardFilter:
    """What the board is narrowed to; nothing chosen shows all."""

    asset: str = ""  # symbol
    agency: str = ""  # short name
    is_mine: bool = False  # asked for by the reader, or in a case of theirs

    def fits(self, card: Card, actor: Actor) -> bool:
        """Whether a request belongs on the narrowed board."""
        freeze = card.freeze
        return (
            (not self.asset or any(v.line.asset.symbol == self.asset for v in card.lines))
            and (not self.agency or bool(freeze.agency and freeze.agency.short_name == self.agency))
            and (
                not self.is_mine
                or actor.user_id in (freeze.requested_by_id, freeze.case.owner_by_id)
            )
        )


@dataclass(frozen=True)
class Board:
    """The lanes, and what they can be narrowed to."""

    lanes: list[Lane]
    assets: list[str]
    agencies: list[str]
    num_all: int


@dataclass(frozen=True)
class Standing:
    """What is held or asked for already on an account and asset that a request names too.

    A hold is told whichever case asked for it, without its request; of requests that still wait
    only those that the reader may see are told.
    """

    account: ExchangeAccount
    asset: Asset
    held: int
    asked: list[FreezeLine]


@dataclass(frozen=True)
class Hint:
    """What the finding behind a line says of its asset: a hint on proportion, not a limit."""

    line_id: int
    low: int
    high: int
    is_more: bool  # the line asks for more than the upper bound


@dataclass(frozen=True)
class FreezePage:
    """One request with lines, evidence, decisions and what happened to it."""

    card: Card
    approvals: list[FreezeApproval]
    instruments: list[LegalInstrument]
    events: list[AuditEvent]
    ledger: Ledger
    extensions: list[FreezeExtension]
    releases: list[FreezeRelease]
    seizures: list[Seizure]
    standing: list[Standing]
    hints: list[Hint]


@dataclass(frozen=True)
class Candidate:
    """A balance of an account that the case knows, which a line may ask for."""

    account: ExchangeAccount
    balance: Balance
    held: int  # by live lines of any request
    why: str
    asked: list[FreezeLine]  # by requests that wait, of those the reader may see


def board(actor: Actor, wanted: BoardFilter | None = None) -> Board:
    """The requests the actor may see by lane, newest first, of the last 200: 5 queries."""
    requests = _with_lines(FreezeRequest.objects.visible_to(actor))
    cards = _cards(list(requests.order_by("-requested_at", "-pk")[:MOST_CARDS]))
    shown = [card for card in cards if wanted is None or wanted.fits(card, actor)]
    lanes = []
    for name, icon, states in LANES:
        those = [card for card in shown if card.freeze.state in states]
        total = sum((card.fiat or Decimal(0) for card in those), Decimal(0))
        lanes.append(Lane(name, icon, those, total))
    return Board(
        lanes,
        assets=sorted({view.line.asset.symbol for card in cards for view in card.lines}),
        agencies=sorted({c.freeze.agency.short_name for c in cards if c.freeze.agency}),
        num_all=len(cards),
    )


def case_freezes(case: Case) -> list[Card]:
    """The requests of a case, newest first: 5 queries."""
    return _cards(list(_with_lines(case.freezes.all()).order_by("-requested_at", "-pk")))


def freeze_page(freeze: FreezeRequest, actor: Actor) -> FreezePage:
    """One request in full; `freeze` comes from `freeze_for_page`: 19 queries at most."""
    instruments = {
        line.instrument.pk: line.instrument for line in freeze.lines.all() if line.instrument
    }
    events = freeze.case.events.filter(object__startswith=freeze.reference).select_related("actor")
    return FreezePage(
        card=_cards([freeze])[0],
        approvals=list(freeze.approvals.select_related("user").order_by("-at")),
        instruments=list(instruments.values()),
        events=list(events.order_by("-seq")[:50]),
        ledger=freeze_ledger(actor, freeze.pk),
        extensions=list(freeze.extensions.select_related("requested_by", "freeze").order_by("pk")),
        releases=list(
            freeze.releases.select_related("requested_by", "freeze")
            .prefetch_related("lines__line__account", "lines__line__asset")
            .order_by("pk")
        ),
        seizures=list(seizures_for_page(actor).filter(freeze=freeze).order_by("pk")),
        standing=_standing(freeze, actor) if freeze.state in UNDECIDED else [],
        hints=_hints(freeze, actor),
    )


def _hints(freeze: FreezeRequest, actor: Actor) -> list[Hint]:
    """The bounds of each line's finding in the asset of the line, where it speaks of it: 1 query.

    Bounds of several amounts are added: they stay sound, if loose.
    """
    lines = [line for line in freeze.lines.all() if line.finding_id is not None]
    amounts: dict[tuple[int, str], list[tuple[int, int]]] = {}
    cited = Finding.objects.visible_to(actor).filter(pk__in=[line.finding_id for line in lines])
    parts = ("pk", "amounts__asset", "amounts__low", "amounts__high")
    for finding, asset, low, high in cited.filter(amounts__isnull=False).values_list(*parts):
        amounts.setdefault((finding, asset), []).append((low, high))
    found = []
    for line in lines:
        if bounds := amounts.get((line.finding_id, line.asset_id)):
            high = sum(each[1] for each in bounds)
            low = sum(each[0] for each in bounds)
            found.append(Hint(line.pk, low, high, line.requested > high))
    return found


def seizures_for_page(actor: Actor) -> QuerySet[Seizure]:
    """Seizures the actor may see, with lines, order, authority and keys fetched."""
    return (
        Seizure.objects.visible_to(actor)
        .select_related("freeze__case", "instrument", "agency", "requested_by", "confirmed_by")
        .prefetch_related("lines__line__account", "lines__line__asset", "approvals__user")
    )


def _standing(freeze: FreezeRequest, actor: Actor) -> list[Standing]:
    """Where other lines stand on what this request asks for: 2 queries."""
    lines = list(freeze.lines.all())
    accounts = [line.account_id for line in lines]
    held = {
        (line.account_id, line.asset_id): line.held or line.requested
        for line in FreezeLine.objects.live_on(accounts).exclude(freeze=freeze)
    }
    asked = _asked_for(accounts, actor, freeze)
    return [
        Standing(line.account, line.asset, held.get(key, 0), asked.get(key, []))
        for line in lines
        if (key := (line.account_id, line.asset_id)) in held or key in asked
    ]


def _asked_for(
    accounts: Iterable[int], actor: Actor, but: FreezeRequest | None = None
) -> dict[tuple[int, str], list[FreezeLine]]:
    """Lines of requests that wait for a decision, by account and asset: 1 query."""
    found: dict[tuple[int, str], list[FreezeLine]] = {}
    lines = FreezeLine.objects.visible_to(actor).filter(
        account__in=list(accounts), state=LineState.PLANNED, freeze__state__in=WAITING
    )
    if but is not None:
        lines = lines.exclude(freeze=but)
    for line in lines.select_related("freeze", "asset").order_by("pk"):
        found.setdefault((line.account_id, line.asset_id), []).append(line)
    return found


def freeze_for_page(actor: Actor) -> QuerySet[FreezeRequest]:
    """Requests the actor may see, with lines, evidence and receipts fetched."""
    return _with_lines(FreezeRequest.objects.visible_to(actor)).select_related(
        "case__owner_by", "approved_by", "provisional_by"
    )


def candidates(case: Case, actor: Actor) -> list[Candidate]:
    """Balances of the accounts that suspects or runs of this case name: 7 queries at most."""
    reasons: dict[int, str] = {}
    for run in case.runs.filter(is_lead=True).prefetch_related("reached"):
        reasons |= {each.account_id: "reached" for each in run.reached.all()}
    for suspect in case.suspects.prefetch_related("accounts", "names"):
        names = list(suspect.names.all())
        for link in suspect.accounts.all():
            reasons[link.account_id] = names[0].full if names else suspect.reference
    held: dict[tuple[int, str], int] = {}
    for line in FreezeLine.objects.live_on(reasons):
        held[(line.account_id, line.asset_id)] = line.held or line.requested
    asked = _asked_for(reasons, actor)
    balances = Balance.objects.filter(account__in=reasons).select_related("account", "asset")
    return [
        Candidate(
            balance.account,
            balance,
            held.get((balance.account_id, balance.asset_id), 0),
            reasons[balance.account_id],
            asked.get((balance.account_id, balance.asset_id), []),
        )
        for balance in balances.order_by("account__uid", "asset__symbol")
        if balance.base
    ]


def worth_of(requests: QuerySet[FreezeRequest]) -> dict[UUID, Decimal | None]:
    """What each request holds or asks for in fiat, by public id: 6 queries."""
    return {card.freeze.public_id: card.fiat for card in _cards(list(_with_lines(requests)))}


def highest_worth_of(freeze: FreezeRequest, signers: Collection[int]) -> Decimal | None:
    """What a freeze is worth at most to those who sign an act on it (`highest_prices`).

    None where a price is missing. 3 queries, and 2 an asset.
    """
    lines = list(freeze.lines.select_related("asset"))
    prices = highest_prices({line.asset_id for line in lines}, signers)
    total = Decimal(0)
    for line in lines:
        price = prices[line.asset_id]
        if price.price is None:
            return None
        amount = line.executed if line.executed_at else line.requested
        total += max(value_of(amount, price.decimals, price.price), line.fiat_value or Decimal(0))
    return total


def _with_lines(requests: QuerySet[FreezeRequest]) -> QuerySet[FreezeRequest]:
    lines = Prefetch(
        "lines",
        FreezeLine.objects.select_related("account", "asset", "finding", "instrument__agency")
        .select_related("price")
        .prefetch_related("receipts", "outbox")
        .order_by("account__uid", "asset_id"),
    )
    return requests.select_related("case", "agency", "requested_by").prefetch_related(lines)


def _views(lines: list[FreezeLine]) -> list[LineView]:
    prices = latest_prices({line.asset_id for line in lines})
    views = []
    for line in lines:
        price: AssetPrice | None = prices.get(line.asset_id)
        amount = line.executed if line.executed_at else line.requested
        fiat: Any = line.fiat_value
        if fiat is None and price is not None and price.price is not None:
            fiat = value_of(amount, price.decimals, price.price)
        views.append(LineView(line, amount, fiat, price))
    return views


def _cards(requests: list[FreezeRequest]) -> list[Card]:
    views = _views([line for freeze in requests for line in freeze.lines.all()])
    by_freeze: dict[int, list[LineView]] = {}
    for view in views:
        by_freeze.setdefault(view.line.freeze_id, []).append(view)
    return [_card(freeze, by_freeze.get(freeze.pk, [])) for freeze in requests]


def _card(freeze: FreezeRequest, lines: list[LineView]) -> Card:
    values = [view.fiat for view in lines]
    known = [value for value in values if value is not None]
    return Card(
        freeze=freeze,
        lines=lines,
        fiat=sum(known, Decimal(0)) if len(known) == len(values) else None,
        accounts=list(dict.fromkeys(view.line.account.masked for view in lines)),
        ends_at=freeze.provisional_until
        if freeze.state == FreezeState.PROVISIONAL.value
        else freeze.expires_at,
        is_unknown=any(view.line.state == LineState.UNKNOWN.value for view in lines),
    )
