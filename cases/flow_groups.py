"""Bring a large flow down to what can be read: small groups are folded into "n addresses" cards.

Sums stay equal to the base unit: what the cards hold, and what flows between and inside them.
Pure, as cases/flow.py.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from cases.flow import HARD_CAP, Edge, FlowError, Group

MOST_GROUPS, MOST_EXPANDED, LEAST_GROUPS = 150, 300, 20

AmountWords = Callable[[int, Decimal | None], str]
Bucket = tuple[object, ...]


def plain_amount(amount: int, fiat: Decimal | None) -> str:
    """Words of an amount when the caller gives none: base units."""
    return f"{amount:,}"


def plain_count(count: int) -> str:
    """Words of a count of addresses when the caller gives none."""
    return f"{count:,} addresses"


@dataclass(frozen=True)
class Words:
    """How the caller's language says an amount and a count of addresses."""

    amount: AmountWords = plain_amount
    count: Callable[[int], str] = plain_count


def summarise(
    groups: Iterable[Group],
    edges: Iterable[Edge],
    most: int = MOST_GROUPS,
    words: Words | None = None,
    expanded: Iterable[str] = (),
    opened: Sequence[str] = (),
) -> tuple[tuple[Group, ...], tuple[Edge, ...]]:
    """Fold the smallest groups until at most `most` cards are left.

    Groups of the key path, those with `open_only` and those in `expanded` are never folded. Others
    fold with groups of the same lane and role, first only with those that share their largest
    partner, so that "1,204 addresses" pay one wallet; then with all of them. Where the lines are
    too many to read, more is folded.

    Args:
        opened: ids of folded cards to open in place, one after the other: the largest of their
            groups stand for themselves, up to 300 cards, and the rest stays one card, which a
            later id can open. Nothing else moves. Unknown ids open nothing.

    Raises:
        FlowError: even so more than 1,500 cards and edges are left.
    """
    words = words or Words()
    whole = sorted(groups, key=lambda group: group.id)
    all_links = merged(edges, words)
    kept = {card.id for card in whole if card.key or card.open_only} | set(expanded)
    small = sorted(
        (card for card in whole if card.id not in kept), key=lambda card: (card.amount, card.id)
    )
    fold: dict[str, Bucket] = {}
    cards, links = whole, all_links
    limit = most
    while len(cards) > most or _is_too_much(cards, links):
        fold = dict(_buckets_to_fold(small, all_links, limit - (len(whole) - len(small))))
        cards, links = _fold(whole, all_links, fold, words)
        if limit <= LEAST_GROUPS or not _is_too_much(cards, links):
            break
        limit = limit * 2 // 3
    for name in opened if fold else ():
        wider = _opened(name, fold, small, MOST_EXPANDED - len(cards))
        found = _fold(whole, all_links, wider, words)
        if not _is_too_much(*found):
            fold, (cards, links) = wider, found
    if _is_too_much(cards, links):
        raise FlowError(
            f"{len(cards) + len(links):,} cards and lines are too many to read: "
            "narrow by amount or date."
        )
    return tuple(cards), tuple(links)


def merged(edges: Iterable[Edge], words: Words | None = None) -> list[Edge]:
    """One edge a pair, amounts added up; a price unknown to one part is unknown to the sum."""
    words = words or Words()
    pairs: dict[tuple[str, str], list[Edge]] = {}
    for edge in edges:
        pairs.setdefault((edge.source, edge.target), []).append(edge)
    result = []
    for (source, target), parts in sorted(pairs.items()):
        if len(parts) == 1:
            result.append(parts[0])
            continue
        amount, fiat = sum(part.amount for part in parts), _sum(part.fiat for part in parts)
        key = any(part.key for part in parts)
        if is_possible := all(part.possible for part in parts):
            label = ", ".join(sorted({part.label for part in parts}))
        else:
            label = words.amount(amount, fiat)
        result.append(Edge(source, target, amount, fiat, key, label, is_possible))
    return result


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _buckets_to_fold(
    small: Sequence[Group], links: Sequence[Edge], room: int
) -> Mapping[str, Bucket]:
    """Which groups go into which bucket: as few and as small ones as `room` cards allow."""
    partner = _largest_partner(links)
    fine = {card.id: (card.lane, card.role, partner.get(card.id, "")) for card in small}
    coarse = {card.id: (card.lane, card.role) for card in small}
    for buckets in (fine, coarse):
        low, high = 0, len(small)
        if _cards_left(small, buckets, high) > room and buckets is fine:
            continue
        while low < high:  # the fewest that must be folded
            middle = (low + high) // 2
            if _cards_left(small, buckets, middle) <= room:
                high = middle
            else:
                low = middle + 1
        return _shared({card.id: buckets[card.id] for card in small[:low]})
    return {}


def _is_too_much(cards: Sequence[Group], links: Sequence[Edge]) -> bool:
    return len(cards) + len(links) > HARD_CAP


def _opened(
    name: str, fold: Mapping[str, Bucket], small: Sequence[Group], room: int
) -> dict[str, Bucket]:
    """Without the largest groups of one folded card, as many as there is room for."""
    members: dict[Bucket, list[Group]] = {}
    for card in small:
        if card.id in fold:
            members.setdefault(fold[card.id], []).append(card)
    parts = next((each for each in members.values() if _fold_id(each) == name), [])
    taken = parts if len(parts) <= room + 1 else parts[len(parts) - max(room, 0) :]
    return _shared({key: fold[key] for key in fold.keys() - {card.id for card in taken}})


def _cards_left(small: Sequence[Group], buckets: Mapping[str, Bucket], num_folded: int) -> int:
    return len(small) - num_folded + len({buckets[card.id] for card in small[:num_folded]})


def _shared(buckets: Mapping[str, Bucket]) -> dict[str, Bucket]:
    """Without the buckets of one: a card that stands for itself keeps its name."""
    counts: dict[Bucket, int] = {}
    for bucket in buckets.values():
        counts[bucket] = counts.get(bucket, 0) + 1
    return {name: bucket for name, bucket in buckets.items() if counts[bucket] > 1}


def _largest_partner(links: Sequence[Edge]) -> dict[str, str]:
    best: dict[str, tuple[int, str]] = {}
    for link in links:
        for own, other in ((link.source, link.target), (link.target, link.source)):
            best[own] = max(best.get(own, (-1, "")), (link.amount, other))
    return {name: other for name, (_, other) in best.items()}


def _fold(
    cards: Sequence[Group], links: Sequence[Edge], fold: Mapping[str, Bucket], words: Words
) -> tuple[list[Group], list[Edge]]:
    members: dict[Bucket, list[Group]] = {}
    for card in cards:
        if card.id in fold:
            members.setdefault(fold[card.id], []).append(card)
    ids = {bucket: _fold_id(parts) for bucket, parts in members.items()}  # once: they are long
    new_id = {card.id: ids[bucket] for bucket, parts in members.items() for card in parts}
    inside: dict[str, int] = {}
    moved = []
    for link in links:
        source, target = new_id.get(link.source, link.source), new_id.get(link.target, link.target)
        if source == target:
            inside[source] = inside.get(source, 0) + link.amount
        else:
            moved.append(replace(link, source=source, target=target))
    folded = [
        _folded(ids[bucket], parts, inside.get(ids[bucket], 0), words)
        for bucket, parts in members.items()
    ]
    rest = [card for card in cards if card.id not in fold]
    return sorted([*rest, *folded], key=lambda card: card.id), merged(moved, words)


def _fold_id(parts: Sequence[Group]) -> str:
    names = "\n".join(sorted(part.id for part in parts))
    return f"fold-{hashlib.sha256(names.encode()).hexdigest()[:16]}"


def _folded(name: str, parts: Sequence[Group], inside: int, words: Words) -> Group:
    amount, fiat = sum(part.amount for part in parts), _sum(part.fiat for part in parts)
    num_addresses = sum(part.num_addresses for part in parts)
    return Group(
        id=name,
        label=words.count(num_addresses),
        sub=words.amount(amount, fiat),
        role=parts[0].role,
        lane=parts[0].lane,
        amount=amount,
        fiat=fiat,
        num_addresses=num_addresses,
        members=tuple(sorted(part.id for part in parts)),
        inside=inside + sum(part.inside for part in parts),
    )
