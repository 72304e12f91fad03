"""Builds the whole world: a function of scale, seed and now, written to one folder."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from fiu.demo.accounts import record_ledger
from fiu.demo.bank import Bank
from fiu.demo.case_file import case_file
from fiu.demo.chain import MATURITY, BlockFiles, Chain, Coin, Purse
from fiu.demo.chance import Stream
from fiu.demo.coinjoin import CoinJoins
from fiu.demo.customers import REASSIGNED_AT, Customers
from fiu.demo.exchange import Exchange
from fiu.demo.files import Tables
from fiu.demo.monero import Monero
from fiu.demo.oracle import describe
from fiu.demo.ordinary import Ordinary
from fiu.demo.packs import agency_list, tag_packs
from fiu.demo.pharos import Pharos
from fiu.demo.platforms import Copperdice, Lanternbox
from fiu.demo.rows import write_rows
from fiu.demo.scale import Scale
from fiu.demo.scripts import Scripts
from fiu.demo.timeline import DAY, TIP, WEEK, Plan

LOG = ("line", "at", "direction", "base", "txid")
AGENCY_LIST = ("address", "source")
SWEEP_EVERY, SWEEP_PHASE = 24, 7
FORKED_AT = 20_158  # the first block that `--reorg` replaces


@dataclass(frozen=True)
class Built:
    """Where the files lie."""

    folder: Path
    blocks: tuple[Path, ...]
    other_branch: Path
    exchange: Path
    tip_hash: str
    num_transactions: int


class World:
    """All parts of the story around one chain."""

    def __init__(self, scale: Scale, seed: int, files: BlockFiles) -> None:
        self.scale, self.seed = scale, seed
        self.scripts = scripts = Scripts(seed)
        self.chain = chain = Chain(files)
        self.plan = plan = Plan()

        def stream(name: str) -> Stream:
            return Stream(seed, name)

        self.customers = Customers(scripts, stream("customers"), scale)
        self.eastmere = Purse(chain, scripts.of("eastmere"))
        self.exchange = Exchange(chain, scripts, stream("exchange"), self.customers)
        self.ordinary = Ordinary(chain, scripts, stream("ordinary"), scale, self.exchange)
        self.bank = Bank(
            chain, scripts, stream("bank"), scale, self.ordinary, self.exchange,
            scripts.of("obelisk-fee-wallet"), scripts.of("pharos-a1", 1),
        )  # fmt: skip
        self.lanternbox = Lanternbox(
            chain, scripts, stream("lanternbox"), self.ordinary, self.exchange
        )
        self.copperdice = Copperdice(
            chain, scripts, stream("copperdice"), self.ordinary, self.exchange
        )
        self.coinjoins = CoinJoins(
            chain, scripts, stream("coinjoin"), self.ordinary, self.bank, self.copperdice,
            self.exchange,
        )  # fmt: skip
        self.pharos = Pharos(chain, scripts, self.bank, self.exchange, self.eastmere)
        self.monero = Monero(seed, stream("monero"), scale, self.exchange)
        self.bank.plan(plan)
        self.pharos.plan(plan)
        self.lanternbox.plan(plan, self.eastmere)
        self.copperdice.plan(plan, self.eastmere)
        self.coinjoins.plan(plan)
        for week in range(2, TIP // WEEK + 1):
            plan.at(week * WEEK + 500, self.exchange.fill_cold_wallet)
        for height in range(SWEEP_PHASE, TIP + 1, SWEEP_EVERY):
            plan.at(height, self.exchange.sweep)

    def _miner(self, height: int) -> tuple[bytes, Callable[[Coin], object] | None]:
        """Who finds a block; coins of week 0 start everybody, later ones stay with the miner."""
        if height >= WEEK:
            return self.scripts.of("miner", height // DAY), None
        turn = height % 8
        if turn in (0, 4):
            return self.eastmere.script, self.eastmere.coins.append
        if turn == 1:
            return self.exchange.hot.script, self.exchange.hot.coins.append
        if turn == 5:
            return self.exchange.cold_script, self.exchange.cold.append
        if turn in (2, 6):
            return self.scripts.of("early-miner", height), self.ordinary.reserve.append
        return self.scripts.of("early-miner", height), self.ordinary.receive

    def run(self, tick: Callable[[int], None]) -> None:
        """Make every block; `tick` hears the height now and then."""
        for height in range(1, TIP + 1):
            if height == FORKED_AT:
                self.fork = self.chain.previous
            for action in self.plan.take(height):
                action()
            self.ordinary.block()
            miner, owner = self._miner(height)
            coin = self.chain.seal(miner)
            if owner is not None:
                self.plan.at(height + MATURITY, partial(owner, coin))
            if height % WEEK == 0:
                tick(height)
        record_ledger(self.exchange)
        self.monero.deposit_all()


def build(
    folder: Path,
    scale: Scale,
    seed: int,
    now: int,
    tick: Callable[[int], None] = lambda _: None,
    blocks_ready: Callable[[list[Path]], None] = lambda _: None,
) -> Built:
    """Write blocks, the exchange's rows, packs, lists, manifest and truth under a folder.

    Args:
        folder: receives `blocks/`, `other_branch/`, `exchange/`, `tagpacks/` and the rest.
        now: seconds since 1970; only the second version of a tag pack hangs on it.
        tick: hears the height about twenty times.
        blocks_ready: hears the block files as soon as they stand, before the rows are written.

    Cost: at demo scale about 3 s and 150 MB.
    """
    with BlockFiles(folder / "blocks") as files:
        world = World(scale, seed, files)
        world.run(tick)
    blocks_ready(files.paths)
    with BlockFiles(folder / "other_branch") as branch:
        _write_other_branch(world, branch)
    tables = Tables(folder)
    counted = zip(files.paths + branch.paths, files.num_blocks + branch.num_blocks, strict=True)
    for path, num_blocks in counted:
        name = path.relative_to(folder).as_posix()
        tables.note(name, num_blocks, sha256(path.read_bytes()).hexdigest())
    write_rows(world.exchange, tables, REASSIGNED_AT)
    tables.write("bank_log_xmr.csv", LOG, world.monero.log_rows())
    bank = [world.bank.deposit_script(n) for n in range(scale.deposit_addresses)]
    lines = agency_list(Stream(seed, "agency"), bank[: scale.deposit_addresses - scale.never_swept])
    tables.write("agency_list.csv", AGENCY_LIST, lines)
    oracle = describe(world)
    copperdice = oracle["clusters"]["copperdice"]
    for name, text in tag_packs(world.scripts, copperdice, now).items():
        tables.write_text(f"tagpacks/{name}", text)
    tables.write_text("case_file.json", json.dumps(case_file(world), indent=1) + "\n")
    tables.finish()
    (folder / "oracle.json").write_text(json.dumps(oracle, indent=1), encoding="utf-8")
    return Built(
        folder=folder,
        blocks=tuple(files.paths),
        other_branch=branch.paths[0],
        exchange=folder / "exchange",
        tip_hash=world.chain.tip_hash,
        num_transactions=world.chain.num_transactions,
    )


def _write_other_branch(world: World, files: BlockFiles) -> None:
    """Three empty blocks on 20,157: longer than the two they replace."""
    chain = Chain(files)
    chain.previous, chain.height = world.fork, FORKED_AT
    for number in range(3):
        chain.seal(world.scripts.of("other-miner", number))
