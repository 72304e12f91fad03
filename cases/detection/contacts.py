"""Rules about what an account's money met on the ledger: kinds of addresses, at how many hops.

Which addresses are of a kind is said by tags; a kind nobody tagged is not seen. The sums of a rule
are those parts of movements that met the kind. Source: as amounts.py.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from cases.detection.catalogue import FLAGS
from cases.detection.movements import (
    INWARD,
    OUTWARD,
    TRADES,
    ZERO,
    Account,
    Hit,
    Movement,
    Touch,
    Value,
    hit,
)
from cases.detection.windows import (
    AccountRule,
    Params,
    hours,
    in_window,
    passed_on,
    plain,
    share_of,
    total,
)

FAR = timedelta(days=36_500)  # no window: the whole history
IN, OUT, BOTH = (
    frozenset({"deposit"}),
    frozenset({"withdrawal"}),
    frozenset({"deposit", "withdrawal"}),
)
Want = Callable[[Touch], bool]


def _met(row: Movement, want: Want) -> Decimal:
    """How much of the movement's value met what is wanted."""
    share = min(sum(touch.share_pct for touch in row.touches if want(touch)), 100)
    return (row.fiat or ZERO) * share / 100


def _of(flag: str, most_hops: int) -> Want:
    categories = FLAGS[flag].categories
    return lambda touch: touch.category in categories and touch.hops <= most_hops


def _among(kinds: frozenset[str]) -> Want:
    return lambda touch: touch.category in kinds


def _exposed(
    rows: Iterable[Movement],
    want: Want,
    kinds: frozenset[str],
    *,
    least: Decimal,
    least_pct: int = 0,
    window: timedelta = FAR,
) -> Iterator[Hit]:
    """Movements of these kinds that met what is wanted, once enough of them are together."""

    def is_wanted(row: Movement) -> bool:
        share = sum(touch.share_pct for touch in row.touches if want(touch))
        return row.kind in kinds and share > 0 and share >= least_pct

    def is_enough(kept: Iterable[Movement]) -> bool:
        return sum((_met(row, want) for row in kept), ZERO) >= least

    for found in in_window(rows, is_wanted, window, is_enough):
        touches = [touch for row in found for touch in row.touches if want(touch)]
        value = sum((_met(row, want) for row in found), ZERO)
        yield hit(
            found,
            Value("met", plain(value), plain(least)),
            Value("kinds", ", ".join(sorted({touch.category for touch in touches})), "-"),
            Value("hops", str(min(touch.hops for touch in touches)), "-"),
            Value("named", ", ".join(sorted({t.label for t in touches} - {""})) or "-", "-"),
            fiat=value,
        )


def _kind_rule(flag: str, kinds: frozenset[str]) -> AccountRule:
    """A rule that looks for the flag's kinds of addresses, within its hops, share and window."""

    def rule(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
        days = params.get("window_days")
        yield from _exposed(
            rows,
            _of(flag, params.get("max_hops", 1)),
            kinds,
            least=Decimal(params["min_fiat"]),
            least_pct=params.get("min_exposure_pct", 0),
            window=timedelta(days=days) if days else FAR,
        )

    rule.__doc__ = f"{flag}: {FLAGS[flag].text}"
    return rule


def mixer_and_market(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """A6: the account's money met a mixer and a darknet market, each for enough.

    Behind a mixer nobody sees anything, so both are looked for beside each other.
    """
    all_rows, least = list(rows), Decimal(params["min_fiat"])
    mixing = FLAGS["F6"].categories
    market = FLAGS["A6"].categories - mixing
    sides = []
    for kinds in (mixing, market):
        found = [
            row for row in all_rows
            if any(t.category in kinds and t.hops <= params["max_hops"] for t in row.touches)
        ]  # fmt: skip
        value = sum((_met(row, _among(kinds)) for row in found), ZERO)
        if value < least:
            return
        sides.append((found, value))
    (mixed, first), (dealt, second) = sides
    rows_found = sorted({row.ref: row for row in [*mixed, *dealt]}.values(), key=lambda r: r.at)
    yield hit(
        rows_found[:1] if len(rows_found) == 1 else [mixed[0], dealt[0]],
        Value("met a mixer", plain(first), plain(least)),
        Value("met a darknet market", plain(second), plain(least)),
        fiat=first + second,
    )


def illicit_exposure(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """A7: direct exposure to illicit services, or indirect above higher limits."""
    all_rows, kinds = list(rows), FLAGS["A7"].categories
    yield from _exposed(
        all_rows,
        lambda touch: touch.category in kinds and touch.hops <= 1,
        BOTH,
        least=Decimal(params["direct_min_fiat"]),
    )
    most = params["indirect_max_hops"]
    yield from _exposed(
        all_rows,
        lambda touch: touch.category in kinds and 1 < touch.hops <= most,
        BOTH,
        least=Decimal(params["indirect_min_fiat"]),
        least_pct=params["indirect_min_exposure_pct"],
    )


def _provider_rule(
    flag: str, kinds: frozenset[str], want: Callable[[Touch, Params], bool]
) -> AccountRule:
    """A rule about providers at first hand, by what the register of providers says of them."""
    categories = FLAGS[flag].categories

    def rule(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
        yield from _exposed(
            rows,
            lambda t: t.category in categories and t.hops <= 1 and want(t, params),
            kinds,
            least=Decimal(params["min_fiat"]),
            window=timedelta(days=params["window_days"]),
        )

    rule.__doc__ = f"{flag}: {FLAGS[flag].text}"
    return rule


def mostly_weak_providers(
    _account: Account, rows: Iterable[Movement], params: Params
) -> Iterator[Hit]:
    """F8, a signal: most of what came within the window is from providers without controls."""
    came = [row for row in rows if row.kind in INWARD and row.fiat]
    ratings = frozenset(params["vasp_ratings"])
    window = timedelta(days=params["window_days"])
    weak = [r for r in came if any(t.hops <= 1 and t.rating in ratings for t in r.touches)]
    if not weak:
        return
    recent = [row for row in came if weak[-1].at - window <= row.at <= weak[-1].at]
    part = total(row for row in weak if row.at >= weak[-1].at - window)
    if part * 100 < total(recent) * params["share_pct"]:
        return
    yield hit(
        weak[:1],
        Value(
            "share from such providers, %", share_of(part, total(recent)), str(params["share_pct"])
        ),
        fiat=part,
    )


def named_on_forum(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S10: a tag names one of the customer's own addresses in connection with crime."""
    kinds, least = FLAGS["S10"].categories, params["min_confidence"]
    at = account.known_to
    for address, category, level in account.named:
        if category in kinds and level >= least and at is not None:
            yield Hit(
                (f"address:{address}",),
                (
                    Value("address", address, "-"),
                    Value("kind", category, "-"),
                    Value("confidence", str(level), str(least)),
                ),
                ZERO, at, at,
            )  # fmt: skip


def bridge_hop(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """X1: what arrived goes over a bridge to another chain shortly afterwards."""
    want = _of("X1", 1)
    for came, went, value in passed_on(
        rows,
        lambda row: row.kind in ("deposit", "fiat_in"),
        lambda row: row.kind == "withdrawal" and any(map(want, row.touches)),
        window=timedelta(hours=params["window_hours"]),
        share_pct=params["share_pct"],
        least=Decimal(params["min_fiat"]),
    ):
        yield hit(
            [*came, *went],
            Value("arrived", plain(value), plain(Decimal(params["min_fiat"]))),
            Value(
                "share over the bridge, %", share_of(total(went), value), str(params["share_pct"])
            ),
            Value("hours", hours(went[-1].at - came[0].at), str(params["window_hours"])),
            fiat=value,
        )


def dex_layering(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """X2: several decentralised swaps in a row."""
    want, least = _of("X2", 1), params["min_swaps"]
    worth = Decimal(params["min_fiat"])
    for found in in_window(
        rows,
        lambda row: row.kind in BOTH and any(map(want, row.touches)),
        timedelta(hours=params["window_hours"]),
        lambda kept: len(kept) >= least and total(kept) >= worth,
    ):
        yield hit(
            found,
            Value("swaps", str(len(found)), str(least)),
            Value("value", plain(total(found)), plain(worth)),
        )


def coinjoin(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """X3: value passed through a CoinJoin before it arrived, or goes to one after it left."""
    most = params["max_hops"]

    def want(touch: Touch) -> bool:
        return touch.category == "coinjoin" and touch.hops <= most

    yield from _exposed(rows, want, BOTH, least=ZERO, least_pct=params["min_exposure_pct"])


def peel_chain(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """X4: a deposit was split off a chain that carries one large sum along.

    The length stands in the hops of the contact; a link passes on 90 percent or more.
    """
    least = params["min_length"]
    for row in rows:
        for touch in row.touches:
            if row.kind == "deposit" and touch.category == "peel_chain" and touch.hops >= least:
                yield hit([row], Value("length of the chain", str(touch.hops), str(least)))


def look_alike_dust(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """X5: dust from an address that looks like one the account paid before. Marks a victim."""
    most = Decimal(params["max_fiat"])
    head, tail = params["same_head_chars"], params["same_tail_chars"]
    paid: dict[tuple[str, str], str] = {}
    for row in rows:
        if row.kind == "withdrawal" and row.address:
            paid[_ends(row.address, head, tail)] = row.address
        if row.kind != "deposit" or row.fiat is None or row.fiat > most:
            continue
        for source in row.sources:
            known = paid.get(_ends(source, head, tail))
            if known is not None and known != source:
                yield hit(
                    [row],
                    Value("amount", plain(row.fiat), plain(most)),
                    Value("sender", source, "-"),
                    Value("looks like", known, "-"),
                )
                break


def _ends(address: str, head: int, tail: int) -> tuple[str, str]:
    """First and last characters of what people compare, without the chain's own beginning."""
    body = address.removeprefix("0x")
    for prefix in ("bc1", "bcrt1", "tb1"):
        body = body.removeprefix(prefix)
    return body[:head].lower(), body[-tail:].lower()


def spread_over_providers(
    _account: Account, rows: Iterable[Movement], params: Params
) -> Iterator[Hit]:
    """T3, a signal: arriving value is spread at once over many providers."""
    want, least = _of("T3", 1), params["min_providers"]
    for came, went, value in passed_on(
        rows,
        lambda row: row.kind in INWARD,
        lambda row: row.kind in OUTWARD and any(map(want, row.touches)),
        window=timedelta(hours=params["window_hours"]),
        share_pct=params["share_pct"],
        least=ZERO,
    ):
        names = {touch.label for row in went for touch in row.touches if want(touch)}
        if len(names) >= least:
            yield hit(
                [*came, *went],
                Value("providers", str(len(names)), str(least)),
                Value("share spread, %", share_of(total(went), value), str(params["share_pct"])),
                fiat=value,
            )


def _counted_rule(flag: str, kinds: frozenset[str], count: str, word: str) -> AccountRule:
    """A signal: so many payments that met a kind at first hand, each small where a limit says."""
    want = _of(flag, 1)

    def rule(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
        least = params[count]
        most = Decimal(params["max_single_fiat"]) if "max_single_fiat" in params else None

        def is_wanted(row: Movement) -> bool:
            if row.kind not in kinds or row.fiat is None or not any(map(want, row.touches)):
                return False
            return most is None or row.fiat <= most

        window = timedelta(days=params["window_days"])
        for found in in_window(rows, is_wanted, window, lambda kept: len(kept) >= least):
            labels = {t.label for row in found for t in row.touches if want(t)} - {""}
            yield hit(
                found,
                Value(word, str(len(found)), str(least)),
                Value("largest", plain(max(r.fiat or ZERO for r in found)), plain(most or ZERO)),
                Value("named", ", ".join(sorted(labels)) or "-", "-"),
            )

    rule.__doc__ = f"{flag}, a signal: {FLAGS[flag].text}"
    return rule


def small_donations(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """X10, a signal: a small payment to an address that raises money for terrorism."""
    want, most = _of("X10", 1), Decimal(params["max_single_fiat"])
    for row in rows:
        if (
            row.kind == "withdrawal"
            and row.fiat
            and row.fiat <= most
            and any(map(want, row.touches))
        ):
            yield hit([row], Value("amount", plain(row.fiat), plain(most)))


def peer_cash_out(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """A4: what came from peer-to-peer platforms is turned into fiat, and it is much.

    Peer-to-peer platforms have no concept of their own in tag packs: a label with "p2p" names one.
    """
    most, least = params["max_hops"], Decimal(params["min_fiat"])

    def is_peer(touch: Touch) -> bool:
        name = touch.label.lower().replace("-", " ")
        return touch.hops <= most and ("p2p" in name or "peer to peer" in name)

    for came, went, value in passed_on(
        rows,
        lambda row: row.kind == "deposit" and any(map(is_peer, row.touches)),
        lambda row: row.kind == "fiat_out" or row.kind in TRADES,
        window=timedelta(days=params["window_days"]),
        share_pct=50,
        least=least,
    ):
        yield hit(
            [*came, *went],
            Value("from peer-to-peer platforms", plain(value), plain(least)),
            fiat=value,
        )


CONTACT_RULES: Mapping[str, AccountRule] = {
    "stolen_value": _kind_rule("T5", IN),
    "peer_cash_out": peer_cash_out,
    "mixed_history": _kind_rule("A5", IN),
    "mixer_and_market": mixer_and_market,
    "illicit_exposure": illicit_exposure,
    "weak_provider": _provider_rule("A13", BOTH, lambda t, p: t.rating in p["vasp_ratings"]),
    "named_on_forum": named_on_forum,
    "tied_to_crime": _kind_rule("F1", BOTH),
    "gambling": _kind_rule("F2", BOTH),
    "straight_from_mixer": _kind_rule("F6", IN),
    "unregistered_provider": _provider_rule("G1", BOTH, lambda t, _p: t.is_registered is False),
    "high_risk_provider": _provider_rule("G2", BOTH, lambda t, _p: t.is_high_risk is True),
    "unruled_provider": _provider_rule("G3", OUT, lambda t, _p: t.is_ruled is False),
    "bridge_hop": bridge_hop,
    "dex_layering": dex_layering,
    "coinjoin": coinjoin,
    "peel_chain": peel_chain,
    "look_alike_dust": look_alike_dust,
    "spread_over_providers": spread_over_providers,
    "cash_machines": _counted_rule("A14a", BOTH, "min_count", "visits"),
    "small_cash_machines": _counted_rule("A14b", BOTH, "min_count", "small visits"),
    "mostly_weak_providers": mostly_weak_providers,
    "small_recurring": _counted_rule("X6", OUT, "min_payments", "small payments"),
    "small_donations": small_donations,
}
