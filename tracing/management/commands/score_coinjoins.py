"""Score the CoinJoin detectors on labelled rows and real blocks; writes docs/accuracy.md."""

import json
import zipfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from tracing.engine.coinjoin import CoinJoinMatch, classify, match_of
from tracing.engine.ledger import NO_ADDRESS
from tracing.ledgers import load_blocks, open_ledger
from tracing.management.asking import one_sentence, table

KINDS: Final = ("joinmarket_like", "wasabi_1", "wasabi_2", "whirlpool", "whirlpool_tx0")
MIX, MIXED_LABEL, ORDINARY, PAYOUTS = "mixes", "mixes and others", "mostly ordinary", "no mix"

LABELLED: Final = (
    ("Wasabi 1 of 2021", "dumplings__ww1_202405.zip", "WasabiCoinJoins", MIX),
    ("spends after Wasabi 1", "dumplings__ww1_202405.zip", "WasabiPostMixTxs", ORDINARY),
    ("others of June 2024", "dumplings__jm_202406.zip", "OtherCoinJoins", MIXED_LABEL),
    ("spends after those", "dumplings__jm_202406.zip", "OtherCoinJoinPostMixTxs", ORDINARY),
)
BLOCKS: Final = (
    ("blocks 1 to 256", "mainnet-1-256.bz2", None),
    ("block 300025 (2014)", "mainnet-300025.raw", "mainnet-300025.undo.raw"),
    ("block 333961 (2014)", "mainnet-333961.raw", None),
    ("block 437303 (2016)", "mainnet-437303.raw", None),
    ("block 482683 (2017)", "mainnet-482683.raw", None),
)


@dataclass(frozen=True)
class Score:
    """What the detectors say of one set, and what its label is worth."""

    name: str
    label: str
    rows: int
    found: Counter[str]
    high: int
    mixes: int

    @property
    def verdict(self) -> str:
        """Hits where all rows are mixes, false hits where none is, else what was flagged."""
        if self.label == MIX:
            return f"{self.mixes} of {self.rows} found"
        if self.label == PAYOUTS:
            return f"{self.mixes} false"
        return f"{self.mixes} flagged"


class Command(BaseCommand):
    help = "Score the CoinJoin detectors on a folder of labelled rows and real blocks."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("data", type=Path, help="folder with coinjoin/, esplora/, btc-blocks/")
        parser.add_argument("--write", type=Path, metavar="FILE", help="such as docs/accuracy.md")

    def handle(self, *args: Any, **options: Any) -> None:
        data: Path = options["data"]
        if not (data / "coinjoin").is_dir():
            raise CommandError(f"{data} has no folder coinjoin.")
        scores = one_sentence(lambda: list(score(data)))
        head = ("set", "label", "rows", *KINDS, "high", "verdict")
        self.stdout.write("\n".join(table(head, (cells(each) for each in scores), right=0)))
        if options["write"]:
            options["write"].write_text(document(scores))


def score(data: Path) -> Iterator[Score]:
    """Each set in turn: labelled rows, one reply of an explorer, real blocks."""
    for name, archive, member, label in LABELLED:
        yield counted(name, label, labelled(data / "coinjoin" / archive, f"Scanner/{member}.txt"))
    reply = json.loads((data / "esplora" / "whirlpool-coinjoin.json").read_text())
    yield counted("one Whirlpool mix", MIX, [explorer_row(reply)])
    for name, block, coins in BLOCKS:
        # Three equal outputs before 2015 are payouts; later blocks carry no labels.
        label = PAYOUTS if "2014" in name or "256" in name else ORDINARY
        folder = data / "btc-blocks"
        yield counted(name, label, block_rows(folder / block, folder / coins if coins else None))


def counted(name: str, label: str, matches: Iterable[CoinJoinMatch | None]) -> Score:
    """Count the verdicts of a set."""
    every = list(matches)
    found = [match for match in every if match is not None]
    return Score(
        name,
        label,
        len(every),
        Counter(match.kind for match in found),
        sum(match.confidence == "high" and match.is_mix for match in found),
        sum(match.is_mix for match in found),
    )


def labelled(archive: Path, member: str) -> Iterator[CoinJoinMatch | None]:
    """Our verdict on each row: `txid:::...:::inputs:::outputs`, cells as `value+script+type`."""
    with zipfile.ZipFile(archive) as files:
        for line in files.read(member).decode().splitlines():
            fields = line.split(":::")
            scripts: dict[str, int] = {}
            sides = []
            for side in (fields[4], fields[5]):
                rows = [cell.split("+") for cell in side.split("}{")]
                owners = [
                    NO_ADDRESS
                    if script.startswith("6a")
                    else scripts.setdefault(script, len(scripts))
                    for _, script, _ in rows
                ]
                sides.append(([int(amount.split("-")[-1]) for amount, *_ in rows], owners))
            yield classify(*sides[0], *sides[1])


def explorer_row(reply: dict[str, Any]) -> CoinJoinMatch | None:
    """Our verdict on a transaction as an Esplora server tells it."""
    scripts: dict[str, int] = {}
    sides = []
    for coins in ([row["prevout"] for row in reply["vin"]], reply["vout"]):
        owners = [scripts.setdefault(coin["scriptpubkey"], len(scripts)) for coin in coins]
        sides.append(([coin["value"] for coin in coins], owners))
    return classify(*sides[0], *sides[1])


def block_rows(block: Path, coins: Path | None) -> Iterator[CoinJoinMatch | None]:
    """Our verdict on each transaction of a block file."""
    with TemporaryDirectory() as home:
        load_blocks(Path(home), "bitcoin", [block], spent_coins=coins)
        ledger = open_ledger(Path(home), "bitcoin")
        for tx in range(ledger.num_tx):
            yield match_of(ledger, tx)


def cells(each: Score) -> tuple[str, ...]:
    """A row of the table."""
    kinds = (str(each.found[kind]) for kind in KINDS)
    return (each.name, each.label, f"{each.rows:,}", *kinds, str(each.high), each.verdict)


def document(scores: list[Score]) -> str:
    """The scores as a page."""
    lines = [
        "# Accuracy",
        "",
        "Written by `manage.py score_coinjoins DATA --write docs/accuracy.md`. Each row is a set",
        "of real transactions; the columns count what our detectors say of it.",
        "",
        "## CoinJoins",
        "",
        "| set | label | rows | JoinMarket-like | Wasabi 1 | Wasabi 2 | Whirlpool | Tx0 "
        "| high confidence | verdict |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
        *("| " + " | ".join(cells(each)) + " |" for each in scores),
        "",
        "What the labels are worth:",
        "",
        "- *mixes*: every row is one, so the verdict is a recall.",
        "- *no mix*: older than the protocols, or from before equal outputs meant a mix. The six",
        "  transactions of block 300025 with equal outputs are payouts. The verdict counts false",
        "  hits.",
        "- *mixes and others*: labelled by another project's scanner. Most rows of June 2024 are",
        "  token trades with dust markers (two equal outputs, or 330 to 600 satoshi), so neither",
        "  recall nor precision can be read off; the flagged ones have the JoinMarket shape and",
        "  inputs that can be dealt out to participants.",
        "- *mostly ordinary*: spends of mixed coins; some are true re-mixes, so a flag is not an",
        "  error by itself.",
        "",
        "Blocks without their spent coins have inputs of unknown value, which leaves out the",
        "funding test: a flag there is of medium confidence.",
        "",
        "For Wasabi 2, Whirlpool and Tx0 the sets hold one real mix at most; beyond it those",
        "detectors are tested on transactions made after the protocol descriptions.",
        "",
    ]
    return "\n".join(lines)
