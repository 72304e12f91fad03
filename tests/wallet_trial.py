"""The learned score of wallets against exposure alone: its part of docs/accuracy-score.md.

`python -m tests.risk_trial` prints it beside the score of customers.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from cases.detection.risk_model import WALLET, RiskModel
from cases.detection.training import Labelled, measured, train
from cases.detection.wallet_features import EXPOSURE
from cases.proportions import Share, share_of
from tests.wallet_world import (
    DAY,
    DAYS,
    SERVICES,
    SHARE_BAD,
    START,
    UNSEEN,
    WAYS,
    Wallet,
    World,
    build,
    ledger_of,
)
from tracing.engine.ledger import MemoryLedger
from tracing.engine.wallet_figures import wallet_figures

SPLIT = 220  # days; wallets seen before teach, wallets first seen later judge
KNOWN_AFTER = 30  # days until somebody knows what a wallet is
CODES = {"market": 1, "crime": 1, "mixing_service": 2, "exchange": 4}
GROUPS: Mapping[str, Sequence[int]] = {"crime": [1], "mixing": [2], "gambling": [3], "keepers": [4]}


@dataclass(frozen=True)
class Row:
    """One wallet of the later part: what it is, what exposure says, and what the score says."""

    way: str  # empty for an honest one
    exposed: int  # permille, of both sides, the second hand by half
    learned: float


def known_codes(world: World, ledger: MemoryLedger) -> NDArray[np.uint16]:
    """What tags said on the day of the split: the services, and criminals known by then."""
    codes = np.zeros(ledger.num_addresses, np.uint16)
    named = [(each, CODES[kind]) for kind in SERVICES for each in world.services[kind]]
    named += [
        (each, CODES["crime"]) for each in world.wallets
        if each.is_criminal and each.since <= SPLIT - KNOWN_AFTER
    ]  # fmt: skip
    for wallet, code in named:
        codes[numbers_of(wallet, ledger)] = code
    return codes


def numbers_of(wallet: Wallet, ledger: MemoryLedger) -> list[int]:
    found = (ledger.find_address(address) for address in wallet.addresses)
    return [number for number in found if number is not None]


def sides(
    world: World, ledger: MemoryLedger
) -> tuple[list[Labelled], list[tuple[Wallet, dict[str, int]]]]:
    """Rows that teach, as they were on the day of the split, and the wallets that judge.

    A wallet stands on one side by when it was first paid, so no wallet stands on both; criminals
    first paid within the last days before the split were not known by it and stand on neither.
    """
    codes = known_codes(world, ledger)
    split, end = START + SPLIT * DAY, START + DAYS * DAY
    teach: list[Labelled] = []
    judge: list[tuple[Wallet, dict[str, int]]] = []
    for wallet in world.wallets:
        numbers = numbers_of(wallet, ledger)
        whole = wallet_figures(ledger, numbers, codes, GROUPS, end) if numbers else None
        if whole is None:
            continue
        if whole.first_at > split:
            judge.append((wallet, whole.figures))
        elif whole.first_at <= split - KNOWN_AFTER * DAY:
            then = wallet_figures(ledger, numbers, codes, GROUPS, split)
            if then is not None and (not wallet.is_criminal or wallet.since <= SPLIT - KNOWN_AFTER):
                at = datetime.fromtimestamp(whole.first_at, UTC)
                teach.append(Labelled(then.figures, wallet.is_criminal, at))
    return teach, judge


def exposed(figures: Mapping[str, int]) -> int:
    """What exposure alone says: shares of crime on both sides, the second hand by half."""
    return sum(figures[name] * (2 if name.endswith("near") else 1) for name in EXPOSURE) // 2


def at_volume(rows: Sequence[Row], volume: int) -> tuple[list[Row], list[Row]]:
    """The first so many wallets by exposure, and by the score."""
    by_exposure = sorted((row for row in rows if row.exposed), key=lambda row: -row.exposed)
    return by_exposure[:volume], sorted(rows, key=lambda row: -row.learned)[:volume]


def found(rows: Sequence[Row]) -> Share:
    return share_of(sum(bool(row.way) for row in rows), len(rows))


def trial(
    number: int, seed: int = 7, share_bad: float = SHARE_BAD
) -> tuple[list[Labelled], list[Row], RiskModel]:
    """Teach and judge on a world of so many wallets."""
    world = build(number, SPLIT, seed, share_bad)
    teach, judge = sides(world, ledger_of(world))
    model = RiskModel(train(teach, subject=WALLET))
    chances = model.chances(model.matrix([figures for _wallet, figures in judge]))
    return teach, [
        Row(wallet.kind if wallet.is_criminal else "", exposed(figures), float(chance))
        for (wallet, figures), chance in zip(judge, chances, strict=True)
    ], model  # fmt: skip


def wallet_part(number: int) -> str:
    """The part of the document on wallets."""
    teach, rows, _model = trial(number)
    bad = sum(bool(row.way) for row in rows)
    volume = sum(bool(row.exposed) for row in rows)
    told = measured(
        np.asarray([row.learned for row in rows]),
        np.asarray([float(bool(row.way)) for row in rows]),
    )
    lines = [HEAD.format(
        number=number, split=SPLIT, wait=KNOWN_AFTER, learnt=len(teach),
        bad_learnt=sum(row.led_to_case for row in teach), judged=len(rows), bad=bad, volume=volume,
        area=told["area_under_curve"],
    )]  # fmt: skip
    for part in sorted({volume, volume // 2, bad}, reverse=True):
        one, other = at_volume(rows, part)
        lines.append(
            f"| {part:,} | {_interval(found(one))} | {_interval(found(other))} |"
            f" {found(one).yes / max(bad, 1):.2f} | {found(other).yes / max(bad, 1):.2f}"
            f"{' **exposure wins**' if found(other).yes < found(one).yes else ''} |"
        )
    one, other = at_volume(rows, bad)
    by_exposure, by_score = (Counter(row.way for row in side) for side in (one, other))
    whole = Counter(row.way for row in rows)
    lines.append(
        f"\nBy way, with {bad} looks each:\n\n| way | tied to crime | found by exposure | found by"
        " score | |\n| --- | ---: | ---: | ---: | --- |"
    )
    for way in WAYS:
        note = "never seen before the split" if way == UNSEEN else ""
        if by_score[way] < by_exposure[way]:
            note = f"{note}{'; ' if note else ''}**exposure wins**"
        lines.append(f"| {way} | {whole[way]} | {by_exposure[way]} | {by_score[way]} | {note} |")
    if missed := [way for way in WAYS if whole[way] and not by_score[way] + by_exposure[way]]:
        lines.append(f"\nFound by neither: {', '.join(missed)}.")
    lines.append("\nHow true the points are on wallets of after the split:")
    lines.append("\n| points said | tied to crime | wallets |\n| ---: | ---: | ---: |")
    lines += [
        f"| {each['said']:.2f} | {each['true']:.2f} | {each['rows']:,} |"
        for each in told["calibration"]
    ]
    return "\n".join(lines) + TAIL


def _interval(share: Share) -> str:
    if share.point is None:
        return "-"
    return f"{share.point:.2f} ({share.low:.2f} to {share.high:.2f})"


HEAD = """
## Wallets

The same training, the same form of model and the same card, over the figures of a wallet on the
ledger (`cases/detection/wallet_features.py`). The question: of wallets that nobody has named yet,
does the score find more that are tied to crime than their exposure alone does?

{number:,} made-up wallets on a ledger of one year (`tests/wallet_world.py`), one in twenty of them
tied to crime in one of seven ways; honest wallets do what each of these looks like. Exchanges,
markets and mixers are named from the beginning.

No leakage: wallets first paid by day {split_known} teach, with their figures of day {split}; those
first paid after day {split} judge, with their figures at the end of the year. So no wallet stands
on both sides, and of other criminals only those are figures of anybody that were known on day
{split}. What is said of a wallet itself is never a figure of it. {learnt:,} wallets teach,
{bad_learnt} of them tied to crime; {judged:,} judge, {bad} of them. {volume:,} of these have any
exposure to crime, at first or second hand: the first line has as many looks, the second the half,
the last as many as are tied to crime. Area under the curve of the score: {area:.3f}.

| looks | precision, exposure | precision, score | recall, exposure | recall, score |
| ---: | --- | --- | ---: | ---: |""".replace("{split_known}", str(SPLIT - KNOWN_AFTER))
TAIL = """

Points learnt before the split are an order rather than shares after it: where a new shape comes up,
the table shows how far what is said lies from what is true, as drift does on the card.

Exposure needs nobody's outcomes and says whom a wallet dealt with, which a person can check and
cite; the points are a hint for where to look and no evidence. Wallets without any exposure, paid by
victims nobody knows, are where the score adds most. A mule that gets from wallets nobody names and
pays an exchange looks like a worker who is paid in coins. Whoever launders in a new shape is found
only by chance, and among other honest wallets the points would have to be learnt anew. Ledgers of
accounts have no such score: what anybody may send to an account says little of it.
"""
