"""The money flow as SVG, from the same positions as on screen: for print, PDF and liaisons.

Colours are attributes (light), so the picture stands alone; in a page the stylesheet's classes
override them and it follows the theme. No style, no script.
"""

from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from cases.flow import CARD_HEIGHT, CARD_WIDTH, LANE_PITCH, Curve, Flow, Node, Point

MARGIN, TITLE_HEIGHT = 20, 30
SMALL = 640
"""Up to this width, px, a page shows a picture in its own size and never larger."""
FONT = 'font-family="Inter, Noto Sans TC, Noto Sans CJK TC, sans-serif"'
INK, LINE, ACCENT, REST = "#131a26", "#c6cdd8", "#3346d3", "#5f6b7e"
COLOURS = {  # ground and border by tone; source: the stylesheet's light tokens
    "bad": ("#fdeceb", "#b3261e"),
    "warn": ("#fdf1dc", "#8a5300"),
    "violet": ("#f1eafb", "#6a34b8"),
    "accent": ("#eceefd", "#3346d3"),
    "good": ("#e3f5ea", "#17693a"),
    "ice": ("#e0f3f9", "#0b6a86"),
    "": ("#ffffff", "#5f6b7e"),
}


def render(flow: Flow, title: str = "Money flow") -> bytes:
    """The whole picture, lane titles above; the key path lies over the other lines."""
    return _drawn(flow, flow, title, 0, flow.width + 2 * MARGIN)


def render_bands(
    flow: Flow, num_lanes: int, title: str = "Money flow", frame: Flow | None = None
) -> list[bytes]:
    """The picture cut into windows of so many lanes, one to be read under the other.

    On paper a long way drawn in one line is too small to read. Lines that a window cuts go on in
    the next one; each is a picture of its own, as high as what stands in it. `frame` is the whole
    flow of which `flow` is a part: every part of it then has the same windows.
    """
    frame = frame or flow
    if len(frame.lanes) <= num_lanes:
        return [_drawn(flow, frame, title, 0, frame.width + 2 * MARGIN)]
    width = num_lanes * LANE_PITCH
    return [
        _drawn(flow, frame, title, first * LANE_PITCH, width)
        for first in range(0, len(frame.lanes), num_lanes)
    ]


def _extent(flow: Flow, left: float, width: float) -> tuple[float, float]:
    """The top and the bottom of what stands in this window, in the measure of the flow."""
    cards = [node.y for node in flow.nodes if left <= node.x + MARGIN <= left + width]
    lines = [
        y
        for edge in flow.edges
        for x, y in edge.points
        if left - LANE_PITCH <= x + MARGIN <= left + width + LANE_PITCH
    ]
    ends = [*(y - CARD_HEIGHT / 2 for y in cards), *(y + CARD_HEIGHT / 2 for y in cards), *lines]
    return (min(ends), max(ends)) if ends else (0.0, float(CARD_HEIGHT))


def _drawn(flow: Flow, frame: Flow, title: str, left: float, width: float) -> bytes:
    head = TITLE_HEIGHT if any(lane.title for lane in frame.lanes) else 0
    top, bottom = _extent(frame, left, width)
    height = bottom - top + head + 2 * MARGIN
    parts = [
        f'<svg class="flow-svg{" small" if width <= SMALL else ""}" '
        'xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="{left:g} 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'role="img" aria-label={quoteattr(title)}>',
        f"<title>{escape(title)}</title>",
    ]
    parts += [
        f'<text class="fl-lane" x="{lane.x + MARGIN:g}" y="{MARGIN}" text-anchor="middle" {FONT} '
        f'font-size="12" font-weight="600" fill="#465266">{escape(lane.title)}</text>'
        for lane in flow.lanes
        if lane.title
    ]
    parts.append(f'<g transform="translate({MARGIN} {head + MARGIN - top:g})">')
    for edge in sorted(flow.edges, key=lambda edge: edge.key):
        parts += _edge(edge)
    for node in flow.nodes:
        parts += _card(node)
    for edge in flow.edges:
        if (edge.key or edge.possible) and edge.label:
            x, y = edge.points[-1]
            parts.append(
                f'<text class="fl-label" x="{x - 24:g}" y="{y + 3:g}" text-anchor="end" {FONT} '
                f'font-size="9.5" font-weight="600" fill="#465266" stroke="#fff" stroke-width="7" '
                f'stroke-linejoin="round" paint-order="stroke">{escape(edge.label)}</text>'
            )
    parts.append("</g></svg>")
    return "".join(parts).encode()


def path_of(points: tuple[Point, ...]) -> str:
    """The way of a curve as path data: quadratic curves that join between control points."""
    start, *controls, end = points
    steps = [f"M{start[0]:g} {start[1]:g}"]
    for here, there in pairwise(controls):
        middle = ((here[0] + there[0]) / 2, (here[1] + there[1]) / 2)
        steps.append(f"Q{here[0]:g} {here[1]:g} {middle[0]:g} {middle[1]:g}")
    steps.append(f"Q{controls[-1][0]:g} {controls[-1][1]:g} {end[0] - 6:g} {end[1]:g}")
    return "".join(steps)


def _edge(edge: Curve) -> list[str]:
    css = f"{' key' if edge.key else ''}{' back' if edge.back else ''}"
    colour = ACCENT if edge.key else LINE
    dashes = ' stroke-dasharray="6 4"' if edge.back else ""
    if edge.possible:
        dashes = ' stroke-dasharray="2 4"'
    x, y = edge.points[-1]
    size = 4 + edge.width * 0.6
    return [
        f'<path class="fl-edge{css}" d="{path_of(edge.points)}" fill="none" stroke="{colour}" '
        f'stroke-width="{edge.width:g}"{dashes}/>',
        f'<path class="fl-head{css}" d="M{x:g} {y:g}l-{size * 1.5:g} -{size:g}v{2 * size:g}z" '
        f'fill="{colour}"/>',
    ]


def _card(node: Node) -> list[str]:
    ground, border = COLOURS[node.tone]
    left, top = node.x - CARD_WIDTH / 2, node.y - CARD_HEIGHT / 2
    title = f"{node.label}. {node.sub}{'. ' + node.note if node.note else ''}"
    dashes = ' stroke-dasharray="4 3"' if node.note else ""
    return [
        f"<g><title>{escape(title)}</title>",
        f'<rect class="fl-card {node.tone}" x="{left:g}" y="{top:g}" width="{CARD_WIDTH}" '
        f'height="{CARD_HEIGHT}" rx="7" fill="{ground}" stroke="{border}" '
        f'stroke-width="{2 if node.key else 1.2:g}"{dashes}/>',
        f'<text class="fl-text" x="{node.x:g}" y="{node.y - 4:g}" text-anchor="middle" {FONT} '
        f'font-size="11" font-weight="600" fill="{INK}">{escape(node.label)}</text>',
        f'<text class="fl-text two" x="{node.x:g}" y="{node.y + 12:g}" text-anchor="middle" {FONT} '
        f'font-size="11" fill="{INK}">{escape(node.sub)}</text></g>',
    ]
