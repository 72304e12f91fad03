"""Reviewing a cohort by a random sample: drawn once a tier, judged by people who did not build it.

What they say measures how often a tier is right; the members that were not looked at stay as they
are.
"""

import secrets
from hashlib import sha256

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Cohort, CohortMember, CohortSample, SampledMember
from cases.models.cohort_samples import VERDICTS
from cases.policy import Action, Actor, require_second_person
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.services.validation import check_fields
from cases.states import InvalidTransition

SAMPLE = 20
"""Members of a sample, or all of a smaller tier."""


@transaction.atomic
def draw_samples(cohort: Cohort, *, by: Actor) -> list[CohortSample]:
    """Draw 20 members of each tier at random, or all of a smaller one, once for this cohort.

    Raises PermissionDenied, CaseworkError where it was drawn before or there is nobody.
    """
    case = enter_case(cohort.case_id, Action.BUILD_COHORT, by=by)
    if CohortSample.objects.filter(cohort=cohort).exists():
        raise CaseworkError(_("The sample of this cohort is drawn: it is drawn once."))
    members = CohortMember.objects.filter(cohort=cohort, kept_out="").order_by("pk")
    tiers: dict[int, list[CohortMember]] = {}
    for member in members:
        tiers.setdefault(member.tier, []).append(member)
    if not tiers:
        raise CaseworkError(_("This cohort has no members to look at."))
    drawn = []
    for tier, found in sorted(tiers.items()):
        sample = CohortSample.objects.create(
            cohort=cohort, tier=tier, seed=secrets.token_hex(32), num_members=len(found),
            drawn_by_id=by.person, drawn_at=timezone.now(),
        )  # fmt: skip
        SampledMember.objects.bulk_create(
            SampledMember(sample=sample, member=member, place=place, built_by_id=cohort.built_by_id)
            for place, member in enumerate(in_order(found, sample.seed)[:SAMPLE], 1)
        )
        drawn.append(sample)
    record_event(
        case, "draw_cohort_sample", f"cohort:{cohort.public_id}", by=by,
        data={"seeds": {str(each.tier): each.seed for each in drawn}},
    )  # fmt: skip
    return drawn


@transaction.atomic
def judge_member(sampled: SampledMember, verdict: str, *, note: str, by: Actor) -> SampledMember:
    """Say whether a drawn member paid the platform; said once, and not by who built the cohort.

    Raises PermissionDenied, CaseworkError; InvalidTransition where somebody judged before.
    """
    cohort = sampled.sample.cohort
    case = enter_case(cohort.case_id, Action.BUILD_COHORT, by=by)
    require_second_person(by, cohort.built_by_id)
    if verdict not in dict(VERDICTS):
        raise CaseworkError(_("Answer yes, no or unsure."))
    sampled.note = note.strip()
    check_fields(sampled, "note")
    fields = {
        "verdict": verdict, "note": sampled.note, "judged_by_id": by.person,
        "judged_at": timezone.now(),
    }  # fmt: skip
    try:
        changed = SampledMember.objects.filter(pk=sampled.pk, verdict="").update(**fields)
    except IntegrityError as error:
        raise CaseworkError(_("Answer yes, no or unsure.")) from error
    if not changed:
        raise InvalidTransition(_("Somebody judged this member already."))
    sampled.refresh_from_db()
    record_event(
        case, "judge_cohort_member", f"cohort:{cohort.public_id}", by=by,
        data={"member": str(sampled.member.public_id), "verdict": verdict},
    )  # fmt: skip
    return sampled


def in_order(members: list[CohortMember], seed: str) -> list[CohortMember]:
    """The order in which a seed draws members: by SHA-256 of seed and id."""
    return sorted(
        members, key=lambda member: sha256(f"{seed}:{member.public_id}".encode()).digest()
    )
