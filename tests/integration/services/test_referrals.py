"""Referrals: what leaves is approved, cleared, sealed, and names nothing of the house."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.dossier import Redaction, from_json
from cases.exports import pdf
from cases.files import load_bytes
from cases.models import (
    Case,
    ExchangeAccount,
    Finding,
    FreezeRequest,
    OfficerEntry,
    Referral,
    ReleaseFile,
    SharedRelease,
    ShareGrant,
)
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.queries.referrals import officers_of
from cases.services import outbox
from cases.services.audit import verify_chains
from cases.services.dossiers import redactable_fields
from cases.services.errors import CaseworkError, ContentChanged, NotFound, VersionChanged
from cases.services.findings import withdraw_finding
from cases.services.freezes import (
    LineSpec,
    approve_freeze,
    request_freeze,
    submit_freeze,
    triage_freeze,
)
from cases.services.freezes import (
    content_hash_of as freeze_hash,
)
from cases.services.officers import expire_officers, suspend_officer
from cases.services.referrals import (
    approve_referral,
    clear_referral,
    content_hash_of,
    draft_referral,
    edit_referral,
    package_referral,
    preview,
    recall_referral,
    redact_referral,
    return_referral,
    send_referral,
)
from cases.services.relations import merge_case, relate_case
from cases.services.requests import record_request
from cases.services.suspects import link_account
from cases.states import InvalidTransition
from fiu.models import Agency, User
from tests.casework import (
    BTC,
    make_account,
    make_actor,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    make_price,
    make_suspect,
    make_user,
    person,
    stale,
)
from tests.fakes import FakeExchange
from tests.integration.services.test_requests import spec
from tests.officer_desk import make_officer

pytestmark = pytest.mark.django_db

UID = "8812345678"


@pytest.fixture(autouse=True)
def no_pdf(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """PDFs take a second each; one test below makes one."""
    if "with_pdf" not in request.fixturenames:
        monkeypatch.setattr(pdf, "is_available", lambda: False)


@pytest.fixture
def with_pdf() -> None:
    if not pdf.is_available():
        pytest.skip("Pango is not installed")


@pytest.fixture
def analyst() -> Actor:
    return person("analyst")


@pytest.fixture
def supervisor() -> Actor:
    return person("supervisor")


@pytest.fixture
def compliance() -> Actor:
    return person("compliance")


@pytest.fixture
def agency() -> Agency:
    return make_agency(name="Federal Narcotics Task Force", short_name="FNTF")


@pytest.fixture
def case(analyst: Actor) -> Case:
    make_asset()
    make_price()
    return make_case(analyst, title="Operation Canary")


@pytest.fixture
def account() -> ExchangeAccount:
    return make_account(UID, holder_name="Kai-Wen Demoson")


@pytest.fixture
def freeze(
    case: Case, analyst: Actor, compliance: Actor, account: ExchangeAccount
) -> FreezeRequest:
    """An active freeze of an account that a suspect of the case stands behind."""
    suspect = make_suspect(case, analyst, "Pharos")
    link_account(suspect, account.uid, "Own deposits.", by=analyst)
    finding = make_approved_finding(case, analyst, suspects=[suspect])
    freeze = request_freeze(
        case, legal_basis="internal_suspicion", restriction="withdrawals", urgency="routine",
        agency_id=None, reason="R.", lines=[LineSpec(account.pk, BTC, 300, finding.pk)],
        by=analyst,
    )  # fmt: skip
    submit_freeze(freeze, by=analyst)
    triage_freeze(freeze, by=analyst)
    approve_freeze(freeze, content_hash=freeze_hash(freeze), reason="Y.", by=compliance)
    outbox.send_due_messages(FakeExchange(free={(UID, BTC): 1000}))
    freeze.refresh_from_db()
    return freeze


def draft(case: Case, agency: Agency, by: Actor, **fields: Any) -> Referral:
    values: dict[str, Any] = {
        "kind": "spontaneous",
        "subject": "Proceeds of a market",
        "summary": "The operator cashed out here.",
        "purpose": "Criminal proceedings",
        "legal_gateway": "Art. 1",
        "caveats": "",
        "tlp": "AMBER",
        "handling_code": "H1",
        "findings": list(case.findings.all()) or [make_approved_finding(case, by)],
        "freezes": list(case.freezes.filter(state="active")),
    }
    return draft_referral(case, agency_id=agency.pk, **(values | fields), by=by)


def cleared(case: Case, agency: Agency, by: Actor, second: Actor, third: Actor) -> Referral:
    referral = redact_referral(draft(case, agency, by), redactions={}, by=by)
    approve_referral(referral, content_hash=content_hash_of(referral), reason="Y.", by=second)
    return clear_referral(referral, content_hash=content_hash_of(referral), reason="Y.", by=third)


def test_a_draft_of_a_merged_case_goes_nowhere(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor
) -> None:
    referral, other = draft(case, agency, analyst), make_case(analyst)
    relate_case(case, other, kind="duplicate", reason="Same.", by=analyst)
    merge_case(case, into=other.public_id, reason="Yes.", by=supervisor)
    with pytest.raises(InvalidTransition, match="merged into another"):
        redact_referral(referral, redactions={}, by=analyst)


def tomorrow() -> Any:
    return timezone.now() + timedelta(days=1)


def test_the_whole_walk_seals_one_copy_per_officer(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor,
    freeze: FreezeRequest,
) -> None:  # fmt: skip
    referral = cleared(case, agency, analyst, supervisor, compliance)
    shown = preview(referral)
    release = package_referral(referral, by=supervisor)
    officers = [make_officer(agency=agency) for _ in range(2)]
    send_referral(
        referral, liaison_ids=[o.pk for o in officers], expires_at=tomorrow(), by=supervisor
    )
    release.refresh_from_db()
    assert (release.state, referral.state) == ("shared", "sent")
    sealed = from_json(json.loads(release.dossier))
    assert replace(sealed, seal=None) == shown, "the preview is what was sealed"
    assert sealed.seal is not None
    assert sealed.seal.number == release.number
    assert ShareGrant.objects.count() == 2
    for grant in ShareGrant.objects.all():
        names = {file.name for file in ReleaseFile.objects.filter(grant=grant)}
        assert names == {
            f"release-{grant.watermark}.html", f"manifest-{grant.watermark}.json",
            f"{release.number}-{grant.watermark}.zip",
        }  # fmt: skip
    assert verify_chains().is_whole
    assert case.events.filter(action="package_referral").get().seq > release.audit_seq


def test_every_file_is_what_the_manifest_says(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor,
    freeze: FreezeRequest,
) -> None:  # fmt: skip
    referral = cleared(case, agency, analyst, supervisor, compliance)
    release = package_referral(referral, by=supervisor)
    officer = make_officer(agency=agency)
    send_referral(referral, liaison_ids=[officer.pk], expires_at=tomorrow(), by=supervisor)
    grant = release.grants.get()
    files = {f.name: f for f in release.files.all()}
    listing = json.loads(load_bytes(files[f"manifest-{grant.watermark}.json"].sha256))
    assert listing["watermark"] == grant.watermark
    assert listing["notes"] == [pdf.ABSENT]
    assert {entry["name"] for entry in listing["files"]} == {
        "accounts.csv", "amounts.csv", "custody.json", "dossier.json", "findings.csv",
        "freezes.csv", "wallets.csv", "stix.json", "misp.json", "entities.ftm.json",
        "grants.csv", f"release-{grant.watermark}.html",
    }  # fmt: skip
    for entry in listing["files"]:
        content = load_bytes(files[entry["name"]].sha256)
        assert (len(content), files[entry["name"]].sha256) == (entry["size"], entry["sha256"])
    assert grant.watermark in load_bytes(files[f"release-{grant.watermark}.html"].sha256).decode()


def test_an_officer_gets_a_pdf_where_pango_is_installed(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor,
    with_pdf: None,
) -> None:  # fmt: skip
    referral = cleared(case, agency, analyst, supervisor, compliance)
    release = package_referral(referral, by=supervisor)
    officer = make_officer(agency=agency)
    send_referral(referral, liaison_ids=[officer.pk], expires_at=tomorrow(), by=supervisor)
    file = release.files.get(name__endswith=".pdf")
    assert load_bytes(file.sha256).startswith(b"%PDF-")


def test_no_byte_of_a_release_names_the_case_an_account_or_another_agency(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor,
    freeze: FreezeRequest,
) -> None:  # fmt: skip
    other = make_agency(name="Harbour District Investigation Bureau", short_name="HDIB")
    referral = cleared(case, agency, analyst, supervisor, compliance)
    release = package_referral(referral, by=supervisor)
    officer = make_officer(agency=agency)
    send_referral(referral, liaison_ids=[officer.pk], expires_at=tomorrow(), by=supervisor)
    canaries = [
        case.reference, str(case.public_id), case.title, UID, freeze.reference,
        str(freeze.public_id), other.short_name, other.name,
        *case.findings.values_list("reference", flat=True),
        *case.suspects.values_list("reference", flat=True),
        *[line.external_ref for line in freeze.lines.get().receipts.all()],
    ]  # fmt: skip
    assert len(canaries) >= 11
    for file in release.files.all():
        content = load_bytes(file.sha256).decode(errors="replace")
        for canary in canaries:
            assert canary not in content, f"{canary} in {file.name}"
    text = release.dossier
    assert f"••{UID[-4:]}" in text
    assert "Kai-Wen Demoson" in text, "the holder is a suspect of this dossier"


def test_the_holder_is_named_only_where_a_suspect_of_the_dossier_stands_behind(
    case: Case, agency: Agency, analyst: Actor, freeze: FreezeRequest
) -> None:
    bare = make_approved_finding(case, analyst)
    referral = draft(case, agency, analyst, findings=[bare])
    assert preview(referral).freezes[0].lines[0].holder == Redaction("personal")


@pytest.mark.parametrize("what", ["case", "account", "agency", "finding"])
def test_a_text_that_would_betray_something_is_refused(
    case: Case, agency: Agency, analyst: Actor, freeze: FreezeRequest, what: str
) -> None:
    other = make_agency()
    text = {
        "case": f"See {case.reference}.",
        "account": f"Account {UID} of OP-1.",
        "agency": f"{other.short_name} asked for it.",
        "finding": f"As in {Finding.objects.get().reference}.",
    }[what]
    referral = draft(case, agency, analyst, summary=text)
    with pytest.raises(CaseworkError, match="names"):
        redact_referral(referral, redactions={}, by=analyst)
    key = f"{referral.reference}.summary"
    redact_referral(referral, redactions={key: "ongoing"}, by=analyst)
    assert text not in str(preview(referral))


@pytest.mark.parametrize("series", ["REP", "REQ", "OP", "REF", "R", "susp"])
def test_a_text_names_no_number_that_its_agency_does_not_know(
    case: Case, agency: Agency, analyst: Actor, freeze: FreezeRequest, series: str
) -> None:
    referral = draft(case, agency, analyst, summary=f"As in {series}-2026-009999.")
    with pytest.raises(CaseworkError, match="internal reference"):
        redact_referral(referral, redactions={}, by=analyst)


def test_a_text_may_name_the_numbers_that_its_agency_knows(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor
) -> None:
    officer, stranger = make_officer(agency=agency), make_user("liaison")
    mine, foreign = (record_request(spec(), by=make_actor(each)) for each in (officer, stranger))
    release = package_referral(
        cleared(case, agency, analyst, supervisor, compliance), by=supervisor
    )
    told = draft(case, agency, analyst, summary=f"{mine.reference}, as {release.number} says.")
    redact_referral(told, redactions={}, by=analyst)
    told = draft(case, agency, analyst, summary=f"As {foreign.reference} asked.")
    with pytest.raises(CaseworkError, match="internal reference"):
        redact_referral(told, redactions={}, by=analyst)
    told = draft(case, make_agency(), analyst, summary=f"As {release.number} says.")
    with pytest.raises(CaseworkError, match="internal reference"):
        redact_referral(told, redactions={}, by=analyst)


def test_a_text_may_not_name_what_a_redaction_leaves_out_elsewhere(
    case: Case, agency: Agency, analyst: Actor, freeze: FreezeRequest
) -> None:
    suspect = case.suspects.get()
    name = suspect.names.order_by("pk").first()
    assert name is not None
    referral = draft(case, agency, analyst, summary=f"{name.full} took the money.")
    asked = {f"{suspect.reference}.names": "personal"}
    with pytest.raises(CaseworkError, match="redaction"):
        redact_referral(referral, redactions=asked, by=analyst)
    asked |= {f"{referral.reference}.summary": "personal"}
    asked |= {f"{freeze.reference}.holder": "personal"}
    redact_referral(referral, redactions=asked, by=analyst)
    assert name.full not in str(preview(referral).content())


def test_only_approved_findings_and_standing_freezes_are_referred(
    case: Case, agency: Agency, analyst: Actor, freeze: FreezeRequest
) -> None:
    from_elsewhere = make_approved_finding(make_case(analyst), analyst)
    for fields in ({"findings": []}, {"findings": [from_elsewhere]}):
        with pytest.raises(CaseworkError):
            draft(case, agency, analyst, **fields)
    FreezeRequest.objects.filter(pk=freeze.pk).update(expires_at=timezone.now())
    waiting = request_freeze(
        case, legal_basis="internal_suspicion", restriction="all", urgency="urgent",
        agency_id=None, reason="R.", lines=[LineSpec(make_account().pk, BTC, 5)], by=analyst,
    )  # fmt: skip
    with pytest.raises(CaseworkError, match="stand"):
        draft(case, agency, analyst, freezes=[waiting])
    with pytest.raises(NotFound):
        draft_referral(
            case, agency_id=999_999, kind="reply", subject="S", summary="", purpose="P",
            legal_gateway="", caveats="", tlp="AMBER", handling_code="H1",
            findings=list(case.findings.all()), freezes=[], by=analyst,
        )  # fmt: skip


def test_redactions_are_labelled_and_known(
    case: Case, agency: Agency, analyst: Actor, freeze: FreezeRequest
) -> None:
    referral = draft(case, agency, analyst)
    keys = {field.key for field in redactable_fields(referral)}
    suspect = case.suspects.get()
    assert f"{suspect.reference}.names" in keys
    assert f"{freeze.reference}.holder" in keys
    for bad in ({"CASE-1.title": "personal"}, {f"{suspect.reference}.names": "because"}):
        with pytest.raises(CaseworkError):
            redact_referral(referral, redactions=bad, by=analyst)
    asked = {f"{suspect.reference}.names": "personal", f"{freeze.reference}.holder": "personal"}
    redact_referral(referral, redactions=asked, by=analyst)
    text = str(preview(referral).content())
    assert "Pharos" not in text
    assert "Demoson" not in text


def test_drafts_are_edited_by_version(case: Case, agency: Agency, analyst: Actor) -> None:
    referral = draft(case, agency, analyst)
    edit_referral(referral, version=1, by=analyst, subject="New")
    with pytest.raises(VersionChanged):
        edit_referral(referral, version=1, by=analyst, subject="Lost")
    with pytest.raises(CaseworkError):
        edit_referral(referral, version=2, by=analyst, state="sent")
    with pytest.raises(CaseworkError):
        edit_referral(referral, version=2, by=analyst, tlp="PURPLE")
    redact_referral(referral, redactions={}, by=analyst)
    with pytest.raises(InvalidTransition):
        edit_referral(referral, version=referral.version, by=analyst, subject="Late")


def test_two_other_people_decide_with_a_fresh_factor(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor
) -> None:
    author = person("compliance")
    referral = redact_referral(draft(case, agency, author), redactions={}, by=author)
    shown = content_hash_of(referral)
    with pytest.raises(PermissionDenied):
        approve_referral(referral, content_hash=shown, reason="Y.", by=analyst)
    with pytest.raises(PermissionDenied, match="second person"):
        approve_referral(referral, content_hash=shown, reason="Y.", by=author)
    with pytest.raises(StepUpRequired):
        approve_referral(referral, content_hash=shown, reason="Y.", by=stale(supervisor))
    with pytest.raises(ContentChanged):
        approve_referral(referral, content_hash="0" * 64, reason="Y.", by=supervisor)
    with pytest.raises(InvalidTransition):
        clear_referral(referral, content_hash=shown, reason="Y.", by=compliance)
    approve_referral(referral, content_hash=shown, reason="Y.", by=supervisor)
    with pytest.raises(InvalidTransition):
        approve_referral(referral, content_hash=shown, reason="Y.", by=person("supervisor"))
    for actor in (supervisor, author):
        with pytest.raises(PermissionDenied):
            clear_referral(referral, content_hash=shown, reason="Y.", by=actor)
    for change in ({"cleared_by_id": author.user_id}, {"approved_by_id": author.user_id}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Referral.objects.filter(pk=referral.pk).update(**change)


def test_nothing_is_cleared_without_a_legal_gateway(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor
) -> None:
    referral = redact_referral(
        draft(case, agency, analyst, legal_gateway=""), redactions={}, by=analyst
    )
    approve_referral(referral, content_hash=content_hash_of(referral), reason="Y.", by=supervisor)
    with pytest.raises(CaseworkError, match="legal gateway"):
        clear_referral(referral, content_hash=content_hash_of(referral), reason="Y.", by=compliance)


def test_a_returned_referral_is_decided_anew(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor
) -> None:
    referral = cleared(case, agency, analyst, supervisor, compliance)
    before = referral.content_hash
    return_referral(referral, reason="Wrong purpose.", by=supervisor)
    assert (referral.state, referral.approved_by_id, referral.cleared_by_id) == (
        "draft", None, None,
    )  # fmt: skip
    redact_referral(referral, redactions={}, by=analyst)
    assert content_hash_of(referral) != before
    approve_referral(referral, content_hash=content_hash_of(referral), reason="Y.", by=supervisor)


def test_packaging_counts_again_what_was_approved(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor
) -> None:
    referral = cleared(case, agency, analyst, supervisor, compliance)
    with pytest.raises(PermissionDenied):
        package_referral(referral, by=analyst)
    User.objects.filter(pk=compliance.user_id).update(is_active=False)
    with pytest.raises(CaseworkError, match="in office"):
        package_referral(referral, by=supervisor)
    User.objects.filter(pk=compliance.user_id).update(is_active=True)
    withdraw_finding(referral.findings.get(), reason="Wrong.", by=person("supervisor"))
    with pytest.raises(CaseworkError):
        package_referral(referral, by=supervisor)
    assert SharedRelease.objects.count() == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: suspend_officer(entry, reason="Left.", by=person("supervisor")),
        lambda entry: expire_officers(entry.valid_until + timedelta(days=1)),
        lambda entry: User.objects.filter(pk=entry.user_id).update(access_until=timezone.now()),
    ],
    ids=["suspended", "expired", "over"],
)
def test_only_officers_whom_two_people_verified_receive(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor, change: Any
) -> None:
    referral = cleared(case, agency, analyst, supervisor, compliance)
    package_referral(referral, by=supervisor)
    unknown, known = make_user("liaison", agency=agency), make_officer(agency=agency)
    assert [each.pk for each in officers_of(referral)] == [known.pk]
    with pytest.raises(CaseworkError, match="two people verified"):
        send_referral(referral, liaison_ids=[unknown.pk], expires_at=tomorrow(), by=supervisor)
    change(OfficerEntry.objects.get(user=known))
    with pytest.raises(CaseworkError, match="two people verified"):
        send_referral(referral, liaison_ids=[known.pk], expires_at=tomorrow(), by=supervisor)
    assert officers_of(referral) == []
    assert ShareGrant.objects.count() == 0


def test_only_active_officers_of_this_agency_receive(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor
) -> None:
    referral = cleared(case, agency, analyst, supervisor, compliance)
    mine = make_officer(agency=agency)
    with pytest.raises(InvalidTransition):
        send_referral(referral, liaison_ids=[mine.pk], expires_at=tomorrow(), by=supervisor)
    package_referral(referral, by=supervisor)
    closed = make_user("liaison", agency=agency, is_active=False)
    stranger, colleague = make_user("liaison"), make_user("analyst")
    for ids in ([], [stranger.pk], [mine.pk, closed.pk], [colleague.pk]):
        with pytest.raises(CaseworkError):
            send_referral(referral, liaison_ids=ids, expires_at=tomorrow(), by=supervisor)
    for at in (timezone.now(), timezone.now() + timedelta(days=400)):
        with pytest.raises(CaseworkError):
            send_referral(referral, liaison_ids=[mine.pk], expires_at=at, by=supervisor)
    for actor, error in ((analyst, PermissionDenied), (stale(supervisor), StepUpRequired)):
        with pytest.raises(error):
            send_referral(referral, liaison_ids=[mine.pk], expires_at=tomorrow(), by=actor)
    assert ShareGrant.objects.count() == 0
    send_referral(referral, liaison_ids=[mine.pk], expires_at=tomorrow(), by=supervisor)
    with pytest.raises(InvalidTransition):
        send_referral(referral, liaison_ids=[mine.pk], expires_at=tomorrow(), by=supervisor)


@pytest.mark.owner
def test_a_release_never_changes(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor
) -> None:
    release = package_referral(
        cleared(case, agency, analyst, supervisor, compliance), by=supervisor
    )
    for change in ({"dossier": "{}"}, {"sha256": "0" * 64}, {"agency_id": make_agency().pk}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SharedRelease.objects.filter(pk=release.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        release.files.update(sha256="0" * 64)


def test_recall_ends_every_grant_at_once(
    case: Case, agency: Agency, analyst: Actor, supervisor: Actor, compliance: Actor
) -> None:
    referral = cleared(case, agency, analyst, supervisor, compliance)
    release = package_referral(referral, by=supervisor)
    officer = make_officer(agency=agency)
    send_referral(referral, liaison_ids=[officer.pk], expires_at=tomorrow(), by=supervisor)
    with pytest.raises(PermissionDenied):
        recall_referral(referral, reason="Stop.", by=supervisor)
    recall_referral(referral, reason="Superseded facts.", by=compliance)
    release.refresh_from_db()
    assert (referral.state, release.state) == ("recalled", "recalled")
    assert not ShareGrant.objects.filter(revoked_at=None).exists()
    with pytest.raises(InvalidTransition):
        recall_referral(referral, reason="Again.", by=compliance)
