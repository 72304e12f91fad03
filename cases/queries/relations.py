"""What belongs together with a case, as far as the reader sees the other one as well."""

from dataclasses import dataclass

from cases.models import Case, CaseRelation
from cases.policy import Actor


@dataclass(frozen=True)
class RelatedCase:
    """Another case and what is said of the two; `points_here` where it was said of the other."""

    relation: CaseRelation
    case: Case
    points_here: bool


@dataclass(frozen=True)
class Relatives:
    """`into` is where a merged case went, `taken_in` what was merged into this one."""

    related: list[RelatedCase]
    taken_in: list[Case]
    into: Case | None

    def __bool__(self) -> bool:
        return bool(self.related or self.taken_in or self.into)


def relatives_of(case: Case, actor: Actor) -> Relatives:
    """Both directions, the oldest first: 4 queries, 3 for a case that was not merged."""
    rows = CaseRelation.objects.visible_to(actor).filter(ended_at=None)
    people = ("case", "other", "related_by")
    mine = rows.filter(case=case).select_related(*people)
    others = rows.filter(other=case).select_related(*people)
    found = [RelatedCase(each, each.other, False) for each in mine]
    found += [RelatedCase(each, each.case, True) for each in others]
    found.sort(key=lambda each: (each.relation.related_at, each.relation.pk))
    cases = Case.objects.visible_to(actor)
    into = cases.filter(pk=case.merged_into_id).first() if case.merged_into_id else None
    taken_in = list(cases.filter(merged_into=case).order_by("pk"))
    return Relatives(found, taken_in, into)


def with_taken_in(case: Case, actor: Actor) -> list[int]:
    """Numbers of the case and of all that were merged into it, by however many steps.

    As far as the actor sees them: 1 query a step, and one.
    """
    found = step = [case.pk]
    cases = Case.objects.visible_to(actor)
    while step:
        step = list(cases.filter(merged_into__in=step).order_by("pk").values_list("pk", flat=True))
        found = found + step
    return found
