"""A cohort goes to the agencies by country: each gets its own customers, nobody gets a pattern."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cases.dossier import MASKED, Redaction
from cases.models import Cohort, CohortMember, Finding, ReadEvent, Referral, ReferralMember
from cases.policy import Actor, PermissionDenied
from cases.queries.cohort_samples import aggregates
from cases.services.cohort_split import split_cohort
from cases.services.dossiers import build_dossier
from cases.services.errors import CaseworkError
from cases.services.referrals import redact_referral
from fiu.models import Agency
from tests.casework import (
    make_account,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    person,
)
from tests.integration.services.test_cohorts import AT, make_cohort

pytestmark = pytest.mark.django_db


class Held:
    """A cohort of two countries with one pattern and one disputed member; two agencies."""

    def __init__(self) -> None:
        self.by: Actor = person("analyst")
        make_asset()
        case = make_case(self.by, started=True)
        self.finding: Finding = make_approved_finding(case, self.by)
        self.cohort: Cohort = make_cohort(case, self.by)
        self.agencies: list[Agency] = [make_agency(), make_agency()]
        self.members: dict[str, CohortMember] = {}
        for name, country, tier, kept_out in (
            ("Ada", "AA", 1, ""), ("Bea", "AA", 2, ""), ("Cid", "BB", 1, ""), ("Dan", "CC", 1, ""),
            ("Eve", "AA", 3, ""), ("Fay", "BB", 1, "tag_conflict"),
        ):  # fmt: skip
            account = make_account(holder_name=f"{name} Sample", country=country)
            self.members[name] = CohortMember.objects.create(
                cohort=self.cohort, customer=account.customer, account=account, country=country,
                tier=tier, kept_out=kept_out, is_exportable=tier < 3 and not kept_out,
                num_payments=1, amount=10_000, first_at=AT, last_at=AT,
            )  # fmt: skip

    def split(self, **fields: Any) -> list[Referral]:
        values: dict[str, Any] = {
            "recipients": {"AA": self.agencies[0].pk, "BB": self.agencies[1].pk},
            "findings": [self.finding], "purpose": "Criminal proceedings",
            "legal_gateway": "Art. 1", "by": self.by,
        }  # fmt: skip
        return split_cohort(self.cohort, **(values | fields))


@pytest.fixture
def held() -> Held:
    return Held()


def names(referral: Referral) -> set[Any]:
    return {each.holder for each in build_dossier(referral).customers}


def test_each_agency_gets_its_own_customers_and_the_look_is_kept(held: Held) -> None:
    first, second = held.split()
    assert (first.agency_id, second.agency_id) == tuple(each.pk for each in held.agencies)
    assert names(first) == {"Ada Sample", "Bea Sample"}
    assert names(second) == {"Cid Sample"}
    text = str(build_dossier(first).content())
    assert held.members["Ada"].account.uid not in text
    [look] = ReadEvent.objects.filter(object=f"cohort:{held.cohort.public_id}")
    assert look.purpose == "Criminal proceedings"
    assert {each.holder for each in build_dossier(first).masked().customers} == {MASKED}


def test_names_can_be_left_out_and_are_gone_from_the_whole_dossier(held: Held) -> None:
    first, _second = held.split()
    key = f"{first.reference}.customers"
    redact_referral(first, redactions={key: "personal"}, by=held.by)
    dossier = build_dossier(Referral.objects.get(pk=first.pk))
    assert {each.holder for each in dossier.customers} == {Redaction("personal")}
    assert "Ada" not in str(dossier.content())
    assert dossier.masked() == dossier


@pytest.mark.parametrize("name", ["Eve", "Fay"])
def test_the_database_refuses_a_pattern_and_a_dispute_in_any_referral(
    held: Held, name: str
) -> None:
    first, _second = held.split()
    with transaction.atomic(), pytest.raises(IntegrityError, match="never leaves the house"):
        ReferralMember.objects.create(referral=first, member=held.members[name])
    redact_referral(first, redactions={}, by=held.by)
    with transaction.atomic(), pytest.raises(IntegrityError, match="was submitted"):
        ReferralMember.objects.create(referral=first, member=held.members["Dan"])


def test_what_cannot_be_split_is_refused_in_one_sentence(held: Held) -> None:
    with pytest.raises(CaseworkError, match="lives in these countries"):
        held.split(recipients={"ZZ": held.agencies[0].pk})
    with pytest.raises(CaseworkError, match="may use it for"):
        held.split(purpose=" ")
    with pytest.raises(CaseworkError, match="approved finding"):
        held.split(findings=[])
    with pytest.raises(PermissionDenied):
        held.split(by=person("auditor"))
    assert not Referral.objects.exists()
    assert not ReferralMember.objects.exists()


def test_numbers_tell_of_what_left_only_where_it_names_nobody(held: Held) -> None:
    held.split()
    view = aggregates(held.cohort, held.by)
    assert (view.num_members, view.num_referred, view.num_acknowledged) == (None, 0, 0)
