"""Where groups of the money flow stand: chains told as one group, lanes from start to accounts."""

from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.queries.flow_places import Moved, Pair, Place

MOST_LANES = 6  # before the lane of the accounts
LEAST_CHAIN = 3
BANK_ROLES = ("bank", "hot", "cold")
SUSPECT_ROLES = ("admin", "mule", "vendor", "suspect")
SERVICE_ROLES = ("swap", "service", "mixer", "coinjoin")
PAYER_ROLES = ("deposit", "buyer")


def fold_chains(places: dict[str, Place], moved: Moved) -> tuple[dict[str, Place], Moved]:
    """Addresses of nobody that pass money on one after the other become one group.

    A chain goes on to the group that takes most, as long as that one is paid by nobody else
    and passes it on as well: where money rests stays a card of its own.
    """
    after: dict[str, list[tuple[int, str]]] = {}
    payers: dict[str, set[str]] = {}
    for (source, target), amounts in moved.items():
        payers.setdefault(target, set()).add(source)
        if is_plain(places[source]) and is_plain(places[target]):
            after.setdefault(source, []).append((sum(amounts.values()), target))
    passing_on = {source for source, _target in moved}
    following = {}
    for source, targets in after.items():
        _amount, target = max(targets)
        if payers[target] == {source} and target in passing_on:
            following[source] = target
    followed = set(following.values())
    chain_of: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for first in sorted(set(following) - followed):
        chain = [first]
        while chain[-1] in following and following[chain[-1]] not in chain:
            chain.append(following[chain[-1]])
        if len(chain) >= LEAST_CHAIN:
            found[f"chain-{first}"] = chain
            chain_of |= dict.fromkeys(chain, f"chain-{first}")
    kept = {name: place for name, place in places.items() if name not in chain_of}
    kept |= {name: chained(name, [places[one] for one in chain]) for name, chain in found.items()}
    return kept, rewired(moved, chain_of, kept)


def is_plain(place: Place) -> bool:
    """An address or cluster that the case says nothing about."""
    return (
        place.role == "unknown"
        and place.wallet is None
        and place.account is None
        and not place.is_seed
        and bool(place.addresses)
    )


def chained(name: str, places: Sequence[Place]) -> Place:
    """The places of a chain as one; what flowed between them is counted inside."""
    words = ngettext("Chain, %(number)d hop", "Chain, %(number)d hops", len(places))
    whole = merged(name, words % {"number": len(places)}, places)
    whole.received = places[0].received
    return whole


def merged(name: str, label: str, places: Sequence[Place]) -> Place:
    """Several places told as one: addresses, bounds and what rests there are added up."""
    whole = Place(name, label, places[0].role, hops=min(place.hops for place in places))
    for place in places:
        whole.addresses |= place.addresses
        whole.low += place.low
        whole.high += place.high
        whole.num_outputs += place.num_outputs
        whole.tags |= place.tags
        whole.breaks += place.breaks
        whole.seen(place.first_at)
        whole.seen(place.last_at)
        for status, amount in place.statuses.items():
            whole.statuses[status] = whole.statuses.get(status, 0) + amount
    return whole


def rewired(moved: Moved, new_id: Mapping[str, str], places: Mapping[str, Place]) -> Moved:
    """The movements between the groups that are left."""
    result: Moved = {}
    for (source, target), amounts in moved.items():
        pair = new_id.get(source, source), new_id.get(target, target)
        if pair[0] == pair[1]:
            continue
        there = result.setdefault(pair, {})
        for txid, amount in amounts.items():
            there[txid] = there.get(txid, 0) + amount
        if source in new_id:
            places[pair[0]].sent += sum(amounts.values())
    return result


def lanes(places: Sequence[Place], pairs: Iterable[Pair]) -> tuple[dict[str, int], list[str]]:
    """The lane of each place and the lanes' titles: as many steps as money took, accounts last.

    Movements back in time do not push a place to the right.
    """
    order = sorted(places, key=lambda place: (place.first_at, place.hops, place.id))
    rank = {place.id: number for number, place in enumerate(order)}
    payers: dict[str, list[str]] = {}
    for source, target in pairs:
        if source in rank and target in rank and rank[source] < rank[target]:
            payers.setdefault(target, []).append(source)
    depth: dict[str, int] = {}
    for place in order:
        if place.account is None:
            before = [depth[name] for name in payers.get(place.id, []) if name in depth]
            depth[place.id] = max(before, default=-1) + 1
    deepest = max(depth.values(), default=-1) + 1
    lane_of = {
        name: at * MOST_LANES // deepest if deepest > MOST_LANES else at
        for name, at in depth.items()
    }
    last = max(lane_of.values(), default=-1) + 1
    titles = [
        title_of(lane, [place for place in order if lane_of.get(place.id) == lane])
        for lane in range(last)
    ]
    lane_of |= {place.id: last for place in order if place.account is not None}
    return lane_of, [*titles, _("Accounts here")]


def title_of(lane: int, places: Sequence[Place]) -> str:
    """What the cards of a lane are; where they are of several kinds, the two most frequent."""
    kinds = [kind_of(place) for place in places]
    found = sorted(set(kinds), key=lambda kind: (-kinds.count(kind), kind))
    words = {
        "bank": _("Market bank"),
        "suspect": _("Suspects' wallets"),
        "service": _("Services"),
        "payer": _("Payers"),
        "other": _("Start") if lane == 0 else _("Layering"),
    }
    if len(found) < 2:
        return words[found[0]] if found else ""
    return _("%(first)s, %(second)s") % {
        "first": words[found[0]],
        "second": words[found[1]] if len(found) == 2 else _("others"),
    }


def kind_of(place: Place) -> str:
    """The kind a lane's title counts."""
    for kind, roles in (
        ("bank", BANK_ROLES), ("suspect", SUSPECT_ROLES),
        ("service", SERVICE_ROLES), ("payer", PAYER_ROLES),
    ):  # fmt: skip
        if place.role in roles:
            return kind
    return "other"
