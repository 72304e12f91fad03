"""The money flow of a run as a picture, a table and an inspector, with the key path marked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from heapq import heappop, heappush
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.flow import Edge, Flow, Group, layout
from cases.flow_groups import Words, summarise
from cases.models import Asset, Case, CaseRun, Price
from cases.queries.breakpoints import BreakPoints, matched, swap_ends
from cases.queries.flow_breaks import Continuation, break_note, cards_and_lines, continuations
from cases.queries.flow_lanes import fold_chains, lanes, merged
from cases.queries.flow_places import Gathering, Pair, Place, short
from cases.queries.money import CaseMoney, account_states, fiat_of, price_at
from tracing import reads


@dataclass(frozen=True)
class Moves:
    """What moved between two groups: units, transactions, and whether it lies on the key path."""

    source: Place
    target: Place
    amount: int
    by_tx: Mapping[str, int]
    is_key: bool

    @property
    def txids(self) -> tuple[str, ...]:
        return tuple(self.by_tx)


@dataclass(frozen=True)
class Moment:
    """What one transaction moved between two groups, and when."""

    at: datetime
    txid: str
    move: Moves
    amount: int


@dataclass(frozen=True)
class CaseFlow:
    """A run drawn, with everything the table and the inspector say beside it."""

    run: CaseRun
    policy: str
    asset: Asset | str
    flow: Flow
    places: dict[str, Place]
    members: dict[str, tuple[str, ...]]
    moves: list[Moves]
    steps_left_out: int
    times: Mapping[str, str]  # of each transaction
    shown: list[Moves]  # of them, those of the least amount and of the key path
    breaks: BreakPoints
    going_on: list[Continuation]  # possible, never a path

    @property
    def largest(self) -> int:
        return self.moves[0].amount if self.moves else 0

    @property
    def num_small(self) -> int:
        return len(self.moves) - len(self.shown)

    def moments(self) -> list[Moment]:
        """The shown movements one transaction after the other, the first one first."""
        found = [
            Moment(datetime.fromisoformat(self.times[txid]), txid, move, amount)
            for move in self.shown
            for txid, amount in move.by_tx.items()
        ]
        return sorted(
            found, key=lambda each: (each.at, each.txid, -each.amount, each.move.target.id)
        )


def case_flow(
    case: Case,
    run: CaseRun,
    money: CaseMoney,
    only_key: bool = False,
    least: int = 0,
    opened: Sequence[str] = (),
    *,
    with_possible: bool = False,
) -> CaseFlow | None:
    """Groups, edges and drawing of a collected run: at most 13 queries, two reads of the ledger.

    Where it ends at a swap service, 3 queries more, and 4 for each payment into one.
    Movements of less than `least` base units are not drawn, unless they lie on the key path; what a
    group holds stays whole. `opened` names folded cards that are opened in place. Where the money
    may go on behind a break point is drawn `with_possible` alone: it is many cards and no path.
    """
    result = reads.result(run.run)
    if result is None or "steps" not in result:
        return None
    ledger = result["seal"]["snapshot"]["ledger"]
    rows = (row for step in result["steps"] for row in (*step["in"], *step["out"]))
    addresses = {row[1] for row in rows if row[1]}
    gathering = Gathering(case, run, ledger, account_states(money), addresses, result["seal"])
    for step in result["steps"]:
        gathering.add_step(step)
    for end in result["ends"]:
        gathering.add_end(end)
    breaks = matched(result, swap_ends(result["ends"], gathering.tags))
    for point in breaks.points:
        gathering.add_break(point)
    going_on = continuations(breaks, gathering.places)
    places, moved = fold_chains(gathering.places, gathering.moved)
    seeds = [place.id for place in places.values() if place.is_seed]
    goals = [place.id for place in places.values() if place.account is not None]
    sums = {pair: sum(amounts.values()) for pair, amounts in moved.items()}
    key = key_pairs(sums, seeds, goals or largest_ends(places))
    moves = [
        Moves(places[a], places[b], sums[a, b], moved[a, b], (a, b) in key)
        for a, b in sorted(sums, key=lambda pair: (-sums[pair], pair))
    ]
    shown = [move for move in moves if move.is_key or move.amount >= least]
    asset = asset_of(result)
    flow, members = drawn(places, shown, asset, only_key, going_on if with_possible else [], opened)
    counts = result.get("counts") or {}
    return CaseFlow(
        run, result.get("policy", ""), asset, flow, places, members, moves,
        int(counts.get("steps_left_out") or 0),
        times={step["txid"]: step["at"] for step in result["steps"]},
        shown=shown, breaks=breaks, going_on=going_on,
    )  # fmt: skip


def key_pairs(sums: Mapping[Pair, int], seeds: Iterable[str], goals: Iterable[str]) -> set[Pair]:
    """The edges on the widest way from a seed to each goal: the most that passes at its narrowest.

    Source: maximum bottleneck paths by Dijkstra's method (Pollack 1960).
    """
    after: dict[str, list[tuple[str, int]]] = {}
    for (source, target), amount in sums.items():
        after.setdefault(source, []).append((target, amount))
    width: dict[str, int] = {}
    came: dict[str, str] = {}
    seen: set[str] = set()
    queue: list[tuple[int, str, str]] = []
    for seed in sorted(seeds):
        heappush(queue, (-(2**256), seed, ""))
    while queue:
        negative, place, before = heappop(queue)
        if place in seen:
            continue
        seen.add(place)
        width[place] = -negative
        if before:
            came[place] = before
        for target, amount in after.get(place, []):
            if target not in seen:
                heappush(queue, (-min(-negative, amount), target, place))
    pairs: set[Pair] = set()
    for goal in goals:
        place = goal
        while place in came and (came[place], place) not in pairs:
            pairs.add((came[place], place))
            place = came[place]
    return pairs


def thresholds(largest: int) -> list[int]:
    """Least amounts to choose from: a thousandth, a hundredth and a tenth, of one digit."""
    found = []
    for part in (1000, 100, 10):
        digits = str(largest // part)
        least = int(digits[0]) * 10 ** (len(digits) - 1)
        if least and least not in found:
            found.append(least)
    return found


def largest_ends(places: Mapping[str, Place]) -> list[str]:
    """Where most money rests when no account was reached: three groups."""
    ends = [place for place in places.values() if place.statuses and not place.is_seed]
    ends.sort(key=lambda place: (-sum(place.statuses.values()), place.id))
    return [place.id for place in ends[:3]]


def drawn(
    places: Mapping[str, Place],
    moves: Sequence[Moves],
    asset: Asset | str,
    only_key: bool,
    going_on: Sequence[Continuation] = (),
    opened: Sequence[str] = (),
) -> tuple[Flow, dict[str, tuple[str, ...]]]:
    """The picture, and which groups each drawn card holds."""
    shown = [move for move in moves if move.is_key] if only_key else list(moves)
    on_key = {place.id for move in moves if move.is_key for place in (move.source, move.target)}
    used = {place.id for move in shown for place in (move.source, move.target)}
    lane_of, titles = lanes(
        [places[name] for name in sorted(used)], [(m.source.id, m.target.id) for m in shown]
    )
    price = price_of(asset)

    def amount_words(amount: int, fiat: Decimal | None) -> str:
        return words_of(amount, asset)

    words = Words(amount_words, count_words)
    broken = {point.outpoint: place.id for place in places.values() for point in place.breaks}
    cards, lines = cards_and_lines(going_on, broken, used, len(titles) - 1, len(broken))
    groups, edges = summarise(
        [
            *(
                group_of(places[name], lane_of[name], name in on_key, asset, price)
                for name in sorted(used)
            ),
            *cards,
        ],
        [
            *(
                Edge(
                    move.source.id, move.target.id, move.amount, worth(move.amount, asset, price),
                    move.is_key, words_of(move.amount, asset),
                )
                for move in shown
            ),
            *lines,
        ],
        words=words,
        opened=opened,
    )  # fmt: skip
    members = {group.id: group.members or (group.id,) for group in groups}
    return layout(groups, edges, titles), members


def group_of(
    place: Place, lane: int, is_key: bool, asset: Asset | str, price: Price | None
) -> Group:
    """A place as a card."""
    num_addresses = max(1, len(place.addresses))
    amount = words_of(place.amount, asset)
    second = count_words(num_addresses)
    if num_addresses == 1:
        address = short(next(iter(place.addresses), ""))
        second = address if address != place.label else ""
    if place.account is not None:
        second = account_words(place.role)
    return Group(
        id=place.id,
        label=place.label,
        sub=", ".join(part for part in (amount, second) if part),
        role=place.role,
        lane=lane,
        amount=place.amount,
        fiat=worth(place.amount, asset, price),
        num_addresses=num_addresses,
        key=is_key,
        open_only=place.wallet is not None or place.account is not None or bool(place.breaks),
        note=break_words(place),
    )


def break_words(place: Place) -> str:
    """Why the flow ends here, for break points."""
    if place.breaks:
        return break_note(place.breaks)
    if place.role == "coinjoin":
        return _("CoinJoin: not followed")
    if place.role == "service" and place.wallet is None:
        return _("Service: not followed")
    return ""


def account_words(state: str) -> str:
    """What became of the money of an account, for its card."""
    words = {
        "frozen": _("frozen"), "partly": _("partly frozen"), "pending": _("pending"),
        "left": _("not held"),
    }  # fmt: skip
    return words.get(state, "")


def group_words(places: Sequence[Place]) -> str:
    """The name of several places told as one."""
    return count_words(len({address for place in places for address in place.addresses}))


def count_words(number: int) -> str:
    """How many addresses, in words."""
    words = ngettext("%(number)s address", "%(number)s addresses", number)
    return words % {"number": f"{number:,}"}


def asset_of(result: Mapping[str, Any]) -> Asset | str:
    """The asset of a run: 1 query; on Bitcoin its CAIP-19 name when it is not among the records."""
    told = result.get("asset")
    if told is None:
        name = reads.asset_name(result)
        return Asset.objects.filter(asset=name).first() or name
    unit = reads.asset_unit(told)
    known = Asset.objects.filter(asset=unit.asset).first()
    return known or Asset(asset=unit.asset, symbol=unit.symbol, decimals=unit.decimals)


def price_of(asset: Asset | str) -> Price | None:
    """The latest price of one whole unit: 1 query."""
    return price_at(asset if isinstance(asset, str) else asset.asset, timezone.now())


def worth(amount: int, asset: Asset | str, price: Price | None) -> Decimal | None:
    """The value of an amount at a price; None without one."""
    return None if isinstance(asset, str) else fiat_of(amount, asset.decimals, price)


def words_of(amount: int, asset: Asset | str) -> str:
    """An amount for a card: four digits that count and the asset's symbol."""
    decimals, symbol = (8, "BTC") if isinstance(asset, str) else (asset.decimals, asset.symbol)
    value = Decimal(amount).scaleb(-decimals)
    places = max(0, min(decimals, 3 - value.adjusted())) if value else 2
    text = f"{value.quantize(Decimal(1).scaleb(-places)):,f}"
    if "." in text:
        whole, _point, part = text.partition(".")
        text = f"{whole}.{part.rstrip('0').ljust(2, '0')}"
    return f"{text} {symbol}"


def inspected(found: CaseFlow, card: str) -> tuple[Place, list[Moves], list[Moves]] | None:
    """The place behind a drawn card, with what came in and went out, largest first.

    A card that holds several groups is told as one place.
    """
    members = [name for name in found.members.get(card, ()) if name in found.places]
    if not members:
        return None
    inside = set(members)
    places = [found.places[name] for name in members]
    place = places[0] if len(places) == 1 else merged(card, group_words(places), places)
    across = [m for m in found.moves if (m.source.id in inside) != (m.target.id in inside)]
    came = [move for move in across if move.target.id in inside]
    went = [move for move in across if move.source.id in inside]
    place = replace(
        place, received=sum(move.amount for move in came), sent=sum(move.amount for move in went)
    )
    return place, came, went
