"""The liaison door: what was granted, nothing else, and every look is kept."""

import hashlib
import re
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from cases import release_words
from cases.dossier import REDACTION_CODES
from cases.dossier_grants import NOT_ACCEPTED
from cases.models import ReadEvent, SharedRelease
from cases.models.referrals import HANDLING_CODES, TLPS
from cases.services.referrals import recall_referral
from tests.casework import make_actor, make_user
from tests.conftest import SignIn
from tests.integration.web.referral_desk import Desk, make_desk
from tests.packs import bag_of, named

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]
LIST = reverse("liaison_releases")


@pytest.fixture
def desk() -> Desk:
    return make_desk(title="Operation Canary")


def page_of(release: SharedRelease) -> str:
    return reverse("liaison_release", args=[release.public_id])


def file_url(release: SharedRelease, name: str) -> str:
    return reverse("liaison_download", args=[release.public_id, name])


def acknowledge_url(release: SharedRelease) -> str:
    return reverse("liaison_acknowledge", args=[release.public_id])


def test_the_release_says_all_it_carries_and_names_the_copy(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release(redactions={f"{desk.finding.reference}.alternatives": "method"})
    page = sign_in(desk.officer).get(page_of(release)).content.decode()
    for words in (
        "The operator cashed out here.", "Federal Narcotics Task Force",
        "Do not contact the holder.",
        "Tier 2", "Follows step by step from facts", "What speaks against it",
        "Left out: Would betray a method", "Left out for this recipient", "Method and limits",
        release.number, release.sha256, release.audit_hash, release.grants.get().watermark,
    ):  # fmt: skip
        assert words in page, words
    for file in release.files.filter(grant=release.grants.get()):
        assert file.sha256 in page


def test_nothing_of_the_house_reaches_the_page(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    page = sign_in(desk.officer).get(page_of(release)).content.decode()
    for secret in (desk.case.reference, "Operation Canary", desk.finding.reference, "SUSP-"):
        assert secret not in page
    assert str(desk.case.public_id) not in page
    assert 'type="search"' not in page


def test_title_is_the_number_alone(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    page = sign_in(desk.officer).get(page_of(release)).content.decode()
    assert f"<title>{release.number} · Tracehold</title>" in page


def test_the_preview_of_the_house_is_the_same_part(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    house = sign_in(desk.supervisor).get(
        reverse("referral_detail", args=[release.referral.public_id])
    )
    portal = sign_in(desk.officer).get(page_of(release))
    part = 'aria-labelledby="answer"'
    cut = [
        answer.content.decode().split(part)[1].split('aria-labelledby="method"')[0]
        for answer in (house, portal)
    ]
    assert cut[0] == cut[1]


def test_the_markings_are_told_in_words(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in(desk.officer).get(page_of(desk.release())).content.decode()
    assert "Only for your agency and those it must tell to act" in page
    assert "Not to be used in court without our permission." in page
    assert {code for code, _label in TLPS} == set(release_words.TLPS)
    assert {code for code, _label in HANDLING_CODES} == set(release_words.HANDLING)
    assert set(REDACTION_CODES) == set(release_words.REASONS)
    assert {NOT_ACCEPTED} == set(release_words.REFUSALS)


def test_every_file_of_the_copy_downloads_as_it_was_sealed(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    client = sign_in(desk.officer)
    shown = client.get(page_of(release)).context["view"].files
    assert len(shown) >= 7
    for file in shown:
        answer = client.get(file_url(release, file.name))
        if file.mime == "application/zip":  # as sealed, with the slip of this download
            assert named(bag_of(answer.content)) == set()
            assert "download.txt" in bag_of(answer.content)
        else:
            assert hashlib.sha256(answer.content).hexdigest() == file.sha256
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["X-Content-Type-Options"] == "nosniff"
    reads = ReadEvent.objects.filter(action="download_release")
    assert reads.count() == len(shown)


@pytest.mark.parametrize("name", ["release.html", "manifest.json", "..", "x.csv"])
def test_other_files_do_not_exist(desk: Desk, sign_in: SignIn, name: str) -> None:
    release = desk.release()
    assert sign_in(desk.officer).get(file_url(release, name)).status_code == 404


def test_receipt_is_given_once(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    client = sign_in(desk.officer)
    assert "Acknowledge</button>" in client.get(page_of(release)).content.decode()
    for _time in range(2):
        answer = client.post(acknowledge_url(release))
        assert (answer.status_code, answer["Location"]) == (302, page_of(release))
    page = client.get(page_of(release)).content.decode()
    assert "You acknowledged this release already." in page
    assert "Acknowledge</button>" not in page
    release.referral.refresh_from_db()
    assert release.referral.state == "acknowledged"
    assert release.referral.case.events.filter(action="acknowledge_referral").count() == 1


def test_the_list_tells_new_read_and_acknowledged(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    client = sign_in(desk.officer)
    assert "New" in client.get(LIST).content.decode()
    client.get(page_of(release))
    assert "To acknowledge" in client.get(LIST).content.decode()
    client.post(acknowledge_url(release))
    assert "Acknowledged" in client.get(LIST).content.decode()


def addresses(release: SharedRelease) -> list[str]:
    return [page_of(release), file_url(release, "dossier.json")]


def test_a_recalled_release_is_gone_at_once(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    client = sign_in(desk.officer)
    recall_referral(release.referral, reason="Wrong.", by=make_actor(desk.compliance))
    for address in addresses(release):
        assert client.get(address).status_code == 404
    assert client.post(acknowledge_url(release)).status_code == 404
    assert release.number not in client.get(LIST).content.decode()


def test_officers_of_other_agencies_and_colleagues_without_a_grant_see_nothing(
    desk: Desk, sign_in: SignIn
) -> None:
    release = desk.release()
    for other in (make_user("liaison"), make_user("liaison", agency=desk.agency)):
        client = sign_in(other)
        for address in addresses(release):
            assert client.get(address).status_code == 404
        assert client.post(acknowledge_url(release)).status_code == 404
        assert "Nothing is shared with you" in client.get(LIST).content.decode()
    assert ReadEvent.objects.count() == 0


def test_a_release_that_never_was_looks_like_one_of_others(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    client = sign_in(make_user("liaison"))
    absent = reverse("liaison_release", args=[uuid4()])
    pages = [client.get(address).content.decode() for address in (page_of(release), absent)]
    token = re.compile(r"[A-Za-z0-9]{64}")  # masked anew in each answer
    theirs, nobody = (token.sub("", page) for page in pages)
    assert theirs == nobody


@pytest.mark.parametrize("role", ["analyst", "supervisor", "compliance", "auditor", "admin"])
def test_people_of_the_house_have_no_session_at_this_door(
    desk: Desk, sign_in: SignIn, role: str
) -> None:
    release = desk.release()
    client = sign_in(make_user(role))
    for address in (LIST, *addresses(release)):
        assert client.get(address).status_code == 302
    # Even their own session under the liaison's cookie opens nothing.
    client.cookies[settings.LIAISON_COOKIE_NAME] = client.cookies[
        settings.SESSION_COOKIE_NAME
    ].value
    for address in (LIST, *addresses(release)):
        assert client.get(address).status_code == 404
    assert client.post(acknowledge_url(release)).status_code == 404


def test_strangers_are_led_to_the_sign_in(desk: Desk) -> None:
    release = desk.release()
    answer = Client().get(page_of(release))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=/liaison/")


def test_every_write_is_a_post(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    client = sign_in(desk.officer)
    assert client.get(acknowledge_url(release)).status_code == 405
    assert client.post(page_of(release)).status_code == 405


def test_the_theme_is_kept_at_this_door_too(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.officer)
    answer = client.post(reverse("liaison_theme"), {"theme": "dark", "next": LIST})
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    desk.officer.refresh_from_db()
    assert desk.officer.theme == "dark"


def test_pages_keep_their_numbers_of_queries(
    desk: Desk, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    release = desk.release()
    client = sign_in(desk.officer)
    client.get(LIST)
    client.get(page_of(release))
    with django_assert_max_num_queries(8):
        client.get(LIST)
    with django_assert_max_num_queries(14):
        client.get(page_of(release))
