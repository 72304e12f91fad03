"""Cohorts: who may build and who may export, and what is refused before any ledger is read."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cases.models import Case, Cohort, CohortMember
from cases.policy import Actor, PermissionDenied
from cases.services.cohorts import build_cohort, export_cohort
from cases.services.errors import CaseworkError
from cases.services.wallets import add_wallet
from tests.casework import BTC, LEDGER, make_account, make_case, person

pytestmark = pytest.mark.django_db
AT = datetime(2025, 2, 1, tzinfo=UTC)


def make_cohort(case: Case, by: Actor) -> Cohort:
    return Cohort.objects.create(
        case=case, platform="Lanternbox", ledger=LEDGER, asset=BTC, num_addresses=1,
        num_disputed=0, addresses_sha256="0" * 64, height=1, block_hash="0" * 64, num_payments=1,
        built_by_id=by.person, built_at=AT,
    )  # fmt: skip


def make_member(cohort: Cohort, **fields: Any) -> CohortMember:
    account = fields.pop("account", None) or make_account()
    values: dict[str, Any] = {
        "customer": account.customer, "country": "XX", "tier": 1, "is_exportable": True,
        "num_payments": 1, "amount": 10_000, "first_at": AT, "last_at": AT,
    }  # fmt: skip
    return CohortMember.objects.create(cohort=cohort, account=account, **(values | fields))


def test_a_case_without_wallets_has_nothing_to_start_from() -> None:
    by = person("analyst")
    with pytest.raises(CaseworkError, match="payment wallets"):
        build_cohort(make_case(by), platform="Lanternbox", by=by)


def test_a_platform_needs_a_name_and_a_loaded_ledger() -> None:
    by = person("analyst")
    case = make_case(by)
    add_wallet(
        case, address="1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", role="service", label="",
        provenance="document", provenance_note="List", by=by,
    )  # fmt: skip
    with pytest.raises(CaseworkError, match="Name the platform"):
        build_cohort(case, platform=" ", by=by)
    with pytest.raises(CaseworkError, match="not loaded"):
        build_cohort(case, platform="Lanternbox", by=by)


@pytest.mark.parametrize("role", ["auditor", "admin", "liaison"])
def test_who_stands_outside_casework_builds_no_cohort(role: str) -> None:
    case = make_case()
    with pytest.raises(PermissionDenied):
        build_cohort(case, platform="Lanternbox", by=person(role))


def test_neither_an_analyst_nor_the_builder_exports() -> None:
    builder = person("supervisor")
    case = make_case(builder)
    cohort = make_cohort(case, builder)
    make_member(cohort)
    with pytest.raises(PermissionDenied, match="may not export cohort"):
        export_cohort(cohort, by=person("analyst"))
    with pytest.raises(PermissionDenied, match="second person"):
        export_cohort(cohort, by=builder)
    assert len(export_cohort(cohort, by=person("supervisor"))) == 1


def test_a_member_of_another_cohort_is_not_exported_along() -> None:
    builder = person("analyst")
    case = make_case(builder)
    mine, other = make_cohort(case, builder), make_cohort(case, builder)
    stranger = make_member(other)
    with pytest.raises(CaseworkError, match="does not belong"):
        export_cohort(mine, [stranger], by=person("supervisor"))


@pytest.mark.parametrize("fields", [{"tier": 3}, {"kept_out": "tag_conflict"}, {"tier": 4}])
def test_the_database_refuses_what_may_never_leave(fields: dict[str, Any]) -> None:
    by = person("analyst")
    cohort = make_cohort(make_case(by), by)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_member(cohort, **fields)


def test_a_sealed_case_hides_its_cohort() -> None:
    nora = person("compliance")
    cohort = make_cohort(make_case(nora, visibility="sealed"), nora)
    assert list(Cohort.objects.visible_to(nora)) == [cohort]
    for role in ("analyst", "supervisor", "auditor", "admin", "liaison"):
        assert not Cohort.objects.visible_to(person(role)).exists()
