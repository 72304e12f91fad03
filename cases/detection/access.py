"""Rules about access, profile and links of an account: what is around its money.

They read events (logins, changes, questions, cards, messages) and the customer's profile. What the
exchange did not hand over is not seen, and never taken for absent. Source: as amounts.py.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from cases.detection.movements import (
    INWARD,
    ZERO,
    Account,
    Event,
    Hit,
    Movement,
    Value,
    event_hit,
    hit,
)
from cases.detection.windows import AccountRule, Params, in_window, plain, total

DAYS_OF_FOUR_YEARS = 1_461


def _runs(
    events: Iterable[Event], window: timedelta, is_enough: Callable[[list[Event]], bool]
) -> Iterator[list[Event]]:
    """Events that together are enough within the window; each is used once."""
    kept: list[Event] = []
    for event in events:
        kept = [each for each in kept if each.at >= event.at - window]
        kept.append(event)
        if is_enough(kept):
            yield kept
            kept = []


def _kind(account: Account, kind: str) -> list[Event]:
    return [each for each in account.events if each.kind == kind]


def flagged_origin(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S2: access from a sanctioned country, or from an address flagged before."""
    countries = frozenset(params["countries"])
    least, window = params["min_count"], timedelta(days=params["window_days"])
    bad = [e for e in _kind(account, "login") if e.country in countries or e.detail == "flagged"]
    for found in _runs(bad, window, lambda kept: len(kept) >= least):
        yield event_hit(
            found,
            Value("logins", str(len(found)), str(least)),
            Value("from", ", ".join(sorted({e.country or e.ip for e in found})), "-"),
        )


def opening_again(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S3: opening of accounts is tried again and again from one network address."""
    least, window = params["min_attempts"], timedelta(days=params["window_days"])
    by_ip: defaultdict[str, list[Event]] = defaultdict(list)
    for event in _kind(account, "open_attempt"):
        if event.ip:
            by_ip[event.ip].append(event)
    for ip, tried in sorted(by_ip.items()):
        for found in _runs(tried, window, lambda kept: len(kept) >= least):
            yield event_hit(
                found,
                Value("attempts", str(len(found)), str(least)),
                Value("network address", ip, "one"),
            )


def no_answers(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S5: the customer leaves questions for papers or the source of funds without an answer."""
    wait, least = timedelta(days=params["days_without_answer"]), params["min_requests"]
    answers = [each.at for each in _kind(account, "answer")]
    open_ones = []
    for event in _kind(account, "question"):
        until = min((at for at in answers if at >= event.at), default=account.known_to)
        if until is not None and until - event.at >= wait:
            open_ones.append(event)
    if len(open_ones) >= least:
        yield event_hit(
            open_ones[:least],
            Value("questions without an answer", str(len(open_ones)), str(least)),
            Value("days", str(wait.days), str(wait.days)),
        )


def shared_access(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S8: credentials, device or address are shared with an account of another customer."""
    yield from _shared(account, params["min_shared_signals"], "shared")


def separate_accounts(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S1, a signal: another customer's account shares several signs with this one."""
    yield from _shared(account, params["min_shared_signals"], "separate")


def _shared(account: Account, least: int, word: str) -> Iterator[Hit]:
    with_whom: defaultdict[str, set[str]] = defaultdict(set)
    for uid, what in account.shared:
        with_whom[uid].add(what)
    at = account.known_to
    for uid, signs in sorted(with_whom.items()):
        if len(signs) >= least and at is not None:
            yield Hit(
                (f"{word}:{uid}",),
                (
                    Value("shared signs", ", ".join(sorted(signs)), str(least)),
                    Value("with account", f"••{uid[-4:]}", "-"),
                ),
                ZERO, at, at,
            )  # fmt: skip


def other_country(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S9: the country of the profile is not the one that access comes from."""
    least, window = params["min_count"], timedelta(days=params["window_days"])
    away = [e for e in _kind(account, "login") if e.country and e.country != account.country]
    for found in _runs(away, window, lambda kept: len(kept) >= least):
        yield event_hit(
            found,
            Value("logins from elsewhere", str(len(found)), str(least)),
            Value("from", ", ".join(sorted({e.country for e in found})), account.country),
        )


def far_older(account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S13: a customer far older than usual opens an account and moves much. A sign of a victim."""
    born, median, opened_on = account.birth_on, account.median_birth_on, account.opened_on
    if born is None or median is None or opened_on is None:
        return
    years = (median - born).days * 4 // DAYS_OF_FOUR_YEARS
    if years < params["age_above_median_years"]:
        return
    end = datetime.combine(opened_on, time(), tzinfo=UTC) + timedelta(days=params["new_days"])
    least = Decimal(params["min_fiat"])
    for found in in_window(
        rows,
        lambda row: row.at <= end and row.fiat is not None,
        timedelta(days=params["new_days"]),
        lambda kept: total(kept) >= least,
    ):
        yield hit(
            found,
            Value("years above the median", str(years), str(params["age_above_median_years"])),
            Value("moved", plain(total(found)), plain(least)),
        )
        return


def beyond_income(account: Account, rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S15: what is paid in within a year is beyond the declared income."""
    if account.income is None:
        return
    limit = account.income * params["times_declared_income_pct"] / 100
    window = timedelta(days=params["window_days"])
    for found in in_window(
        rows,
        lambda row: row.kind in INWARD and row.fiat is not None,
        window,
        lambda kept: total(kept) > limit,
    ):
        yield hit(
            found,
            Value("paid in", plain(total(found)), plain(limit)),
            Value("declared income a year", plain(account.income), "-"),
        )


def _often(kind: str, word: str, what: Callable[[Event], str] | None) -> AccountRule:
    """So many events of a kind in the window, or so many different ones."""

    def rule(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
        least = int(params.get("min_changes") or params["min_cards"])
        window = timedelta(days=params["window_days"])

        def is_enough(kept: list[Event]) -> bool:
            return len({what(each) for each in kept} if what else kept) >= least

        for found in _runs(_kind(account, kind), window, is_enough):
            count = len({what(each) for each in found} if what else found)
            yield event_hit(
                found,
                Value(word, str(count), str(least)),
                Value("days", str((found[-1].at - found[0].at).days), str(window.days)),
            )

    return rule


def many_places(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S17: logins come from many network addresses and countries within one day."""
    most_ips, most_lands = params["min_addresses"], params["min_countries"]

    def is_enough(kept: list[Event]) -> bool:
        lands = {each.country for each in kept} - {""}
        addresses = {each.ip for each in kept} - {""}
        return bool(len(addresses) >= most_ips and len(lands) >= most_lands)

    window = timedelta(hours=params["window_hours"])
    for found in _runs(_kind(account, "login"), window, is_enough):
        yield event_hit(
            found,
            Value("network addresses", str(len({e.ip for e in found})), str(most_ips)),
            Value("countries", ", ".join(sorted({e.country for e in found})), str(most_lands)),
        )


def hidden_access(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """A10, a signal: access by Tor, VPN or proxy again and again."""
    least, window = params["min_logins"], timedelta(days=params["window_days"])
    hidden = [e for e in _kind(account, "login") if e.detail in ("tor", "vpn", "proxy")]
    for found in _runs(hidden, window, lambda kept: len(kept) >= least):
        yield event_hit(
            found,
            Value("hidden logins", str(len(found)), str(least)),
            Value("by", ", ".join(sorted({e.detail for e in found})), "-"),
        )


def words_of_crime(account: Account, _rows: Iterable[Movement], params: Params) -> Iterator[Hit]:
    """S18, a signal: the text of a message or memo holds words of the house's list."""
    for event in _kind(account, "message"):
        text = f" {' '.join(event.detail.lower().split())} "
        terms = sorted(term for term in params["terms"] if f" {term} " in text)
        if len(terms) >= params["min_terms"]:
            yield event_hit([event], Value("words", ", ".join(terms), str(params["min_terms"])))


ACCESS_RULES: Mapping[str, AccountRule] = {
    "flagged_origin": flagged_origin,
    "opening_again": opening_again,
    "no_answers": no_answers,
    "shared_access": shared_access,
    "other_country": other_country,
    "far_older": far_older,
    "beyond_income": beyond_income,
    "many_changes": _often("profile_change", "changes", None),
    "many_places": many_places,
    "hidden_access": hidden_access,
    "many_cards": _often("card", "cards", lambda event: event.detail),
    "separate_accounts": separate_accounts,
    "words_of_crime": words_of_crime,
}
