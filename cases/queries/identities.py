"""Who may be whom: names of all visible cases compared, links with their state, groups of one."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Prefetch, Q, QuerySet

from cases.models import IdentityLink, Suspect, SuspectName
from cases.name_matching import LEAST, NameMatch, compare_names
from cases.policy import Actor
from cases.states import IdentityState

MOST_PROPOSED = 20


@dataclass(frozen=True)
class Proposal:
    """Another suspect with a name like this one's; a person has to say whether they are one."""

    suspect: Suspect
    match: NameMatch

    @property
    def is_weak(self) -> bool:
        """Whether something speaks against it: the years of birth differ."""
        return self.match.score < LEAST


@dataclass(frozen=True)
class Identity:
    """What is known of who a suspect is: links, others that count as the same, proposals."""

    suspect: Suspect
    links: list[IdentityLink]
    same: list[Suspect]
    proposals: list[Proposal]


def identity_of(suspect: Suspect, actor: Actor) -> Identity:
    """Links, group and proposals of one suspect: 5 queries and O(names that may be seen)."""
    links = list(visible_links(actor).filter(Q(suspect=suspect) | Q(other=suspect)))
    linked = {each.suspect_id for each in links if each.state != IdentityState.REFUTED}
    linked |= {each.other_id for each in links if each.state != IdentityState.REFUTED}
    same = same_as(suspect, actor)
    known = {each.pk for each in same} | linked | {suspect.pk}
    return Identity(suspect, links, same, _proposals(suspect, actor, known))


def visible_links(actor: Actor) -> QuerySet[IdentityLink]:
    """Links of whom the actor sees both ends, newest first."""
    rows: QuerySet[IdentityLink] = IdentityLink.objects.visible_to(actor)
    people = ("suspect__case", "other__case", "asserted_by", "reviewed_by", "decided_by")
    return rows.select_related(*people).order_by("-asserted_at", "-pk")


def same_as(suspect: Suspect, actor: Actor) -> list[Suspect]:
    """Those who count as one with a suspect, over any number of confirmed links: 2 queries."""
    near: dict[int, set[int]] = {}
    confirmed = IdentityLink.objects.visible_to(actor).filter(state=IdentityState.CONFIRMED)
    for one, other in confirmed.values_list("suspect_id", "other_id"):
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    found, waiting = {suspect.pk}, [suspect.pk]
    while waiting:
        fresh = near.get(waiting.pop(), set()) - found
        found |= fresh
        waiting += fresh
    rows = Suspect.objects.visible_to(actor).filter(pk__in=found - {suspect.pk})
    return list(_with_names(rows))


def find_by_name(name: str, actor: Actor) -> list[Proposal]:
    """Suspects with a name like this one, the likest first: 2 queries, O(visible names)."""
    return _compared([(name, None)], actor, set())


def _proposals(suspect: Suspect, actor: Actor, known: set[int]) -> list[Proposal]:
    mine = [(each.full, suspect.birth_year) for each in suspect.names.all()]
    return _compared(mine, actor, known)


def _compared(
    names: Iterable[tuple[str, int | None]], actor: Actor, known: set[int]
) -> list[Proposal]:
    mine = list(names)
    found = []
    rows = _with_names(Suspect.objects.visible_to(actor).exclude(pk__in=known))
    for other in rows:
        matches = [
            match
            for name, year in mine
            for each in other.names.all()
            if (match := compare_names(
                name, each.full, first_year=year, last_year=other.birth_year
            )) is not None
        ]  # fmt: skip
        if matches:
            found.append(Proposal(other, max(matches, key=lambda match: match.score)))
    found.sort(key=lambda each: (-each.match.score, each.suspect.reference))
    return found[:MOST_PROPOSED]


def _with_names(rows: QuerySet[Suspect]) -> QuerySet[Suspect]:
    names = Prefetch("names", SuspectName.objects.order_by("pk"))
    return rows.select_related("case").prefetch_related(names).order_by("reference")
