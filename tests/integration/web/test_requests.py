"""Requests at both doors: the officer files and reads the state, the desk sees what matches."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.models import InformationRequest, ReadEvent
from cases.request_words import CHECKS
from cases.services.requests import (
    check_request,
    record_request,
    start_verification,
    verify_requester,
)
from fiu.models import Agency, User
from tests.casework import (
    make_account,
    make_actor,
    make_agency,
    make_asset,
    make_case,
    make_deposit_address,
    make_user,
)
from tests.conftest import client_of
from tests.integration.services.test_liaison import send
from tests.integration.services.test_requests import ADDRESS, TXID, UID, spec
from tests.integration.web.conftest import number

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]


@pytest.fixture
def agency() -> Agency:
    return make_agency(name="Harbour Bureau", short_name="HDIB", country="TW")


@pytest.fixture
def officer(agency: Agency) -> User:
    return make_user("liaison", agency=agency, first_name="Yi-Ting", last_name="Chen")


@pytest.fixture
def asked(officer: User) -> InformationRequest:
    make_deposit_address(make_account(UID, holder_name="Kai-Wen Demoson"), ADDRESS)
    return record_request(spec(), by=make_actor(officer))


def posted(**fields: Any) -> dict[str, Any]:
    day = timezone.now().date()
    return {
        "instrument_type": "court_order", "instrument_number": "114-0093",
        "issued_by": "Harbour District Court", "issued_on": str(day - timedelta(days=2)),
        "agency_ref": "HDIB-17", "legal_basis": "Art. 230", "offences": "Trade in narcotics",
        "identifiers": f"{ADDRESS}\nno address here 123\n", "datasets": ["balances"],
        "urgency": "routine", "due_on": str(day + timedelta(days=9)),
    } | fields  # fmt: skip


def verified(asked: InformationRequest, by: User) -> InformationRequest:
    actor = make_actor(by)
    start_verification(asked, by=actor)
    for item in CHECKS:
        check_request(asked, item=item, by=actor)
    return verify_requester(asked, by=actor)


def text(response: Any) -> str:
    return str(response.content.decode())


def test_an_officer_files_a_request_and_reads_its_state(officer: User) -> None:
    client = client_of(officer)
    document = SimpleUploadedFile("order.pdf", b"%PDF-1.7 order")
    response = client.post(reverse("liaison_request_new"), posted(document=document), follow=True)
    page = text(response)
    assert response.status_code == 200
    filed = InformationRequest.objects.get()
    assert f"Filed as {filed.reference}" in page
    assert "no address here 123" in page
    assert "neither address" in page
    assert "Received" in page
    assert filed.document_name == "order.pdf"
    listed = text(client.get(reverse("liaison_requests")))
    assert "HDIB-17" in listed


def test_a_bad_form_loses_nothing(officer: User) -> None:
    client = client_of(officer)
    response = client.post(reverse("liaison_request_new"), posted(identifiers="???", offences=""))
    assert response.status_code == 422
    assert "???" in text(response)
    response = client.post(reverse("liaison_request_new"), posted(identifiers="???"))
    assert response.status_code == 422
    assert "No line was recognised" in text(response)
    assert not InformationRequest.objects.exists()


def test_lines_are_read_while_they_are_written_and_nothing_is_looked_up(
    officer: User, asked: InformationRequest
) -> None:
    pasted = {"identifiers": f"{ADDRESS}\n{TXID}\nbcrt1qbad"}
    page = text(client_of(officer).post(reverse("liaison_identifiers"), pasted))
    assert ADDRESS in page
    assert "Transaction" in page
    assert UID[-4:] not in page


def test_the_officer_never_learns_what_matches(officer: User, asked: InformationRequest) -> None:
    analyst = make_user("analyst", first_name="Secret", last_name="Name")
    verified(asked, analyst)
    page = text(client_of(officer).get(reverse("liaison_request", args=[asked.public_id])))
    assert "In review" in page
    for canary in (UID[-4:], "Kai-Wen Demoson is", "Secret", analyst.username, "Holder"):
        assert canary not in page
    assert ReadEvent.objects.filter(action="view_request", actor=officer).exists()


def test_a_stranger_gets_the_page_of_nothing(asked: InformationRequest, agency: Agency) -> None:
    addresses = [
        reverse("liaison_request", args=[asked.public_id]),
        reverse("liaison_request_answer", args=[asked.public_id]),
    ]
    stranger = client_of(make_user("liaison"))
    colleague = client_of(make_user("liaison", agency=agency))
    assert stranger.get(addresses[0]).status_code == 404
    assert stranger.post(addresses[1], {"text": "x"}).status_code == 404
    assert "HDIB-2026-17" not in text(stranger.get(reverse("liaison_requests")))
    assert colleague.get(addresses[0]).status_code == 200
    for role in ("analyst", "auditor", "admin"):
        client = client_of(make_user(role))
        for name in ("liaison_requests", "liaison_request_new"):
            assert client.get(reverse(name)).status_code in (302, 404)
    assert Client().get(addresses[0]).status_code == 302


@pytest.mark.parametrize("role", ["liaison", "auditor", "admin"])
def test_the_desk_is_for_casework(asked: InformationRequest, role: str) -> None:
    client = client_of(make_user(role))
    for address in (
        reverse("request_list"),
        reverse("request_detail", args=[asked.public_id]),
        reverse("request_accept", args=[asked.public_id]),
    ):
        assert client.get(address).status_code in (302, 404)


def test_the_desk_sees_deadline_matches_and_law(asked: InformationRequest) -> None:
    client = client_of(make_user("analyst"))
    assert asked.reference in text(client.get(reverse("request_list")))
    assert asked.reference in text(client.get(reverse("dashboard")))
    page = text(client.get(reverse("request_detail", args=[asked.public_id])))
    assert f"••{UID[-4:]}" in page
    assert UID not in page
    assert "What this instrument may obtain" in page
    assert "not confirmed by counsel" in page
    assert "not-an-address" in page


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("a@harbour.example", ""),
        ("a@harb0ur.example", "only looks like"),
        ("a@else.test", "is not harbour"),
    ],
)
def test_the_desk_is_told_of_a_domain_that_is_not_the_agencys(
    asked: InformationRequest, email: str, words: str
) -> None:
    Agency.objects.update(domain="harbour.example")
    User.objects.filter(pk=asked.liaison_id).update(email=email)
    client = client_of(make_user("analyst"))
    page = text(client.get(reverse("request_detail", args=[asked.public_id])))
    told = [each for each in ("only looks like", "is not harbour") if each in page]
    assert told == ([words] if words else [])


def test_the_page_of_a_request_costs_the_same_for_many_identifiers(officer: User) -> None:
    client = client_of(make_user("analyst"))
    costs = []
    for count in (1, 40):
        lines = "\n".join(f"{100000 + count * 100 + n}" for n in range(count))
        filed = record_request(
            spec(agency_ref=str(count), identifiers=lines), by=make_actor(officer)
        )
        with CaptureQueriesContext(
            connection,
        ) as sql:
            assert client.get(reverse("request_detail", args=[filed.public_id])).status_code == 200
        costs.append(number(sql))
    assert costs[0] == costs[1] <= 26, costs


def test_the_whole_walk_in_pages(officer: User, agency: Agency, asked: InformationRequest) -> None:
    make_asset()
    analyst, supervisor = client_of(make_user("analyst")), client_of(make_user("supervisor"))
    here = [asked.public_id]

    def post(client: Client, name: str, **fields: Any) -> None:
        asked.refresh_from_db()
        values = {"reason": "Seen.", "content_hash": asked.content_hash} | fields
        response = client.post(reverse(f"request_{name}", args=here), values)
        assert response.status_code == 302, text(response)

    post(analyst, "start")
    for item in CHECKS:
        assert analyst.post(reverse("request_check", args=[*here, item])).status_code == 302
    post(analyst, "ask", words="Which account?")
    page = text(client_of(officer).get(reverse("liaison_request", args=here)))
    assert "Which account?" in page
    answer = reverse("liaison_request_answer", args=here)
    assert client_of(officer).post(answer, {"text": ""}).status_code == 422
    assert client_of(officer).post(answer, {"text": "The first."}).status_code == 302
    for item in CHECKS:
        analyst.post(reverse("request_check", args=[*here, item]))
    post(analyst, "verify")
    blocked = analyst.post(
        reverse("request_accept", args=here), {"reason": "Me too.", "datasets": ["balances"]}
    )
    assert blocked.status_code == 422
    post(supervisor, "accept", datasets=["balances", "crypto_in"])
    release = send(make_case(), agency, officer).releases.get()
    post(supervisor, "release", release=str(release.public_id))
    page = text(client_of(officer).get(reverse("liaison_request", args=here)))
    assert f"Open release {release.number}" in page
    assert reverse("liaison_release", args=[release.public_id]) in page
    colleague = client_of(make_user("liaison", agency=agency))
    assert release.number not in text(colleague.get(reverse("liaison_request", args=here)))
    post(analyst, "close")
    asked.refresh_from_db()
    assert asked.state == "closed"


def test_the_document_is_a_download_in_a_sandbox(officer: User) -> None:
    client_of(officer).post(
        reverse("liaison_request_new"),
        posted(document=SimpleUploadedFile("order.pdf", b"%PDF-1.7 order")),
    )
    filed = InformationRequest.objects.get()
    response = client_of(make_user("analyst")).get(
        reverse("request_document", args=[filed.public_id])
    )
    assert response.content == b"%PDF-1.7 order"
    assert response["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response["Content-Security-Policy"]


def test_a_request_is_put_into_a_case(asked: InformationRequest) -> None:
    analyst = make_user("analyst")
    case = make_case(make_actor(analyst))
    client = client_of(analyst)
    here = [asked.public_id]
    client.post(reverse("request_link", args=here), {"case": str(case.public_id)})
    asked.refresh_from_db()
    assert asked.case_id == case.pk
    assert case.reference in text(client.get(reverse("request_detail", args=here)))


def test_the_house_takes_the_zip_of_an_officer_and_that_is_kept(
    officer: User, agency: Agency
) -> None:
    make_asset()
    release = send(make_case(), agency, officer).releases.get()
    grant = release.grants.get()
    address = reverse("referral_copy", args=[release.referral.public_id, grant.watermark])
    response = client_of(make_user("supervisor")).get(address)
    assert response.content.startswith(b"PK")
    assert grant.watermark in response["Content-Disposition"]
    assert ReadEvent.objects.filter(action="download_release", purpose="own copy").count() == 1
    assert client_of(make_user("analyst")).get(address).status_code == 404
    nothing = reverse("referral_copy", args=[release.referral.public_id, "0000000000"])
    assert client_of(make_user("supervisor")).get(nothing).status_code == 404
    page = text(
        client_of(make_user("supervisor")).get(
            reverse("referral_detail", args=[release.referral.public_id])
        )
    )
    assert address in page
    shown = client_of(officer).get(reverse("liaison_release", args=[release.public_id]))
    assert "Download release" in text(shown)
