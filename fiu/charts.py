"""Charts drawn on the server as SVG: sizes are attributes and colours are classes, as the CSP asks.

Every chart has a title for screen readers and its figures in `<title>` elements; pages put the same
figures in a table or list beside it where they matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Number = int | Decimal
TONES = ("ice", "warn", "bad", "good", "accent", "violet", "rest")


@dataclass(frozen=True)
class Part:
    """A piece of a bar: what it is, how much, in which tone, and the amount in words."""

    label: str
    value: Number
    tone: str
    words: str = ""


@dataclass(frozen=True)
class Column:
    """One column of a stacked chart, such as a month."""

    label: str
    parts: tuple[Part, ...]
    words: str = ""

    @property
    def total(self) -> Number:
        return sum((part.value for part in self.parts), start=0)


@dataclass(frozen=True)
class Row:
    """One row of a chart of horizontal bars."""

    label: str
    value: Number
    words: str = ""
    tone: str = "accent"
    url: str = ""


def share(value: Number, total: Number, width: int) -> Decimal:
    """`value / total * width` to a tenth of a pixel; 0 when the total is 0."""
    if not total:
        return Decimal(0)
    return (Decimal(value) * width / Decimal(total)).quantize(Decimal("0.1"))


def _tone(name: str) -> str:
    return name if name in TONES else "rest"


def strip(parts: Sequence[Part], title: str) -> SafeString:
    """One bar in pieces (frozen, pending, left), 1,000 units wide whatever the page's width."""
    total = sum((part.value for part in parts), start=0)
    pieces, x = [], Decimal(0)
    for part in parts:
        width = share(part.value, total, 1000)
        if width:
            gap = Decimal(2) if x else Decimal(0)
            pieces.append((x + gap, max(width - gap, Decimal(1)), _tone(part.tone), _words(part)))
        x += width
    return format_html(
        '<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg>',
        title,
        format_html_join(
            "",
            '<rect x="{}" y="0" width="{}" height="10" class="fill-{}"><title>{}</title></rect>',
            pieces,
        ),
    )


def thin_bar(width: Decimal, title: str, tone: str) -> SafeString:
    """A thin bar of which `width` of 1,000 units are filled."""
    return format_html(
        '<svg class="bar thin" viewBox="0 0 1000 4" preserveAspectRatio="none" role="img" '
        'aria-label="{}"><rect x="0" y="0" width="{}" height="4" class="fill-{}"/></svg>',
        title,
        width,
        _tone(tone),
    )


def _words(part: Part) -> str:
    return f"{part.label}: {part.words or part.value}"


def stacked_columns(columns: Sequence[Column], title: str, height: int = 150) -> SafeString:
    """Columns of stacked parts, such as money by month and state; the total above each."""
    width, top, bottom = 600, 20, 22
    plot = height - top - bottom
    highest = max((column.total for column in columns), default=0)
    pitch = Decimal(width) / max(len(columns), 1)
    bar = min(pitch * Decimal("0.62"), Decimal(56)).quantize(Decimal("0.1"))
    shapes = [
        format_html('<path class="grid" d="M0 {}H{}"/>', top + plot * step // 4, width)
        for step in range(5)
    ]
    for number, column in enumerate(columns):
        middle = (pitch * number + pitch / 2).quantize(Decimal("0.1"))
        y = Decimal(top + plot)
        for part in column.parts:
            size = share(part.value, highest, plot)
            if not size:
                continue
            y -= size
            shapes.append(
                format_html(
                    '<rect x="{}" y="{}" width="{}" height="{}" rx="1.5" class="fill-{}">'
                    "<title>{}, {}</title></rect>",
                    middle - bar / 2,
                    y,
                    bar,
                    max(size - 1, Decimal(1)),
                    _tone(part.tone),
                    column.label,
                    _words(part),
                )
            )
        if column.words and column.total:
            shapes.append(
                format_html(
                    '<text class="strong" x="{}" y="{}" text-anchor="middle">{}</text>',
                    middle,
                    y - 5,
                    column.words,
                )
            )
        shapes.append(
            format_html(
                '<text x="{}" y="{}" text-anchor="middle">{}</text>',
                middle,
                height - 6,
                column.label,
            )
        )
    return _chart(width, height, title, shapes, "chart wide")


def horizontal_bars(rows: Sequence[Row], title: str) -> SafeString:
    """Bars to the right, such as cases by age: label, bar, amount. 26 units a row."""
    width, label_width, amount_width, pitch = 420, 120, 70, 26
    highest = max((row.value for row in rows), default=0)
    shapes = []
    for number, row in enumerate(rows):
        y = number * pitch
        size = share(row.value, highest, width - label_width - amount_width)
        shapes.append(
            format_html(
                '<text x="0" y="{}">{}</text>'
                '<rect x="{}" y="{}" width="{}" height="12" rx="2" class="fill-{}">'
                "<title>{}</title></rect>"
                '<text class="strong" x="{}" y="{}">{}</text>',
                y + 17,
                row.label,
                label_width,
                y + 7,
                max(size, Decimal(1)),
                _tone(row.tone),
                f"{row.label}: {row.words or row.value}",
                label_width + size + 8,
                y + 17,
                row.words or row.value,
            )
        )
    return _chart(width, max(len(rows), 1) * pitch, title, shapes)


def _chart(
    width: int, height: int, title: str, shapes: Sequence[SafeString], look: str = "chart"
) -> SafeString:
    return format_html(
        '<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        look,
        width,
        height,
        title,
        format_html_join("", "{}", ((shape,) for shape in shapes)),
    )
