"""Suspicion reports: two engines, two people, and nobody else learns that one exists."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from cases.models import (
    AuditEvent,
    Case,
    ReadEvent,
    ReportApproval,
    ReportEvent,
    SuspicionReport,
)
from cases.policy import PermissionDenied, StepUpRequired
from cases.queries.search import search
from cases.services.audit import verify_chains
from cases.services.errors import CaseworkError, ContentChanged, NotFound, VersionChanged
from cases.services.referrals import draft_referral, preview
from cases.services.relations import merge_case, relate_case
from cases.services.reports import (
    approve_report,
    draft_report,
    edit_report,
    edit_subject,
    file_report,
    follow_report,
    read_report,
    return_report,
    review_report,
    validate_report,
    verify_report_chain,
)
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import (
    make_actor,
    make_agency,
    make_approved_finding,
    make_case,
    make_user,
    person,
    stale,
)
from tests.report_desk import CANARY, ReportDesk, complete, make_report_desk, set_up_receiver

# The schema of the receiver is compiled once a process.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("receiver")]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("receiver")


@pytest.fixture
def desk(receiver: Path, settings: object) -> ReportDesk:
    set_up_receiver(receiver)
    return make_report_desk()


def in_review(desk: ReportDesk) -> SuspicionReport:
    report = validate_report(desk.complete(), by=desk.author)
    return review_report(report, by=desk.compliance)


def test_a_draft_comes_from_what_fired(desk: ReportDesk) -> None:
    report = desk.draft()
    assert report.reference.startswith("REP-")
    assert "swapped at once into a privacy coin" in report.reason
    assert report.records.count() == desk.alert.records.count() == 2
    [subject] = report.subjects.all()
    assert (subject.first_name, subject.last_name) == ("Kai-Wen", "Demoson")


def test_from_draft_to_filed(desk: ReportDesk) -> None:
    report = in_review(desk)
    second = person("compliance")
    report = approve_report(
        report, content_hash=report.content_hash, reason="Facts checked.", by=second
    )
    report = file_report(report, transport="goAML Web, upload 1", by=desk.compliance)
    assert report.state == "filed"
    assert set(report.engines["engines"]) == {"lxml", "xmlschema"}
    assert f"<entity_reference>{report.reference}</entity_reference>" in report.file
    assert verify_report_chain() is None
    with pytest.raises(InvalidTransition):
        file_report(report, transport="again", by=desk.compliance)
    with pytest.raises(InvalidTransition):
        edit_report(report, version=report.version, reason="Other.", by=desk.author)


def test_what_is_missing_is_listed_and_refused(desk: ReportDesk) -> None:
    with pytest.raises(CaseworkError, match="id number"):
        validate_report(desk.draft(), by=desk.author)


def test_without_the_receivers_schema_nothing_is_validated(
    desk: ReportDesk, settings: object, tmp_path: Path
) -> None:
    report = desk.complete()
    settings.GOAML_XSD_DIR = tmp_path  # type: ignore[attr-defined]
    with pytest.raises(CaseworkError, match="FIU_GOAML_XSD_DIR"):
        validate_report(report, by=desk.author)
    report.refresh_from_db()
    assert report.state == "drafting"


def test_an_invalid_code_is_refused_by_both_engines(desk: ReportDesk) -> None:
    report = desk.complete()
    report = edit_report(report, version=report.version, indicators=["NOSUCH"], by=desk.author)
    with pytest.raises(CaseworkError, match=r"lxml.*xmlschema"):
        validate_report(report, by=desk.author)


def test_the_author_is_never_the_second_person(desk: ReportDesk) -> None:
    author = desk.compliance
    report = draft_report(desk.case, [desk.alert], by=desk.author)
    report = edit_report(report, version=report.version, action="Watched.", by=author)
    assert report.last_edited_by_id == author.pk
    report = complete(report, desk.author)
    report = edit_report(report, version=report.version, action="Watched on.", by=author)
    report = review_report(validate_report(report, by=author), by=author)
    with pytest.raises(PermissionDenied, match="second person"):
        approve_report(report, content_hash=report.content_hash, reason="Mine.", by=author)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReportApproval.objects.create(
            report=report, user_id=author.pk, decision="approve", reason="x",
            content_hash=report.content_hash, at=report.drafted_at,
        )  # fmt: skip


def test_only_compliance_decides(desk: ReportDesk) -> None:
    report = validate_report(desk.complete(), by=desk.author)
    for role in ("analyst", "supervisor", "auditor", "admin", "liaison"):
        fields = {"may_view_reports": True} if role in ("analyst", "supervisor") else {}
        actor = person(role, **fields)
        with pytest.raises(PermissionDenied):
            review_report(report, by=actor)
        with pytest.raises(PermissionDenied):
            file_report(report, transport="x", by=actor)


def test_the_second_factor_and_the_content_shown_are_held(desk: ReportDesk) -> None:
    report, second = in_review(desk), person("compliance")
    with pytest.raises(StepUpRequired):
        approve_report(report, content_hash=report.content_hash, reason="x", by=stale(second))
    with pytest.raises(ContentChanged):
        approve_report(report, content_hash="0" * 64, reason="x", by=second)
    approve_report(report, content_hash=report.content_hash, reason="x", by=second)
    with pytest.raises(InvalidTransition):
        approve_report(
            report, content_hash=report.content_hash, reason="x", by=person("compliance")
        )


def test_an_edit_takes_a_validated_report_back(desk: ReportDesk) -> None:
    report = in_review(desk)
    edited = edit_report(report, version=report.version, reason="Shorter.", by=desk.author)
    assert (edited.state, edited.file, edited.content_hash) == ("drafting", "", "")
    with pytest.raises(VersionChanged):
        edit_report(edited, version=edited.version - 1, reason="Late.", by=desk.author)


def test_a_returned_report_needs_a_reason(desk: ReportDesk) -> None:
    report = in_review(desk)
    with pytest.raises(CaseworkError):
        return_report(report, reason=" ", by=desk.compliance)
    assert return_report(report, reason="Unclear.", by=desk.compliance).state == "drafting"


def test_an_approver_who_left_files_nothing(desk: ReportDesk) -> None:
    report, second = in_review(desk), person("compliance")
    approve_report(report, content_hash=report.content_hash, reason="x", by=second)
    User.objects.filter(pk=second.pk).update(is_active=False)
    with pytest.raises(CaseworkError, match="Nobody"):
        file_report(report, transport="x", by=desk.compliance)


@pytest.mark.owner
def test_the_database_keeps_the_content_and_the_people(desk: ReportDesk) -> None:
    report = in_review(desk)
    rows = SuspicionReport.objects.filter(pk=report.pk)
    for change in (
        {"reason": "other"}, {"indicators": ["MACCA"]}, {"file": "<x/>"}, {"state": "filed"},
        {"drafted_by_id": desk.compliance.pk}, {"state": "approved"},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        report.subjects.update(last_name="Other")
    with pytest.raises(IntegrityError), transaction.atomic():
        report.records.clear()
    with pytest.raises(IntegrityError), transaction.atomic():
        ReportEvent.objects.all().delete()


# --- The wall ---


def test_without_the_right_no_report_exists(desk: ReportDesk) -> None:
    desk.complete()
    for role in ("analyst", "supervisor", "auditor", "admin", "liaison"):
        actor = person(role)
        assert not SuspicionReport.objects.visible_to(actor).exists()
        with pytest.raises(PermissionDenied):
            draft_report(desk.case, [desk.alert], by=actor)
    assert SuspicionReport.objects.visible_to(desk.compliance).count() == 1
    # The mark of the person counts for investigators only.
    auditor = replace(person("auditor"), may_view_reports=True)
    assert not SuspicionReport.objects.visible_to(auditor).exists()


@pytest.mark.parametrize("role", ["analyst", "compliance"])
def test_for_one_of_us_who_may_be_a_subject_the_report_does_not_exist(role: str) -> None:
    named = {"first_name": "Kai-Wen", "last_name": "DEMOSON", "may_view_reports": True}
    desk = make_report_desk()  # the holder of its account is called Kai-Wen Demoson
    subject = make_actor(make_user(role, **named))  # who came after the alert was raised
    report = desk.draft()
    assert SuspicionReport.objects.visible_to(desk.compliance).count() == 1
    assert not SuspicionReport.objects.visible_to(subject).exists()
    with pytest.raises(NotFound):
        edit_report(report, version=report.version, reason="Me?", by=subject)
    with pytest.raises(CaseworkError, match="may be a subject"):
        draft_report(desk.case, [desk.alert], by=subject)
    with pytest.raises(DatabaseError), transaction.atomic():
        report.walls.all().delete()
    assert verify_report_chain() is None
    later = make_actor(make_user(role, first_name="Ann", last_name="Other", may_view_reports=True))
    row = report.subjects.get()
    edit_subject(
        report, row, version=report.version, first_name="Ann", last_name="Other", by=desk.author
    )
    assert not SuspicionReport.objects.visible_to(later).exists()


def test_a_report_follows_the_wall_of_its_case(desk: ReportDesk) -> None:
    desk.complete()
    Case.objects.filter(pk=desk.case.pk).update(visibility="sealed")
    other = person("analyst", may_view_reports=True)
    assert not SuspicionReport.objects.visible_to(other).exists()
    with pytest.raises(PermissionDenied):
        draft_report(desk.case, [desk.alert], by=other)


def test_no_chain_no_read_and_no_time_of_the_case_tells_of_a_report(desk: ReportDesk) -> None:
    before = list(AuditEvent.objects.values_list("pk", flat=True))
    reads = ReadEvent.objects.count()
    touched = Case.objects.get(pk=desk.case.pk).updated_at
    report = in_review(desk)
    approve_report(report, content_hash=report.content_hash, reason="x", by=person("compliance"))
    read_report(report, by=desk.compliance)
    assert list(AuditEvent.objects.values_list("pk", flat=True)) == before
    assert ReadEvent.objects.count() == reads
    assert Case.objects.get(pk=desk.case.pk).updated_at == touched
    assert verify_chains().breaks == []
    assert verify_report_chain() is None


def test_the_search_finds_no_report(desk: ReportDesk) -> None:
    report = desk.complete()
    for text in (report.reference, CANARY, str(report.public_id)):
        assert not search(text, desk.outsider)


def test_a_report_never_enters_a_dossier(desk: ReportDesk) -> None:
    in_review(desk)
    finding = make_approved_finding(desk.case, desk.author)
    referral = draft_referral(
        desk.case, agency_id=make_agency().pk, kind="spontaneous", subject="Proceeds",
        summary="S.", purpose="P.", legal_gateway="Art. 1", caveats="", tlp="AMBER",
        handling_code="H1", findings=[finding], freezes=[], by=desk.author,
    )  # fmt: skip
    text = json.dumps(preview(referral).content(), default=str)
    assert CANARY not in text
    assert "REP-" not in text
    assert "suspicion_report" not in text.lower()


def test_a_report_is_no_content_of_a_referral(desk: ReportDesk) -> None:
    report = desk.complete()
    with pytest.raises(CaseworkError):
        draft_referral(
            desk.case, agency_id=make_agency().pk, kind="spontaneous", subject="Proceeds",
            summary="S.", purpose="P.", legal_gateway="Art. 1", caveats="", tlp="AMBER",
            handling_code="H1", findings=[report], freezes=[],  # type: ignore[list-item]
            by=desk.author,
        )  # fmt: skip


def test_a_report_for_a_receiver_without_codes_is_drafted_ready_to_choose_nothing() -> None:
    desk = make_report_desk()
    report = draft_report(desk.case, [desk.alert], profile="generic-5.0.1", by=desk.author)
    assert (report.indicators, report.report_code) == (["-"], "STR")
    with pytest.raises(CaseworkError, match="no such receiver"):
        draft_report(desk.case, [desk.alert], profile="xx-1", by=desk.author)


def test_a_merge_by_one_who_sees_no_reports_ends_none(desk: ReportDesk) -> None:
    report = desk.draft()
    other = make_case(desk.outsider)
    relate_case(desk.case, other, kind="duplicate", reason="Same.", by=desk.outsider)
    merge_case(desk.case, into=other.public_id, reason="Yes.", by=person("supervisor"))
    report = validate_report(complete(report, desk.author), by=desk.author)
    review_report(report, by=desk.compliance)
    report = return_report(report, reason="Name the wallet.", by=desk.compliance)
    report = edit_report(
        report, version=report.version, reason=f"{report.reason} It is named.", by=desk.author
    )
    report = review_report(validate_report(report, by=desk.author), by=desk.compliance)
    shown = report.content_hash
    report = approve_report(report, content_hash=shown, reason="Sound.", by=desk.compliance)
    filed = file_report(report, transport="Portal", by=desk.compliance)
    assert follow_report(filed, kind="amendment", by=desk.author).state == "drafting"
    with pytest.raises(InvalidTransition, match="merged into another"):
        desk.draft()
    assert draft_report(other, [desk.alert], by=desk.author).case_id == other.pk
