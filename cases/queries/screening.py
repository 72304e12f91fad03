"""Screening: what labels, ledgers, our own records and your cases say of a list of addresses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from django.utils.translation import gettext as _

from cases.models import DepositAddress, OwnAddress, Wallet
from cases.policy import Actor
from tracing import reads
from tracing.reads import AddressSummary, AddressTags, ParsedAddress, PastedAddress

MOST = 5_000
CHUNK = 500


class Rank(IntEnum):
    """Why a line stands where it does: what asks for a person first."""

    LISTED = 0
    CLUSTER_LISTED = 1
    DISPUTED = 2
    LABELLED = 3
    OURS = 4
    IN_A_CASE = 5
    SEEN = 6
    UNSEEN = 7


@dataclass
class ScreenedLine:
    """One address of the list, once.

    Attributes:
        number: the first line it stands on; times: on how many lines.
        summary: figures of a loaded ledger, None where it was never seen or none is loaded.
        deposits: periods in which it was a customer's deposit address; own: hot, cold or sweep.
        wallets: of the cases that the actor may see.
    """

    number: int
    address: ParsedAddress
    times: int = 1
    is_loaded: bool = False
    summary: AddressSummary | None = None
    tags: AddressTags | None = None
    own: str = ""
    deposits: list[DepositAddress] = field(default_factory=list)
    wallets: list[Wallet] = field(default_factory=list)

    @property
    def accounts(self) -> list[str]:
        """The accounts whose deposit address it was, as screens show them."""
        return sorted({period.account.masked for period in self.deposits})

    @property
    def result(self) -> str:
        """The rank as a word, for programs and files."""
        return self.rank.name.lower()

    @property
    def rank(self) -> Rank:
        tags = self.tags
        if tags is not None:
            if tags.sanctions:
                return Rank.LISTED
            if tags.inherited_sanctions:
                return Rank.CLUSTER_LISTED
            if tags.conflict:
                return Rank.DISPUTED
            if tags.best is not None:
                return Rank.LABELLED
        if self.own or self.deposits:
            return Rank.OURS
        if self.wallets:
            return Rank.IN_A_CASE
        return Rank.SEEN if self.summary is not None else Rank.UNSEEN


@dataclass(frozen=True)
class Screening:
    """The whole list: each address once, what asks for a person first; every other line named."""

    lines: list[ScreenedLine]
    rejected: list[PastedAddress]

    def count(self, *ranks: Rank) -> int:
        """How many addresses have one of these ranks."""
        return sum(line.rank in ranks for line in self.lines)

    @property
    def num_listed(self) -> int:
        return self.count(Rank.LISTED, Rank.CLUSTER_LISTED)

    @property
    def num_labelled(self) -> int:
        return sum(line.tags is not None and line.tags.best is not None for line in self.lines)

    @property
    def num_disputed(self) -> int:
        return sum(line.tags is not None and bool(line.tags.conflict) for line in self.lines)

    @property
    def num_ours(self) -> int:
        return sum(bool(line.own or line.deposits) for line in self.lines)

    @property
    def num_in_cases(self) -> int:
        return sum(bool(line.wallets) for line in self.lines)

    @property
    def num_without_word(self) -> int:
        return self.count(Rank.SEEN, Rank.UNSEEN)


class TooManyAddresses(ValueError):
    """The list is longer than one call takes; the message says so in a sentence."""


def screen(text: str, actor: Actor) -> Screening:
    """Screen a pasted list or the text of a CSV file.

    Writes nothing and asks nobody outside. Raises TooManyAddresses.

    Cost: 40 us a line, then per ledger one bulk read and at most 9 queries, and 3 queries for each
    500 addresses.
    """
    found: dict[tuple[str, str], ScreenedLine] = {}
    rejected: list[PastedAddress] = []
    for pasted in reads.parse_paste(text):
        if pasted.address is None:
            rejected.append(pasted)
            continue
        key = (pasted.address.ledger, pasted.address.canonical)
        if key in found:
            found[key].times += 1
        else:
            found[key] = ScreenedLine(pasted.number, pasted.address)
    if len(found) > MOST:
        raise TooManyAddresses(
            _("%(number)s addresses: one call takes %(most)s. Send the list in parts.")
            % {"number": f"{len(found):,}", "most": f"{MOST:,}"}
        )
    _add_ledgers(found)
    for chunk in _chunks([address for _ledger, address in found]):
        _add_records(found, chunk)
        _add_wallets(found, chunk, actor)
    lines = sorted(found.values(), key=lambda line: (line.rank, line.number))
    return Screening(lines, rejected)


def _add_ledgers(found: dict[tuple[str, str], ScreenedLine]) -> None:
    loaded = {ledger.name for ledger in reads.ledgers()}
    for ledger in {ledger for ledger, _address in found}:
        wanted = [address for name, address in found if name == ledger]
        for address, tags in reads.tags_of(ledger, wanted).items():
            found[(ledger, address)].tags = tags
        if ledger not in loaded:
            continue
        summaries = reads.address_summaries(ledger, wanted)
        for address in wanted:
            line = found[(ledger, address)]
            line.is_loaded, line.summary = True, summaries.get(address)


def _add_records(found: dict[tuple[str, str], ScreenedLine], addresses: Sequence[str]) -> None:
    """What the exchange's own records say of them."""
    deposits = DepositAddress.objects.filter(address__in=addresses).select_related("account")
    for period in deposits.order_by("assigned_from_at"):
        if (line := found.get((period.ledger, period.address))) is not None:
            line.deposits.append(period)
    for own in OwnAddress.objects.filter(address__in=addresses):
        if (line := found.get((own.ledger, own.address))) is not None:
            line.own = own.kind


def _add_wallets(
    found: dict[tuple[str, str], ScreenedLine], addresses: Sequence[str], actor: Actor
) -> None:
    wallets = Wallet.objects.visible_to(actor).filter(address__in=addresses)
    for wallet in wallets.select_related("case").order_by("case__reference"):
        if (line := found.get((wallet.ledger, wallet.address))) is not None:
            line.wallets.append(wallet)


def _chunks(addresses: Sequence[str]) -> Iterable[Sequence[str]]:
    return (addresses[start : start + CHUNK] for start in range(0, len(addresses), CHUNK))
