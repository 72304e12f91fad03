"""Rules about amounts, times and assets of one account's movements.

Each is one flag of the catalogue, named at the start of its docstring. Limits are inclusive.
Source: red_flags.yaml beside this file, after the FATF indicators of September 2020.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise

from cases.detection.movements import (
    INWARD,
    OUTWARD,
    TRADES,
    ZERO,
    Account,
    Hit,
    Movement,
    Value,
    hit,
)
from cases.detection.windows import (
    AccountRule,
    Params,
    drop_before,
    hours,
    in_window,
    passed_on,
    plain,
    share_of,
    total,
)

FUNDING = frozenset({"deposit", "fiat_in"})
PAST_WINDOWS = 3  # what came before must reach over so many windows to be called usual


def _is_large(row: Movement, params: Params) -> bool:
    return row.fiat is not None and row.fiat >= Decimal(params["large_fiat"])


def _opened_at(account: Account) -> datetime | None:
    if account.opened_on is None:
        return None
    return datetime.combine(account.opened_on, time(), tzinfo=UTC)


def large_in_a_day(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """T2a: several large transfers, in or out, follow one another within about a day."""
    least = params["min_count"]
    for found in in_window(
        rows,
        lambda row: row.kind in INWARD | OUTWARD and _is_large(row, params),
        timedelta(hours=params["window_hours"]),
        lambda kept: len(kept) >= least,
    ):
        yield hit(
            found,
            Value("large transfers", str(len(found)), str(least)),
            Value("hours", hours(found[-1].at - found[0].at), str(params["window_hours"])),
        )


def rhythm_then_silence(
    account: Account, rows: Iterable[Movement], params: Params
) -> Iterator[Hit]:
    """T2b: large transfers at regular gaps, after which no large one comes for long.

    Silence lasts until the next large transfer or until the records end.
    """
    least, silence = params["min_count"], timedelta(days=params["silence_days"])
    large = [row for row in rows if row.kind in INWARD and _is_large(row, params)]
    start = 0
    for place, row in enumerate(large):
        last = place + 1 == len(large)
        until = account.known_to if last else large[place + 1].at
        if until is None or until - row.at < silence:
            continue
        run = large[start : place + 1]
        start = place + 1
        gaps = [(b.at - a.at).total_seconds() for a, b in pairwise(run)]
        if len(run) < least or not min(gaps):
            continue
        mean = sum(gaps) / len(gaps)
        spread = int(max(abs(gap - mean) for gap in gaps) * 100 / mean)
        if spread > params["max_gap_variation_pct"]:
            continue
        yield hit(
            run,
            Value("large transfers", str(len(run)), str(least)),
            Value("variation of the gaps, %", str(spread), str(params["max_gap_variation_pct"])),
            Value("days of silence", str((until - row.at).days), str(params["silence_days"])),
        )


def straight_to_private(
    _account: Account, rows: Iterable[Movement], params: Params
) -> Iterator[Hit]:
    """T4c: a deposit leaves at once, in the same asset, for a wallet of no known provider."""
    by_asset: defaultdict[str, list[Movement]] = defaultdict(list)
    for row in rows:
        by_asset[row.asset].append(row)
    window = timedelta(hours=params["window_hours"])
    for asset in sorted(by_asset):
        for came, went, value in passed_on(
            by_asset[asset],
            lambda row: row.kind == "deposit",
            lambda row: row.kind == "withdrawal" and bool(row.address) and not _is_provider(row),
            window=window,
            share_pct=params["share_pct"],
            least=Decimal(params["min_fiat"]),
        ):
            yield hit(
                [*came, *went],
                Value("deposited", plain(value), plain(Decimal(params["min_fiat"]))),
                Value("share sent on, %", share_of(total(went), value), str(params["share_pct"])),
                Value("hours", hours(went[-1].at - came[0].at), str(params["window_hours"])),
                fiat=value,
            )


def _is_provider(row: Movement) -> bool:
    return any(touch.category == "exchange" and touch.hops <= 1 for touch in row.touches)


def large_first_deposit(
    account: Account, rows: Iterable[Movement], params: Params
) -> Iterator[Hit]:
    """P1: a new customer's first deposit is large and beyond the volume that was named.

    Without a named volume nothing can be out of line with it, and the rule stays silent.
    """
    opened, expected = _opened_at(account), account.expected
    first = next((row for row in rows if row.kind in FUNDING and row.fiat is not None), None)
    if first is None or opened is None or expected is None or first.fiat is None:
        return
    limit = expected * params["times_expected_volume_pct"] / 100
    if not _is_large(first, params) or first.fiat < limit:
        return
    if first.at - opened > timedelta(days=params["new_days"]):
        return
    yield hit(
        [first],
        Value("first deposit", plain(first.fiat), plain(Decimal(params["large_fiat"]))),
        Value("share of the named volume", plain(first.fiat), plain(limit)),
        Value("days since opening", str((first.at - opened).days), str(params["new_days"])),
    )


def funded_and_gone(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """P2: the whole funding comes on the first day, is large, and is gone or traded by the next."""
    priced = [row for row in rows if row.fiat is not None]
    funding = [row for row in priced if row.kind in INWARD]
    if not funding:
        return
    start, day = funding[0].at, timedelta(hours=24)
    if any(row.at - start > day for row in funding):
        return
    window = timedelta(hours=params["window_hours"])
    gone = [
        row for row in priced
        if row.kind in OUTWARD | TRADES and timedelta() <= row.at - start <= window
    ]  # fmt: skip
    came, went = total(funding), total(gone)
    if came < Decimal(params["large_fiat"]) or went * 100 < came * params["share_pct"]:
        return
    yield hit(
        [*funding, *gone],
        Value("funded on the first day", plain(came), plain(Decimal(params["large_fiat"]))),
        Value("share traded or gone, %", share_of(went, came), str(params["share_pct"])),
        fiat=came,
    )


def new_sends_all(account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """P3: a new customer trades or sends away nearly all of a balance in one movement.

    The balance is that of the asset by the records, so only of accounts opened since they begin.
    """
    opened = _opened_at(account)
    if opened is None or (account.known_from is not None and opened < account.known_from):
        return
    held: Counter[str] = Counter()
    for row in rows:
        if row.kind in INWARD:
            held[row.asset] += row.base
            continue
        before = held[row.asset]
        held[row.asset] = max(0, before - row.base)
        if row.at - opened > timedelta(days=params["new_days"]) or row.fiat is None:
            continue
        if not before or row.fiat < Decimal(params["min_fiat"]):
            continue
        if row.base * 100 >= before * params["share_pct"]:
            share = str(min(row.base * 100 // before, 100))
            yield hit(
                [row],
                Value("share of the balance, %", share, str(params["share_pct"])),
                Value("amount", plain(row.fiat), plain(Decimal(params["min_fiat"]))),
                Value("days since opening", str((row.at - opened).days), str(params["new_days"])),
            )


def one_network_pays(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """P5b: one network address pays into the account again and again within the window."""
    by_ip: defaultdict[str, list[Movement]] = defaultdict(list)
    for row in rows:
        if row.kind in INWARD and row.ip:
            by_ip[row.ip].append(row)
    least = params["min_count"]
    window = timedelta(days=params["window_days"])
    for ip, paid in sorted(by_ip.items()):
        for found in in_window(paid, lambda _row: True, window, lambda kept: len(kept) >= least):
            yield hit(
                found,
                Value("payments", str(len(found)), str(least)),
                Value("network address", ip, "one"),
            )


def pile_and_sweep(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """P6: small sums of many unrelated wallets pile up and leave in one move or become fiat.

    Without the ledger's senders each transaction counts as a wallet of its own.
    """
    most, least = Decimal(params["max_single_fiat"]), params["min_senders"]
    window, soon = timedelta(days=params["window_days"]), timedelta(hours=params["sweep_hours"])
    pile: deque[Movement] = deque()
    for row in rows:
        if row.fiat is None:
            continue
        if row.kind == "deposit" and row.fiat <= most:
            pile.append(row)
            drop_before(pile, row.at - window)
        elif row.kind in OUTWARD | TRADES and pile and row.at - pile[-1].at <= soon:
            senders = {each.sources[0] if each.sources else each.ref for each in pile}
            value = total(pile)
            if len(senders) < least or row.fiat * 100 < value * params["sweep_pct"]:
                continue
            yield hit(
                [*pile, row],
                Value("senders", str(len(senders)), str(least)),
                Value("largest sum", plain(max(r.fiat or ZERO for r in pile)), plain(most)),
                Value("share swept, %", share_of(row.fiat, value), str(params["sweep_pct"])),
                fiat=value,
            )
            pile.clear()


def swaps_at_a_loss(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """P7: crypto and fiat are swapped at a loss again and again, for no reason to be seen."""
    least, count = params["min_loss_bp"], params["min_count"]

    def is_loss(row: Movement) -> bool:
        if row.kind not in TRADES or row.fiat_out is None or not row.fiat:
            return False
        return (row.fiat - row.fiat_out) * 10_000 >= row.fiat * int(least)

    window = timedelta(days=params["window_days"])
    for found in in_window(rows, is_loss, window, lambda kept: len(kept) >= count):
        lost = sum(((each.fiat or ZERO) - (each.fiat_out or ZERO) for each in found), ZERO)
        share = int(lost * 10_000 / total(found))
        yield hit(
            found,
            Value("swaps at a loss", str(len(found)), str(count)),
            Value("loss, bp", str(share), str(least)),
            Value("lost", plain(lost), "0.00"),
        )


def privacy_again(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """A1: several assets are used, above all privacy coins, again and again."""
    privacy = frozenset(params["privacy_assets"])
    count = params["min_count"]

    def is_private(row: Movement) -> bool:
        return row.asset in privacy or row.asset_out in privacy

    def is_enough(kept: deque[Movement]) -> bool:
        assets = {each.asset for each in kept} | {each.asset_out for each in kept} - {""}
        return bool(len(kept) >= count and len(assets) > 1)

    window = timedelta(days=params["window_days"])
    for found in in_window(rows, is_private, window, is_enough):
        assets = {each.asset for each in found} | {each.asset_out for each in found} - {""}
        yield hit(
            found,
            Value("movements of privacy coins", str(len(found)), str(count)),
            Value("assets", ", ".join(sorted(assets - {""})), "2"),
        )


def far_above_usual(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """F4: deposits far above what is usual are turned into fiat soon after.

    Usual is the mean of a window over the days before; a history of less than three windows is
    too short to say what is usual.
    """
    window, back = timedelta(hours=params["window_hours"]), timedelta(days=params["lookback_days"])
    times = params["times_usual_pct"]
    paid: list[Movement] = []
    for row in rows:
        if row.fiat is None:
            continue
        if row.kind in FUNDING:
            paid.append(row)
        if row.kind != "fiat_out":
            continue
        burst = [each for each in paid if row.at - window <= each.at]
        if not burst:
            continue
        start = burst[0].at
        past = [each for each in paid if start - back <= each.at < start]
        if not past or start - past[0].at < PAST_WINDOWS * window:
            continue
        usual = total(past) * Decimal(window / (start - past[0].at))
        came = total(burst)
        if came * 100 < usual * times or row.fiat * 100 < usual * times:
            continue
        yield hit(
            [*burst, row],
            Value("deposited", plain(came), plain(usual * times / 100)),
            Value("usual", plain(usual), "-"),
            Value("turned into fiat", plain(row.fiat), plain(usual * times / 100)),
            fiat=came,
        )
        paid = [each for each in paid if each.at < start]


def few_partners(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S19: trades with a small group bring strong profit or loss, one way, again and again."""
    least, most, apart = (
        params["min_trades"],
        params["max_counterparties"],
        params["min_deviation_bp"],
    )

    def way(row: Movement) -> int:
        if row.kind != "trade" or not row.other or row.fiat_out is None or not row.fiat:
            return 0
        gain = (row.fiat_out - row.fiat) * 10_000 / row.fiat
        return 1 if gain >= apart else -1 if gain <= -apart else 0

    kept_rows = list(rows)
    window = timedelta(days=params["window_days"])
    for sign, word in ((1, "profit"), (-1, "loss")):
        for found in in_window(
            kept_rows,
            partial(_is_way, way, sign),
            window,
            lambda kept: len(kept) >= least and len({each.other for each in kept}) <= most,
        ):
            yield hit(
                found,
                Value(f"trades at a strong {word}", str(len(found)), str(least)),
                Value("partners", str(len({each.other for each in found})), str(most)),
            )


def _is_way(way: Callable[[Movement], int], sign: int, row: Movement) -> bool:
    return way(row) == sign


def many_assets(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """P4, a signal: many assets are used within the window. Whether for a reason, people say."""
    least, window = params["min_assets"], timedelta(days=params["window_days"])

    def is_enough(kept: deque[Movement]) -> bool:
        return len({each.asset for each in kept}) >= int(least)

    for found in in_window(rows, lambda _row: True, window, is_enough):
        assets = sorted({each.asset for each in found})
        yield hit(found, Value("assets", ", ".join(assets), str(least)))


def fiat_into_crypto(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """P8, a signal: large fiat comes in and becomes crypto within the window."""
    large = Decimal(params["large_fiat"])
    for came, went, value in passed_on(
        rows,
        lambda row: row.kind == "fiat_in",
        lambda row: row.kind in TRADES,
        window=timedelta(hours=params["window_hours"]),
        share_pct=100,
        least=large,
    ):
        yield hit([*came, *went], Value("fiat paid in", plain(value), plain(large)), fiat=value)


def many_partners(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """A3, a signal: transfers with many other customers, and much value, within the window."""
    least, worth = params["min_counterparties"], Decimal(params["min_fiat"])

    def is_enough(kept: deque[Movement]) -> bool:
        return len({each.other for each in kept}) >= least and total(kept) >= worth

    window = timedelta(days=params["window_days"])
    for found in in_window(rows, lambda row: bool(row.other), window, is_enough):
        yield hit(
            found,
            Value("counterparties", str(len({each.other for each in found})), str(least)),
            Value("value", plain(total(found)), plain(worth)),
        )


def pay_like(account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """X9, a signal: deposits like wages, on an account run through shared or remote devices."""
    remote = [each for each in account.events if each.kind == "login" and each.detail == "remote"]
    shared = [uid for uid, what in account.shared if what == "device"]
    if not remote and not shared:
        return
    least = params["min_payments"]
    gap_min = timedelta(days=params["interval_days_min"])
    gap_max = timedelta(days=params["interval_days_max"])
    run: list[Movement] = []
    for row in rows:
        if row.kind not in FUNDING or not row.fiat:
            continue
        if run:
            first = run[0].fiat or ZERO
            gap = row.at - run[-1].at
            alike = abs(row.fiat - first) * 100 <= first * params["amount_variation_pct"]
            if not (alike and gap_min <= gap <= gap_max):
                run = []
        run.append(row)
        if len(run) >= least:
            yield hit(
                run,
                Value("payments alike", str(len(run)), str(least)),
                Value("shared or remote devices", str(len(remote) + len(shared)), "1"),
            )
            run = []


AMOUNT_RULES: Mapping[str, AccountRule] = {
    "large_in_a_day": large_in_a_day,
    "rhythm_then_silence": rhythm_then_silence,
    "straight_to_private": straight_to_private,
    "large_first_deposit": large_first_deposit,
    "funded_and_gone": funded_and_gone,
    "new_sends_all": new_sends_all,
    "one_network_pays": one_network_pays,
    "pile_and_sweep": pile_and_sweep,
    "swaps_at_a_loss": swaps_at_a_loss,
    "privacy_again": privacy_again,
    "far_above_usual": far_above_usual,
    "few_partners": few_partners,
    "many_assets": many_assets,
    "fiat_into_crypto": fiat_into_crypto,
    "many_partners": many_partners,
    "pay_like": pay_like,
}
