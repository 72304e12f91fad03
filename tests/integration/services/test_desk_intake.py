"""Requests that reach the desk another way: one by one, and as another portal's CSV export."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.models import AuditEvent, InformationRequest
from cases.policy import PermissionDenied
from cases.queries.requests import requests_waiting
from cases.services.errors import CaseworkError
from cases.services.requests import import_requests, record_for_agency
from cases.services.requests.desk_intake import read_rows
from cases.services.requests.intake import RequestSpec
from fiu.models import User
from tests.casework import make_user, person
from tests.integration.services.test_requests import accept, in_review
from tests.unit.exports.test_exports import ADDRESS

pytestmark = pytest.mark.django_db
DUE = (timezone.now() + timedelta(days=20)).date().isoformat()
HEAD = (
    "Case Number,Officer E-mail,Process Type,Process Number,Court,Date Issued,Statute,Crime,"
    "Targets,Data Requested,Due Date"
)


@pytest.fixture
def officer() -> User:
    return make_user("liaison")


def line(officer: User, **cells: str) -> str:
    values = {
        "ref": "X-1", "email": officer.email, "type": "Court order", "number": "12 GS 3",
        "court": "District court", "issued": "2025-01-02", "law": "Art. 1", "crime": "Fraud",
        "targets": f"{ADDRESS};name@example.org", "data": "balances;crypto_in", "due": DUE,
    } | cells  # fmt: skip
    return ",".join(values.values())


def spec(**fields: object) -> RequestSpec:
    made = RequestSpec(
        agency_ref="L-7", instrument_type="court_order", instrument_number="1", issued_by="Court",
        issued_on=timezone.now().date(), legal_basis="Art. 1", offences="Fraud",
        identifiers=ADDRESS, datasets=("balances",), due_at=timezone.now() + timedelta(days=5),
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


def test_the_desk_files_a_letter_for_a_known_officer(officer: User) -> None:
    by = person("analyst")
    filed = record_for_agency(spec(), officer=officer.username, channel="court", by=by)
    assert (filed.agency_id, filed.liaison_id) == (officer.agency_id, officer.pk)
    assert (filed.channel, filed.state) == ("court", "received")
    event = AuditEvent.objects.get(object=filed.reference)
    assert (event.action, event.actor_id) == ("record_request", by.user_id)


def test_who_writes_a_request_in_an_officers_name_does_not_decide_it(officer: User) -> None:
    writer, other = person("supervisor"), person("supervisor")
    filed = record_for_agency(spec(), officer=officer.username, channel="court", by=writer)
    in_review(filed, person("analyst"))
    assert filed not in requests_waiting(writer)
    assert filed in requests_waiting(other)
    with pytest.raises(PermissionDenied, match="second person"):
        accept(filed, writer)
    for column in ("decided_by", "released_by"):
        with pytest.raises(IntegrityError), transaction.atomic():
            InformationRequest.objects.filter(pk=filed.pk).update(**{column: writer.user_id})
    assert accept(filed, other).state == "collecting"


def test_an_officer_is_named_without_doubt() -> None:
    make_user("liaison", email="")
    make_user("liaison", email="desk@example.org")
    make_user("liaison", email="desk@example.org")
    for named in ("", " ", "desk@example.org"):
        with pytest.raises(CaseworkError, match="officer"):
            record_for_agency(spec(), officer=named, channel="email", by=person("analyst"))
    assert not InformationRequest.objects.exists()


def test_what_the_desk_cannot_file_is_refused_in_a_sentence(officer: User) -> None:
    analyst = person("analyst")
    for who, way, by, error in (
        ("nobody", "email", analyst, CaseworkError),
        (officer.username, "portal", analyst, CaseworkError),
        (officer.username, "email", person("liaison"), PermissionDenied),
        (officer.username, "email", person("auditor"), PermissionDenied),
    ):
        with pytest.raises(error):
            record_for_agency(spec(), officer=who, channel=way, by=by)
    assert not InformationRequest.objects.exists()


def test_each_line_of_another_portals_list_is_filed_or_comes_back(officer: User) -> None:
    text = "\r\n".join([
        HEAD, line(officer), line(officer, ref="X-2", email="nobody@example.org"),
        line(officer, ref="X-3", data="everything"), line(officer, ref="X-4", due="soon"),
        "", line(officer, ref="X-5", type="mlat"),
    ])  # fmt: skip
    rows = import_requests(("\ufeff" + text).encode(), by=person("analyst"))
    assert [(row.line, row.request is not None) for row in rows] == [
        (2, True), (3, False), (4, False), (5, False), (7, True),
    ]  # fmt: skip
    reasons = [row.reason for row in rows if row.reason]
    for part, reason in zip(("officer", "everything", "due_on"), reasons, strict=True):
        assert part in reason
    first = rows[0].request
    assert first is not None
    assert (first.channel, first.datasets) == ("kodex", "balances crypto_in")
    assert [each.kind for each in first.identifiers.order_by("place")] == ["address", "email"]
    again = import_requests(text.encode(), by=person("analyst"))
    assert all(row.request is None for row in again)
    assert InformationRequest.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "UTF-8"), (b"a,b\n1,2\n", "lacks the columns"), (b"", "lacks"),
        (b'a,"b\n', "no CSV"), (f"{HEAD},deadline\n".encode(), "mean the same"),
        (f"{HEAD}\n".encode() + b"x\n" * 501, "500"),
    ],
    ids=["bytes", "columns", "empty", "quote", "twice", "long"],
)  # fmt: skip
def test_another_file_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(CaseworkError, match=words):
        read_rows(content)
