"""Signals of flags that are only partly computable: facts that people or other systems recorded.

The exchange hands them over as events (a check of a paper, a note of care, a criterion of a local
law). Each says only that there is something to look at: a person decides what it means. Source: as
amounts.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from cases.detection.catalogue import FLAGS
from cases.detection.movements import (
    INWARD,
    OUTWARD,
    ZERO,
    Account,
    Event,
    Hit,
    Movement,
    Touch,
    Value,
    event_hit,
    hit,
)
from cases.detection.windows import AccountRule, Params, plain, total

FRAUD = FLAGS["A12"].categories


def _events(account: Account, kind: str) -> list[Event]:
    return [each for each in account.events if each.kind == kind]


def _last(account: Account, kind: str) -> Event | None:
    """What was said last holds: a domain moves, a source of funds is named anew."""
    return max(_events(account, kind), key=lambda event: event.at, default=None)


def _one_of(kind: str, figure: str, word: str) -> AccountRule:
    """The newest event of a kind says one of the words that the figure lists."""

    def rule(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
        event = _last(account, kind)
        if event is not None and event.detail.strip().lower() in params[figure]:
            yield event_hit([event], Value(word, event.detail, ", ".join(params[figure])))

    return rule


def domain_elsewhere(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S4, a signal: the customer's domain is registered in another country, or in a lax one."""
    event = _last(account, "domain")
    if event is None or not event.country or not account.country:
        return
    if event.country != account.country or event.country in params["lax_countries"]:
        yield event_hit([event], Value("registered in", event.country, account.country))


def doubtful_asset(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """A12, a signal: an asset of the house's list, or met at first hand with what tags call fraud.

    What is poorly documented nobody can compute: the list says it.
    """
    names = frozenset(params["doubtful_assets"])
    for row in rows:
        named = sorted({row.asset, row.asset_out} & names)
        if named or any(touch.category in FRAUD and touch.hops <= 1 for touch in row.touches):
            words = ", ".join(named) or row.asset
            yield hit([row], Value("asset", words, "tied to fraud or poorly documented"))
            return


def unclear_origin(account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """F5, a signal: the named source is unclear, or prepaid value is withdrawn at once."""
    event = _last(account, "funds")
    if event is not None and event.detail.strip().lower() in params["origins"]:
        yield event_hit([event], Value("named source", event.detail, "a clear one"))
    window = timedelta(hours=params["window_hours"])
    paid_out = [row for row in rows if row.kind in ("withdrawal", "fiat_out")]
    for card in _events(account, "card"):
        soon = [row for row in paid_out if card.at <= row.at <= card.at + window]
        if card.detail.lower().startswith("prepaid") and soon:
            yield hit(
                soon,
                Value("withdrawn after a prepaid payment", plain(total(soon)), "-"),
                Value("hours", str((soon[0].at - card.at) // timedelta(hours=1)),
                      str(params["window_hours"])),
            )  # fmt: skip
            return


def crypto_wealth(account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """F7, a signal: the named source of much money is crypto or a coin offering."""
    event, least = _last(account, "funds"), Decimal(params["min_fiat"])
    came = [row for row in rows if row.kind in INWARD and row.fiat]
    if event is None or event.detail.strip().lower() not in params["origins"]:
        return
    if total(came) >= least:
        yield Hit(
            (event.ref,),
            (Value("named source", event.detail, "-"),
             Value("paid in", plain(total(came)), plain(least))),
            total(came), event.at, event.at,
        )  # fmt: skip


def known_from_sources(
    account: Account, _rows: Iterable[Movement], params: Params
) -> Iterator[Hit]:
    """S11, a signal: a screening found the name in public sources on crime, well enough."""
    least = int(params["name_match_pct"])
    for event in _events(account, "screening"):
        match, _space, source = event.detail.partition(" ")
        if match.isdecimal() and least <= int(match) <= 100:
            yield event_hit(
                [event],
                Value("match of the name, %", match, str(least)),
                Value("found in", source or "-", "-"),
            )


def person_in_need(account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S14, a signal: our people saw a person in need, and much moves through the account then."""
    window, least = timedelta(days=params["window_days"]), Decimal(params["min_fiat"])
    moved = [row for row in rows if row.kind in INWARD | OUTWARD and row.fiat]
    for event in _events(account, "care"):
        near = [row for row in moved if abs(row.at - event.at) <= window]
        if near and total(near) >= least:
            yield hit(
                near,
                Value("seen by our people", event.detail or "in need", "-"),
                Value("moved around that day", plain(total(near)), plain(least)),
            )
            return


def local_criteria(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """X8, a signal: so many different criteria of a local fraud law are met.

    Which there are counsel says; who recorded them stands with the exchange.
    """
    least = params["min_criteria"]
    met: dict[str, Event] = {}
    for event in _events(account, "criterion"):
        met.setdefault(event.detail.strip().lower(), event)
    met.pop("", None)
    if len(met) >= least:
        yield event_hit(list(met.values()), Value("criteria", ", ".join(sorted(met)), str(least)))


def fits_a_swap(account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """X11, a signal: value went into an instant exchanger and a deposit of another asset fits it.

    How many other deposits at this exchange fit as well is the base rate: the hit says it and
    weighs 1 of them all. An instant exchanger is one whose tag bears a name of the list.
    """
    low, high = (
        timedelta(minutes=params[name]) for name in ("window_minutes_min", "window_minutes_max")
    )
    names = [name.lower() for name in params["exchangers"]]

    def enters(touch: Touch) -> bool:
        label = touch.label.lower()
        return touch.hops <= 1 and any(name in label for name in names)

    every = list(rows)
    for entry in every:
        if entry.kind != "withdrawal" or not entry.fiat or not any(map(enters, entry.touches)):
            continue
        least = entry.fiat * (10_000 - params["fee_bp_max"]) / 10_000
        most = entry.fiat * (10_000 - params["fee_bp_min"]) / 10_000
        for row in every:
            if (
                row.kind == "deposit" and row.asset != entry.asset and row.fiat is not None
                and low <= row.at - entry.at <= high and least <= row.fiat <= most
            ):  # fmt: skip
                others = sum(
                    1 for at, asset, fiat in account.deposits_of_others
                    if asset != entry.asset and low <= at - entry.at <= high
                    and least <= fiat <= most
                )  # fmt: skip
                yield hit(
                    [entry, row],
                    Value("entered the exchanger", plain(entry.fiat), "-"),
                    Value("fitting deposit", plain(row.fiat), f"{plain(least)} to {plain(most)}"),
                    Value("other deposits that fit as well", str(others), "0"),
                    Value("weight", f"1/{others + 1}", "1"),
                    fiat=row.fiat,
                )
                break


def drawn_in_risk_place(
    account: Account, rows: Iterable[Movement], params: Params
) -> Iterator[Hit]:
    """X12, a signal: soon after a withdrawal the money is drawn or sent on in a high-risk place."""
    window, least = timedelta(hours=params["window_hours"]), Decimal(params["min_fiat"])
    places = frozenset(params["countries"])
    drawn = [event for event in _events(account, "cash") if event.country in places]
    for row in rows:
        if row.kind not in ("withdrawal", "fiat_out") or (row.fiat or ZERO) < least:
            continue
        for event in drawn:
            if timedelta() <= event.at - row.at <= window:
                yield hit(
                    [row],
                    Value("withdrawn", plain(row.fiat or ZERO), plain(least)),
                    Value("drawn in", event.country, "-"),
                    Value("hours later", str((event.at - row.at) // timedelta(hours=1)),
                          str(params["window_hours"])),
                )  # fmt: skip
                break


def market_bank(_account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """X7, a signal: money came from, or went to, a cluster that works like a market's bank.

    Fresh deposit addresses, swept soon, batched payouts and a steady fee to one wallet: what the
    ledger shows stands in the contact's label. Shops look alike: it needs a fact from outside.
    """
    for row in rows:
        for touch in row.touches:
            if touch.category != "market_bank":
                continue
            told = dict(part.split("=") for part in touch.label.split() if part.count("=") == 1)
            deposits, hours, fee = (int(told.get(k, -1)) for k in ("deposits", "hours", "fee_bp"))
            if (
                deposits >= params["min_deposit_addresses"]
                and 0 <= hours <= params["sweep_hours"]
                and params["fee_bp_min"] <= fee <= params["fee_bp_max"]
            ):
                yield hit(
                    [row],
                    Value("deposit addresses", str(deposits), str(params["min_deposit_addresses"])),
                    Value("hours until swept, most", str(hours), str(params["sweep_hours"])),
                    Value("steady fee, bp", str(fee),
                          f"{params['fee_bp_min']} to {params['fee_bp_max']}"),
                )  # fmt: skip
                return


SIGNAL_RULES: Mapping[str, AccountRule] = {
    "hidden_domain": _one_of("domain", "hidden_by", "owner withheld by"),
    "domain_elsewhere": domain_elsewhere,
    "doubtful_asset": doubtful_asset,
    "unclear_origin": unclear_origin,
    "crypto_wealth": crypto_wealth,
    "known_from_sources": known_from_sources,
    "person_in_need": person_in_need,
    "forged_papers": _one_of("paper", "findings", "check of a paper"),
    "local_criteria": local_criteria,
    "fits_a_swap": fits_a_swap,
    "drawn_in_risk_place": drawn_in_risk_place,
    "market_bank": market_bank,
}
LEDGER_SIGNALS = frozenset({"doubtful_asset", "fits_a_swap", "market_bank"})
