"""Which clock holds for what, and the clocks as their page shows them."""

from dataclasses import dataclass, replace

from django.conf import settings
from django.utils import timezone

from cases.clocks import DEFAULTS, Clock, KnownClock, known_clocks, nearest
from cases.models import ClockRule, FreezeRequest
from cases.models.clocks import CLOCK_ACTS
from cases.states import PolicyState

MOST = 100


@dataclass(frozen=True, slots=True)
class ClockBook:
    """The rules that hold today, for whoever asks for several clocks."""

    rules: tuple[ClockRule, ...]

    def find(self, act: str, country: str = "", agency_id: int | None = None) -> Clock | None:
        """The clock of an act: of the authority, its country, everybody, or the default.

        None for an act that has no clock while no rule is in force.
        """
        rule = nearest(self.rules, act, country, agency_id)
        if rule is not None:
            return Clock(
                act, rule.length, rule.unit, tuple(rule.warn_hours), rule.source, rule.public_id
            )
        default = DEFAULTS.get(act)
        if default is not None and act == "provisional_hold":
            return replace(default, length=settings.PROVISIONAL_HOURS)
        return default

    def of_freeze(self, freeze: FreezeRequest, act: str) -> Clock:
        """The clock of a freeze, by its authority's country, else by that of its instrument.

        At most 2 queries, where authority and lines are not fetched.
        """
        agency = freeze.agency
        country = agency.country if agency else ""
        if not country:
            lines = freeze.lines.filter(instrument__isnull=False).order_by("pk")
            country = lines.values_list("instrument__jurisdiction", flat=True).first() or ""
        found = self.find(act, country, freeze.agency_id)
        assert found is not None  # freezes and holds have a default
        return found


def clock_book(act: str = "") -> ClockBook:
    """What is in force today, of one act or of all, the latest first: 1 query."""
    rows = ClockRule.objects.filter(
        state=PolicyState.IN_FORCE.value, valid_from__lte=timezone.now().date()
    )
    if act:
        rows = rows.filter(act=act)
    return ClockBook(tuple(rows.order_by("-valid_from", "-pk")))


def clock_for(act: str, country: str = "", agency_id: int | None = None) -> Clock | None:
    """The clock of one act, as `ClockBook.find`: 1 query."""
    return clock_book(act).find(act, country, agency_id)


@dataclass(frozen=True)
class ClockPage:
    """`defaults` are the acts for which no general rule holds; `known` what laws set elsewhere."""

    in_force: list[ClockRule]
    proposed: list[ClockRule]
    history: list[ClockRule]
    defaults: list[tuple[str, Clock | None]]
    known: list[KnownClock]


def clock_page() -> ClockPage:
    """Every clock, the newest 100 of those that are over: 2 queries."""
    rows = ClockRule.objects.select_related("agency", "proposed_by", "decided_by")
    open_states = (PolicyState.IN_FORCE.value, PolicyState.PROPOSED.value)
    living = list(rows.filter(state__in=open_states).order_by("act", "country", "agency", "pk"))
    in_force = [each for each in living if each.state == PolicyState.IN_FORCE]
    ruled = {each.act for each in in_force if not each.country and each.agency_id is None}
    taken = {(each.act, each.country) for each in living if each.agency_id is None}
    nothing = ClockBook(())
    return ClockPage(
        in_force=in_force,
        proposed=[each for each in living if each.state == PolicyState.PROPOSED],
        history=list(rows.exclude(state__in=open_states).order_by("-pk")[:MOST]),
        defaults=[(str(words), nothing.find(act)) for act, words in CLOCK_ACTS if act not in ruled],
        known=[each for each in known_clocks() if (each.act, each.country) not in taken],
    )
