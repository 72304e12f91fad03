"""Security keys: registered, signed in with, shown again, renamed, removed (S2, E6)."""

import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from cases.models import AuditEvent
from fiu import links, people
from fiu.models import User
from tests.conftest import client_of
from tests.integration.people.test_sign_in import code_of, urlpatterns
from tests.soft_key import SoftKey

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.once,
    pytest.mark.usefixtures("pages_of_a_person"),
]
assert urlpatterns  # pages of a person in the room next door
ADD = "/accounts/2fa/keys/add/"
AGAIN = "/accounts/2fa/keys/reauthenticate/"
SIGN_IN = "/accounts/2fa/authenticate/"


@pytest.fixture
def ana() -> User:
    user: User = User.objects.create_user(
        "ana", "ana@example.org", "a long enough password", role="analyst"
    )
    return user


def options_of(answer: Any) -> dict[str, Any]:
    """What the page gives the browser for the ceremony."""
    found = re.search(r'id="key-options" type="application/json">(.*?)</script>',
                      answer.content.decode())  # fmt: skip
    assert found, answer.content.decode()[:3000]
    publicKey: dict[str, Any] = json.loads(found[1])["publicKey"]  # noqa: N806
    return publicKey


def register(client: Client, name: str = "On my ring") -> SoftKey:
    key = SoftKey()
    options = options_of(client.get(ADD, secure=True))
    answer = client.post(ADD, {"name": name, "credential": key.create(options)}, secure=True)
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    return key


def by_password(user: User) -> Client:
    client = Client()
    answer = client.post(links.make_sign_in_link(user, ""), secure=True)
    assert answer["Location"] in (SIGN_IN, "/")
    return client


def stored(user: User) -> Authenticator:
    return Authenticator.objects.get(user=user, type="webauthn")


def test_a_key_registered_beside_the_app_signs_in(ana: User) -> None:
    people.give_second_factor(ana)
    key = register(client_of(ana))
    assert stored(ana).wrap().name == "On my ring"
    client = by_password(ana)
    page = client.get(SIGN_IN, secure=True)
    assert client.get("/", secure=True).status_code == 401, "not before the second factor"
    answer = client.post(SIGN_IN, {"credential": key.get(options_of(page))}, secure=True)
    assert answer["Location"] == "/"
    assert client.get("/", secure=True).content.decode() == f"{ana.pk} analyst None True"


def test_the_code_of_the_app_still_works_beside_a_key(ana: User) -> None:
    people.give_second_factor(ana)
    register(client_of(ana))
    client = by_password(ana)
    assert client.post(SIGN_IN, {"code": code_of(ana)}, secure=True)["Location"] == "/"


def test_a_key_is_the_first_factor_too(ana: User) -> None:
    client = by_password(ana)
    assert client.get("/", secure=True)["Location"].startswith("/accounts/2fa/totp/activate/")
    assert ADD in client.get("/accounts/2fa/totp/activate/", secure=True).content.decode()
    key = register(client)
    assert Authenticator.objects.filter(user=ana, type="recovery_codes").exists()
    answer = client.get("/", secure=True)
    assert answer["Location"].startswith(AGAIN), "registered is not yet shown"
    page = client.get(AGAIN + "?next=/", secure=True)
    shown = {"credential": key.get(options_of(page)), "next": "/"}
    assert client.post(AGAIN, shown, secure=True)["Location"] == "/"
    assert client.get("/", secure=True).content.decode().endswith("True")


def test_a_password_alone_adds_no_key_beside_a_factor(ana: User) -> None:
    people.give_second_factor(ana)
    client = client_of(ana, second_factor_age=None)
    for method in (client.get, client.post):
        answer = method(ADD, secure=True)
        assert answer["Location"].startswith("/accounts/2fa/reauthenticate/")
    assert not Authenticator.objects.filter(user=ana, type="webauthn").exists()


def test_keys_change_only_with_a_fresh_second_factor(ana: User) -> None:
    people.give_second_factor(ana)
    register(client_of(ana))
    key = stored(ana)
    old = client_of(ana, second_factor_age=301)
    for path in (ADD, f"/accounts/2fa/keys/{key.pk}/edit/", f"/accounts/2fa/keys/{key.pk}/remove/"):
        answer = old.post(path, {"name": "Mine"}, secure=True)
        assert answer["Location"].startswith(AGAIN), path
    assert stored(ana).wrap().name == "On my ring"


def test_step_up_with_a_key_sends_the_waiting_form_again(ana: User) -> None:
    people.give_second_factor(ana)
    key = register(client_of(ana))
    client = client_of(ana, second_factor_age=301)
    asked = client.post("/stepped/", {"reason": "R."}, secure=True)
    assert asked["Location"] == f"{AGAIN}?next=%2Fstepped%2F"
    page = client.get(asked["Location"], secure=True)
    shown = {"credential": key.get(options_of(page)), "next": "/stepped/"}
    assert client.post(AGAIN, shown, secure=True).content == b"done"


@pytest.mark.parametrize("wrong", ["another key", "another site", "an old challenge", "garbage"])
def test_what_is_no_answer_of_the_key_opens_nothing(ana: User, wrong: str) -> None:
    people.give_second_factor(ana)
    key = register(client_of(ana))
    client = by_password(ana)
    options = options_of(client.get(SIGN_IN, secure=True))
    if wrong == "another key":
        answer = SoftKey(id=key.id).get(options)
    elif wrong == "another site":
        answer = SoftKey("https://testserver.example", key.private, key.id).get(options)
    elif wrong == "an old challenge":
        answer = key.get(options)
        client.get(SIGN_IN, secure=True)  # a new one
    else:
        answer = json.dumps({"id": "x"})
    told = client.post(SIGN_IN, {"credential": answer}, secure=True)
    assert told.status_code == 200
    assert "error-summary" in told.content.decode()
    assert client.get("/", secure=True).status_code == 401


@pytest.mark.parametrize("told", ["{}", "[]", "7", '{"id": "x", "rawId": "?", "response": 3}', ""])
def test_what_no_key_answered_registers_nothing(ana: User, told: str) -> None:
    people.give_second_factor(ana)
    client = client_of(ana)
    client.get(ADD, secure=True)
    answer = client.post(ADD, {"name": "Mine", "credential": told}, secure=True)
    assert answer.status_code == 200
    assert "error-summary" in answer.content.decode()
    assert not Authenticator.objects.filter(user=ana, type="webauthn").exists()


def test_wrong_answers_of_a_key_count_as_failed_sign_ins(ana: User) -> None:
    people.give_second_factor(ana)
    key = register(client_of(ana))
    client = by_password(ana)
    for _ in range(5):
        options = options_of(client.get(SIGN_IN, secure=True))
        client.post(SIGN_IN, {"credential": SoftKey(id=key.id).get(options)}, secure=True)
    options = options_of(client.get(SIGN_IN, secure=True))
    client.post(SIGN_IN, {"credential": key.get(options)}, secure=True)
    assert client.get("/", secure=True).status_code == 401, "locked, the right key too"


def test_a_key_is_renamed_and_is_nobody_elses(ana: User) -> None:
    people.give_second_factor(ana)
    client = client_of(ana)
    register(client)
    page = reverse("mfa_edit_webauthn", args=[stored(ana).pk])
    assert client.post(page, {"name": "In the safe"}, secure=True).status_code == 302
    assert "In the safe" in client.get("/accounts/2fa/", secure=True).content.decode()
    other = User.objects.create_user("bo", "bo@example.org", role="analyst")
    for route in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        path = reverse(route, args=[stored(ana).pk])
        assert client_of(other).post(path, {"name": "X"}, secure=True).status_code in (302, 404)
    assert stored(ana).wrap().name == "In the safe"


def test_removing_a_key_keeps_what_the_app_proved_and_is_audited(ana: User) -> None:
    people.give_second_factor(ana)
    client = client_of(ana)
    key = register(client)
    elsewhere = by_password(ana)
    answer = elsewhere.get(SIGN_IN, secure=True)
    elsewhere.post(SIGN_IN, {"credential": key.get(options_of(answer))}, secure=True)
    assert elsewhere.get("/", secure=True).status_code == 200
    page = reverse("mfa_remove_webauthn", args=[stored(ana).pk])
    session = client.session
    session["account_authentication_methods"] = [
        {**record, "id": -1} for record in session["account_authentication_methods"]
    ]
    session.save()
    assert client.post(page, secure=True)["Location"] == "/accounts/2fa/"
    assert client.get("/", secure=True).content.decode().endswith("True")
    assert elsewhere.get("/", secure=True).status_code == 401, "other sessions end"
    done = AuditEvent.objects.filter(case=None, actor=ana).values_list("action", flat=True)
    assert {"add_security_key", "remove_security_key"} <= set(done)


def test_removing_the_last_factor_leads_to_the_next(ana: User) -> None:
    client = by_password(ana)
    key = register(client)
    page = client.get(AGAIN, secure=True)
    client.post(AGAIN, {"credential": key.get(options_of(page)), "next": "/"}, secure=True)
    answer = client.post(reverse("mfa_remove_webauthn", args=[stored(ana).pk]), secure=True)
    assert answer["Location"] == "/accounts/2fa/totp/activate/"
    assert client.get("/", secure=True)["Location"].startswith("/accounts/2fa/totp/activate/")
    assert not Authenticator.objects.filter(user=ana).exists()
