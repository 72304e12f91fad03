"""The portal across releases: languages, times, downloads and messages."""

import pytest
from django.urls import reverse

from cases.services.questions import answer_question, ask_about_release
from cases.services.referrals import recall_referral
from fiu.models import User
from tests.casework import make_actor, make_user
from tests.conftest import SignIn
from tests.integration.web.referral_desk import Desk, make_desk

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]
LISTS = [reverse("liaison_downloads"), reverse("liaison_messages")]


@pytest.fixture
def desk() -> Desk:
    return make_desk(title="Operation Canary")


@pytest.mark.parametrize(
    ("code", "words"),
    [("zh-hant", ["確認收到", "方法與限制", "下載"]), ("fr", ["Accuser réception", "Messages"])],
)
def test_an_officer_reads_the_portal_in_the_chosen_language(
    desk: Desk, sign_in: SignIn, code: str, words: list[str]
) -> None:
    release = desk.release()
    client = sign_in(desk.officer)
    one = reverse("liaison_release", args=[release.public_id])
    chosen = client.post(reverse("liaison_preferences"), {"language": code, "next": one})
    assert (chosen.status_code, chosen["Location"]) == (302, one)
    answer = client.get(one)
    page = answer.content.decode()
    assert f'<html lang="{code}"' in page
    assert answer["Content-Language"] == code
    assert [each for each in words if each not in page] == []
    assert "The operator cashed out here." in page  # what people wrote stays as it was approved
    assert "Acknowledge</button>" not in page
    # The house next door, and the sign-in, go on in English.
    house = sign_in(desk.supervisor).get(reverse("referral_list")).content.decode()
    assert '<html lang="en"' in house


def test_without_a_choice_the_browser_says_which_language(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.officer)
    page = client.get("/liaison/", headers={"Accept-Language": "fr-CA,fr;q=0.9"}).content.decode()
    assert "Rien n’est partagé avec vous" in page
    page = client.get("/liaison/", headers={"Accept-Language": "de"}).content.decode()
    assert "Nothing is shared with you" in page


def test_times_are_local_or_utc_as_the_officer_says(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.officer)
    address = reverse("liaison_preferences")
    client.post(address, {"times": "utc", "next": "https://evil.example/"})
    assert User.objects.get(pk=desk.officer.pk).shows_utc
    assert 'data-zone="UTC"' in client.get("/liaison/").content.decode()
    client.post(address, {"times": "local"})
    assert "data-zone" not in client.get("/liaison/").content.decode()
    assert client.post(address, {"language": "xx"}).status_code == 404
    assert client.post(address, {"next": "//evil.example"}).status_code == 404


def test_downloads_lists_what_the_officer_took_and_nobody_else(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    client = sign_in(desk.officer)
    package = client.get(reverse("liaison_release", args=[release.public_id])).context["view"]
    client.get(reverse("liaison_download", args=[release.public_id, package.package.name]))
    page = client.get(LISTS[0]).content.decode()
    assert f"{release.grants.get().watermark}-1" in page
    assert release.number in page
    colleague = sign_in(make_user("liaison", agency=desk.officer.agency))
    assert release.number not in colleague.get(LISTS[0]).content.decode()
    recall_referral(release.referral, reason="Wrong.", by=make_actor(desk.compliance))
    assert release.number not in client.get(LISTS[0]).content.decode()


def test_messages_gathers_both_sides_and_nothing_of_others(desk: Desk, sign_in: SignIn) -> None:
    release = desk.release()
    by = make_actor(desk.officer)
    question = ask_about_release(release.public_id, about="", text="Which wallet?", by=by)
    answer_question(question, text="The first one.", by=make_actor(desk.supervisor))
    client = sign_in(desk.officer)
    page = client.get(LISTS[1]).content.decode()
    assert page.index("The first one.") < page.index("Which wallet?")
    colleague = sign_in(make_user("liaison", agency=desk.officer.agency))
    assert "Which wallet?" not in colleague.get(LISTS[1]).content.decode()


@pytest.mark.parametrize("address", LISTS)
def test_the_lists_of_the_portal_are_not_for_the_house(
    desk: Desk, sign_in: SignIn, address: str
) -> None:
    assert sign_in(desk.supervisor).get(address).status_code in (302, 404)
