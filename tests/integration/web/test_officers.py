"""Onboarding an officer through the pages: agency, call, second person, first sign-in, end."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import AgencyEntry, LegalRow, OfficerEntry, OutboundRequest
from fiu.models import User
from tests.casework import make_case, make_user, person
from tests.conftest import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def senior() -> Client:
    return client_of(make_user("supervisor"))


@pytest.fixture
def compliance() -> Client:
    return client_of(make_user("compliance"))


def decide(client: Client, route: str, row: AgencyEntry | OfficerEntry | LegalRow) -> None:
    address = reverse(route, args=[row.public_id])
    assert client.get(address).status_code == 200
    answer = client.post(address, {"reason": "Read it.", "content_hash": row.content_hash})
    assert answer.status_code == 302, answer.content.decode()[-2000:]


def test_an_officer_comes_in_by_two_people_and_one_link(senior: Client, compliance: Client) -> None:
    page = senior.get(reverse("officer_list")).content.decode()
    assert "No agency is known yet" in page
    assert "No agency is verified yet" in senior.get(reverse("officer_new")).content.decode()
    agency = {
        "name": "Harbour Police", "short_name": "HP", "kind": "police", "country": "tw",
        "domains": "hp.example\nharbour.example", "call_back_number": "+886 2 5550 0100",
        "number_source": "Directory, page 12", "reason": "They will ask.",
    }  # fmt: skip
    wrong = senior.post(reverse("agency_new"), agency | {"domains": "nothing"})
    assert wrong.status_code == 422
    assert senior.post(reverse("agency_new"), agency).status_code == 302
    decide(compliance, "agency_approve", AgencyEntry.objects.get())
    known = AgencyEntry.objects.get()
    officer = {
        "agency": str(known.agency_id), "called_at": timezone.now().strftime("%Y-%m-%dT%H:%M"),
        "spoke_with": "The duty desk", "first_name": "Mei", "last_name": "Lin",
        "position": "Inspector", "badge_no": "7", "email": "lin@hp.example", "username": "lin",
        "valid_until": (timezone.now() + timedelta(days=30)).date().isoformat(),
        "reason": "New liaison.",
        "document": SimpleUploadedFile("paper.pdf", b"%PDF-1.7 paper"),
    }  # fmt: skip
    answer = senior.post(reverse("officer_new"), officer)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    entry = OfficerEntry.objects.get()
    taken = senior.get(reverse("officer_document", args=[entry.public_id]))
    assert taken.content == b"%PDF-1.7 paper"
    assert taken["Content-Disposition"].startswith("attachment")
    decide(compliance, "officer_approve", entry)
    page = senior.get(reverse("officer_list")).content.decode()
    assert "First sign-in" in page
    shown = senior.post(reverse("officer_invite", args=[entry.public_id])).content.decode()
    link = re.search(r"/accounts/link/[^/]+/", shown)
    assert link is not None
    browser = Client()
    assert "Mei Lin" in browser.get(link[0]).content.decode()
    assert browser.post(link[0]).status_code == 302
    assert Client().get(link[0]).status_code == 410
    user = User.objects.get(username="lin")
    User.objects.filter(pk=user.pk).update(last_login=timezone.now())
    again = senior.post(reverse("officer_invite", args=[entry.public_id]))
    assert again.status_code == 404
    suspend = reverse("officer_suspend", args=[entry.public_id])
    assert senior.post(suspend, {"reason": "Left the service."}).status_code == 302
    assert not User.objects.get(pk=user.pk).is_active
    assert "Left the service." in senior.get(reverse("officer_list")).content.decode()


def test_a_row_of_the_legal_matrix_is_changed_from_its_own_page(
    senior: Client, compliance: Client
) -> None:
    address = reverse("legal_new")
    form = senior.get(f"{address}?instrument=subpoena&country=US").context["form"]
    assert form.initial["country"] == "US"
    asked = {
        "instrument": "subpoena", "country": "US", "datasets": ["kyc"], "note": "Less.",
        "source": "Counsel.", "reason": "Read again.",
    }  # fmt: skip
    assert senior.post(address, asked).status_code == 302
    decide(compliance, "legal_approve", LegalRow.objects.get())
    assert "Counsel." in senior.get(reverse("legal_list")).content.decode()


def test_what_we_ask_others_stands_with_the_case(compliance: Client) -> None:
    analyst = make_user("analyst")
    case = make_case(person("supervisor"), started=True)
    client = client_of(analyst)
    asked = {
        "kind": "exchange", "recipient": "Southquay", "way": "email", "legal_basis": "Art. 5",
        "subject": "A question", "text": "Is it yours?",
        "due_on": (timezone.now() + timedelta(days=9)).date().isoformat(),
    }  # fmt: skip
    new = reverse("outbound_new", args=[case.public_id])
    assert client.post(new, asked | {"text": case.reference}).status_code == 422
    assert client.post(new, asked).status_code == 302
    row = OutboundRequest.objects.get()
    page = client.get(reverse("outbound_detail", args=[row.public_id])).content.decode()
    assert "Waits for compliance" in page
    approve = reverse("outbound_approve", args=[row.public_id])
    assert client.post(approve, {"reason": "Y."}).status_code == 422
    told = {"reason": "Needed.", "content_hash": row.content_hash}
    assert compliance.post(approve, told).status_code == 302
    tab = client.get(reverse("case_referrals", args=[case.public_id])).content.decode()
    assert "Approved, not sent" in tab
