"""The learned score of one wallet, reckoned where somebody looks at it."""

from dataclasses import dataclass

from cases.detection.risk_model import BY_NAME, WALLET, ModelError, RiskModel
from cases.detection.wallet_features import GROUPS
from cases.models import TrainedModel, Wallet
from cases.policy import Actor
from cases.states import PolicyState
from tracing import reads


@dataclass(frozen=True)
class FigureRow:
    """One figure of the wallet in words."""

    name: str
    words: str
    value: str


@dataclass(frozen=True)
class WalletScore:
    """What the champion says of a wallet: points of 1000 and what moved them.

    Without a `model` there is none for wallets, or none that the person may see; without `figures`
    the ledger has not seen the wallet paid, or is one of accounts.
    """

    model: TrainedModel | None
    points: int
    reasons: list[dict[str, str]]
    figures: list[FigureRow]
    num_addresses: int
    is_cut: bool

    @property
    def percent(self) -> str:
        """The points as a share."""
        return f"{self.points // 10}.{self.points % 10} %"


def wallet_score(wallet: Wallet, actor: Actor) -> WalletScore:
    """The score of the cluster that a wallet's address is in: 1 query, and those of the ledger
    where there is a model.

    Nothing is kept of it. What is said of the wallet itself is no part of it.
    """
    row = (
        TrainedModel.objects.visible_to(actor)
        .filter(subject=WALLET, state=PolicyState.IN_FORCE)
        .first()
    )
    try:
        reader = RiskModel(row.content) if row is not None else None
    except ModelError:
        row = reader = None
    nothing = WalletScore(row, 0, [], [], 0, is_cut=False)
    if reader is None:
        return nothing
    try:
        look = reads.wallet_look(wallet.ledger, wallet.address, GROUPS)
    except reads.LedgerMissing:
        look = None
    if look is None:
        return nothing
    figures = look.figures
    return WalletScore(
        row,
        reader.points(reader.matrix([figures]))[0],
        [reason.tell() for reason in reader.reasons(figures)],
        [FigureRow(name, BY_NAME[name].words, BY_NAME[name].tell(figures[name]))
         for name in reader.names],
        look.num_addresses,
        look.is_cut,
    )  # fmt: skip
