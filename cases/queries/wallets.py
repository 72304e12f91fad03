"""Wallets with what the ledger says of them, and the page of one address."""

from dataclasses import dataclass

from django.db.models import QuerySet

from cases.models import Case, HouseTag, TagConflict, Wallet
from cases.policy import Actor
from cases.queries.deconfliction import is_touched_elsewhere
from cases.queries.keyset import Page, newest_first
from tracing import reads
from tracing.reads import AddressSummary, AddressTags, ExposureRow, ExposureView


@dataclass(frozen=True)
class WalletRow:
    """A wallet and its address in the ledger; `summary` is None where the ledger never saw it."""

    wallet: Wallet
    summary: AddressSummary | None
    is_loaded: bool  # whether the wallet's ledger is loaded at all
    tags: AddressTags | None = None


@dataclass(frozen=True)
class AddressPage:
    """One address: figures, history, cluster, and which of the actor's cases hold it."""

    wallet: Wallet
    summary: AddressSummary | None
    history: list[reads.HistoryRow]
    next_after: str
    counterparties: list[tuple[str, int, reads.AssetUnit]]
    cluster: reads.ClusterView | None
    tags: AddressTags | None
    known_as: dict[str, Wallet]
    elsewhere: list[Wallet]
    of_house: list[HouseTag]
    resolutions: list[TagConflict]
    is_touched_elsewhere: bool  # by a case that the actor may not see


def case_wallets(case: Case, role: str = "") -> list[WalletRow]:
    """The wallets of a case in the order of adding: 1 query and one ledger read a ledger."""
    wallets = case.wallets.select_related("added_by").order_by("added_at", "pk")
    if role:
        wallets = wallets.filter(role=role)
    return with_summaries(list(wallets))


def wallet_roles(case: Case) -> list[str]:
    """The roles that occur among the wallets of a case: 1 query."""
    return sorted(set(case.wallets.values_list("role", flat=True)))


def wallet_list(actor: Actor, role: str = "", after: str = "") -> Page:
    """All wallets the actor may see, newest first: 1 query and one ledger read a ledger."""
    wallets = Wallet.objects.visible_to(actor).select_related("case", "added_by")
    if role:
        wallets = wallets.filter(role=role)
    page = newest_first(wallets, "added_at", after)
    return Page(with_summaries(page.rows), page.after, page.is_first)


def with_summaries(wallets: list[Wallet]) -> list[WalletRow]:
    """Figures of the ledger and tags beside each wallet: one read and at most 11 queries a ledger.

    However many wallets there are.
    """
    loaded = {ledger.name for ledger in reads.ledgers()}
    found: dict[tuple[str, str], AddressSummary] = {}
    for ledger in loaded:
        wanted = [wallet.address for wallet in wallets if wallet.ledger == ledger]
        if wanted:
            for address, summary in reads.address_summaries(ledger, wanted).items():
                found[(ledger, address)] = summary
    tags: dict[tuple[str, str], AddressTags] = {}
    for ledger in {wallet.ledger for wallet in wallets}:
        wanted = [wallet.address for wallet in wallets if wallet.ledger == ledger]
        for address, told in reads.tags_of(ledger, wanted).items():
            tags[(ledger, address)] = told
    return [
        WalletRow(
            wallet, found.get((wallet.ledger, wallet.address)), wallet.ledger in loaded,
            tags.get((wallet.ledger, wallet.address)),
        )
        for wallet in wallets
    ]  # fmt: skip


def address_page(wallet: Wallet, actor: Actor, after: str = "", limit: int = 50) -> AddressPage:
    """History, counterparties, cluster, own tags and cases of a wallet's address: 5 queries."""
    row = with_summaries([wallet])[0]
    history: list[reads.HistoryRow] = []
    cluster = None
    if row.summary is not None:
        history = list(
            reads.address_history(wallet.ledger, wallet.address, after=after or None, limit=limit)
        )
        cluster = reads.cluster(wallet.ledger, wallet.address)
    sums: dict[tuple[str, reads.AssetUnit], int] = {}
    for entry in history:
        for address, amount in entry.counterparties:
            if address != wallet.address and amount:
                key = (address, entry.unit)
                sums[key] = sums.get(key, 0) + amount
    largest = sorted(
        ((address, amount, unit) for (address, unit), amount in sums.items()),
        # Amounts of different assets do not compare: whole units of each, and the name, stand in.
        key=lambda row: (-(row[1] // 10 ** row[2].decimals), -row[1], row[0], row[2].asset),
    )[:12]
    return AddressPage(
        wallet=wallet,
        summary=row.summary,
        history=history,
        next_after=history[-1].key if len(history) == limit else "",
        counterparties=largest,
        cluster=cluster,
        tags=row.tags,
        known_as={other.address: other for other in wallets_by_address(wallet.case)},
        elsewhere=list(same_address(wallet, actor)),
        of_house=house_tags(wallet, actor),
        resolutions=resolutions_of(wallet, actor),
        is_touched_elsewhere=is_touched_elsewhere(wallet, actor),
    )


def house_tags(wallet: Wallet, actor: Actor) -> list[HouseTag]:
    """What people of this house propose or say of its address, newest first: 1 query."""
    rows = HouseTag.objects.visible_to(actor).filter(ledger=wallet.ledger, address=wallet.address)
    return list(rows.order_by("-asked_at", "-pk"))


def resolutions_of(wallet: Wallet, actor: Actor) -> list[TagConflict]:
    """How disagreeing tags of its address were, or may come to be, resolved: 1 query."""
    rows = TagConflict.objects.visible_to(actor)
    rows = rows.filter(ledger=wallet.ledger, address=wallet.address)
    return list(rows.select_related("decided_by").order_by("-asked_at", "-pk"))


def exposure_of(wallet: Wallet) -> ExposureView | None:
    """Exposure of a wallet, or of its cluster where the wallet stands for it: few queries.

    None where no loaded ledger has seen it.
    """
    if wallet.ledger not in {ledger.name for ledger in reads.ledgers()}:
        return None
    return reads.wallet_exposure(wallet.ledger, wallet.address, whole=wallet.is_cluster)


def exposure_row(
    view: ExposureView, direction: str, category: str, is_direct: bool, asset: str = ""
) -> ExposureRow | None:
    """One row of an exposure by its parts; without an asset, that of the first."""
    wanted = (direction, category, is_direct)
    return next(
        (
            row
            for row in view.rows
            if (row.direction, row.category, row.is_direct) == wanted and asset in ("", row.asset)
        ),
        None,
    )


def why_together(wallet: Wallet, first: str, last: str) -> reads.Together | None:
    """The merges between two addresses of one cluster; None if none joins them: 2 queries."""
    try:
        return reads.why_together(wallet.ledger, first, last)
    except reads.LedgerMissing:
        return None


def cluster_look(wallet: Wallet) -> reads.ClusterLook | None:
    """The cluster of a wallet's address closely; None if no loaded ledger of coins has seen it."""
    try:
        return reads.cluster_look(wallet.ledger, wallet.address)
    except reads.LedgerMissing:
        return None


def wallets_by_address(case: Case) -> QuerySet[Wallet]:
    """The wallets of a case, for naming addresses on its screens."""
    return case.wallets.order_by("pk")


def same_address(wallet: Wallet, actor: Actor) -> QuerySet[Wallet]:
    """The same address in other cases the actor may see."""
    wallets: QuerySet[Wallet] = Wallet.objects.visible_to(actor)
    return (
        wallets.filter(ledger=wallet.ledger, address=wallet.address)
        .exclude(pk=wallet.pk)
        .select_related("case")
        .order_by("case__reference")
    )
