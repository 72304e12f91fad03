"""Exhibits in a release: what findings cite goes out with its custody, as far as it may."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from cases.dossier import Redaction
from cases.exports import verify
from cases.files import load_bytes
from cases.models import Case, CustodyEvent, Evidence, Finding, Referral
from cases.services import disposal, dossier_exhibits, dossier_words
from cases.services.dossiers import build_dossier, redactable_fields
from cases.services.errors import CaseworkError, NotFound
from cases.services.evidence import acquire_evidence, hand_over_evidence, verify_store
from cases.services.findings import draft_finding, edit_finding, submit_finding
from cases.services.instruments import UploadedBytes
from cases.services.referrals import package_referral, redact_referral
from fiu.models import User
from tests.casework import (
    approve,
    finding_fields,
    make_actor,
    make_agency,
    make_case,
)
from tests.conftest import SignIn
from tests.integration.web.referral_desk import Desk, make_desk
from tests.packs import bag_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]
PAPER = b"%PDF-1.7\nBank log, page 12\n"


@pytest.fixture
def desk() -> Desk:
    return make_desk(title="Operation Canary")


def exhibit(desk: Desk, content: bytes = PAPER, name: str = "page.pdf", **fields: Any) -> Evidence:
    return acquired(desk.case, content, name, **fields)


def acquired(case: Case, content: bytes = PAPER, name: str = "page.pdf", **fields: Any) -> Evidence:
    values = {
        "kind": "document", "title": "Bank log", "source": "Seized disk", "source_grade": "A",
        "information_grade": "1",
    }  # fmt: skip
    document = UploadedBytes(name, content)
    owner = make_actor(User.objects.get(pk=case.owner_by_id))
    return acquire_evidence(case, document=document, **(values | fields), by=owner)


def cite(desk: Desk, *exhibits: Evidence) -> Finding:
    """An approved finding that cites them, in place of the one of the desk."""
    author, second = make_actor(desk.analyst), make_actor(desk.supervisor)
    finding = draft_finding(
        desk.case, **finding_fields(statement="The log names it."), exhibits=exhibits, by=author
    )
    desk.finding = approve(submit_finding(finding, by=author), second)
    return desk.finding


def test_a_cited_exhibit_leaves_with_its_custody_and_verifies(desk: Desk) -> None:
    cite(desk, exhibit(desk))
    release = desk.release()
    [told] = build_dossier(release.referral).exhibits
    assert (told.number, told.findings, told.title, told.name) == (
        "X1", ("F1",), "Bank log", "exhibit-X1.pdf",
    )  # fmt: skip
    zipped = release.files.get(name__endswith=".zip")
    files = bag_of(load_bytes(zipped.sha256))
    assert files["data/exhibit-X1.pdf"] == PAPER
    [logged] = json.loads(files["data/exhibits.json"])["exhibits"]
    assert [line["step"] for line in logged["log"]] == ["acquire", "seal", "export"]
    report = verify.check_all(dict(files), verify.Report())
    assert report.wrong == []
    assert any("1 exhibits are the files" in each for each in report.checked)
    last = CustodyEvent.objects.latest("pk")
    assert (last.action, last.reason) == ("export", release.number)


def test_its_custody_names_nobody_and_nothing_of_other_recipients(desk: Desk) -> None:
    paper = exhibit(desk)
    other = make_agency(name="Harbour Drugs Bureau", short_name="HDB")
    hand_over_evidence(
        paper, act="copy", party=other.name, reason="For their court.",
        by=make_actor(desk.supervisor),
    )  # fmt: skip
    cite(desk, paper)
    release = desk.release()
    text = load_bytes(release.files.get(name="exhibits.json").sha256).decode()
    secrets = (
        other.name, "court", desk.analyst.username, desk.case.reference, paper.exhibit_no,
        str(paper.public_id), "copy", *paper.custody.values_list("hash", flat=True),
    )  # fmt: skip
    assert [each for each in secrets if each in text] == []


@pytest.mark.parametrize(
    "handling",
    [
        {"tlp": "RED"}, {"tlp": "AMBER+STRICT"}, {"handling_code": "H2"},
        {"handling_code": "H3", "handling_text": "Ask first."},
    ],
    ids=["red", "strict", "H2", "H3"],
)  # fmt: skip
def test_what_its_source_does_not_allow_stays_as_a_box(
    desk: Desk, handling: dict[str, str]
) -> None:
    cite(desk, exhibit(desk, **handling))
    release = desk.release()
    [told] = build_dossier(release.referral).exhibits
    assert told.title == Redaction("handling")
    assert (told.name, told.source, told.sha256, told.size) == ("", "", "", 0)
    names = set(release.files.values_list("name", flat=True))
    assert not {each for each in names if each.startswith("exhibit-") or each == "exhibits.json"}
    zipped = load_bytes(release.files.get(name__endswith=".zip").sha256)
    assert PAPER not in zipped
    assert b"Bank log" not in zipped
    assert verify.check_all(dict(bag_of(zipped)), verify.Report()).wrong == []


@pytest.mark.parametrize(
    ("of_exhibit", "of_release", "goes"),
    [
        ({"tlp": "GREEN"}, {"tlp": "AMBER"}, True), ({"tlp": "AMBER"}, {"tlp": "GREEN"}, False),
        ({"handling_code": "H1"}, {"handling_code": "H1"}, True),
        ({"handling_code": "H1"}, {"handling_code": "H0"}, False),
        ({"handling_code": "H1"}, {"handling_code": "H2"}, False),
    ],
)  # fmt: skip
def test_no_exhibit_leaves_under_a_milder_marking_than_its_own(
    desk: Desk, of_exhibit: dict[str, str], of_release: dict[str, str], goes: bool
) -> None:
    cite(desk, exhibit(desk, **of_exhibit))
    [told] = build_dossier(desk.referral("draft", **of_release)).exhibits
    assert (told.title == "Bank log") is goes


def test_a_person_leaves_an_exhibit_out_with_a_reason(desk: Desk) -> None:
    paper = exhibit(desk)
    cite(desk, paper)
    release = desk.release(redactions={f"{paper.exhibit_no}.exhibit": "ongoing"})
    [told] = build_dossier(release.referral).exhibits
    assert told.title == Redaction("ongoing")
    assert not release.files.filter(name__startswith="exhibit-").exists()
    assert release.files.filter(name="exhibits.csv").exists()


def test_what_speaks_of_others_is_suggested_to_stay(desk: Desk) -> None:
    cite(desk, exhibit(desk, kind="account_snapshot"))
    fields = {each.field: each for each in redactable_fields(desk.referral("draft"))}
    assert fields["exhibit"].suggested == "personal"


def test_a_text_that_names_another_agency_does_not_leave(desk: Desk) -> None:
    make_agency(name="Harbour Drugs Bureau", short_name="HDBX")
    paper = exhibit(desk, b"Sent to the Harbour Drugs Bureau too.", "note.txt")
    cite(desk, paper)
    referral = desk.referral("draft")
    author = make_actor(desk.analyst)
    with pytest.raises(CaseworkError, match="another agency"):
        redact_referral(referral, redactions={}, by=author)
    referral = Referral.objects.get(pk=referral.pk)
    redact_referral(referral, redactions={f"{paper.exhibit_no}.exhibit": "personal"}, by=author)


def test_a_finding_cites_exhibits_of_its_own_case_alone(desk: Desk) -> None:
    author = make_actor(desk.analyst)
    strange = acquired(make_case(author))
    with pytest.raises(NotFound, match="not in this case"):
        draft_finding(desk.case, **finding_fields(), exhibits=[strange], by=author)
    finding = draft_finding(desk.case, **finding_fields(), by=author)
    with pytest.raises(IntegrityError, match="of its own case"), transaction.atomic():
        Finding.exhibits.through.objects.create(finding=finding, evidence=strange)


def test_citing_an_exhibit_changes_what_a_reviewer_approves(desk: Desk) -> None:
    author = make_actor(desk.analyst)
    finding = draft_finding(desk.case, **finding_fields(), by=author)
    before = finding.content_hash
    edited = edit_finding(finding, version=finding.version, exhibits=[exhibit(desk)], by=author)
    assert edited.content_hash != before
    submit_finding(edited, by=author)
    with pytest.raises(IntegrityError, match="belongs to what was submitted"), transaction.atomic():
        edited.exhibits.clear()


def test_a_damaged_or_too_large_exhibit_stops_the_release(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    cite(desk, exhibit(desk))
    referral = desk.referral("cleared")
    monkeypatch.setattr(dossier_exhibits, "MOST_BYTES", 3)
    with pytest.raises(CaseworkError, match="larger than 100 MB"):
        package_referral(referral, by=make_actor(desk.supervisor))
    monkeypatch.setattr(dossier_exhibits, "MOST_BYTES", 10**6)
    monkeypatch.setattr(dossier_exhibits, "load_bytes", lambda sha256: load_bytes(sha256[::-1]))
    with pytest.raises(CaseworkError, match="damaged"):
        package_referral(referral, by=make_actor(desk.supervisor))


def test_disposal_of_an_exhibit_leaves_what_was_released_whole(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = exhibit(desk)
    cite(desk, paper)
    release = desk.release()
    monkeypatch.setattr(disposal, "require_time_over", lambda case: None)
    disposal.request_disposal(paper, reason="Over.", by=make_actor(desk.supervisor))
    disposal.dispose_evidence(paper, reason="Over.", by=make_actor(desk.compliance))
    assert verify_store().breaks == []
    assert load_bytes(release.files.get(name="exhibit-X1.pdf").sha256) == PAPER


def test_an_exhibit_is_read_once_for_the_page_and_a_picture_never(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, sign_in: SignIn
) -> None:
    """What was found in a file is kept with its hash and the words that were sought."""
    cite(desk, exhibit(desk), exhibit(desk, b"account,amount\n1,2\n", "rows.csv"))
    read: list[str] = []

    def counted(sha256: str) -> bytes:
        read.append(sha256)
        return load_bytes(sha256)

    for module in (dossier_words, dossier_exhibits):
        monkeypatch.setattr(module, "load_bytes", counted)
    dossier_words.words_in_exhibit.cache_clear()
    page = reverse("referral_detail", args=[desk.referral().public_id])
    client = sign_in(desk.analyst)
    for _again in range(3):
        assert client.get(page).status_code == 200
    assert len(read) == 1
    make_agency(name="rows of a new agency", short_name="account,amount")
    assert "would be refused" in client.get(page).content.decode(), "new words, a new look"
    assert len(read) == 2
