"""Follows an Ethereum-like node: blocks, receipts and traces, in batches, until it is level.

Stored as recorded replies are. A reorganisation is read anew from the last block both share; what
it replaced goes stale once the new branch is as long as the old.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from django.conf import settings

from tracing.engine.accounts.evm import parse_evm
from tracing.engine.accounts.replies import RowError, hexed
from tracing.engine.accounts.rows import NATIVE, Parsed, TokenRow
from tracing.errors import BlockFileError, LedgerError, NodeAnswerWrong
from tracing.following import Following, Told
from tracing.ledgers import names
from tracing.ledgers.accounts import open_account_ledger
from tracing.ledgers.accounts.load import load_rows
from tracing.lookups import noted
from tracing.nodes import EvmBlock, EvmNode, NodeSettings, NodeTip, ReorganisedMeanwhile

MOST_DECIMALS: Final = 77
MOST_SYMBOL: Final = 20
_JOINED: Final = frozenset({"block", "transaction", "receipt"})
"""Rows without which a block is not whole; a strange log or call is merely not taken."""


class AccountSync(Following):
    """The steps of one sync of an account ledger."""

    def __init__(self, node: NodeSettings, source: EvmNode, told: Told, until: int | None) -> None:
        super().__init__(node, told, until)
        self.source = source

    def check(self) -> None:
        self.source.check_chain()

    def tip(self) -> NodeTip:
        return self.source.tip()

    def has(self, height: int, name: str | None) -> bool:
        return self.source.block_hash(height) == name

    def fetch_up_to(self, tip: NodeTip, first_height: int) -> bool:
        target = tip.height if self.until is None else min(tip.height, self.until)
        height, previous = self._start(tip, first_height)
        self.told(height - 1, target)
        stored = False
        while height <= target:
            batch: list[EvmBlock] = []
            size, begun = 0, time.monotonic()
            while height <= target and not self.is_full(len(batch), size, begun):
                most = min(self.node.batch_calls, self.node.batch_blocks - len(batch))
                part = self._next(height, min(height + most - 1, target), previous)
                batch += part
                size += sum(len(block.replies) for block in part)
                previous, height = part[-1].hash, part[-1].height + 1
                self.told(height - 1, target)
            stored = self._store(batch) or stored
        return stored

    def _start(self, tip: NodeTip, first_height: int) -> tuple[int, str | None]:
        """Next height, and the block it must follow (None: any)."""
        snapshot = self.snapshot()
        if snapshot is None or first_height > snapshot.segments[-1].height + 1:
            return first_height, None
        segment = snapshot.segments[-1]
        if tip.height < segment.first_height:
            return tip.height + 1, None  # it is still catching up: nothing to fetch
        if tip.height >= segment.height and self.has(segment.height, segment.tip_hash):
            return segment.height + 1, segment.tip_hash
        ledger = open_account_ledger(settings.FIU_HOME, self.node.ledger)
        fork = self.fork(ledger, segment, tip)
        if fork is not None:
            return fork + 1, ledger.hash_at(fork)
        raise LedgerError(
            f"the node {self.node.name} shares no block with {self.node.ledger} from height "
            f"{segment.first_height} to {segment.height}: it follows another chain, or all of "
            "these blocks left it; begin above them with --from"
        )

    def _next(self, first: int, last: int, previous: str | None) -> list[EvmBlock]:
        """The blocks of these heights, the first behind the one before it.

        Raises ReorganisedMeanwhile where the one before it has gone; NodeAnswerWrong where it has
        not, so that the node contradicts itself, at every try.
        """
        for attempt in range(1, self.node.tries + 1):
            blocks = self.source.blocks(first, last)
            if previous in (None, blocks[0].previous):
                return blocks
            if not self.has(first - 1, previous):
                raise ReorganisedMeanwhile
            if attempt < self.node.tries:
                self.source.wire.pause(attempt)
        raise NodeAnswerWrong(
            f"the node {self.node.name} ({self.node.host}) names block {blocks[0].hash} for height "
            f"{first}, which does not belong there; nothing of it was stored"
        )

    def _store(self, batch: Sequence[EvmBlock]) -> bool:
        """Store a batch; False where all of it was there before."""
        parsed = self._parsed(batch)
        self._name_tokens(parsed)
        report = self.stored(lambda: load_rows(settings.FIU_HOME, self.node.ledger, parsed))
        self.blocks += report.blocks
        self.transactions += report.transactions
        self.batches += 1
        self.orphaned += len(report.snapshot.orphaned) if report.blocks else 0
        self.keep()
        return report.blocks > 0

    def _parsed(self, batch: Sequence[EvmBlock]) -> Parsed:
        where = f"the node {self.node.name} ({self.node.host})"
        files = [(f"{where}, block {block.height}", block.replies) for block in batch]
        try:
            parsed = parse_evm(files)
        except BlockFileError as error:
            raise NodeAnswerWrong(
                f"{error.source}: {error.reason}; nothing of it was stored"
            ) from None
        lacking = next((each for each in parsed.refused if each.what in _JOINED), None)
        if lacking is not None:
            raise NodeAnswerWrong(
                f"{lacking.source}: its {lacking.what} cannot be used: {lacking.reason}; nothing "
                "of it was stored"
            )
        return parsed

    def _name_tokens(self, parsed: Parsed) -> None:
        """Ask tokens not known yet for their decimals; those that do not answer stay unknown."""
        seen = {transfer.asset for transfer in parsed.transfers.values()} - {NATIVE}
        if self.node.ledger in names.present(settings.FIU_HOME):
            ledger = open_account_ledger(settings.FIU_HOME, self.node.ledger)
            seen -= {facts.reference for facts in ledger.assets}
        contracts = {asset.partition(":")[2]: asset for asset in sorted(seen)}
        if not contracts:
            return
        with noted(
            self.node, self.source.wire, purpose="decimals of tokens seen for the first time",
            subject=" ".join(contracts), by="sync_chain",
        ):  # fmt: skip
            told = self.source.token_words(list(contracts))
        for words in told:
            try:
                decimals = int.from_bytes(hexed(words.decimals, "decimals", 32), "big")
            except RowError:
                continue
            if decimals <= MOST_DECIMALS:
                asset = contracts[words.contract]
                parsed.tokens[asset] = TokenRow(asset, symbol_of(words.symbol), decimals)


def symbol_of(answer: object) -> str:
    """The text in an ABI answer, at most 20 plain characters: a contract may say anything."""
    text = answer.removeprefix("0x") if isinstance(answer, str) else ""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return ""
    if len(data) >= 64:
        length = int.from_bytes(data[32:64], "big")
        data = data[64 : 64 + min(length, MOST_SYMBOL)]
    shown = data.rstrip(b"\0").decode("ascii", "replace")[:MOST_SYMBOL]
    return shown if shown.isascii() and shown.isprintable() else ""
