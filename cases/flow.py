"""Layout of the money flow: groups and edges in, cards, ports, lanes and curves out.

Pure: no Django, no clock, no randomness, so the screen, the SVG, the PDF and the liaison's page
draw the same picture, and the same input gives the same bytes in whatever order it comes. Lengths
are in pixels of the unzoomed picture. `cases/flow_groups.py` brings large flows down to size.

Method: layered drawing after Sugiyama, Tagawa, Toda (1981), lanes given by the caller: dummy nodes
for long edges, barycentre sweeps weighted by amount, equal pitch in a lane.
"""

import json
import math
from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

CARD_WIDTH, CARD_HEIGHT = 166, 48
LANE_PITCH = 272
ROW_PITCH, ROW_PITCH_LEAST, HEIGHT_WANTED = 104, 62, 660
DUMMY_PITCH = 26
PORT_PITCH, PORT_SPAN = 13.0, 34.0
SWEEPS = 8
HARD_CAP = 1500  # cards and edges together
LABEL_CHARACTERS, SUB_CHARACTERS = 26, 29

TONES: Mapping[str, str] = {
    "bank": "bad", "hot": "bad", "cold": "bad", "left": "bad",
    "admin": "accent", "mule": "accent", "suspect": "accent",
    "swap": "violet", "service": "violet",
    "mixer": "warn", "coinjoin": "warn", "pending": "warn",
    "account": "good", "frozen": "ice", "partly": "ice",
}  # fmt: skip

Point = tuple[float, float]


class FlowError(ValueError):
    """The flow cannot be drawn as asked; the message says what to change."""


@dataclass(frozen=True)
class Group:
    """A card before its place: an address, cluster, service, account, or many of them.

    `amount` and `inside` are base units of the flow's asset; `fiat` is None when it is unknown.
    `sub` is the second line. `note` says why the flow breaks off here. `members` are the ids of the
    groups folded into this one, `inside` what flowed among them, `open_only` forbids folding.
    """

    id: str
    label: str
    sub: str = ""
    role: str = ""
    lane: int = 0
    amount: int = 0
    fiat: Decimal | None = None
    num_addresses: int = 1
    key: bool = False
    open_only: bool = False
    note: str = ""
    members: tuple[str, ...] = ()
    inside: int = 0


@dataclass(frozen=True)
class Edge:
    """Money from one group to another; one edge a pair. `key` marks the key path.

    `possible` moves nothing: it leads from a break point to where the money may go on.
    """

    source: str
    target: str
    amount: int
    fiat: Decimal | None = None
    key: bool = False
    label: str = ""
    possible: bool = False


@dataclass(frozen=True)
class Node:
    """A card with its place; x and y are its middle."""

    id: str
    label: str
    sub: str
    role: str
    tone: str
    lane: int
    row: int
    x: float
    y: float
    key: bool
    amount: str
    num_addresses: int
    note: str


@dataclass(frozen=True)
class Curve:
    """An edge with its way: the first and last points are ports, those between control points.

    Drawn as quadratic curves that join in the middle of neighbouring control points.
    """

    source: str
    target: str
    amount: str
    label: str
    width: float
    key: bool
    back: bool
    points: tuple[Point, ...]
    possible: bool = False


@dataclass(frozen=True)
class Lane:
    """The title of a lane and the x of its middle."""

    title: str
    x: float


@dataclass(frozen=True)
class Flow:
    """A drawn flow. `more` counts the groups that are not drawn: "N more, narrow the flow"."""

    nodes: tuple[Node, ...]
    edges: tuple[Curve, ...]
    lanes: tuple[Lane, ...]
    width: float
    height: float
    more: int = 0

    @property
    def has_key_path(self) -> bool:
        return any(edge.key for edge in self.edges)

    @property
    def tones(self) -> tuple[str, ...]:
        """The tones in use, for the legend, in a fixed order."""
        used = {node.tone for node in self.nodes}
        return tuple(
            tone for tone in ("bad", "warn", "violet", "accent", "good", "ice") if tone in used
        )

    def to_json(self) -> dict[str, Any]:  # JSON values only
        return asdict(self)

    def to_bytes(self) -> bytes:
        """The same flow as canonical JSON: what the golden tests compare."""
        return json.dumps(
            self.to_json(), sort_keys=True, ensure_ascii=False, separators=(",", ":")
        ).encode()

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Flow":
        """The flow a release holds as JSON, to be drawn again."""
        return cls(
            nodes=tuple(Node(**node) for node in content["nodes"]),
            edges=tuple(
                Curve(**{**edge, "points": tuple((x, y) for x, y in edge["points"])})
                for edge in content["edges"]
            ),
            lanes=tuple(Lane(**lane) for lane in content["lanes"]),
            width=content["width"],
            height=content["height"],
            more=content["more"],
        )


def layout(
    groups: Iterable[Group], edges: Iterable[Edge], lanes: Sequence[str] = (), more: int = 0
) -> Flow:
    """Place every group and bend every edge.

    Args:
        groups: with distinct ids and lanes from 0.
        edges: between these groups, one a pair.
        lanes: titles by lane number; missing ones are empty.
        more: groups left out before, for the words under the picture.

    Raises:
        FlowError: unknown or doubled ids, a self-loop, or more than 1,500 cards and edges.

    Cost: O(sweeps * E log E).
    """
    cards = sorted(groups, key=lambda group: group.id)
    links = sorted(edges, key=lambda edge: (edge.source, edge.target))
    _check(cards, links)
    if not cards:
        return Flow((), (), (), 0.0, 0.0, more)
    used = sorted({card.lane for card in cards})
    lane_of = {card.id: used.index(card.lane) for card in cards}
    chains = {_pair(link): _chain(link, lane_of) for link in links}
    order = _order(cards, links, chains, lane_of, len(used))
    place = _place(order, lane_of)
    row_of = {
        name: row
        for column in order
        for row, name in enumerate(one for one in column if one in lane_of)
    }
    ports = _ports(links, chains, place)
    nodes = tuple(
        Node(
            card.id, cut(card.label, LABEL_CHARACTERS), cut(card.sub or card.note, SUB_CHARACTERS),
            card.role, TONES.get(card.role, ""), lane_of[card.id], row_of[card.id],
            *place[card.id], card.key, str(card.amount), card.num_addresses, card.note,
        )
        for card in cards
    )  # fmt: skip
    height = max((node.y for node in nodes), default=0.0) + CARD_HEIGHT
    return Flow(
        nodes=nodes,
        edges=tuple(_curve(link, chains[_pair(link)], lane_of, place, ports) for link in links),
        lanes=tuple(
            Lane(lanes[used[index]] if used[index] < len(lanes) else "", _lane_x(index))
            for index in range(len(used))
        ),
        width=float(LANE_PITCH * (len(used) - 1) + CARD_WIDTH),
        height=max(height, float(CARD_HEIGHT)),
        more=more,
    )


def cut(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis, in at most `most` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def edge_width(fiat: Decimal | None) -> float:
    """`1 + 2.1 * log10(fiat / 100,000)`, at least 1; 1 as well when the price is unknown."""
    if fiat is None or fiat <= 0:
        return 1.0
    return round(1 + 2.1 * max(0.0, math.log10(float(fiat) / 100_000)), 2)


def _check(cards: Sequence[Group], links: Sequence[Edge]) -> None:
    ids = {card.id for card in cards}
    if len(ids) != len(cards):
        raise FlowError("Two groups have the same id.")
    if len(cards) + len(links) > HARD_CAP:
        raise FlowError(
            f"{len(cards) + len(links):,} cards and lines are too many to read "
            f"(at most {HARD_CAP:,}): narrow by amount or date."
        )
    pairs = set()
    for link in links:
        if link.source not in ids or link.target not in ids:
            raise FlowError(f"An edge names an unknown group: {link.source} to {link.target}.")
        if link.source == link.target:
            raise FlowError(f"An edge of {link.source} ends where it begins: count it as inside.")
        pairs.add(_pair(link))
    if len(pairs) != len(links):
        raise FlowError("Two edges join the same pair: merge them first.")


def _pair(link: Edge) -> tuple[str, str]:
    return link.source, link.target


def _lane_x(lane: int) -> float:
    return lane * LANE_PITCH + CARD_WIDTH / 2


def _chain(link: Edge, lane_of: Mapping[str, int]) -> tuple[str, ...]:
    """The edge as steps from lane to lane: its ends with a dummy in each lane that it crosses."""
    first, last = lane_of[link.source], lane_of[link.target]
    between = tuple(
        f"\x00{link.source}\x00{link.target}\x00{lane}" for lane in range(first + 1, last)
    )
    return link.source, *between, link.target


# --- Order in a lane -----------------------------------------------------------------------------


def _order(
    cards: Sequence[Group],
    links: Sequence[Edge],
    chains: Mapping[tuple[str, str], tuple[str, ...]],
    lane_of: Mapping[str, int],
    num_lanes: int,
) -> list[list[str]]:
    """Barycentre sweeps left and right; the first order with the fewest crossings wins."""
    columns: list[list[str]] = [[] for _ in range(num_lanes)]
    for card in cards:
        columns[lane_of[card.id]].append(card.id)
    before: dict[str, list[tuple[str, int]]] = {}
    after: dict[str, list[tuple[str, int]]] = {}
    for link in links:
        chain = chains[_pair(link)]
        if lane_of[link.source] >= lane_of[link.target]:
            continue  # backward and sideways edges do not shape the order
        for lane, name in enumerate(chain[1:-1], start=lane_of[link.source] + 1):
            columns[lane].append(name)
        for left, right in pairwise(chain):
            after.setdefault(left, []).append((right, link.amount))
            before.setdefault(right, []).append((left, link.amount))
    best, fewest = [list(column) for column in columns], _crossings(columns, after)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        neighbours = before if forward else after
        lanes = range(1, num_lanes) if forward else range(num_lanes - 2, -1, -1)
        for lane in lanes:
            beside = columns[lane - 1 if forward else lane + 1]
            _sort_by_barycentre(columns[lane], beside, neighbours)
        crossings = _crossings(columns, after)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
    return best


def _sort_by_barycentre(
    column: list[str], beside: Sequence[str], neighbours: Mapping[str, list[tuple[str, int]]]
) -> None:
    # Positions run from 0 to 1, so that lanes of different length can be compared; ties by id.
    at = {name: (index + 0.5) / len(beside) for index, name in enumerate(beside)}
    own = {name: (index + 0.5) / len(column) for index, name in enumerate(column)}

    def barycentre(name: str) -> tuple[float, str]:
        near = [
            (at[other], max(amount, 1)) for other, amount in neighbours.get(name, []) if other in at
        ]
        if not near:
            return round(own[name], 9), name
        whole = sum(amount for _, amount in near)
        return round(sum(where * (amount / whole) for where, amount in near), 9), name

    column.sort(key=barycentre)


def _crossings(columns: Sequence[Sequence[str]], after: Mapping[str, list[tuple[str, int]]]) -> int:
    """Crossings between neighbouring lanes, by counting inversions."""
    total = 0
    for left, right in pairwise(columns):
        at = {name: index for index, name in enumerate(right)}
        seen: list[int] = []
        for name in left:
            ends = sorted(at[other] for other, _ in after.get(name, []) if other in at)
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


# --- Places, ports and curves --------------------------------------------------------------------


def _place(order: Sequence[Sequence[str]], lane_of: Mapping[str, int]) -> dict[str, Point]:
    """Cards at equal pitch, dummies in narrower rows, each lane in the middle of the tallest."""
    tallest = max(sum(name in lane_of for name in column) for column in order)
    pitch = min(ROW_PITCH, max(ROW_PITCH_LEAST, HEIGHT_WANTED // max(tallest, 1)))

    def room(name: str) -> int:
        return pitch if name in lane_of else DUMMY_PITCH

    heights = [sum(room(name) for name in column) for column in order]
    place = {}
    for lane, column in enumerate(order):
        y = (max(heights) - heights[lane]) / 2
        for name in column:
            place[name] = (_lane_x(lane), round(y + room(name) / 2, 1))
            y += room(name)
    return place


def _ports(
    links: Sequence[Edge],
    chains: Mapping[tuple[str, str], tuple[str, ...]],
    place: Mapping[str, Point],
) -> dict[tuple[str, str, str], float]:
    """Offsets from the card's middle, by (side, source, target): sorted by where the line goes."""
    sides: dict[tuple[str, str], list[tuple[float, str, str]]] = {}
    for link in links:
        chain = chains[_pair(link)]
        sides.setdefault(("out", link.source), []).append(
            (place[chain[1]][1], link.source, link.target)
        )
        sides.setdefault(("in", link.target), []).append(
            (place[chain[-2]][1], link.source, link.target)
        )
    offsets = {}
    for (side, _), ends in sides.items():
        ends.sort()
        step = min(PORT_PITCH, PORT_SPAN / (len(ends) - 1)) if len(ends) > 1 else 0.0
        for index, (_, source, target) in enumerate(ends):
            offsets[side, source, target] = round((index - (len(ends) - 1) / 2) * step, 1)
    return offsets


def _curve(
    link: Edge,
    chain: Sequence[str],
    lane_of: Mapping[str, int],
    place: Mapping[str, Point],
    ports: Mapping[tuple[str, str, str], float],
) -> Curve:
    half = CARD_WIDTH / 2
    x, y = place[link.source]
    start = (x + half, round(y + ports["out", link.source, link.target], 1))
    x, y = place[link.target]
    end = (x - half, round(y + ports["in", link.source, link.target], 1))
    points, here = [start], start
    for name in chain[1:-1]:  # along the row kept free in each lane on the way
        x, y = place[name]
        points += _bend(here, (x - half, y))
        here = (x + half, y)
    points += [*_bend(here, end), end]
    return Curve(
        link.source, link.target, str(link.amount), link.label, edge_width(link.fiat), link.key,
        lane_of[link.source] >= lane_of[link.target], tuple(points), link.possible,
    )  # fmt: skip


def _bend(start: Point, end: Point) -> list[Point]:
    """The two control points of an S-curve that leaves and enters level."""
    k = max(30.0, (end[0] - start[0]) / 2)
    return [(round(start[0] + k, 1), start[1]), (round(end[0] - k, 1), end[1])]
