"""After filing: the receiver's answer, reports that follow, and facts that changed meanwhile."""

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from cases.models import (
    Alert,
    AuditEvent,
    OutboxMessage,
    ReadEvent,
    ReportAcknowledgement,
    ReportWall,
    SuspicionReport,
    WebhookDelivery,
)
from cases.policy import PermissionDenied
from cases.services.errors import CaseworkError
from cases.services.reports import (
    acknowledge_report,
    edit_report,
    follow_report,
    import_answers,
    report_kept_until,
    told_facts,
    verify_report_chain,
)
from cases.services.reports.afterwards import ToldFact
from cases.services.reports.content import missing
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import make_actor, make_user
from tests.conftest import client_of
from tests.report_desk import ReportDesk, filed, make_report_desk
from tests.shared_data import schema_path

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> ReportDesk:
    return make_report_desk()


def acknowledge(report: SuspicionReport, desk: ReportDesk, **fields: str) -> ReportAcknowledgement:
    values = {"answer": "accepted", "number": "FIU-1"} | fields
    return acknowledge_report(report, **values, by=desk.compliance)


def changed(report: SuspicionReport) -> dict[str, ToldFact]:
    return {name: fact for name, fact in told_facts(report).items() if fact.now}


def test_the_answer_of_the_receiver_is_kept_and_stays(desk: ReportDesk) -> None:
    report = filed(desk)
    row = acknowledge(report, desk)
    assert (row.answer, row.number, row.errors) == ("accepted", "FIU-1", [])
    # On PostgreSQL the role of the house may not even ask for it.
    with pytest.raises(DatabaseError), transaction.atomic():
        ReportAcknowledgement.objects.filter(pk=row.pk).update(answer="rejected")
    assert verify_report_chain() is None
    kept = report_kept_until(report)
    assert kept is not None
    assert kept.year == timezone.now().year + 5


def test_only_compliance_takes_in_an_answer_and_only_of_a_filed_report(desk: ReportDesk) -> None:
    with pytest.raises(InvalidTransition):
        acknowledge(desk.draft(), desk)
    report = filed(desk)
    with pytest.raises(PermissionDenied):
        acknowledge_report(report, answer="accepted", number="1", by=desk.author)
    with pytest.raises(CaseworkError, match="number"):
        acknowledge(report, desk, number=" ")
    with pytest.raises(CaseworkError, match="Choose"):
        acknowledge(report, desk, answer="maybe")
    with pytest.raises(CaseworkError, match="no XML"):
        acknowledge(filed(desk, profile="us-sarx-1.2"), desk, file="no file")


SENT = """<EFilingBatchXML><Activity SeqNum="1"><Party SeqNum="7"/></Activity></EFilingBatchXML>"""
REJECTED = """<EFilingBatchXML StatusCode="R"><EFilingActivityXML><EFilingActivityErrorXML>
<ErrorContextText>EFilingBatchXML/Activity[1]/Party[{}]</ErrorContextText><ErrorText>No.</ErrorText>
</EFilingActivityErrorXML></EFilingActivityXML></EFilingBatchXML>"""


def test_fincens_file_is_read_for_this_report(desk: ReportDesk) -> None:
    text = schema_path("fincen/sar_acknowledgement.xml").read_text()
    first = text[: text.index('<EFilingActivityXML SeqNum="6"')]
    one = f"{first}</EFilingSubmissionXML></EFilingBatchXML>"
    with pytest.raises(CaseworkError, match="another receiver"):
        acknowledge(filed(desk), desk, file=text, number="31000055053784")
    report = filed(desk, profile="us-sarx-1.2", file=SENT)
    for each in (text, one):  # a file of one answer does not name its report either
        with pytest.raises(CaseworkError, match="Give the receiver's number"):
            acknowledge(report, desk, file=each, number="")
        with pytest.raises(CaseworkError, match="no answer under this number"):
            acknowledge(report, desk, file=each, number="31000055053799")
    row = acknowledge(report, desk, file=one, number="31000055053784")
    assert (row.answer, len(row.errors)) == ("accepted_with_warnings", 2)
    other = filed(desk, profile="us-sarx-1.2", file=SENT)
    with pytest.raises(CaseworkError, match="another report already"):
        acknowledge(other, desk, file=text, number="31000055053784")


def test_a_rejection_without_a_number_must_complain_of_this_file(desk: ReportDesk) -> None:
    report = filed(desk, profile="us-sarx-1.2", file=SENT)
    with pytest.raises(CaseworkError, match="not in this report's file"):
        acknowledge(report, desk, file=REJECTED.format(8), number="")
    assert acknowledge(report, desk, file=REJECTED.format(7), number="").answer == "rejected"


def test_a_report_follows_a_filed_one_with_its_number(desk: ReportDesk) -> None:
    report = filed(desk)
    made = follow_report(report, kind="continuing", by=desk.author)
    assert (made.state, made.kind, made.follows_id) == ("drafting", "continuing", report.pk)
    assert made.reason == report.reason
    assert made.subjects.count() == report.subjects.count() == 1
    assert set(made.records.all()) == set(report.records.all())
    assert any("no number of the receiver" in each for each in missing(made))
    acknowledge(report, desk)
    assert not any("no number of the receiver" in each for each in missing(made))
    with pytest.raises(CaseworkError, match="already"):
        follow_report(report, kind="amendment", by=desk.author)
    with pytest.raises(InvalidTransition):
        follow_report(made, kind="amendment", by=desk.author)
    with pytest.raises(IntegrityError), transaction.atomic():
        SuspicionReport.objects.filter(pk=made.pk).update(follows=None)


def test_facts_that_changed_are_told_until_the_words_are_written_anew(desk: ReportDesk) -> None:
    report = desk.draft()
    assert changed(report) == {}
    Alert.objects.filter(pk=desk.alert.pk).update(num_merged=2)
    record = report.records.order_by("ref").first()
    assert record is not None
    type(record).objects.filter(pk=record.pk).update(status="reversed")
    told = changed(report)
    assert told.keys() == {str(desk.alert.public_id), record.ref}
    fact = told[str(desk.alert.public_id)]
    assert fact.then.startswith("fired once, with 2 transactions of ")
    assert fact.now.startswith("fired 3 times, with 2 transactions of ")
    office = client_of(User.objects.get(pk=desk.compliance.pk))
    page = office.get(f"/reports/{report.public_id}/").text
    assert "Facts changed since the words were written" in page
    assert "By now: fired 3 times" in page
    assert "As drafted: 5000000 base units, completed" in page
    edited = edit_report(report, version=report.version, reason="As it is now.", by=desk.author)
    assert changed(edited) == {}


def test_the_page_shows_answers_and_what_may_follow(desk: ReportDesk) -> None:
    report = filed(desk)
    client: Client = client_of(User.objects.get(pk=desk.compliance.pk))
    form = f"/reports/{report.public_id}/acknowledge/"
    assert client.get(form).status_code == 200
    assert client.post(form, {}).status_code == 422
    assert client.post(form, {"answer": "accepted", "number": "FIU-77"}).status_code == 302
    page = client.get(f"/reports/{report.public_id}/").content.decode()
    assert "FIU-77" in page
    assert "Kept until" in page
    done = client.post(f"/reports/{report.public_id}/follow/", {"kind": "amendment"})
    made = SuspicionReport.objects.get(follows=report)
    assert done["Location"].endswith(f"/reports/{made.public_id}/")
    stranger = client_of(User.objects.get(pk=desk.outsider.pk))
    assert stranger.get(form).status_code == 404
    assert stranger.post(f"/reports/{report.public_id}/follow/").status_code == 404


@pytest.mark.once
def test_answers_and_what_follows_show_in_none_of_the_eight_channels(
    desk: ReportDesk, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    report = filed(desk)
    number = "Canary5512"
    office = client_of(User.objects.get(pk=desk.compliance.pk))
    page = f"/reports/{report.public_id}"
    with caplog.at_level("DEBUG"):
        sent = office.post(f"{page}/acknowledge/", {"answer": "accepted", "number": number})
        assert sent.status_code == 302
        assert office.post(f"{page}/follow/", {"kind": "amendment"}).status_code == 302
        bad = office.post(f"{page}/acknowledge/", {"answer": "accepted", "number": number * 9})
        assert bad.status_code == 422
    made = SuspicionReport.objects.get(follows=report)
    marks = (number, report.reference, made.reference, str(made.public_id))
    colleague = client_of(make_user("supervisor"))
    pages = ("/", "/alerts/", "/audit/", f"/cases/{desk.case.public_id}/", "/inbox/")
    refused = colleague.post(f"{page}/acknowledge/", {"number": number})
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM fiu_cache")
        cached = str(cursor.fetchall())
    channels = {
        "logs": caplog.text + "".join(capfd.readouterr()),
        "mail": str([(each.subject, each.body) for each in mail.outbox]),
        "orders and webhooks": str(
            [*OutboxMessage.objects.values_list(), *WebhookDelivery.objects.values_list()]
        ),
        "chains and looks": str(
            [*AuditEvent.objects.values_list(), *ReadEvent.objects.values_list()]
        ),
        "cache": cached,
        "error pages": refused.text,
        "pages of others": "".join(colleague.get(each).text for each in pages),
        "the description for programs": colleague.get("/api/v1/schema").text,
    }
    assert refused.status_code == 404
    assert len(channels) == 8
    # The path of a page that one opened oneself stands in the log of requests, as for every page.
    told = [(name, mark) for name, text in channels.items() for mark in marks if mark in text]
    assert told == []


LIST = "Entity Reference;Report Status;FIU Ref Number;Comments\n"


def test_a_list_of_answers_finds_its_reports_and_names_what_fits_none(desk: ReportDesk) -> None:
    report = filed(desk)
    drafted = desk.draft()
    text = (
        LIST + f"{report.reference};Processed;FIU-9;\n"
        "REP-1999-000001;Rejected;;Schema\n"
        f"{report.reference};Uploaded;;\n"
        f"{report.reference};Lost;;\n"
        f"{drafted.reference};Rejected;;Too late\n"
        f"{report.reference};Accepted;;\n"
    )
    rows = import_answers(text.encode(), by=desk.compliance)
    assert [(row.line, row.answer is not None, row.reason) for row in rows] == [
        (2, True, ""),
        (3, False, "No report has this reference."),
        (4, False, "The receiver has not decided yet."),
        (5, False, "The status Lost is not known."),
        (6, False, "Only a report that was filed is answered."),
        (7, False, "Give the receiver's number of the report."),
    ]
    [kept] = ReportAcknowledgement.objects.all()
    assert (kept.report_id, kept.answer, kept.number) == (report.pk, "accepted", "FIU-9")
    assert "FIU-9" in kept.file
    again = import_answers(text.encode(), by=desk.compliance)
    assert again[0].is_known
    assert again[0].answer == kept
    assert ReportAcknowledgement.objects.count() == 1
    assert verify_report_chain() is None
    said = import_answers((LIST + f"{report.reference};Rejected;;No name\n").encode(),
                          by=desk.compliance)  # fmt: skip
    assert said[0].answer is not None
    assert said[0].answer.errors == [{"text": "No name"}]


def test_a_list_of_answers_is_for_those_who_file_and_tells_nothing_more(desk: ReportDesk) -> None:
    report = filed(desk)
    line = LIST + f"{report.reference};Processed;FIU-9;\n"
    with pytest.raises(PermissionDenied):
        import_answers(line.encode(), by=desk.author)
    for bad, why in (
        (b"\xff\xfe", "not UTF-8"),
        (b"status\nx\n", "lacks the columns entity_reference"),
        (b"reference,Entity Reference,status\n", "mean the same"),
        (b"reference,status\n" + b"a,b\n" * 501, "more than 500"),
        (b"a" * 5_000_001, "larger than 5 MB"),
    ):
        with pytest.raises(CaseworkError, match=why):
            import_answers(bad, by=desk.compliance)
    walled = make_user("compliance")
    ReportWall.objects.create(report=report, user=walled, at=timezone.now())
    [row] = import_answers(line.encode(), by=make_actor(walled))
    assert row.reason == "No report has this reference."
    assert (
        client_of(User.objects.get(pk=desk.author.pk)).get("/reports/answers/").status_code == 404
    )


def test_the_page_takes_a_list_in_and_says_what_became_of_it(desk: ReportDesk) -> None:
    report = filed(desk)
    client = client_of(User.objects.get(pk=desk.compliance.pk))
    assert "/reports/answers/" in client.get("/reports/").text
    assert client.get("/reports/answers/").status_code == 200
    assert client.post("/reports/answers/").status_code == 422
    told = LIST + f"{report.reference};Processed;FIU-9;\nREP-1;Rejected;;\n"
    sent = client.post(
        "/reports/answers/", {"file": SimpleUploadedFile("answers.csv", told.encode())}
    )
    assert "1 answer kept" in sent.text
    assert "No report has this reference." in sent.text
    bad = client.post("/reports/answers/", {"file": SimpleUploadedFile("a.csv", b"x")})
    assert bad.status_code == 422
