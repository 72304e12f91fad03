"""Break points in the money flow: what the card says, and where the money may go on.

A continuation moves nothing and counts nowhere: its line is drawn as possible and carries its
weight, 1 of the k deposits that fit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.flow import Edge, Group
from cases.models import ExchangeAccount
from cases.queries.breakpoints import BreakPoint, BreakPoints, Candidate

MOST_DRAWN = 6
"""Accounts drawn behind the break points, the best fitting ones; all are counted and listed."""


@dataclass(frozen=True)
class Continuation:
    """An account that fits break points, with each deposit of it that fits."""

    id: str
    account: ExchangeAccount
    fits: tuple[tuple[BreakPoint, Candidate], ...]

    @property
    def num_points(self) -> int:
        return len({point.outpoint for point, _candidate in self.fits})


def continuations(found: BreakPoints, drawn: Iterable[str]) -> list[Continuation]:
    """The best fitting accounts; one that the flow has reached keeps the id of its card."""
    known = set(drawn)
    result = []
    for match in found.ranking[:MOST_DRAWN]:
        key = f"account-{match.account.public_id}"
        fits = tuple(
            (point, candidate)
            for point in found.points
            for candidate in point.candidates
            if candidate.record.account.pk == match.account.pk
        )
        name = key if key in known else f"candidate-{match.account.public_id}"
        result.append(Continuation(name, match.account, fits))
    return result


def break_note(points: Sequence[BreakPoint]) -> str:
    """What the card of a break point says of itself."""
    kind = points[0].kind_words
    if not any(point.has_price for point in points):
        return _("Break point, %(kind)s: not followed") % {"kind": kind}
    return _("Break point, %(kind)s: %(fit)d of %(all)d fit") % {
        "kind": kind,
        "fit": sum(point.num_fitting for point in points),
        "all": sum(point.num_in_window for point in points),
    }


def cards_and_lines(
    found: Sequence[Continuation],
    place_of: Mapping[str, str],
    shown: Iterable[str],
    lane: int,
    num_points: int,
) -> tuple[list[Group], list[Edge]]:
    """A card for each account that is not drawn already, and lines from the break points it fits.

    Args:
        place_of: id of the group by outpoint of its break; shown: groups of the picture.
    """
    drawn = set(shown)
    cards, lines = [], []
    for each in found:
        sources = sorted({place_of[point.outpoint] for point, _candidate in each.fits} & drawn)
        if not sources:
            continue
        if each.id not in drawn:
            words = ngettext(
                "fits %(number)d of %(all)d break point",
                "fits %(number)d of %(all)d break points",
                num_points,
            ) % {"number": each.num_points, "all": num_points}
            name = _("Account %(number)s") % {"number": each.account.masked}
            cards.append(
                Group(
                    each.id, name, words, lane=lane, open_only=True,
                    note=_("Possible, not a path"),
                )
            )  # fmt: skip
        for source in sources:
            weights = [
                candidate.weight
                for point, candidate in each.fits
                if place_of[point.outpoint] == source
            ]
            label = " + ".join(str(weight) for weight in weights[:3])
            lines.append(Edge(source, each.id, 0, label=label, possible=True))
    return cards, lines
