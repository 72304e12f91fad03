"""The money flow of a release as a picture: the ways from the seeds to the cited amounts.

Drawn from the dossier alone, by the layout that the screens have, so it shows no address that the
release does not name. Where several coins meet in a transaction, its outputs are drawn from its
inputs in proportion; that is a drawing, the amounts stand in the tables.
"""

from collections import defaultdict

from cases.dossier import Dossier, DossierMove, DossierRun, Redaction
from cases.exports import svg
from cases.exports.csv import in_units
from cases.flow import LABEL_CHARACTERS, Edge, Flow, Group, layout

NAME = "flow.svg"
MIME = "image/svg+xml"
MOST_CARDS = 60
"""Of one run; in a larger one everything between the first and the last cards is one card."""
BETWEEN = "between"
LANES_ON_PAPER = 4


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
        some, links = _drawn(run, dossier)
        groups += some
        edges += links
    return layout(groups, edges)


def _drawn(run: DossierRun, dossier: Dossier) -> tuple[list[Group], list[Edge]]:
    moved = _moved(run)
    cited = {
        amount.address: amount.label
        for finding in dossier.findings
        if not isinstance(finding.amounts, Redaction)
        for amount in finding.amounts
        if amount.result_sha256 == run.result_sha256
    }
    lanes = _lanes(moved)
    last = max(lanes.values(), default=0)
    if len(lanes) > MOST_CARDS:
        moved = _folded(moved, lanes, set(cited), last)
        lanes = _lanes(moved)
    wallets = {wallet.address: wallet for wallet in dossier.wallets}
    through: dict[str, int] = defaultdict(int)
    for (source, target), amount in moved.items():
        through[target] += amount
        if source not in {pair[1] for pair in moved}:
            through[source] += amount
    groups = []
    for address, lane in sorted(lanes.items()):
        wallet = wallets.get(address)
        label = cited.get(address) or (f"{wallet.number} {wallet.role}" if wallet else "")
        groups.append(
            Group(
                id=f"{run.number}:{address}",
                label=(label or _short(address))[:LABEL_CHARACTERS],
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
    moved: dict[tuple[str, str], int], lanes: dict[str, int], cited: set[str], last: int
) -> dict[tuple[str, str], int]:
    """The same with one card between the first addresses and the cited ones."""
    inner = {a for a, lane in lanes.items() if 0 < lane <= last and a not in cited}
    folded: dict[tuple[str, str], int] = defaultdict(int)
    for (source, target), amount in moved.items():
        pair = (
            f"{len(inner)} addresses {BETWEEN}" if source in inner else source,
            f"{len(inner)} addresses {BETWEEN}" if target in inner else target,
        )
        if pair[0] != pair[1]:
            folded[pair] += amount
    return dict(folded)


def _short(address: str) -> str:
    return address if len(address) <= LABEL_CHARACTERS else f"{address[:10]}…{address[-8:]}"
