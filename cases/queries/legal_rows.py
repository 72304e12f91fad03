"""What an instrument may obtain: rows in force before the table of the installation."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.functional import Promise

from cases.legal_matrix import MatrixRow, table_of, what_may_be_obtained
from cases.models import LegalRow
from cases.request_words import DATASETS, INSTRUMENTS
from cases.states import PolicyState

MOST = 100
ANY = "*"


def law_for(instrument: str, country: str) -> MatrixRow:
    """The row that holds for this instrument and country: 1 query.

    The nearer country comes first, and of the same nearness what two people put in force here
    before the table in the file. Raises MatrixError.
    """
    rows = LegalRow.objects.filter(
        instrument=instrument, country__in=(country, ANY), state=PolicyState.IN_FORCE.value
    )
    ours = {row.country: row for row in rows}
    of_file = what_may_be_obtained(Path(settings.FIU_HOME), instrument, country)
    if country in ours:
        return _as_row(ours[country])
    if of_file.country == country and of_file.note:
        return of_file
    return _as_row(ours[ANY]) if ANY in ours else of_file


def _as_row(row: LegalRow) -> MatrixRow:
    return MatrixRow(
        row.instrument, row.country, frozenset(row.named), row.note, not row.is_verified
    )


@dataclass(frozen=True)
class LegalLine:
    """One line of the page: the row that holds, and the one in force where two people made it."""

    words: Promise
    row: MatrixRow
    in_force: LegalRow | None

    @property
    def obtained(self) -> list[str]:
        return [str(words) for name, words in DATASETS.items() if name in self.row.datasets]


@dataclass(frozen=True)
class LegalPage:
    """The whole matrix as it holds, what is proposed, and what held before."""

    lines: list[LegalLine]
    proposed: list[LegalRow]
    history: list[LegalRow]


def legal_page() -> LegalPage:
    """Every row: 2 queries."""
    rows = LegalRow.objects.select_related("proposed_by", "decided_by")
    living = rows.filter(state__in=(PolicyState.IN_FORCE.value, PolicyState.PROPOSED.value))
    found = list(living.order_by("pk"))
    in_force = {
        (row.instrument, row.country): row for row in found if row.state == PolicyState.IN_FORCE
    }
    table = {(row.instrument, row.country): row for row in table_of(Path(settings.FIU_HOME))}
    table |= {key: _as_row(row) for key, row in in_force.items()}
    order = list(INSTRUMENTS)
    keys = sorted(table, key=lambda key: (order.index(key[0]), key[1] == ANY, key[1]))
    over = (PolicyState.REJECTED.value, PolicyState.SUPERSEDED.value)
    return LegalPage(
        lines=[LegalLine(INSTRUMENTS[key[0]], table[key], in_force.get(key)) for key in keys],
        proposed=[row for row in found if row.state == PolicyState.PROPOSED],
        history=list(rows.filter(state__in=over).order_by("-pk")[:MOST]),
    )
