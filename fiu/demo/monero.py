"""What has no ledger here: Monero deposits, the four swaps, the bank's seized log."""

from collections.abc import Iterator

from fiu.demo.bank import QUANTILES
from fiu.demo.chance import Stream
from fiu.demo.customers import SELLERS
from fiu.demo.exchange import XMR, Exchange, Movement
from fiu.demo.pharos import PEEL_FROM, PEEL_STEP, PEELS, TO_SWAP
from fiu.demo.scale import XMR_UNIT, Scale
from fiu.demo.scripts import identifier
from fiu.demo.timeline import TIP, block_time, iso, moment

# Fee in 1/10,000 and minutes until the deposit, for the four orders; decoys beside each.
SWAPS = ((60, 22), (90, 41), (120, 63), (150, 95))
NUM_DECOYS = (2, 3, 4, 5)
XMR_PER_SAT = 500 * XMR_UNIT // 10**8  # 500 XMR a bitcoin
FIRST_MONDAY = 4
MONDAY_FIRST, MONDAY_STEP = 4_785 * XMR_UNIT // 10, 975 * XMR_UNIT // 100
MONDAY_LAST = 6_060_054 * XMR_UNIT // 10_000
NUM_MONDAYS = 14
NUM_SELLER_ROWS = 31
LOG_BEFORE = 1_200  # the bank logs a payment 20 minutes before we credit it


class Monero:
    """Deposits at the exchange and the rows of the log that pays some of them."""

    def __init__(self, seed: int, stream: Stream, scale: Scale, exchange: Exchange) -> None:
        self._seed, self._stream, self._scale, self._exchange = seed, stream, scale, exchange
        self._num = 0
        self._matched: list[tuple[int, int, str]] = []
        self.swaps: list[dict[str, object]] = []
        self.mondays: list[str] = []
        self.seller_rows: list[str] = []

    def _deposit(self, account: str, base: int, at: int) -> str:
        self._num += 1
        txid = identifier(self._seed, "xmr", self._num)
        self._exchange.record(Movement(at, "deposit", account, XMR, base, txid=txid))
        return txid

    def deposit_all(self) -> None:
        """Every Monero deposit of the story, then those of uninvolved customers."""
        for number in range(NUM_MONDAYS):
            last = number == NUM_MONDAYS - 1
            base = MONDAY_LAST if last else MONDAY_FIRST + MONDAY_STEP * number
            at = moment(7 * (FIRST_MONDAY + number), 12)
            txid = self._deposit("OP-2", base, at)
            self.mondays.append(txid)
            self._matched.append((at - LOG_BEFORE, base, txid))
        for number in range(NUM_SELLER_ROWS):
            base = (8 + 3 * number) * XMR_UNIT // 2 + self._stream.index(10**9) * 1_000
            at = moment(15 + 3 * number, 8 + number % 11, 7)
            txid = self._deposit(SELLERS[number % len(SELLERS)], base, at)
            self.seller_rows.append(txid)
            self._matched.append((at - LOG_BEFORE, base, txid))
        decoys = iter(self._exchange.customers.decoys)
        for (fee, minutes), place, count in zip(SWAPS, TO_SWAP, NUM_DECOYS, strict=True):
            sat = PEELS[place - 1] * 10_000
            at = block_time(PEEL_FROM + PEEL_STEP * place)
            base = sat * XMR_PER_SAT * (10_000 - fee) // 10_000
            event = {
                "order": place, "sat": sat, "at": iso(at), "account": "OP-2", "base": base,
                "txid": self._deposit("OP-2", base, at + 60 * minutes), "decoys": [],
            }  # fmt: skip
            accounts = []
            for number in range(1, count + 1):
                account = next(decoys)
                less = sat * XMR_PER_SAT * (10_000 - 25 - 30 * number) // 10_000
                self._deposit(account, less, at + 60 * (15 + 17 * number))
                accounts.append(account)
            event["decoys"] = accounts
            self.swaps.append(event)
        for uid in self._exchange.customers.monero:
            for _ in range(1 + self._stream.index(3)):
                base = (1 + self._stream.index(60_000)) * XMR_UNIT // 1_000
                self._deposit(uid, base, block_time(1_008 + self._stream.index(TIP - 1_008)))

    def log_rows(self) -> Iterator[tuple[str, ...]]:
        """Rows of the seized log: line, at, direction, XMR base units, transaction."""
        scale, stream = self._scale, self._stream
        rows: list[tuple[int, str, int, str]] = []
        matched = sum(base for _, base, _ in self._matched)
        parts = (
            ("in", scale.log_in, scale.log_in_total),
            ("out", scale.log_out - len(self._matched), scale.log_out_total - matched),
        )
        for direction, count, total in parts:
            amounts = stream.spread(total, count, XMR_UNIT // 100, QUANTILES)
            for number, base in enumerate(amounts):
                at = block_time(1_008) + stream.index(17 * 7 * 86_400)
                rows.append(
                    (at, direction, base, identifier(self._seed, f"log-{direction}", number))
                )
        rows += [(at, "out", base, txid) for at, base, txid in self._matched]
        rows.sort()
        for line, (at, direction, base, txid) in enumerate(rows, start=1):
            yield str(line), iso(at), direction, str(base), txid
