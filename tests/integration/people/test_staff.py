"""Accounts of the house on the command line: made, given a role, set up anew, opened again."""

import io
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from cases.models import AuditEvent
from cases.services.audit import verify_chains
from fiu.models import ApiToken, User
from fiu.people import SignInRefused, give_second_factor, link_for
from fiu.tokens import make_token
from tests.casework import make_actor, make_agency, make_user
from tests.conftest import client_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"  # of a person made for a test


def account(*words: str) -> Any:
    """What the command says to programs."""
    told = io.StringIO()
    call_command("account", *words, "--json", stdout=told)
    return json.loads(told.getvalue())


def create(name: str, role: str, *more: str) -> Any:
    return account("create", name, f"{name}@fiu.example", "--role", role, *more)


def set_password(link: str) -> Client:
    """The person opens the link and sets a password."""
    client = Client()
    client.get(urlsplit(link).path)
    page = client.post(urlsplit(link).path, follow=True)
    assert page.redirect_chain[-1][0].startswith("/accounts/password/set/"), page.redirect_chain
    words = {"password1": PASSWORD, "password2": PASSWORD}
    done = client.post("/accounts/password/set/", words)
    assert done.headers["Location"] == "/", "it leads to work, by way of the second factor"
    return client


@pytest.mark.parametrize("role", ["analyst", "supervisor", "compliance", "auditor", "admin"])
def test_a_new_person_sets_a_password_and_then_a_second_factor(role: str) -> None:
    made = create("lin", role, "--full-name", "Lin Demo Chen")
    user = User.objects.get(username="lin")
    assert (user.role, user.first_name, user.last_name) == (role, "Lin Demo", "Chen")
    assert not user.has_usable_password()
    client = set_password(made["link"])
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert client.get("/").headers["Location"].startswith("/accounts/2fa/"), "no page without one"
    event = AuditEvent.objects.get(action="create_account")
    assert json.loads(event.data) == {"name": "lin", "role": role}
    assert verify_chains().is_whole


def test_a_link_is_made_again_until_there_is_a_password_or_a_factor() -> None:
    create("lin", "analyst")
    user = User.objects.get(username="lin")
    assert link_for(user) != link_for(user)
    give_second_factor(user)
    with pytest.raises(SignInRefused, match="account reset lin"):
        link_for(user)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("create", "ANA", "x@fiu.example", "--role", "analyst"), "already a person named ANA"),
        (("create", "bo", "ANA@fiu.example", "--role", "analyst"), "is another account's"),
        (("create", "bo", "no address", "--role", "analyst"), "e-mail address: Enter a valid"),
        (("create", "", "bo@fiu.example", "--role", "analyst"), "The name: "),
        (("create", "bo", "bo@fiu.example", "--role", "auditor", "--reports"), "analyst and super"),
        (("role", "nobody", "--role", "admin", "--reason", "R."), "no person named nobody"),
        (("role", "ana", "--role", "analyst", "--reason", "R."), "has this role already"),
        (("role", "ana", "--role", "admin", "--reason", " "), "reason"),
        (("role", "boss", "--role", "analyst", "--reason", "R."), "last administrator"),
        (("role", "ortiz", "--role", "analyst", "--reason", "R."), "no role of the house"),
        (("reset", "gone", "--reason", "R."), "is closed: reopen it"),
        (("reset", "ortiz", "--reason", "R."), "never signed in"),
        (("reopen", "ana", "--reason", "R."), "is open"),
        (("reopen", "chen", "--reason", "R."), "by two people"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_changes_nothing(
    words: tuple[str, ...], sentence: str
) -> None:
    make_user("analyst", username="ana", email="ana@fiu.example")
    make_user("admin", username="boss")
    make_user("supervisor", username="gone", is_active=False)
    make_user("liaison", username="ortiz", agency=make_agency())
    make_user("liaison", username="chen", agency=make_agency(), is_active=False)
    fields = ("username", "role", "is_active", "password")
    before = list(User.objects.order_by("pk").values_list(*fields))
    with pytest.raises(CommandError, match=sentence):
        account(*words)
    assert list(User.objects.order_by("pk").values_list(*fields)) == before
    assert not AuditEvent.objects.filter(object__startswith="user:").exists()


def test_another_role_counts_with_the_next_request_and_ends_tokens() -> None:
    user = make_user("analyst", username="ana")
    client = client_of(user)
    make_token(user, "Test", 30, by=make_actor(user))
    account("role", "ana", "--role", "auditor", "--reason", "Moves to audit.")
    assert client.get("/cases/").headers["Location"].startswith("/accounts/login/")
    assert not ApiToken.objects.filter(user=user, revoked_at=None).exists()
    event = AuditEvent.objects.get(action="change_role")
    assert event.reason == "Moves to audit."
    assert json.loads(event.data)["from"] == "analyst"


def test_the_right_to_reports_is_given_and_taken_by_the_same_command() -> None:
    user = make_user("analyst", username="ana")
    for words, expected in (("--reports",), True), ((), False):
        account("role", "ana", "--role", "analyst", "--reason", "R.", *words)
        user.refresh_from_db()
        assert user.may_view_reports is expected


@pytest.mark.parametrize("act", ["reset", "reopen"])
def test_who_lost_everything_sets_it_up_anew(act: str) -> None:
    user = make_user("analyst", username="ana")
    user.set_password(PASSWORD)
    user.save()
    give_second_factor(user)
    client = client_of(user)
    User.objects.filter(pk=user.pk).update(is_active=act == "reset")
    made = account(act, "ana", "--reason", "Lost telephone.")
    assert client.get("/").headers["Location"].startswith("/accounts/login/")
    assert not Authenticator.objects.filter(user=user).exists()
    user.refresh_from_db()
    assert user.is_active
    assert not user.has_usable_password()
    anew = set_password(made["link"])
    assert anew.get("/").headers["Location"].startswith("/accounts/2fa/")
    assert AuditEvent.objects.get(action=f"{act}_account").reason == "Lost telephone."


def test_an_officer_who_was_reset_gets_a_link_and_one_who_never_came_gets_none_here() -> None:
    officer = make_user("liaison", username="ortiz", agency=make_agency())
    officer.set_unusable_password()
    officer.save()
    with pytest.raises(SignInRefused):
        link_for(officer)
    client_of(officer)  # signs in
    officer.refresh_from_db()
    assert account("reset", "ortiz", "--reason", "New telephone.")["link"]
