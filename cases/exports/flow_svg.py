"""The money flow of a release as a picture: the ways from the seeds to the cited amounts.

Drawn from the dossier alone, by the layout that the screens have, so it shows no address that the
release does not name. Where several coins meet in a transaction, its outputs are drawn from its
inputs in proportion; that is a drawing, the amounts stand in the tables.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from cases.dossier import Dossier, DossierMove, DossierRun, Redaction
from cases.exports import svg
from cases.exports.csv import in_units
from cases.flow import LABEL_CHARACTERS, Edge, Flow, Group, layout
from cases.report_words import say

NAME = "flow.svg"
MIME = "image/svg+xml"
MOST_CARDS = 60
"""Of one run; in a larger one everything between the first and the last cards is one card."""
BETWEEN = "between"
LANES_ON_PAPER = 4
MOST_STEPS = 60
"""In which the flow plays through time; of more moments every so many are taken together."""


def render(dossier: Dossier) -> bytes:
    """The SVG; no bytes where the release rests on no trace."""
    flow = flow_of(dossier)
    return svg.render(flow) if flow.nodes else b""


def render_bands(dossier: Dossier, num_lanes: int = LANES_ON_PAPER) -> list[bytes]:
    """The same in windows of so many lanes, which a page shows legibly; none without a trace."""
    flow = flow_of(dossier)
    return svg.render_bands(flow, num_lanes) if flow.nodes else []


def flow_of(dossier: Dossier) -> Flow:
    """The picture of all runs, one under the other: O(moves)."""
    groups: list[Group] = []
    edges: list[Edge] = []
    for run in dossier.runs:
        some, links = _drawn(run, dossier, _folding(run, dossier))
        groups += some
        edges += links
    return layout(groups, edges)


def steps_of(dossier: Dossier) -> list[str]:
    """The moments, oldest first, up to which the flow is shown when it plays."""
    times = sorted({move.at for run in dossier.runs for move in run.moves})
    if len(times) <= MOST_STEPS:
        return times
    return [times[-(-len(times) * step // MOST_STEPS) - 1] for step in range(1, MOST_STEPS + 1)]


def render_bands_at(dossier: Dossier, until: str, num_lanes: int = LANES_ON_PAPER) -> list[bytes]:
    """`render_bands` of what had happened by then; each card keeps its place of the whole picture.

    The second line of a card is what had come there by that moment; windows to which nothing had
    come yet are left out. Cost: twice the picture.
    """
    flow = flow_of(dossier)
    edges: set[tuple[str, str]] = set()
    cards: dict[str, str] = {}
    for run in dossier.runs:
        past = replace(run, moves=tuple(move for move in run.moves if move.at <= until))
        some, links = _drawn(past, dossier, _folding(run, dossier))
        edges |= {(each.source, each.target) for each in links}
        cards |= {each.id: each.sub for each in some}
    shown = replace(
        flow,
        nodes=tuple(replace(each, sub=cards[each.id]) for each in flow.nodes if each.id in cards),
        edges=tuple(each for each in flow.edges if (each.source, each.target) in edges),
    )
    reached = 1 + max((each.lane for each in shown.nodes), default=0) // num_lanes
    return svg.render_bands(shown, num_lanes, frame=flow)[:reached] if flow.nodes else []


def _cited_in(run: DossierRun, dossier: Dossier) -> dict[str, str]:
    """The addresses whose amounts rest on this run, each with what its amount is called."""
    return {
        amount.address: amount.label
        for finding in dossier.findings
        if not isinstance(finding.amounts, Redaction)
        for amount in finding.amounts
        if amount.result_sha256 == run.result_sha256
    }


def _folding(run: DossierRun, dossier: Dossier) -> dict[str, str]:
    """The card that takes the place of each address between the first and the cited ones.

    Empty where the run is small enough to show them all.
    """
    lanes = _lanes(_moved(run))
    if len(lanes) <= MOST_CARDS:
        return {}
    cited = _cited_in(run, dossier)
    inner = [address for address, lane in lanes.items() if lane > 0 and address not in cited]
    return dict.fromkeys(inner, f"{len(inner)} addresses {BETWEEN}")


def _drawn(
    run: DossierRun, dossier: Dossier, folding: Mapping[str, str]
) -> tuple[list[Group], list[Edge]]:
    moved = _folded(_moved(run), folding)
    lanes, cited = _lanes(moved), _cited_in(run, dossier)
    wallets = {wallet.address: wallet for wallet in dossier.wallets}
    through: dict[str, int] = defaultdict(int)
    for (source, target), amount in moved.items():
        through[target] += amount
        if source not in {pair[1] for pair in moved}:
            through[source] += amount
    groups = []
    for address, lane in sorted(lanes.items()):
        wallet = wallets.get(address)
        label = cited.get(address) or (
            f"{wallet.number} {say(wallet.role, dossier.language)}" if wallet else ""
        )
        groups.append(
            Group(
                id=f"{run.number}:{address}",
                label=_fitting(label or _short(address)),
                sub=f"{in_units(str(through[address]), run.decimals):f} {run.symbol}"[:29],
                role="account" if address in cited else ("suspect" if wallet else ""),
                lane=lane,
                amount=through[address],
                key=address in cited or lane == 0,
            )
        )
    edges = [
        Edge(f"{run.number}:{source}", f"{run.number}:{target}", amount, key=target in cited)
        for (source, target), amount in sorted(moved.items())
    ]
    return groups, edges


def _fitting(label: str) -> str:
    """The label within a card; its end stays, which is the number of an account."""
    if len(label) <= LABEL_CHARACTERS:
        return label
    end = label[-7:].lstrip()
    return f"{label[: LABEL_CHARACTERS - len(end) - 1].rstrip()}…{end}"


def _moved(run: DossierRun) -> dict[tuple[str, str], int]:
    """What went from address to address, self-payments left out."""
    by_txid: dict[str, tuple[list[DossierMove], list[DossierMove]]] = {}
    for move in run.moves:
        came, went = by_txid.setdefault(move.txid, ([], []))
        (came if move.side == "in" else went).append(move)
    moved: dict[tuple[str, str], int] = defaultdict(int)
    for came, went in by_txid.values():
        total = sum(int(each.base) for each in came) or 1
        for source in came:
            for target in went:
                amount = int(target.base) * int(source.base) // total
                if source.address != target.address and amount:
                    moved[source.address, target.address] += amount
    return dict(moved)


def _lanes(moved: dict[tuple[str, str], int]) -> dict[str, int]:
    """Steps from where the money enters the picture; what only turns in a circle begins at 0."""
    targets = {target for _source, target in moved}
    lanes = {source: 0 for source, _target in sorted(moved) if source not in targets}
    onward: dict[str, list[str]] = defaultdict(list)
    for source, target in sorted(moved):
        onward[source].append(target)
    everyone = sorted({address for pair in moved for address in pair})
    for start in [*lanes, *everyone]:
        wave = [start] if lanes.setdefault(start, 0) == 0 else []
        while wave:
            wave = [t for s in wave for t in onward[s] if _later(lanes, t, lanes[s] + 1)]
    return lanes


def _later(lanes: dict[str, int], address: str, lane: int) -> bool:
    if address in lanes:
        return False
    lanes[address] = lane
    return True


def _folded(
    moved: Mapping[tuple[str, str], int], folding: Mapping[str, str]
) -> dict[tuple[str, str], int]:
    """The same between the cards that are shown; what stays within one is left out."""
    folded: dict[tuple[str, str], int] = defaultdict(int)
    for (source, target), amount in moved.items():
        pair = (folding.get(source, source), folding.get(target, target))
        if pair[0] != pair[1]:
            folded[pair] += amount
    return dict(folded)


def _short(address: str) -> str:
    return address if len(address) <= LABEL_CHARACTERS else f"{address[:10]}…{address[-8:]}"
