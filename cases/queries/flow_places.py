"""Groups of the money flow: every address of a run's steps is put into one, with its sums.

Groups follow, in this order: an account that was reached, the case's wallets by role and label,
the co-spend cluster, the single address. Sums are kept to the unit: what enters a group is what
the run moved there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from cases.models import Case, CaseRun, ExchangeAccount, Wallet
from cases.queries.breakpoints import BreakPoint
from tracing import reads

FAR = 10**6
BREAKS = {"service": "service", "coinjoin": "coinjoin"}

Pair = tuple[str, str]
Moved = dict[Pair, dict[str, int]]  # units by transaction
StepRow = Mapping[str, Any]


@dataclass
class Place:
    """A group before it is drawn: which addresses, what came in and went out, when."""

    id: str
    label: str
    role: str
    wallet: Wallet | None = None
    account: ExchangeAccount | None = None
    addresses: set[str] = field(default_factory=set)
    received: int = 0
    sent: int = 0
    low: int = 0
    high: int = 0
    hops: int = FAR  # payments from the seeds; below 0 in a run to the source
    first_at: str = ""
    last_at: str = ""
    is_seed: bool = False
    num_outputs: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    tags: dict[str, reads.AddressTags] = field(default_factory=dict)  # by the label to show
    breaks: list[BreakPoint] = field(default_factory=list)

    @property
    def amount(self) -> int:
        return max(self.received, self.sent)

    @property
    def num_addresses(self) -> int:
        return len(self.addresses)

    @property
    def rests(self) -> list[tuple[str, int]]:
        """What became of the money that stayed here, largest first."""
        return sorted(self.statuses.items(), key=lambda pair: (-pair[1], pair[0]))

    def seen(self, at: str) -> None:
        """Widen the time in which this group moved traced money."""
        self.first_at = min(self.first_at or at, at)
        self.last_at = max(self.last_at, at)


class Gathering:
    """Walks the steps of a result and puts every address into its group."""

    def __init__(
        self,
        case: Case,
        run: CaseRun,
        ledger: str,
        states: Mapping[UUID, str],
        addresses: Iterable[str],
        seal: Mapping[str, Any],
    ) -> None:
        self.places: dict[str, Place] = {}
        self.moved: Moved = {}
        self.states = states
        seeds = seal["parameters"]["seeds"]
        self.seeds = {reads.place_address(seed) or seed for seed in seeds}
        self.sign = -1 if seal["parameters"]["mode"] == "source" else 1
        rows = run.reached.select_related("account")
        self.reached = {row.outpoint: row for row in rows}
        wallets = case.wallets.filter(ledger=ledger).order_by("pk")
        self.wallets = {wallet.address: wallet for wallet in wallets}
        is_loaded = ledger in {each.name for each in reads.ledgers()}
        found = reads.address_summaries(ledger, sorted(set(addresses))) if is_loaded else {}
        self.clusters = {address: told.cluster_anchor for address, told in found.items()}
        self.tags = reads.tags_of(ledger, set(addresses))
        self.sizes = {told.cluster_anchor: told.cluster_size for told in found.values()}

    def add_step(self, step: StepRow) -> None:
        """Count what one transaction moved, shared among its inputs by what each brought."""
        ins = [(self.place(row), int(row[2])) for row in step["in"]]
        outs = [(self.place(row), int(row[2])) for row in step["out"]]
        hops = self.sign * int(step["hops"])
        for place, _amount in ins:
            place.seen(step["at"])
            if place.hops == FAR:  # it was not paid by the run: a seed, or where a source run ends
                place.hops = hops - 1
        for (place, amount), row in zip(outs, step["out"], strict=True):
            place.hops = min(place.hops, hops)
            place.num_outputs += 1
            place.seen(step["at"])
            for source, part in shared(amount, ins):
                if source is place:
                    continue
                source.sent += part
                place.received += part
                amounts = self.moved.setdefault((source.id, place.id), {})
                amounts[step["txid"]] = amounts.get(step["txid"], 0) + part
            if len(row) > 3 and row[3] in BREAKS and place.role == "unknown":
                place.role = BREAKS[row[3]]

    def add_end(self, end: Mapping[str, Any]) -> None:
        """Note what became of the money that rests in a group, with its bounds."""
        place = self.places.get(self._key(end["outpoint"], end.get("address")))
        if place is None:
            return
        place.low += int(end["low"])
        place.high += int(end["high"])
        place.statuses[end["status"]] = place.statuses.get(end["status"], 0) + int(end["amount"])

    def add_break(self, point: BreakPoint) -> None:
        """Note that the chain breaks off in a group."""
        place = self.places.get(self._key(point.outpoint, point.address))
        if place is not None:
            place.breaks.append(point)
            if place.wallet is None:
                place.role = "swap"

    def place(self, row: Sequence[Any]) -> Place:
        """The group of one moved coin: (outpoint, address, amount, ...)."""
        outpoint, address = row[0], row[1]
        key = self._key(outpoint, address)
        found = self.places.get(key)
        if found is None:
            found = self.places[key] = self._new(key, outpoint, address)
        if address:
            found.addresses.add(address)
            if (told := self.tags.get(address)) is not None:
                found.tags.setdefault(told.best.label if told.best else "", told)
        if outpoint in self.seeds or address in self.seeds:
            found.is_seed = True
        return found

    def _key(self, outpoint: str, address: str | None) -> str:
        if (reached := self.reached.get(outpoint)) is not None:
            return f"account-{reached.account.public_id}"
        if not address:
            return "no-address"
        if (wallet := self.wallets.get(address)) is not None:
            return wallet_key(wallet)
        anchor = self.clusters.get(address, address)
        if (wallet := self.wallets.get(anchor)) is not None and wallet.is_cluster:
            return wallet_key(wallet)
        return f"cluster-{anchor}"

    def _new(self, key: str, outpoint: str, address: str | None) -> Place:
        if key.startswith("account-"):
            account = self.reached[outpoint].account
            words = _("Account %(number)s") % {"number": account.masked}
            return Place(key, words, self.states.get(account.public_id, "account"), account=account)
        if key == "no-address":
            return Place(key, _("Scripts without address"), "unknown")
        if key.startswith("wallet-"):
            wallet = self.wallets.get(address or "") or self.wallets[self.clusters[address or ""]]
            words = wallet.label or wallet.get_role_display()
            return Place(key, words, wallet.role, wallet=wallet)
        anchor = key.removeprefix("cluster-")
        told = self.tags.get(address or "")
        if told is not None and told.best is not None and not told.conflict:
            role = "service" if told.best.is_service else "unknown"
            return Place(key, told.best.label, role)
        size = self.sizes.get(anchor, 1)
        words = short(anchor)
        if size > 1:
            words = _("Cluster %(address)s") % {"address": short(anchor)}
        return Place(key, words, "unknown")


def shared(amount: int, ins: Sequence[tuple[Place, int]]) -> list[tuple[Place, int]]:
    """`amount` split among the inputs in proportion, exact to the unit by cumulative floor."""
    whole = sum(part for _place, part in ins)
    result, before, given = [], 0, 0
    for place, part in ins:
        before += part
        until = amount * before // whole if whole else 0
        result.append((place, until - given))
        given = until
    return [(place, part) for place, part in result if part]


def wallet_key(wallet: Wallet) -> str:
    """Wallets of one role and label are one group; a wallet without label stands alone."""
    if wallet.label:
        return f"wallet-{wallet.role}-{wallet.label}"
    return f"wallet-{wallet.public_id}"


def short(address: str) -> str:
    """First six and last four characters."""
    return address if len(address) <= 13 else f"{address[:6]}…{address[-4:]}"
