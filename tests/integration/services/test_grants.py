"""What a release grants, under which request, and by whose decision: from the records alone."""

import csv
import io
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cases.exports import verify
from cases.files import load_bytes
from cases.models import InformationRequest, Referral
from cases.policy import Actor
from cases.queries.requests import answers_for
from cases.services.audit import OFFICE_KEPT
from cases.services.dossiers import build_dossier
from cases.services.errors import CaseworkError
from cases.services.referrals import draft_successor
from cases.services.requests import link_request, record_request, release_response
from fiu.models import User
from tests.casework import make_actor, make_agency, make_case, person
from tests.integration.services.test_requests import accept, in_review, spec
from tests.integration.web.referral_desk import Desk, make_desk
from tests.packs import bag_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def asked(desk: Desk, by: Actor | None = None, **fields: Any) -> InformationRequest:
    """A request for identities and devices, of which compliance accepts the identities."""
    analyst = make_actor(desk.analyst)
    values = {"datasets": ("kyc", "devices"), "agency_ref": "FNTF-2025-0417"} | fields
    request = record_request(spec(**values), by=by or make_actor(desk.officer))
    link_request(request, desk.case, by=analyst)
    return accept(in_review(request, analyst), make_actor(desk.compliance), datasets=["kyc"])


def grants_in(referral: Referral) -> list[dict[str, str]]:
    content = load_bytes(referral.releases.get().files.get(name="grants.csv").sha256)
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_a_release_lists_what_it_grants_under_its_request_and_by_which_office(desk: Desk) -> None:
    request = asked(desk)
    suspect = desk.case.suspects.get()
    referral = desk.referral(
        "sent", answers=request, redactions={f"{suspect.reference}.names": "personal"}
    )
    rows = grants_in(referral)
    assert [(r["about"], r["field"], r["decision"], r["reason_code"]) for r in rows] == [
        (request.reference, "Who the customer is", "granted", ""),
        (request.reference, "Devices", "refused", "not_accepted"),
        ("S1", "Names", "left out", "personal"),
    ]
    for row in rows:
        assert row["instrument_number"] == "114-0093"
        assert row["request_decided_by"] == "compliance"
        assert (row["left_out_by"], row["approved_by"], row["cleared_by"]) == (
            "analyst", "supervisor", "compliance",
        )  # fmt: skip
        for person_ in User.objects.exclude(pk=desk.officer.pk):
            assert person_.username not in list(row.values())
    zipped = referral.releases.get().files.get(name__endswith=".zip")
    report = verify.check_all(bag_of(load_bytes(zipped.sha256)), verify.Report())
    assert report.wrong == []
    assert any("1 accounts, personal fields" in each for each in report.checked)


def test_the_office_on_a_request_is_the_one_of_that_moment(desk: Desk) -> None:
    request = asked(desk)
    assert "accept_request" in OFFICE_KEPT
    User.objects.filter(pk=desk.compliance.pk).update(role="analyst")
    told = build_dossier(desk.referral(answers=request)).request
    assert told is not None
    assert told.office == "compliance"


def test_what_was_sent_unasked_names_no_request(desk: Desk) -> None:
    asked(desk)
    assert {row["request"] for row in grants_in(desk.referral("sent"))} == {""}


def test_a_referral_answers_only_an_accepted_request_of_its_agency_and_case(desk: Desk) -> None:
    stranger = person("liaison", agency=make_agency())
    of_others = asked(desk, by=stranger)
    with pytest.raises(CaseworkError, match="another agency"):
        desk.referral(answers=of_others)
    waiting = record_request(spec(agency_ref="B"), by=make_actor(desk.officer))
    link_request(waiting, desk.case, by=make_actor(desk.analyst))
    with pytest.raises(CaseworkError, match="accepted in this case"):
        desk.referral(answers=waiting)
    elsewhere = asked(desk, agency_ref="C")
    case, desk.case = desk.case, make_case(make_actor(desk.analyst))
    desk.case = case
    draft = desk.referral()
    for wrong in (of_others, waiting):
        with pytest.raises(IntegrityError), transaction.atomic():
            Referral.objects.filter(pk=draft.pk).update(answers=wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Referral.objects.filter(pk=draft.pk).update(answers=elsewhere)


def test_the_database_takes_no_referral_that_answers_a_stranger(desk: Desk) -> None:
    of_others = asked(desk, by=person("liaison", agency=make_agency()))
    draft = desk.referral()
    draft.pk, draft.public_id, draft.reference = None, None, "REF-2026-999999"
    draft.answers = of_others
    with pytest.raises(IntegrityError, match="its own agency"), transaction.atomic():
        draft.save(force_insert=True)


def test_a_release_made_for_one_request_answers_no_other(desk: Desk) -> None:
    request = asked(desk)
    other = asked(desk, agency_ref="FNTF-2025-0418")
    release = desk.referral("sent", answers=request).releases.get()
    compliance = make_actor(desk.compliance)
    assert list(answers_for(request, compliance)) == [release]
    assert list(answers_for(other, compliance)) == []
    with pytest.raises(CaseworkError, match="another request"):
        release_response(
            other, release, content_hash=other.content_hash, reason="R.", by=compliance
        )
    release_response(
        request, release, content_hash=request.content_hash, reason="R.", by=compliance
    )
    successor = draft_successor(release.referral, by=make_actor(desk.analyst))
    assert successor.answers == request


def test_what_the_agency_wrote_itself_is_no_leak(desk: Desk) -> None:
    other = make_agency(name="Harbour Bureau", short_name="HBX")
    request = asked(desk, issued_by=f"Court, asked by {other.short_name}")
    assert desk.referral("sent", answers=request).state == "sent"
