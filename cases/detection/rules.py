"""The first eight rules, each for one flag of the catalogue that is marked fully computable.

Every rule keeps what it has seen in one pass, oldest first; a hit uses its movements up, so each
counts once per rule. Limits are inclusive where the flag says "at least". Windows are counted from
the first movement to the last.

Source: red_flags.yaml beside this file, after the FATF indicators of September 2020.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

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
from cases.detection.windows import AccountRule, Params, drop_before, hours, plain

HUNDRED = Decimal(100)


def structuring(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """T1: `min_count` amounts within `band_pct` under the limit, one direction, in the window."""
    limit = Decimal(params["limit_fiat"])
    floor = limit * (100 - params["band_pct"]) / 100
    window = timedelta(hours=params["window_hours"])
    kept: dict[bool, deque[Movement]] = {True: deque(), False: deque()}
    for row in rows:
        if row.kind not in INWARD | OUTWARD or row.fiat is None or not floor <= row.fiat < limit:
            continue
        near = kept[row.kind in INWARD]
        near.append(row)
        drop_before(near, row.at - window)
        if len(near) >= params["min_count"]:
            yield hit(
                list(near),
                Value("amounts just under the limit", str(len(near)), str(params["min_count"])),
                Value("largest amount", plain(max(r.fiat or ZERO for r in near)), plain(limit)),
                Value("hours", hours(row.at - near[0].at), str(params["window_hours"])),
            )
            near.clear()


def large_into_new_or_slept(
    account: Account, rows: Iterable[Movement], params: Params
) -> Iterator[Hit]:
    """T2c: a large amount comes into an account that is new, or that has not moved for long.

    An account without an earlier movement slept at least since it was opened or since our records
    begin, whichever is later: silence before the records is not known to be sleep.
    """
    large = Decimal(params["large_fiat"])
    opened: datetime | None = None
    if account.opened_on is not None:
        opened = datetime.combine(account.opened_on, time(), tzinfo=UTC)
    before = max((each for each in (opened, account.known_from) if each), default=None)
    for row in rows:
        last, before = before, row.at
        if row.kind not in INWARD or row.fiat is None or row.fiat < large:
            continue
        amount = Value("amount", plain(row.fiat), plain(large))
        if opened is not None and row.at - opened <= timedelta(days=params["new_days"]):
            age = Value("days since opening", str((row.at - opened).days), str(params["new_days"]))
            yield hit([row], amount, age)
        elif last is not None and row.at - last >= timedelta(days=params["dormant_days"]):
            slept = str((row.at - last).days)
            yield hit([row], amount, Value("days asleep", slept, str(params["dormant_days"])))


def in_and_out(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """T4a: most of what came in leaves in the same asset inside the window, and nothing is traded.

    A trade of the account in between, of whatever asset, clears what came in before it.
    """
    window = timedelta(hours=params["window_hours"])
    least, share = Decimal(params["min_fiat"]), params["share_pct"]
    came: dict[str, deque[Movement]] = {}
    went: dict[str, deque[Movement]] = {}
    for row in rows:
        if row.kind in TRADES:
            came.clear()
            went.clear()
        elif row.kind in ("deposit", "fiat_in"):
            came.setdefault(row.asset, deque()).append(row)
        elif row.kind in ("withdrawal", "fiat_out") and came.get(row.asset):
            inward, outward = came[row.asset], went.setdefault(row.asset, deque())
            drop_before(inward, row.at - window)
            outward.append(row)
            drop_before(outward, inward[0].at if inward else row.at + window)
            fiat = sum((each.fiat or ZERO for each in inward), ZERO)
            base_in, base_out = (sum(r.base for r in side) for side in (inward, outward))
            if not base_in or fiat < least or base_out * 100 < base_in * share:
                continue
            yield hit(
                [*inward, *outward],
                Value("deposited", plain(fiat), plain(least)),
                Value("share withdrawn, %", str(min(base_out * 100 // base_in, 100)), str(share)),
                Value("hours", hours(row.at - inward[0].at), str(params["window_hours"])),
                fiat=fiat,
            )
            inward.clear()
            outward.clear()


def conversion_chain(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """T4b: after a deposit, `min_conversions` conversions at a cost, into more than one asset."""
    window, least = timedelta(hours=params["window_hours"]), Decimal(params["min_fiat"])
    came: deque[Movement] = deque()
    chain: deque[Movement] = deque()
    for row in rows:
        if row.fiat is None or row.fiat < least:
            continue
        if row.kind in ("deposit", "fiat_in"):
            came.append(row)
        if row.kind != "conversion" or row.fiat_out is None or row.fiat_out >= row.fiat:
            continue
        drop_before(came, row.at - window)
        if not came:
            continue
        chain.append(row)
        drop_before(chain, came[0].at)
        targets = {each.asset_out for each in chain}
        if len(chain) >= params["min_conversions"] and len(targets) > 1:
            cost = sum(((each.fiat or ZERO) - (each.fiat_out or ZERO) for each in chain), ZERO)
            yield hit(
                [came[0], *chain],
                Value("conversions", str(len(chain)), str(params["min_conversions"])),
                Value("assets", str(len(targets)), "2"),
                Value("cost", plain(cost), "0.00"),
                fiat=came[0].fiat,
            )
            came.clear()
            chain.clear()


def fan_in(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """P5a: several people pay into the account again and again within the window."""
    window = timedelta(days=params["window_days"])
    paid: deque[Movement] = deque()
    for row in rows:
        if row.kind != "internal_in" or not row.sender:
            continue
        paid.append(row)
        drop_before(paid, row.at - window)
        senders = {each.sender for each in paid}
        if len(paid) >= params["min_count"] and len(senders) >= params["min_senders"]:
            yield hit(
                list(paid),
                Value("people who paid", str(len(senders)), str(params["min_senders"])),
                Value("payments", str(len(paid)), str(params["min_count"])),
            )
            paid.clear()


def many_large(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """P5c: large sums come in again and again within the window."""
    window, large = timedelta(days=params["window_days"]), Decimal(params["large_fiat"])
    kept: deque[Movement] = deque()
    for row in rows:
        if row.kind not in INWARD or row.fiat is None or row.fiat < large:
            continue
        kept.append(row)
        drop_before(kept, row.at - window)
        if len(kept) >= params["min_count"]:
            yield hit(
                list(kept),
                Value("large sums", str(len(kept)), str(params["min_count"])),
                Value("smallest", plain(min(r.fiat or ZERO for r in kept)), plain(large)),
            )
            kept.clear()


def privacy_swap(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """A2: what came in transparent is swapped into privacy coins inside the window."""
    privacy = frozenset(params["privacy_assets"])
    window, least = timedelta(hours=params["window_hours"]), Decimal(params["min_fiat"])
    came: deque[Movement] = deque()
    swapped: deque[Movement] = deque()
    for row in rows:
        if row.fiat is None:
            continue
        if row.kind == "deposit" and row.asset not in privacy:
            came.append(row)
        elif row.kind == "conversion" and row.asset_out in privacy and row.asset not in privacy:
            drop_before(came, row.at - window)
            if not came:
                continue
            swapped.append(row)
            drop_before(swapped, came[0].at)
            value = sum((each.fiat or ZERO for each in came), ZERO)
            into = sum((each.fiat or ZERO for each in swapped), ZERO)
            if value < least or into * HUNDRED < value * params["share_pct"]:
                continue
            share = min(int(into * HUNDRED / value), 100)
            yield hit(
                [*came, *swapped],
                Value("deposited", plain(value), plain(least)),
                Value("share swapped, %", str(share), str(params["share_pct"])),
                Value("hours", hours(row.at - came[0].at), str(params["window_hours"])),
                fiat=value,
            )
            came.clear()
            swapped.clear()


FIRST_RULES: Mapping[str, AccountRule] = {
    "structuring": structuring,
    "large_into_new_or_slept": large_into_new_or_slept,
    "in_and_out": in_and_out,
    "conversion_chain": conversion_chain,
    "fan_in": fan_in,
    "many_large": many_large,
    "privacy_swap": privacy_swap,
}


def evaluate_group(
    rows: Iterable[tuple[str, Movement]], params: Params
) -> Iterator[tuple[tuple[str, ...], Hit]]:
    """A11: of accounts on one device, `min_accounts` move within the window; who, and the hit.

    `rows` are the movements of the whole group with the account's uid, sorted by time.
    """
    window = timedelta(days=params["window_days"])
    kept: deque[tuple[str, Movement]] = deque()
    for uid, row in rows:
        kept.append((uid, row))
        while kept[0][1].at < row.at - window:
            kept.popleft()
        uids = tuple(sorted({each for each, _ in kept}))
        if len(uids) >= params["min_accounts"]:
            yield (
                uids,
                hit(
                    [each for _, each in kept],
                    Value("accounts on one device", str(len(uids)), str(params["min_accounts"])),
                    Value("days", str((row.at - kept[0][1].at).days), str(params["window_days"])),
                ),
            )
            kept.clear()
