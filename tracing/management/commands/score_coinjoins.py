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

from tracing.engine.coinjoin import CoinJoinMatch, classify
from tracing.engine.ledger import NO_ADDRESS
from tracing.ledgers import load_blocks, open_ledger
from tracing.management.asking import one_sentence, table
from tracing.management.peer_mixes import Sides, flagged_when_stored, told_on_request

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
    stored: int = 0
    """Rows that GraphSense flags as it stores them."""
    told: int = 0
    """Rows that GraphSense's newer rules take for a mix."""
    told_of_three: int = 0
    """The same without pairs of equal outputs."""

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


def counted(name: str, label: str, rows: Iterable[Sides | None]) -> Score:
    """Count our verdicts and GraphSense's on a set; None is a coinbase, no mix to anybody."""
    every = list(rows)
    asked = [row for row in every if row is not None]
    found = [match for match in map(verdict_on, asked) if match is not None]
    return Score(
        name,
        label,
        len(every),
        Counter(match.kind for match in found),
        sum(match.confidence == "high" and match.is_mix for match in found),
        sum(match.is_mix for match in found),
        sum(map(flagged_when_stored, asked)),
        sum(map(told_on_request, asked)),
        sum(told_on_request(row, least_equal=3) for row in asked),
    )


def verdict_on(row: Sides) -> CoinJoinMatch | None:
    """What our detectors say of it."""
    return classify(row.in_values, row.in_owners, row.out_values, row.out_owners)


def labelled(archive: Path, member: str) -> Iterator[Sides]:
    """Each row of a file: `txid:::...:::inputs:::outputs`, cells as `value+script+type`."""
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
            yield Sides(*sides[0], *sides[1])


def explorer_row(reply: dict[str, Any]) -> Sides:
    """A transaction as an Esplora server tells it."""
    scripts: dict[str, int] = {}
    sides = []
    for coins in ([row["prevout"] for row in reply["vin"]], reply["vout"]):
        owners = [scripts.setdefault(coin["scriptpubkey"], len(scripts)) for coin in coins]
        sides.append(([coin["value"] for coin in coins], owners))
    return Sides(*sides[0], *sides[1])


def block_rows(block: Path, coins: Path | None) -> Iterator[Sides | None]:
    """Each transaction of a block file, None for a coinbase."""
    with TemporaryDirectory() as home:
        load_blocks(Path(home), "bitcoin", [block], spent_coins=coins)
        ledger = open_ledger(Path(home), "bitcoin")
        for tx in range(ledger.num_tx):
            ins = slice(int(ledger.in_off[tx]), int(ledger.in_off[tx + 1]))
            outs = slice(int(ledger.out_off[tx]), int(ledger.out_off[tx + 1]))
            sides = (
                ledger.in_value[ins].tolist(),
                ledger.in_address[ins].tolist(),
                ledger.out_value[outs].tolist(),
                ledger.out_address[outs].tolist(),
            )
            yield None if ledger.tx_coinbase[tx] else Sides(*sides)


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
        "## Beside GraphSense",
        "",
        "The same rows under the two rules that GraphSense publishes (`peer_mixes.py` restates",
        "them): the flag it stores with each transaction, and what its newer heuristics answer,",
        "with and without their JoinMarket-like pairs of two equal outputs, which they give 20 of",
        "100 confidence. The most hits and the fewest false ones are in bold.",
        "",
        "| set | rows | counts as | ours | stored flag | heuristics | from three equal on |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: |",
        *(beside(each) for each in scores if each.label != MIXED_LABEL),
        *beside_in_all(scores),
        "",
        "On every set of mixes ours finds as many as the best of them, and in all fewer false ones",
        "than each. What is *flagged* holds true re-mixes too; a set without any mix does not.",
        "",
        "## Elsewhere",
        "",
        "Each by its own command: [clusters, paths and taint](accuracy-tracing.md),",
        "[patterns](accuracy-patterns.md), [typologies](accuracy-detection.md) and their figures",
        "[on the demo's planted truth](accuracy-demo.md), [the learned score](accuracy-score.md).",
        "",
    ]
    return "\n".join(lines)


def beside(each: Score) -> str:
    """A set's row of the comparison."""
    counts = (each.mixes, each.stored, each.told, each.told_of_three)
    if each.label == MIX:
        meaning, best = "found", max(counts)
    else:
        meaning, best = "false" if each.label == PAYOUTS else "flagged", min(counts)
    shown = " | ".join(f"**{count}**" if count == best else str(count) for count in counts)
    return f"| {each.name} | {each.rows:,} | {meaning} | {shown} |"


def beside_in_all(scores: Iterable[Score]) -> Iterator[str]:
    """The sums: mixes found, and flags on sets that are no mixes or mostly none."""
    every = list(scores)
    for name, labels in (("mixes", (MIX,)), ("no mixes, or hardly any", (ORDINARY, PAYOUTS))):
        mine = [each for each in every if each.label in labels]
        yield beside(
            Score(
                f"*all {name}*", labels[0], sum(each.rows for each in mine), Counter(), 0,
                *(
                    sum(getattr(each, count) for each in mine)
                    for count in ("mixes", "stored", "told", "told_of_three")
                ),
            )
        )  # fmt: skip
