"""Referrals at the analysts' door: drafting, leaving out, the decisions, sending, the ledger."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import Referral
from cases.queries import referrals as queries
from cases.queries.shared import file_for, release_for
from cases.services.referrals import recall_referral
from tests.casework import make_actor, make_agency, make_case, make_user
from tests.conftest import SignIn, client_of
from tests.integration.services.test_grants import asked as accepted_request
from tests.integration.web.referral_desk import Desk, make_desk

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def url(name: str, referral: Referral) -> str:
    return reverse(f"referral_{name}", args=[referral.public_id])


def decide(client: Client, name: str, referral: Referral, **fields: Any) -> Any:
    values = {"reason": "Because.", "content_hash": referral.content_hash}
    return client.post(url(name, referral), values | fields)


def draft_fields(desk: Desk, **fields: Any) -> dict[str, Any]:
    return {
        "agency": desk.agency.pk, "kind": "spontaneous", "subject": "Proceeds", "summary": "S.",
        "purpose": "P.", "legal_gateway": "Art. 1", "caveats": "", "tlp": "AMBER",
        "handling_code": "H1", "findings": [desk.finding.public_id],
    } | fields  # fmt: skip


def test_a_draft_carries_the_chosen_findings(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.analyst)
    address = reverse("referral_new", args=[desk.case.public_id])
    assert client.get(address).status_code == 200
    answer = client.post(address, draft_fields(desk))
    referral = Referral.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == url("detail", referral)
    assert list(referral.findings.all()) == [desk.finding]


def test_a_draft_answers_the_accepted_request_that_was_chosen(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.analyst)
    address = reverse("referral_new", args=[desk.case.public_id])
    assert "Answers the request" not in client.get(address).content.decode()
    request = accepted_request(desk)
    page = client.get(address).content.decode()
    assert f"{request.reference} · FNTF · Court order 114-0093" in page
    client.post(address, draft_fields(desk, answers=request.public_id))
    referral = Referral.objects.get()
    assert referral.answers == request
    shown = client.get(url("detail", referral)).content.decode()
    assert "Accounts granted" in shown
    assert request.reference in shown
    other = make_agency()
    refused = client.post(address, draft_fields(desk, answers=request.public_id, agency=other.pk))
    assert refused.status_code == 422


@pytest.mark.parametrize("wrong", [{"findings": []}, {"agency": 999}, {"subject": ""}])
def test_a_wrong_draft_comes_back_with_422(
    desk: Desk, sign_in: SignIn, wrong: dict[str, Any]
) -> None:
    address = reverse("referral_new", args=[desk.case.public_id])
    answer = sign_in(desk.analyst).post(address, draft_fields(desk, **wrong))
    assert answer.status_code == 422
    assert Referral.objects.count() == 0


def test_findings_of_another_case_cannot_be_chosen(desk: Desk, sign_in: SignIn) -> None:
    other = make_case(make_actor(desk.analyst))
    address = reverse("referral_new", args=[other.public_id])
    answer = sign_in(desk.analyst).post(address, draft_fields(desk))
    assert answer.status_code == 422


def test_the_page_shows_what_the_recipient_would_read(desk: Desk, sign_in: SignIn) -> None:
    referral = desk.referral()
    page = sign_in(desk.analyst).get(url("detail", referral)).content.decode()
    assert "The operator cashed out here." in page
    assert "Preview, not sealed" in page
    assert "Pharos" in page
    assert f"<title>{desk.case.reference} · {referral.reference} · Tracehold</title>" in page


def test_leaving_out_puts_a_box_in_place_and_hands_on(desk: Desk, sign_in: SignIn) -> None:
    referral = desk.referral()
    client = sign_in(desk.analyst)
    page = client.get(url("detail", referral)).context["form"]
    names = {each.field: field.html_name for each, _words, field in page.rows()}
    answer = client.post(url("redact", referral), {names["names"]: "personal"})
    assert answer.status_code == 302
    referral.refresh_from_db()
    assert referral.state == "redaction"
    shown = client.get(url("detail", referral)).content.decode()
    assert "Left out: Personal data of somebody else" in shown


def test_an_unknown_reason_of_a_redaction_is_refused(desk: Desk, sign_in: SignIn) -> None:
    referral = desk.referral()
    answer = sign_in(desk.analyst).post(url("redact", referral), {"field_0": "because"})
    assert answer.status_code == 422
    referral.refresh_from_db()
    assert referral.state == "draft"


def test_content_that_would_be_refused_is_said_on_the_page(desk: Desk, sign_in: SignIn) -> None:
    make_agency(name="Harbour Bureau", short_name="HDIB")
    referral = desk.referral(summary="As HDIB told us.")
    page = sign_in(desk.analyst).get(url("detail", referral)).content.decode()
    assert "A text names another agency" in page


def test_words_are_edited_as_of_the_version_that_was_opened(desk: Desk, sign_in: SignIn) -> None:
    referral = desk.referral()
    client = sign_in(desk.analyst)
    fields = draft_fields(desk, subject="Other words", version=referral.version)
    assert client.post(url("edit", referral), fields).status_code == 302
    assert client.post(url("edit", referral), fields | {"subject": "Third"}).status_code == 422
    referral.refresh_from_db()
    assert referral.subject == "Other words"


def test_the_author_cannot_approve_and_is_told_why(desk: Desk, sign_in: SignIn) -> None:
    desk.analyst.role = "supervisor"
    desk.analyst.save()
    referral = desk.referral("redaction")
    client = sign_in(desk.analyst)
    assert "a second person decides" in client.get(url("approve", referral)).content.decode()
    assert decide(client, "approve", referral).status_code == 422
    referral.refresh_from_db()
    assert referral.state == "redaction"


def test_the_decisions_lead_from_redaction_to_a_sealed_release(desk: Desk, sign_in: SignIn) -> None:
    referral = desk.referral("redaction")
    supervisor, compliance = sign_in(desk.supervisor), sign_in(desk.compliance)
    assert decide(supervisor, "approve", referral).status_code == 302
    assert decide(supervisor, "clear", referral).status_code == 422  # not with this role
    assert decide(compliance, "clear", referral).status_code == 302
    assert decide(supervisor, "package", referral).status_code == 302
    referral.refresh_from_db()
    assert referral.state == "packaged"
    release = referral.releases.get()
    page = supervisor.get(url("detail", referral)).content.decode()
    assert release.number in page
    assert release.sha256 in page
    assert release.audit_hash in page
    assert release.files.get(name="manifest.json").sha256 in page
    reasons = desk.case.events.filter(action="package_referral").values_list("reason", flat=True)
    assert list(reasons) == ["Because."]


def test_a_changed_content_is_not_approved_under_the_old_hash(desk: Desk, sign_in: SignIn) -> None:
    referral = desk.referral("redaction")
    answer = decide(sign_in(desk.supervisor), "approve", referral, content_hash="0" * 64)
    assert answer.status_code == 422


def test_an_old_second_factor_asks_for_a_code_in_the_act(desk: Desk) -> None:
    referral = desk.referral("redaction")
    client = client_of(desk.supervisor, second_factor_age=600)
    assert 'name="code"' in client.get(url("approve", referral)).content.decode()
    for code, said in (("", "Type the code that"), ("000000", "This code was not accepted.")):
        answer = decide(client, "approve", referral, code=code)
        assert answer.status_code == 422
        assert said in answer.content.decode()


def test_return_makes_a_draft_again(desk: Desk, sign_in: SignIn) -> None:
    referral = desk.referral("approved")
    assert decide(sign_in(desk.supervisor), "return", referral).status_code == 302
    referral.refresh_from_db()
    assert (referral.state, referral.approved_by) == ("draft", None)


def test_send_needs_an_officer_a_day_and_the_number(desk: Desk, sign_in: SignIn) -> None:
    referral = desk.referral("packaged")
    client = sign_in(desk.supervisor)
    page = client.get(url("send", referral)).content.decode()
    assert "Rafael Ortiz" in page
    number = referral.releases.get().number[-4:]
    day = (timezone.now() + timedelta(days=9)).date().isoformat()
    fields = {"confirm": number, "expires_on": day, "liaisons": [desk.officer.pk]}
    stranger = make_user("liaison")
    assert decide(client, "send", referral, **(fields | {"liaisons": []})).status_code == 422
    assert decide(client, "send", referral, **(fields | {"confirm": "9999"})).status_code == 422
    assert (
        decide(client, "send", referral, **(fields | {"expires_on": "1999-01-01"})).status_code
        == 422
    )
    wrong = decide(client, "send", referral, **(fields | {"liaisons": [stranger.pk]}))
    assert wrong.status_code == 422
    assert decide(client, "send", referral, **fields).status_code == 302
    referral.refresh_from_db()
    grant = referral.releases.get().grants.get()
    assert (referral.state, grant.liaison_id) == ("sent", desk.officer.pk)
    assert grant.expires_at.date().isoformat() == day


def test_recall_is_for_compliance_and_ends_the_grants(desk: Desk, sign_in: SignIn) -> None:
    referral = desk.referral("sent")
    number = referral.releases.get().number[-4:]
    supervisor, compliance = sign_in(desk.supervisor), sign_in(desk.compliance)
    assert decide(supervisor, "recall", referral, confirm=number).status_code == 422
    assert decide(compliance, "recall", referral, confirm=number).status_code == 302
    page = compliance.get(url("detail", referral)).content.decode()
    assert "Recalled" in page
    assert "Nothing is left to decide." in page


def test_the_ledger_names_who_read_and_downloaded_which_copy(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    officer = make_actor(desk.officer)
    release_for(officer, release.public_id)
    file_for(officer, release.public_id, "dossier.json")
    page = sign_in(desk.analyst).get(url("detail", release.referral)).content.decode()
    assert f"{release.number} dossier.json" in page
    assert release.grants.get().watermark in page
    assert "Rafael Ortiz" in page
    reads = queries.referral_page(release.referral).reads
    assert [read.action for read in reads] == ["download_release", "view_release"]


def test_a_htmx_act_answers_with_a_redirect_header(desk: Desk, sign_in: SignIn) -> None:
    referral = desk.referral("approved")
    client = sign_in(desk.supervisor)
    refused = client.post(url("return", referral), {"reason": ""}, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert "<html" not in refused.content.decode()
    fields = {"reason": "Shorter."}
    done = client.post(url("return", referral), fields, headers={"HX-Request": "true"})
    assert (done.status_code, done["HX-Redirect"]) == (204, url("detail", referral))


PAGES = ("detail", "edit", "approve", "clear", "package", "send", "return", "recall")


@pytest.mark.parametrize("role", ["liaison", "auditor", "admin"])
def test_nobody_outside_casework_has_these_addresses(
    desk: Desk, sign_in: SignIn, role: str
) -> None:
    referral = desk.referral()
    client = sign_in(make_user(role))
    for page in (url(name, referral) for name in PAGES):
        assert client.get(page).status_code in (302, 404), page
        assert client.post(page).status_code in (302, 404, 405), page
    assert client.get(reverse("referral_list")).status_code in (302, 404)


def test_referrals_of_a_case_one_may_not_see_do_not_exist(sign_in: SignIn) -> None:
    desk = make_desk(visibility="sealed", title="Sealed one")
    referral = desk.referral()
    client = sign_in(make_user("analyst"))
    for page in (url(name, referral) for name in PAGES):
        assert client.get(page).status_code == 404, page
        assert client.post(page).status_code in (404, 405), page
    assert client.post(url("redact", referral)).status_code == 404
    assert client.get(reverse("case_referrals", args=[desk.case.public_id])).status_code == 404
    assert client.get(reverse("referral_new", args=[desk.case.public_id])).status_code == 404
    assert referral.reference not in client.get(reverse("referral_list")).content.decode()


def test_lists_show_state_recipient_and_receipt(desk: Desk, sign_in: SignIn) -> None:
    sent, draft = desk.referral("sent"), desk.referral()
    client = sign_in(desk.analyst)
    everything = client.get(reverse("referral_list")).content.decode()
    assert sent.reference in everything
    assert draft.reference in everything
    assert "not read yet" in everything
    drafts = client.get(reverse("referral_list"), {"state": "draft"}).content.decode()
    assert sent.reference not in drafts
    tab = client.get(reverse("case_referrals", args=[desk.case.public_id])).content.decode()
    assert sent.reference in tab
    assert "FNTF" in tab


def test_reads_keep_their_stated_numbers_of_queries(
    desk: Desk, sign_in: SignIn, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    referral = desk.referral("sent")
    desk.referral()
    actor = make_actor(desk.analyst)
    with django_assert_num_queries(3):
        queries.case_referrals(desk.case)
    with django_assert_num_queries(3):
        queries.referral_list(actor)
    referral = queries.referral_for_page(actor).get(pk=referral.pk)
    with django_assert_num_queries(7):
        queries.referral_page(referral)
    client = sign_in(desk.analyst)
    with django_assert_max_num_queries(60):
        assert client.get(url("detail", referral)).status_code == 200


def test_the_walk_of_a_recalled_referral_ends_in_recalled(desk: Desk) -> None:
    referral = desk.referral("sent")
    recall_referral(referral, reason="Wrong recipient.", by=make_actor(desk.compliance))
    steps = queries.referral_page(referral).steps
    assert [step.state for step in steps] == [
        "draft", "redaction", "approved", "cleared", "packaged", "sent", "recalled",
    ]  # fmt: skip
    assert steps[-1].look == "failed"
    assert steps[-1].at is not None
