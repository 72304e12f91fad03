"""The learned score of wallets: what it is taught by, and the measure of a whole ledger.

A wallet is scored where somebody asks for it; nothing is kept of it, and nothing happens to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from cases.detection.risk_model import WALLET, ModelError, RiskModel
from cases.detection.wallet_features import CRIME, GROUPS, KEEPERS
from cases.models import Finding, TrainedModel
from cases.models.risk_models import LIVE_MODELS
from cases.states import FindingState
from tracing import reads

CRIMINAL_ROLES = ("bank", "admin", "vendor", "mule")


@dataclass(frozen=True)
class ScoredWallet:
    """A wallet of which nobody says anything, with its points and the figures that moved them."""

    ledger: str
    address: str
    points: int
    reasons: list[dict[str, str]]


@dataclass(frozen=True)
class ModelOverLedger:
    """What one model says of the wallets that were drawn, the highest first.

    `right` of `pairs`: of the wallets that were named after the training, one tied to crime has
    more points than one of a keeper.
    """

    model: TrainedModel
    num_wallets: int
    highest: list[ScoredWallet]
    pairs: int
    right: int


def wallet_rows(labelled: Any, quiet: int) -> list[Any]:
    """Wallets that tags, lists or approved findings name, with their figures of now.

    Tied to crime by category, or by a finding on a wallet of the market, its operators, vendors or
    mules; a keeper in the open is not. Whatever else is named says nothing. `quiet` wallets that
    nobody names stand beside each, drawn evenly. Rows of one owner share the moment at which the
    first of its wallets was seen, so that not the same one teaches and calibrates.
    """
    found: list[tuple[reads.WalletLook, bool]] = []
    for ledger in coin_ledgers():
        by_finding = _found_criminal(ledger)
        named = [
            (look, is_crime)
            for look in reads.named_wallets(ledger, GROUPS)
            if (is_crime := judged(look.category)) is not None and look.address not in by_finding
        ]
        named += [(look, True) for look in by_finding.values()]
        calm = reads.unnamed_wallets(ledger, quiet * len(named), GROUPS)
        found += named + [(look, False) for look in calm if look.address not in by_finding]
    first: dict[str, datetime] = {}
    for look, _is_crime in found:
        if look.owner:
            first[look.owner] = min(first.get(look.owner, look.first_at), look.first_at)
    return [
        labelled(look.figures, is_crime, first.get(look.owner, look.first_at))
        for look, is_crime in found
    ]


def judged(category: str) -> bool | None:
    """Whether a category ties a wallet to crime; None where it says neither."""
    return True if category in CRIME else False if category in KEEPERS else None


def coin_ledgers() -> list[str]:
    """The loaded ledgers whose addresses make wallets."""
    return [each.name for each in reads.ledgers() if not reads.is_account_ledger(each.name)]


def _found_criminal(ledger: str) -> dict[str, reads.WalletLook]:
    """Wallets of approved findings in a criminal role, by the earliest address: 1 query."""
    rows = Finding.objects.filter(
        state=FindingState.APPROVED, wallets__ledger=ledger, wallets__role__in=CRIMINAL_ROLES
    )
    addresses: Iterable[str] = rows.order_by("wallets__address").values_list(
        "wallets__address", flat=True
    )
    looks = (reads.wallet_look(ledger, each, GROUPS) for each in dict.fromkeys(addresses))
    return {look.address: look for look in looks if look is not None}


def score_ledgers(number: int, top: int) -> list[ModelOverLedger]:
    """Score wallets that nobody names, evenly drawn, by champion and challenger, and count drift.

    Args:
        number: how many of each ledger; top: how many are told.

    The counts stand on the model's card as those of a run over all accounts do; nothing else is
    written. Cost: some milliseconds a wallet.
    """
    models = []
    for row in TrainedModel.objects.filter(subject=WALLET, state__in=LIVE_MODELS).order_by("pk"):
        try:
            models.append((row, RiskModel(row.content)))
        except ModelError:
            continue  # of another version of this program: its page says so
    if not models:
        return []
    ledgers = coin_ledgers()
    drawn = [
        (ledger, look) for ledger in ledgers for look in reads.unnamed_wallets(
            ledger, number, GROUPS
        )
    ]  # fmt: skip
    named = [look for ledger in ledgers for look in reads.named_wallets(ledger, GROUPS)]
    return [_over(row, reader, drawn, named, top) for row, reader in models]


def _over(
    row: TrainedModel,
    reader: RiskModel,
    drawn: Sequence[tuple[str, reads.WalletLook]],
    named: Sequence[reads.WalletLook],
    top: int,
) -> ModelOverLedger:
    matrix = reader.matrix([look.figures for _ledger, look in drawn])
    points = reader.points(matrix)
    order = sorted(range(len(drawn)), key=lambda each: (-points[each], each))[:top]
    right, pairs = _since(row, reader, named)
    now = timezone.now().isoformat()
    kept = {"run": now, "at": now, "counts": reader.counts(matrix), "since": [right, pairs]}
    TrainedModel.objects.filter(pk=row.pk).update(drift=kept)
    highest = [
        ScoredWallet(
            drawn[each][0], drawn[each][1].address, points[each],
            [reason.tell() for reason in reader.reasons(drawn[each][1].figures)],
        )
        for each in order
    ]  # fmt: skip
    return ModelOverLedger(row, len(drawn), highest, pairs, right)


def _since(
    row: TrainedModel, reader: RiskModel, named: Sequence[reads.WalletLook]
) -> tuple[int, int]:
    later = [look for look in named if look.told_at is not None and look.told_at > row.proposed_at]
    sides: dict[bool, list[int]] = {True: [], False: []}
    for look in later:
        is_crime = judged(look.category)
        if is_crime is not None:
            sides[is_crime] += reader.points(reader.matrix([look.figures]))
    right = sum(no < yes for yes in sides[True] for no in sides[False])
    return right, len(sides[True]) * len(sides[False])
