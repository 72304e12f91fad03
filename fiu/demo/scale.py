"""The sizes of the world: `demo` is a twentieth of `full`, but for operator and Lanternbox."""

from dataclasses import dataclass

XMR_UNIT = 10**12


@dataclass(frozen=True)
class Scale:
    """Every count and every exact total (sat, or XMR base units) that depends on the scale."""

    name: str
    factor: int  # weekly deposits and the bank's fees are this many times the demo's
    ordinary: int
    wallets: int
    market_deposits: int
    deposit_addresses: int
    never_swept: int
    payouts: int
    payouts_total: int
    sellers: int
    log_in: int
    log_in_total: int
    log_out: int
    log_out_total: int
    customers: int
    buyers: int


DEMO = Scale(
    name="demo",
    factor=1,
    ordinary=100_000,
    wallets=60_000,
    market_deposits=9_186,
    deposit_addresses=4_593,
    never_swept=46,
    payouts=3_015,
    payouts_total=3_346_000_000,
    sellers=90,
    log_in=9_096,
    log_in_total=148_047 * XMR_UNIT // 10,
    log_out=4_173,
    log_out_total=147_317 * XMR_UNIT // 10,
    customers=20_000,
    buyers=212,
)
FULL = Scale(
    name="full",
    factor=20,
    ordinary=2_000_000,
    wallets=1_200_000,
    market_deposits=183_722,
    deposit_addresses=91_861,
    never_swept=919,
    payouts=60_690,
    payouts_total=120_880_000_000,
    sellers=1_800,
    log_in=181_918,
    log_in_total=296_094 * XMR_UNIT,
    log_out=83_457,
    log_out_total=294_634 * XMR_UNIT,
    customers=1_000_000,
    buyers=4_240,
)
SCALES = {scale.name: scale for scale in (DEMO, FULL)}
