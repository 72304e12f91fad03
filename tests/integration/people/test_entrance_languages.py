"""The way in, in the languages of the portal: nobody reads an instruction that is not theirs."""

import pytest
from django.test import Client
from django.urls import reverse

from fiu.people import give_second_factor
from tests.casework import make_user
from tests.conftest import client_of

pytestmark = pytest.mark.django_db
OF_AN_OFFICER = ("mfa_index", "mfa_add_webauthn", "usersessions_list", "account_logout")
WORDS = {"fr": ("Mot de passe", "Second facteur"), "zh-hant": ("密碼", "第二重驗證")}


@pytest.mark.parametrize(
    ("asked", "spoken"), [("fr-CH, fr;q=0.9", "fr"), ("zh-TW", "zh-hant"), ("de", "en")]
)
def test_the_sign_in_speaks_the_language_of_the_browser(asked: str, spoken: str) -> None:
    answer = Client().get(reverse("account_login"), headers={"Accept-Language": asked})
    page = answer.content.decode()
    assert f'<html lang="{spoken}"' in page
    assert answer["Content-Language"] == spoken
    assert WORDS.get(spoken, ("Password", ""))[0] in page


def test_a_refused_sign_in_says_so_in_the_same_language() -> None:
    words = {"login": "nobody", "password": "not the password of anybody"}
    address = reverse("account_login")
    page = Client().post(address, words, headers={"Accept-Language": "fr"}).content.decode()
    assert '<html lang="fr"' in page
    assert "incorrect" in page
    assert "mot de passe" in page.lower()


@pytest.mark.parametrize("code", ["fr", "zh-hant"])
@pytest.mark.parametrize("route", OF_AN_OFFICER)
def test_the_account_of_an_officer_speaks_the_chosen_language(route: str, code: str) -> None:
    officer = make_user("liaison", language=code)
    give_second_factor(officer)
    answer = client_of(officer).get(reverse(route), headers={"Accept-Language": "en"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'<html lang="{code}"' in page
    for english in ("Sign out?", "Second factor", "My sessions", "Add a security key", "Cancel"):
        assert english not in page


def test_the_house_goes_on_in_english() -> None:
    analyst = make_user("analyst")
    give_second_factor(analyst)
    page = client_of(analyst).get(reverse("mfa_index"), headers={"Accept-Language": "fr"})
    assert '<html lang="en"' in page.content.decode()
    assert "Second factor" in page.content.decode()


def test_a_password_is_set_on_a_page_of_the_house_in_the_officers_language() -> None:
    officer = make_user("liaison", language="fr")
    officer.set_unusable_password()
    officer.save(update_fields=["password"])
    page = client_of(officer).get(reverse("account_set_password")).content.decode()
    assert "<h1>Définir un mot de passe</h1>" in page
    assert 'id="id_password1_helptext"' in page
    assert "Set Password" not in page
    client = client_of(officer)
    answer = client.post(reverse("account_set_password"), {"password1": "short", "password2": ""})
    assert "error-summary" in answer.content.decode()
