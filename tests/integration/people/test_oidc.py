"""Sign-in at the organisation's own provider: who gets in, what proves it, and what does not."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from cases.models import AuditEvent
from cases.policy import SYSTEM
from fiu import people
from fiu.models import User
from fiu.oidc.adapter import link_subject
from fiu.oidc.claims import TokenRefused, read_id_token
from tests.casework import make_agency
from tests.integration.people.test_sign_in import code_of, urlpatterns
from tests.oidc_provider import CLIENT_ID, Provider, jwk_of, running

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.once,
    pytest.mark.usefixtures("pages_of_a_person"),
]
assert urlpatterns
START, CALLBACK = "/accounts/oidc/", "/accounts/oidc/callback/"
LOGOUT = "/accounts/oidc/logout/"
NO_ACCOUNT = "This sign-in opens no account here: ask your administrator."
DID_NOT_FIT = "The answer of your organisation&#x27;s sign-in did not fit: start again."
ANA = {"sub": "s-100", "email": "Ana@Example.org", "email_verified": True}


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(server: Provider, settings: Settings) -> Provider:
    """As if it had just started, and signed Ana in."""
    server.__init__(issuer=server.issuer, claims=dict(ANA))  # type: ignore[misc]
    settings.OIDC_ISSUER = server.issuer
    return server


@pytest.fixture
def ana() -> User:
    user: User = User.objects.create_user("ana", "ana@example.org", role="analyst")
    return user


def visit(location: str) -> str:
    """What the browser does at the provider: where it is sent back to."""
    parts = urlsplit(location)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    connection.close()
    back = urlsplit(answer.headers["Location"])
    assert back.path == CALLBACK
    return f"{back.path}?{back.query}"


def there_and_back(client: Client, query: str = "") -> HttpResponse:
    answer = client.get(START + query)
    assert answer.status_code == 302, answer.content.decode()
    back: HttpResponse = client.get(visit(answer["Location"]))
    return back


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def refused(answer: HttpResponse, sentence: str, status: int = 403) -> None:
    assert (answer.status_code, sentence in answer.content.decode()) == (status, True), (
        answer.content.decode()
    )


def test_a_verified_address_opens_the_account_an_administrator_made(
    provider: Provider, ana: User
) -> None:
    people.give_second_factor(ana)
    client = Client()
    answer = there_and_back(client)
    assert answer["Location"] == "/accounts/2fa/authenticate/", "our second factor follows"
    assert client.get("/").status_code == 401
    answer = client.post(answer["Location"], {"code": code_of(ana)})
    assert client.get("/").content.decode() == f"{ana.pk} analyst None True"
    assert provider.asked["scope"] in ("openid email", "email openid")
    assert provider.asked["response_type"] == "code"
    event = AuditEvent.objects.get(action="link_sign_in")
    assert (event.object, event.actor_id) == (f"user:{ana.pk}", ana.pk)


def test_nothing_but_the_subject_is_kept_of_what_the_provider_says(
    provider: Provider, ana: User
) -> None:
    people.give_second_factor(ana)
    provider.claims |= {"role": "admin", "groups": ["admin"], "name": "Somebody", "is_staff": True}
    client = Client()
    there_and_back(client)  # and the second step is still to come
    account = SocialAccount.objects.get()
    assert (account.user, account.extra_data, len(account.uid)) == (ana, {}, 64)
    assert not SocialToken.objects.exists()
    stored = str([each.get_decoded() for each in Session.objects.all()])
    assert "'access'" not in stored
    assert "eyJ" not in stored
    ana.refresh_from_db()
    assert (ana.role, ana.is_staff, ana.first_name) == ("analyst", False, "")
    assert ana.email == "ana@example.org"


def test_without_any_second_factor_one_is_set_up_first(provider: Provider, ana: User) -> None:
    client = Client()
    there_and_back(client)
    assert client.get("/")["Location"].startswith("/accounts/2fa/totp/activate/")


def test_the_subject_counts_from_then_on_and_the_address_no_more(
    provider: Provider, ana: User
) -> None:
    there_and_back(Client())
    provider.claims = {"sub": "s-200", "email": "ana@example.org", "email_verified": True}
    refused(there_and_back(Client()), NO_ACCOUNT)  # the address went to somebody else
    provider.claims = {"sub": "s-100", "email": "married@example.org", "email_verified": False}
    assert there_and_back(Client()).status_code == 302


def test_a_subject_that_an_administrator_entered_needs_no_address(
    provider: Provider, ana: User
) -> None:
    call_command("link_sign_in", "ana", "--subject", "s-7", verbosity=0)
    provider.claims = {"sub": "s-7"}
    provider.userinfo = {"sub": "s-7"}
    assert there_and_back(Client()).status_code == 302
    with pytest.raises(CommandError, match="has a subject already"):
        call_command("link_sign_in", "ana", "--subject", "s-8")
    call_command("link_sign_in", "ana", "--forget", verbosity=0)
    refused(there_and_back(Client()), NO_ACCOUNT)
    assert list(
        AuditEvent.objects.order_by("seq").values_list("action", flat=True)
    ) == ["link_sign_in", "sign_in", "unlink_sign_in"]  # fmt: skip


def test_the_address_may_stand_where_the_provider_tells_of_people(
    provider: Provider, ana: User
) -> None:
    provider.claims = {"sub": "s-100"}
    provider.userinfo = {"sub": "s-9", "email": "ana@example.org", "email_verified": True}
    refused(there_and_back(Client()), DID_NOT_FIT)  # told of somebody else
    provider.userinfo["sub"] = "s-100"
    assert there_and_back(Client()).status_code == 302


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "bob@example.org"},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": ""},
        {"email": ["ana@example.org"]},
    ],
)
def test_nobody_is_registered(provider: Provider, ana: User, claims: dict[str, Any]) -> None:
    provider.claims |= claims
    refused(there_and_back(Client()), NO_ACCOUNT)
    assert User.objects.count() == 1
    assert not SocialAccount.objects.exists()


def test_an_address_of_two_accounts_opens_neither(provider: Provider, ana: User) -> None:
    User.objects.create_user("ana2", "ANA@example.org", role="admin")
    refused(there_and_back(Client()), NO_ACCOUNT)


def test_a_closed_account_stays_closed(provider: Provider, ana: User) -> None:
    link_subject(ana, "s-100", by=SYSTEM)
    User.objects.update(is_active=False)
    client = Client()
    refused(there_and_back(client), NO_ACCOUNT)
    assert client.get("/").status_code == 401


def test_officers_of_agencies_have_their_own_door(provider: Provider, ana: User) -> None:
    User.objects.update(role="liaison", agency=make_agency())
    refused(there_and_back(Client()), NO_ACCOUNT)
    assert not SocialAccount.objects.exists()
    assert "/accounts/oidc/" in Client().get("/accounts/login/?next=/cases/").content.decode()
    theirs = Client().get("/accounts/login/?next=/liaison/").content.decode()
    assert "/accounts/oidc/" not in theirs


def changed(**claims: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda told: {
        name: value for name, value in (told | claims).items() if value is not None
    }


NOW = int(time.time())


@pytest.mark.parametrize(
    "spoilt",
    [
        {"twist": changed(iss="https://other.example")},
        {"twist": changed(iss=None)},
        {"twist": changed(aud="another-client")},
        {"twist": changed(aud=[CLIENT_ID, "another-client"])},  # and no azp
        {"twist": changed(azp="another-client")},
        {"twist": changed(nonce="of another sign-in")},
        {"twist": changed(nonce=None)},
        {"twist": changed(exp=NOW - 600)},
        {"twist": changed(exp=None)},
        {"twist": changed(nbf=NOW + 6000)},
        {"twist": changed(sub="")},
        {"key": "two"},  # signed by another key than it names
        {"key": "never published"},
        {"algorithm": "none"},
        {"algorithm": "HS256"},
        {"token_answer": b'{"access_token": "access"}'},
        {"token_answer": b'{"access_token": "access", "id_token": "a.b.c"}'},
        {"token_answer": b"[]"},
        {"token_answer": b"nothing"},
    ],
    ids=count(1),  # the same in every process that collects
)
def test_a_token_that_does_not_hold_opens_nothing(
    provider: Provider, ana: User, spoilt: dict[str, Any]
) -> None:
    link_subject(ana, "s-100", by=SYSTEM)
    for name, value in spoilt.items():
        setattr(provider, name, value)
    client = Client()
    refused(there_and_back(client), DID_NOT_FIT)
    assert client.get("/").status_code == 401


@pytest.mark.parametrize(
    "config",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": "http://other.example/token"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_says_it_is_another_is_not_asked(
    provider: Provider, ana: User, config: dict[str, Any]
) -> None:
    provider.config = config
    refused(Client().get(START), DID_NOT_FIT)
    assert provider.asked == {}


def test_a_provider_that_is_away_is_told_of(settings: Settings, ana: User) -> None:
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    refused(Client().get(START), "does not answer", 503)


def test_a_callback_belongs_to_the_session_that_started_it(provider: Provider, ana: User) -> None:
    people.give_second_factor(ana)
    mine = Client()
    back = visit(mine.get(START)["Location"])
    refused(Client().get(back), DID_NOT_FIT)  # another browser, as in a forged link
    refused(mine.get(f"{CALLBACK}?code=code-0&state=made-up"), DID_NOT_FIT)
    assert mine.get(back).status_code == 302
    refused(mine.get(back), DID_NOT_FIT)  # once


def test_a_code_of_one_sign_in_is_none_of_another(provider: Provider, ana: User) -> None:
    """PKCE and nonce: a stolen code, put into the thief's own sign-in, opens nothing."""
    thief = Client()
    stolen = visit(Client().get(START)["Location"]).partition("code=")[2].partition("&")[0]
    state = visit(thief.get(START)["Location"]).partition("state=")[2]
    refused(thief.get(f"{CALLBACK}?code={stolen}&state={state}"), DID_NOT_FIT)
    assert provider.exchanged[-1]["code"] == stolen


def test_another_site_cannot_start_a_sign_in(provider: Provider, ana: User) -> None:
    answer = Client().get(START, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer["Location"] == "/accounts/login/"


def test_parameters_of_the_address_reach_neither_the_provider_nor_another_site(
    provider: Provider, ana: User
) -> None:
    query = "?auth_params=nonce%3Dmine&scope=offline_access&action=rerequest&process=connect"
    assert there_and_back(Client(), query + "&next=https://evil.example/").status_code == 302
    assert provider.asked["nonce"] != "mine"
    assert "offline_access" not in provider.asked["scope"]
    client = Client()
    people.give_second_factor(ana)
    there_and_back(client, "?next=//evil.example/")
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_of(ana)})
    assert answer["Location"] == "/"


def test_sign_ins_from_outside_count_as_sign_ins(provider: Provider, ana: User) -> None:
    for _ in range(10):
        Client().get(CALLBACK)
    answer = Client().get(CALLBACK)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 3500


def test_a_factor_shown_outside_counts_only_where_the_settings_name_it(
    provider: Provider, ana: User, settings: Settings
) -> None:
    people.give_second_factor(ana)
    provider.claims |= {"amr": ["pwd", "mfa"], "acr": "phr"}
    assert there_and_back(Client())["Location"] == "/accounts/2fa/authenticate/"
    for named in ("amr:mfa", "acr:phr"):
        settings.OIDC_SECOND_FACTOR = [named]
        client = Client()
        assert there_and_back(client, "?next=/stepped/")["Location"] == "/stepped/"
        assert client.get("/stepped/").content == b"done"
    assert provider.asked["acr_values"] == "phr"
    provider.claims["acr"] = "pwd"
    assert there_and_back(Client())["Location"] == "/accounts/2fa/authenticate/"


@pytest.mark.parametrize("auth_time", [NOW - 3600, None, "now"], ids=["old", "none", "now"])
def test_an_old_session_outside_opens_pages_but_no_legal_act(
    provider: Provider, ana: User, settings: Settings, auth_time: Any
) -> None:
    """Step-up for who has no factor here: the provider asks anew, then the page comes again."""
    settings.OIDC_SECOND_FACTOR = ["amr:mfa"]
    provider.claims |= {"amr": ["mfa"], "auth_time": auth_time}
    client = Client()
    there_and_back(client)
    assert is_in(client)
    answer = client.get("/stepped/")
    assert answer["Location"] == "/accounts/oidc/?again=1&next=%2Fstepped%2F"
    provider.claims["auth_time"] = int(time.time())
    answer = there_and_back(client, "?again=1&next=/stepped/")
    assert (provider.asked["prompt"], provider.asked["max_age"]) == ("login", "0")
    assert answer["Location"] == "/stepped/"
    assert client.get("/stepped/").content == b"done"


def signed_in(provider: Provider, session: str) -> Client:
    """Ana, by a session of that name at the provider."""
    provider.claims |= {"amr": ["mfa"], "sid": session}
    client = Client()
    there_and_back(client)
    assert is_in(client)
    return client


def test_a_session_that_ends_at_the_provider_ends_ours_that_began_by_it(
    provider: Provider, ana: User, settings: Settings
) -> None:
    settings.OIDC_SECOND_FACTOR = ["amr:mfa"]
    office, laptop = signed_in(provider, "office"), signed_in(provider, "laptop")
    by_password = Client()
    by_password.force_login(ana, backend=settings.AUTHENTICATION_BACKENDS[0])
    kept = str([each.get_decoded() for each in Session.objects.all()])
    assert "office" not in kept
    assert "s-100" not in kept
    there = Client(enforce_csrf_checks=True)
    answer = there.post(LOGOUT, {"logout_token": provider.logout_token(sub="s-100", sid="office")})
    assert (answer.status_code, answer.content) == (200, b"")
    assert "no-store" in answer["Cache-Control"]
    assert (is_in(office), is_in(laptop)) == (False, True)
    assert there.post(LOGOUT, {"logout_token": provider.logout_token(sid="x")}).status_code == 200
    assert is_in(laptop)
    there.post(LOGOUT, {"logout_token": provider.logout_token(sub="s-100")})
    assert not is_in(laptop)
    assert Session.objects.count() == 1, "the one by password"
    events = AuditEvent.objects.filter(action="end_sessions")
    assert [(each.object, each.data) for each in events] == [
        (f"user:{ana.pk}", '{"num_sessions":1}')
    ] * 2


def test_a_sign_in_under_way_ends_with_the_session_there(provider: Provider, ana: User) -> None:
    people.give_second_factor(ana)
    provider.claims["sid"] = "office"
    client = Client()
    second_step = there_and_back(client)["Location"]
    Client().post(LOGOUT, {"logout_token": provider.logout_token(sid="office")})
    client.post(second_step, {"code": code_of(ana)})
    assert not is_in(client)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"twist": changed(iss="https://other.example")},
        {"twist": changed(aud="another-client")},
        {"twist": changed(nonce="n")},  # an ID token by another name
        {"twist": changed(events=None)},
        {"twist": changed(events={"http://schemas.openid.net/event/other": {}})},
        {"twist": changed(events={"http://schemas.openid.net/event/backchannel-logout": True})},
        {"twist": changed(sub=None)},
        {"twist": changed(sub=7)},
        {"twist": changed(jti=None)},
        {"twist": changed(exp=NOW - 600)},
        {"twist": changed(iat=NOW - 1200)},
        {"key": "two"},
        {"algorithm": "none"},
        {"algorithm": "HS256"},
        {"kind": "JWT"},
    ],
    ids=count(1),
)
def test_only_a_logout_token_of_the_provider_ends_a_session(
    provider: Provider, ana: User, settings: Settings, spoilt: dict[str, Any]
) -> None:
    settings.OIDC_SECOND_FACTOR = ["amr:mfa"]
    client = signed_in(provider, "office")
    for name, value in spoilt.items():
        setattr(provider, name, value)
    told = {"logout_token": provider.logout_token(sub="s-100")}
    assert Client().post(LOGOUT, told).status_code == 400
    assert is_in(client)


def test_a_logout_without_a_token_or_with_a_strange_one_is_refused(
    provider: Provider, ana: User, settings: Settings
) -> None:
    id_token = provider.token({"nonce": "n"})
    for token in ("", "a.b.c", "x" * 20_000, id_token):
        answer = Client().post(LOGOUT, {"logout_token": token})
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    caches["nearby"].clear()
    assert Client().post(LOGOUT, {"logout_token": id_token}).status_code == 400


def test_a_step_up_by_somebody_else_is_none(
    provider: Provider, ana: User, settings: Settings
) -> None:
    settings.OIDC_SECOND_FACTOR = ["amr:mfa"]
    provider.claims |= {"amr": ["mfa"]}
    client = Client()
    there_and_back(client)
    User.objects.create_user("bob", "bob@example.org", role="supervisor")
    provider.claims |= {"sub": "s-300", "email": "bob@example.org"}
    refused(there_and_back(client, "?again=1"), DID_NOT_FIT)
    assert client.get("/").content.decode().startswith(f"{ana.pk} analyst")


def test_the_log_tells_reasons_and_nothing_of_people(
    provider: Provider, ana: User, caplog: pytest.LogCaptureFixture
) -> None:
    provider.twist = changed(aud="another-client")
    there_and_back(Client())
    assert "InvalidAudienceError" in caplog.text
    for word in ("s-100", "Example", "example.org", "eyJ", "code-"):
        assert word not in caplog.text


def test_a_token_needs_exactly_one_key() -> None:
    read = {"issuer": "i", "client_id": "c", "nonce": "n"}
    token = Provider(issuer="i").token({"nonce": "n"})
    for keys in ([], [jwk_of("two")], [jwk_of("one"), jwk_of("one")], [{"kid": "one"}]):
        with pytest.raises(TokenRefused):
            read_id_token(token, keys=keys, **read)


def test_off_nothing_of_it_is_loaded_at_the_start(tmp_path: Any) -> None:
    program = (
        "import django, json, sys; django.setup()\n"
        "from django.conf import settings\n"
        "heavy = ('jwt', 'requests', 'allauth.socialaccount', 'fiu.oidc.views')\n"
        "print(json.dumps([settings.OIDC_ISSUER, [each for each in heavy if each in sys.modules]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={"FIU_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "fiu.settings"},
    )  # fmt: skip
    assert json.loads(done.stdout) == ["", []]
