"""Identities, cohorts, ties of accounts, deconfliction, patterns and the log by programs."""

import pytest

from cases.models import Case, CaseAccess, CohortMember, Referral, SampledMember, Wallet
from cases.services.suspects import link_account
from tests.blockmaker import address
from tests.casework import (
    make_account,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    make_suspect,
    make_user,
)
from tests.integration.api.conftest import Program, made, program_of, told
from tests.integration.services.test_cohorts import AT, make_cohort
from tracing.models import OutsideLookup

pytestmark = pytest.mark.django_db
GRADES = {"source_grade": "B", "information_grade": "2", "confidence": 70}


def let_in(case: Case, program: Program, *, by: Program) -> None:
    CaseAccess.objects.create(case=case, user=program.user, level="write", granted_by=by.user)


def test_two_suspects_are_said_to_be_one_and_others_decide(
    analyst: Program, supervisor: Program, stranger: Program, case: Case
) -> None:
    one, other = (make_suspect(case, analyst.actor, name) for name in ("Pharos", "Faros"))
    path = f"suspects/{one.public_id}/identity"
    found = made(analyst.get(path), 200)
    [proposal] = found["proposals"]
    assert proposal["suspect"]["id"] == str(other.public_id)
    assert (proposal["match"]["basis"], proposal["is_weak"]) == ("sound", False)
    body = {"other": str(other.public_id), "basis": "One mail address.", **GRADES}
    link = made(analyst.post(path, body, key="one"))
    assert (link["state"], link["match"]["first"]) == ("asserted", "Pharos")
    assert made(analyst.post(path, body, key="one")) == link
    told(analyst.post(path, body), 422, "not-possible")  # one stands already
    told(stranger.post(path, body), 404, "not-found")
    own = make_case(stranger.actor, visibility="team")
    mine = make_suspect(own, stranger.actor, "Faros")
    wrong = told(analyst.post(path, body | {"other": str(mine.public_id)}), 400, "invalid")
    assert wrong["errors"][0]["field"] == "other"
    step = f"identities/{link['id']}"
    told(analyst.post(f"{step}/review", {"reason": "Looked."}), 403, "refused")
    let_in(case, supervisor, by=analyst)
    reviewed = made(supervisor.post(f"{step}/review", {"reason": "Looked at."}), 200)
    assert reviewed["reviewed_by"]["name"] == supervisor.user.username
    told(analyst.post(f"{step}/confirm", {"reason": "Same."}), 403, "refused")
    assert made(supervisor.post(f"{step}/confirm", {"reason": "Same."}), 200)["decision"] == "Same."
    assert [each["reference"] for each in made(analyst.get(path), 200)["same"]] == [other.reference]
    assert made(analyst.get("identities", state="confirmed"), 200)["rows"][0]["id"] == link["id"]
    assert made(stranger.get("identities"), 200)["rows"] == []
    told(stranger.get(step), 404, "not-found")


def test_a_cohort_is_read_masked_sampled_and_split(
    analyst: Program, supervisor: Program, stranger: Program, case: Case
) -> None:
    make_asset()
    let_in(case, supervisor, by=analyst)
    finding = make_approved_finding(case, analyst.actor, supervisor.actor)
    cohort = make_cohort(case, analyst.actor)
    for name, country, tier in (("Ada", "AA", 1), ("Bea", "BB", 1), ("Eve", "AA", 3)):
        account = make_account(holder_name=f"{name} Sample", country=country)
        CohortMember.objects.create(
            cohort=cohort, customer=account.customer, account=account, country=country, tier=tier,
            is_exportable=tier < 3, num_payments=1, amount=10_000, first_at=AT, last_at=AT,
        )  # fmt: skip
    path = f"cohorts/{cohort.public_id}"
    seen = made(analyst.get(path), 200)
    assert {each["part"]: each["num_members"] for each in seen["parts"]} == {
        "exportable": 2, "1": 2, "2": 0, "3": 1, "kept-out": 0, "payee": 0,
    }  # fmt: skip
    first = made(analyst.get(f"{path}/members", size="2"), 200)
    rest = made(analyst.get(f"{path}/members", size="2", after=first["next"]), 200)
    assert [len(first["rows"]), len(rest["rows"]), rest["next"]] == [2, 1, ""]
    assert "Sample" not in str(first)
    exportable = made(analyst.get(f"{path}/members", is_exportable="true"), 200)["rows"]
    assert {each["tier"] for each in exportable} == {1}
    told(analyst.post(f"{path}/export"), 403, "refused")
    drawn = made(analyst.post(f"{path}/samples"), 200)
    assert [(each["tier"], each["num_left"], each["share"]["of"]) for each in drawn] == [
        (1, 2, 0), (3, 1, 0),
    ]  # fmt: skip
    sampled = SampledMember.objects.filter(sample__tier=3).get()
    judge = f"cohort-samples/members/{sampled.public_id}/judge"
    told(analyst.post(judge, {"verdict": "yes"}), 403, "refused")
    assert made(supervisor.post(judge, {"verdict": "no"}), 200)["verdict"] == "no"
    third = made(analyst.get(f"{path}/samples"), 200)[1]["share"]
    assert (third["yes"], third["of"], third["high"]) == (0, 1, "0.000")  # all there are
    assert made(analyst.get(f"{path}/numbers"), 200)["num_members"] is None  # too few to tell
    body = {
        "recipients": [{"country": "AA", "agency": str(make_agency().public_id)}],
        "findings": [str(finding.public_id)], "purpose": "Criminal proceedings",
    }  # fmt: skip
    doubled = body | {"recipients": body["recipients"] * 2}
    told(analyst.post(f"{path}/split", doubled), 400, "invalid")
    [referral] = made(analyst.post(f"{path}/split", body), 200)
    assert Referral.objects.get(public_id=referral["id"]).members.count() == 1
    assert len(made(supervisor.post(f"{path}/export"), 200)) == 2
    assert made(stranger.get("cohorts"), 200)["rows"] == []
    for each in (path, f"{path}/members", f"{path}/samples", f"{path}/numbers"):
        told(stranger.get(each), 404, "not-found")
    told(stranger.post(judge, {"verdict": "yes"}), 404, "not-found")


def test_a_platform_profile_is_checked_before_anything_is_built(
    analyst: Program, stranger: Program, case: Case
) -> None:
    path = f"cases/{case.public_id}/cohorts"
    for body in (
        {"platform": "X", "packages": ["0"]},
        {"platform": "X", "packages": ["1" + "0" * 38]},
        {"platform": "X", "from_at": "2025-03-02T00:00:00Z", "to_at": "2025-03-01T00:00:00Z"},
    ):
        told(analyst.post(path, body), 400, "invalid")
    told(analyst.post(path, {"platform": "X"}), 422, "not-possible")  # no wallets yet
    told(stranger.post(path, {"platform": "X"}), 404, "not-found")


def test_ties_of_an_account_are_told_masked(analyst: Program, case: Case) -> None:
    main, sub = make_account(customer="C1"), make_account(customer="C1", kind="sub")
    path = f"cases/{case.public_id}/accounts/{main.public_id}/links"
    told(analyst.get(path), 404, "not-found")  # the case does not know the account
    suspect = make_suspect(case, analyst.actor)
    link_account(suspect, main.uid, "Same mail.", by=analyst.actor)
    [tie] = made(analyst.get(path), 200)["ties"]
    assert (tie["masked"], tie["kind"]) == (sub.masked, "same_customer")
    assert sub.uid not in str(tie)


def test_another_case_is_told_of_and_its_owner_asked(
    analyst: Program, stranger: Program, case: Case
) -> None:
    wallets = [
        Wallet.objects.create(
            case=each, ledger="bitcoin-regtest", address=address(7), role="bank",
            provenance="analyst", provenance_note="Seen.", added_by=by.user, added_at=AT,
        )
        for each, by in (
            (case, analyst),
            (make_case(stranger.actor, started=True, visibility="team"), stranger),
        )
    ]  # fmt: skip
    path = f"wallets/{wallets[0].public_id}/deconfliction"
    assert made(analyst.get(path), 200) == {"is_touched_elsewhere": True}
    made(analyst.post(path), 200)
    [task] = made(stranger.get("tasks"), 200)["rows"]
    assert task["title"].startswith(analyst.user.username)
    told(stranger.post(path), 404, "not-found")
    told(analyst.get(f"wallets/{wallets[0].public_id}/patterns"), 404, "not-found")  # no ledger


def test_the_log_of_outside_lookups_is_paged_and_names_no_address_to_auditors(
    compliance: Program, analyst: Program
) -> None:
    OutsideLookup.objects.bulk_create(
        OutsideLookup(
            source="outside", host="esplora.example", purpose=f"look {number}",
            subject="bcrt1qsomebody", by="mei", num_requests=2,
        )
        for number in range(3)
    )  # fmt: skip
    first = made(compliance.get("outside-lookups", size="2"), 200)
    assert [row["purpose"] for row in first["rows"]] == ["look 2", "look 1"]
    rest = made(compliance.get("outside-lookups", after=first["next"]), 200)
    assert [row["purpose"] for row in rest["rows"]] == ["look 0"]
    assert rest["next"] == ""
    auditor = program_of(make_user("auditor"))
    assert {row["subject"] for row in made(auditor.get("outside-lookups"), 200)["rows"]} == {""}
    told(compliance.get("outside-lookups", after="x"), 400, "invalid")
    told(analyst.get("outside-lookups"), 404, "not-found")
