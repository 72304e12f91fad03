"""A form that is sent after its session ended: asked to sign in, and nothing typed is lost."""

import re
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from cases.models import Case
from tests.casework import make_user
from tests.conftest import client_of

pytestmark = pytest.mark.django_db
BROWSER = {"Sec-Fetch-Site": "same-origin"}  # what browsers say of a page's own form
FORM: dict[str, Any] = {
    "title": "Paid by the market", "case_type": "darknet", "priority": "P2", "visibility": "unit",
    "summary": 'Two lines,\none with "quotes" & more.', "code": "123456",
}  # fmt: skip
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def test_what_a_stranger_typed_comes_back_to_be_sent_again() -> None:
    answer = Client().post("/cases/new/", FORM, headers=BROWSER)
    assert answer.status_code == 401
    page = answer.content.decode()
    assert "Your session is over" in page
    typed = {name: unescape(value) for name, value in HIDDEN.findall(page)}
    del typed["csrfmiddlewaretoken"]
    assert typed == {name: value for name, value in FORM.items() if name != "code"}
    assert f'href="{reverse("account_login")}?next=/" target="_blank"' in page
    assert 'action="/cases/new/"' in page


def test_after_signing_in_elsewhere_the_same_form_is_sent_with_a_new_token() -> None:
    analyst = make_user("analyst")
    client = client_of(analyst)
    client.handler.enforce_csrf_checks = True
    old = "x" * 32  # of before the sign-in
    answer = client.post("/cases/new/", FORM | {"csrfmiddlewaretoken": old}, headers=BROWSER)
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "You signed in again meanwhile" in page
    typed = {name: unescape(value) for name, value in HIDDEN.findall(page)}
    assert typed["csrfmiddlewaretoken"] != old
    answer = client.post("/cases/new/", typed, headers=BROWSER)
    assert answer.status_code == 302
    assert Case.objects.get().summary.replace("\r\n", "\n") == FORM["summary"]


def test_with_its_cookies_gone_a_form_comes_back_all_the_same() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/cases/new/", FORM, headers=BROWSER)
    assert answer.status_code == 401
    assert b"Paid by the market" in answer.content
    answer = client.post("/cases/new/", FORM, headers=BROWSER | {"HX-Request": "true"})
    assert answer.status_code == 401


def test_a_fragment_is_told_by_its_status_and_swaps_in_no_sign_in_page() -> None:
    for method, path in (("get", "/inbox/"), ("post", "/cases/new/")):
        answer = getattr(Client(), method)(path, headers={"HX-Request": "true"})
        assert answer.status_code == 401
        assert b"<form" not in answer.content


def test_a_fragment_with_an_old_token_is_refused_with_a_new_one() -> None:
    client = client_of(make_user("analyst"))
    client.handler.enforce_csrf_checks = True
    answer = client.post("/cases/new/", FORM, headers=BROWSER | {"HX-Request": "true"})
    assert answer.status_code == 403
    assert b"You signed in again since this page was opened." in answer.content
    answer = client.post(
        "/cases/new/", FORM, headers={"X-CSRFToken": answer["X-Fiu-Token"], **BROWSER}
    )
    assert answer.status_code == 302


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
def test_what_another_site_sent_gets_neither_its_words_nor_a_token(site: str) -> None:
    headers = {"Sec-Fetch-Site": site} if site else {}
    answer = Client().post("/cases/new/", FORM, headers=headers)
    assert (answer.status_code, answer["Location"]) == (
        302, f"{reverse('account_login')}?next=/cases/new/",
    )  # fmt: skip
    client = client_of(make_user("analyst"))
    client.handler.enforce_csrf_checks = True
    for more in ({}, {"HX-Request": "true"}):
        answer = client.post("/cases/new/", FORM, headers=headers | more)
        assert answer.status_code == 403
        assert "X-Fiu-Token" not in answer
        assert b"Paid by the market" not in answer.content


def test_an_empty_form_and_a_password_lead_to_the_sign_in_page_as_ever() -> None:
    answer = Client().post("/cases/new/", {"title": " "}, headers=BROWSER)
    assert answer.status_code == 302
    answer = Client().post(
        reverse("account_change_password"), {"oldpassword": "not to be shown"}, headers=BROWSER
    )
    assert answer.status_code == 302


def test_an_officer_is_asked_to_sign_in_at_their_own_door_in_their_own_language() -> None:
    answer = Client().post(
        "/liaison/requests/new/", {"text": "Une demande"},
        headers=BROWSER | {"Accept-Language": "fr"},
    )  # fmt: skip
    assert answer.status_code == 401
    assert f"next={settings.LIAISON_PREFIX}" in answer.content.decode()
    assert "Votre session est terminée" in answer.content.decode()


def test_chosen_files_are_said_to_be_chosen_again(tmp_path: Any) -> None:
    file = tmp_path / "annex.pdf"
    file.write_bytes(b"%PDF-1.7")
    with file.open("rb") as opened:
        answer = Client().post("/cases/new/", {"title": "A", "file": opened}, headers=BROWSER)
    assert b"Files have to be chosen again." in answer.content
