"""Sign-in: links, the second factor, two doors, idle clocks, step-up, headers (S1 to S7, E6)."""

import io
import re
import time
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from allauth.mfa.utils import decrypt, encrypt
from allauth.usersessions.models import UserSession
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path, reverse

from cases.models import AuditEvent
from cases.policy import PermissionDenied, StepUpRequired
from cases.states import InvalidTransition
from fiu import factors, links, people
from fiu.adapter import SEEN_AT, SIGNED_IN_AT
from fiu.errors import too_many
from fiu.models import Agency, User
from tests.conftest import client_of
from tests.hashing import COST_OF_CODES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages_of_a_person")]
AUTHENTICATE = "/accounts/2fa/authenticate/"
CODES = "/accounts/2fa/recovery-codes/"


def page(request: HttpRequest) -> HttpResponse:
    """A signed-in page that shows who acts."""
    if not request.user.is_authenticated:
        return HttpResponse("stranger", status=401)
    actor = request.actor  # type: ignore[attr-defined]
    return HttpResponse(f"{actor.user_id} {actor.role} {actor.agency_id} {bool(actor.mfa_at)}")


def stepped(request: HttpRequest) -> HttpResponse:
    actor = request.actor  # type: ignore[attr-defined]
    if actor.mfa_at.timestamp() < time.time() - 300:
        raise StepUpRequired("again")
    return HttpResponse("done")


def moved_on(request: HttpRequest) -> HttpResponse:
    raise InvalidTransition("moved on")


def refused(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("You asked for this: a second person decides.")


urlpatterns = [
    path("", page),
    path("stepped/", stepped),
    path("moved-on/", moved_on),
    path("refused/", refused),
    path("liaison/", page),
    path("", include("fiu.urls")),
]
handler429 = too_many


@pytest.fixture
def ana() -> User:
    return User.objects.create_user(
        "ana", "ana@example.org", "a long enough password", role="analyst"
    )


@pytest.fixture
def officer() -> User:
    agency = Agency.objects.create(
        name="Agency", short_name="AG", kind="police", country="US", domain="ag.example"
    )
    return User.objects.create_user("lia", "lia@ag.example", role="liaison", agency=agency)


def code_of(user: User, periods_ahead: int = 0) -> str:
    left = 30 - time.time() % 30
    if left < 2:  # a code shown now would be late when it is read
        time.sleep(left)
    factor = user.authenticator_set.get(type="totp")
    counter = int(time.time()) // 30 + periods_ahead
    return format_hotp_value(hotp_value(decrypt(factor.data["secret"]), counter))


def link_path(user: User) -> str:
    return links.make_sign_in_link(user, "")


def test_a_link_leads_to_the_page_of_links():
    assert links.ADDRESS.format(token="x") == reverse("sign_in_link", args=["x"])


def test_a_link_stands_for_the_password_and_the_second_factor_follows(ana):
    people.give_second_factor(ana)
    client = Client()
    link = link_path(ana)
    assert client.get(link).status_code == 200
    answer = client.post(link)
    assert answer.headers["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/").status_code == 401, "not signed in before the second factor"
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_of(ana)})
    assert answer.headers["Location"] == "/"
    assert client.get("/").content.decode() == f"{ana.pk} analyst None True"


def test_a_link_works_once(ana):
    people.give_second_factor(ana)
    link = link_path(ana)
    assert Client().post(link).status_code == 302
    again, forged = Client().get(link), Client().get(link[:-4] + "xxx/")
    for answer in (again, forged):
        assert answer.status_code == 410
        assert "works once, for 15 minutes. Ask whoever gave it" in answer.content.decode()
    assert Client().post(link).status_code == 410


def test_the_liaison_door_finds_links_of_officers_in_its_part_of_the_cache(ana, officer):
    """Under a prefix of its own: production gives it a password that opens no other."""
    theirs, ours = (link_path(each).split("/")[-2] for each in (officer, ana))
    at_the_door = caches["liaison"]
    assert at_the_door.get(links._cache_key(theirs))
    assert at_the_door.get(links._cache_key(ours)) is None
    assert [links.read_link(each)[0] for each in (theirs, ours)] == [officer, ana]
    assert (links.use_link(theirs), links.use_link(theirs)) == (True, False)


def test_looking_at_a_link_does_not_use_it_up(ana):
    link = link_path(ana)
    for _ in range(3):
        assert Client().get(link).status_code == 200


@pytest.mark.parametrize("change", ["forged", "expired", "closed", "new password"])
def test_a_link_that_no_longer_holds_is_gone(ana, change, monkeypatch):
    link = link_path(ana)
    if change == "forged":
        link = link[:-3] + "xx/"
    elif change == "expired":
        monkeypatch.setattr(links, "LIFETIME", timedelta(seconds=-1))
        link = link_path(ana)
    elif change == "closed":
        User.objects.filter(pk=ana.pk).update(is_active=False)
    else:
        ana.set_password("another long password")
        ana.save(update_fields=["password"])
    assert Client().post(link).status_code == 410


def test_the_same_code_is_not_accepted_twice(ana):
    people.give_second_factor(ana)
    code = code_of(ana)
    for expected in (302, 200):
        client = Client()
        client.post(link_path(ana))
        assert client.post("/accounts/2fa/authenticate/", {"code": code}).status_code == expected


def test_without_a_second_factor_one_is_set_up_before_any_page(ana):
    client = Client()
    client.post(link_path(ana))
    answer = client.get("/")
    assert answer.headers["Location"].startswith("/accounts/2fa/totp/activate/")
    form = client.get("/accounts/2fa/totp/activate/")
    assert form.status_code == 200
    secret = client.session["mfa.totp.secret"]
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    assert client.post("/accounts/2fa/totp/activate/", {"code": code}).status_code == 302
    assert client.get("/").headers["Location"].startswith("/accounts/2fa/reauthenticate/")
    answer = client.post("/accounts/2fa/reauthenticate/?next=/", {"code": code})
    assert answer.status_code == 302, answer.content
    assert client.get("/").status_code == 200


def test_a_password_signs_in_and_the_second_factor_follows(ana):
    people.give_second_factor(ana)
    client = Client()
    answer = client.post("/accounts/login/", {"login": "ana", "password": "a long enough password"})
    assert answer.headers["Location"] == "/accounts/2fa/authenticate/"
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_of(ana)})
    assert client.get("/").status_code == 200


def test_the_sixth_wrong_password_is_locked_out_even_if_it_is_right(ana):
    client = Client()
    for _ in range(5):
        client.post("/accounts/login/", {"login": "ana", "password": "wrong"})
    answer = client.post("/accounts/login/", {"login": "ana", "password": "a long enough password"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert "Too many failed login attempts" in answer.content.decode()
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")  # nobody locks a colleague out
    right = {"login": "ana", "password": "a long enough password"}
    assert elsewhere.post("/accounts/login/", right).status_code == 302


def test_the_sixth_wrong_code_is_locked_out_even_if_it_is_right(ana):
    people.give_second_factor(ana)
    client = Client()
    client.post(link_path(ana))
    for _ in range(5):
        client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_of(ana)})
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert client.get("/").status_code == 401


def test_an_address_signs_in_ten_times_an_hour(ana):
    people.give_second_factor(ana)
    right = {"login": "ana", "password": "a long enough password"}
    for _ in range(10):
        assert Client().post("/accounts/login/", right).status_code == 302
    answer = Client().post("/accounts/login/", right)
    assert answer.status_code == 429
    assert 3500 < int(answer["Retry-After"]) <= 3600
    assert "Too many requests: wait a moment." in answer.content.decode()
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert elsewhere.post("/accounts/login/", right).status_code == 302


def test_unknown_names_and_wrong_passwords_are_answered_alike(ana):
    known = Client().post("/accounts/login/", {"login": "ana", "password": "wrong"})
    unknown = Client().post("/accounts/login/", {"login": "bob", "password": "wrong"})
    strip = re.compile(rb"csrfmiddlewaretoken[^>]*|X-CSRFToken[^}]*|ana|bob")
    assert strip.sub(b"", known.content) == strip.sub(b"", unknown.content)


def test_a_sign_in_stands_in_the_chain_and_a_failed_one_in_the_log(ana, caplog):
    people.give_second_factor(ana)
    client = Client()
    told = {"login": "ana", "password": "a wrong long password"}
    client.post("/accounts/login/", told)
    assert "sign_in_failed" in caplog.text
    assert "ana" not in caplog.text.replace("analyst", "")
    client.post("/accounts/login/", told | {"password": "a long enough password"})
    assert not AuditEvent.objects.exists(), "the second step is still to come"
    client.post("/accounts/2fa/authenticate/", {"code": code_of(ana)})
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.object) == ("sign_in", ana.pk, f"user:{ana.pk}")
    assert event.data == '{"methods":["mfa","password"]}'


def test_what_the_factors_rest_on_is_encrypted_in_the_database(ana, settings):
    people.give_second_factor(ana)
    factor = Authenticator.objects.get(user=ana, type="totp")
    kept = factor.data["secret"]
    assert kept.startswith("v1:")
    assert decrypt("OLD" * 8) == "OLD" * 8, "kept before there was encryption"
    secret = decrypt(kept)
    assert secret not in kept
    assert encrypt(secret) != kept, "never twice the same"
    settings.SECRET_KEY = "another key, of another installation, long"
    assert decrypt(kept) != secret
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    assert not TOTP(factor).validate_code(code), "it opens nothing under another key"


@pytest.mark.once
def test_recovery_codes_are_shown_once_and_kept_as_hashes(ana):
    people.give_second_factor(ana)
    client = client_of(ana)
    shown = re.findall(r"<li>(\d{8})</li>", client.get(CODES).content.decode())
    assert len(shown) == 10
    factor = Authenticator.objects.get(user=ana, type="recovery_codes")
    assert set(factor.data) == {"migrated_codes", "viewed_at"}, "no seed is left"
    kept = [decrypt(each) for each in factor.data["migrated_codes"]]
    assert len({str.__str__(each) for each in kept}) == 10
    assert all(str.startswith(each, f"scrypt:{factors.COST}:") for each in kept)
    assert COST_OF_CODES == 14, "the cost of an installation, as a power of two"
    page = client.get(CODES).content.decode()
    assert not re.search(r"\d{8}</li>", page)
    assert "10 of 10 codes left" in page
    later = Client()
    later.post(link_path(ana))
    for code in (kept[0], f"scrypt:{shown[0]}", "0" * 8):  # the hash is no code
        assert later.post(AUTHENTICATE, {"code": code}).status_code == 200
    assert later.post(AUTHENTICATE, {"code": f"{shown[3][:4]} {shown[3][4:]}"}).status_code == 302
    again = Client()
    again.post(link_path(ana))
    assert again.post(AUTHENTICATE, {"code": shown[3]}).status_code == 200, "each works once"
    assert "9 of 10 codes left" in client.get(CODES).content.decode()


def test_nobody_signs_up_and_no_mail_leads_around_the_factor(ana):
    for address in ("signup", "password/reset", "email"):
        assert Client().get(f"/accounts/{address}/").status_code == 404
        assert client_of(ana).get(f"/accounts/{address}/").status_code == 404


def test_a_liaison_has_another_cookie_that_the_house_does_not_read(officer):
    people.give_second_factor(officer)
    client = Client()
    client.post(link_path(officer))
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_of(officer)})
    assert answer.headers["Location"] == "/liaison/"
    cookie = answer.cookies[django_settings.LIAISON_COOKIE_NAME]
    assert cookie["samesite"] == "Strict"
    assert cookie["httponly"]
    assert answer.cookies[django_settings.SESSION_COOKIE_NAME].value == ""
    assert client.get("/liaison/").content.decode().startswith(f"{officer.pk} liaison")
    # Whoever opens the bare address is asked who they are, and never sent round in a circle.
    assert client.get("/").status_code == 401
    assert b'name="password"' in client.get("/accounts/login/?next=/").content


def test_a_person_of_the_house_is_a_stranger_at_the_liaison_door(ana):
    client = client_of(ana)
    assert client.get("/").status_code == 200
    assert client.get("/liaison/").status_code == 401


def test_a_liaison_can_sign_out(officer):
    client = client_of(officer)
    assert client.get("/liaison/").status_code == 200
    answer = client.post("/accounts/logout/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/liaison/").status_code == 401


@pytest.mark.parametrize(("role", "minutes"), [("analyst", 31), ("liaison", 16)])
def test_an_idle_session_ends(ana, officer, role, minutes):
    user = ana if role == "analyst" else officer
    door = "/" if role == "analyst" else "/liaison/"
    client = client_of(user)
    age(client, user, SEEN_AT, minutes * 60 - 120)
    assert client.get(door).status_code == 200
    age(client, user, SEEN_AT, minutes * 60)
    answer = client.get(door)
    assert answer.status_code == 401
    assert "Clear-Site-Data" in answer


def test_a_poll_does_not_keep_a_session_awake(ana):
    client = client_of(ana)
    age(client, ana, SEEN_AT, 1700)
    assert client.get("/", headers={"X-Fiu-Poll": "1"}).status_code == 200
    assert time.time() - client.session[SEEN_AT] > 1600
    assert client.get("/").status_code == 200
    assert time.time() - client.session[SEEN_AT] < 10


def test_a_session_ends_after_twelve_hours_however_busy(ana):
    client = client_of(ana)
    age(client, ana, SIGNED_IN_AT, 12 * 3600 + 1)
    assert client.get("/").status_code == 401


def age(client: Client, user: User, key: str, seconds: int) -> None:
    name = (
        django_settings.LIAISON_COOKIE_NAME
        if user.role == "liaison"
        else django_settings.SESSION_COOKIE_NAME
    )
    store = type(client.session)(client.cookies[name].value)
    store[key] = int(time.time()) - seconds
    store.save()


def test_a_closed_account_is_out_with_the_next_request(ana):
    client = client_of(ana)
    User.objects.filter(pk=ana.pk).update(is_active=False)
    assert client.get("/").status_code == 401


def test_a_session_without_a_second_factor_sees_nothing(ana):
    people.give_second_factor(ana)
    client = client_of(ana, second_factor_age=None)
    assert client.get("/").headers["Location"].startswith("/accounts/2fa/reauthenticate/")
    answer = client.get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/accounts/2fa/reauthenticate/")


def test_a_factor_older_than_five_minutes_is_asked_for_again_and_the_post_goes_on(ana):
    people.give_second_factor(ana)
    assert client_of(ana).post("/stepped/").content == b"done"
    client = client_of(ana, second_factor_age=301)
    answer = client.post("/stepped/", {"reason": "x"})
    assert answer.headers["Location"].startswith("/accounts/2fa/reauthenticate/")
    answer = client.post(answer.headers["Location"], {"code": code_of(ana)})
    assert answer.content == b"done"


@pytest.mark.parametrize("who", ["ana", "officer"])
def test_a_step_up_goes_on_under_a_new_key(who, request):
    user = request.getfixturevalue(who)
    people.give_second_factor(user)
    client = client_of(user, second_factor_age=301)
    name = "fiu_session" if who == "ana" else "fiu_liaison_session"
    old = client.cookies[name].value
    UserSession.objects.create(user=user, session_key=old, ip="127.0.0.1")
    there = "/accounts/2fa/reauthenticate/?next=" + ("/" if who == "ana" else "/liaison/")
    client.post(there, {"code": code_of(user)})
    new = client.cookies[name].value
    assert new != old
    assert [each.session_key for each in UserSession.objects.all()] == [new], "one in the list"
    assert not Session.objects.filter(session_key=old).exists()
    thief = Client()
    thief.cookies[name] = old
    answer = thief.get("/", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert name not in answer.cookies, "a late fragment takes nobody's new cookie away"


def test_a_removed_factor_is_replaced_before_any_other_page(ana):
    TOTP.activate(ana, generate_totp_secret())
    here, elsewhere = client_of(ana), client_of(ana)
    assert elsewhere.get("/").status_code == 200
    answer = here.post("/accounts/2fa/totp/deactivate/")
    assert answer["Location"] == "/accounts/2fa/totp/activate/"
    assert here.get(answer["Location"]).status_code == 200
    assert here.get("/")["Location"].startswith("/accounts/2fa/totp/activate/")


def test_a_step_up_asked_by_a_fragment_moves_the_whole_page(ana):
    client = client_of(ana, second_factor_age=301)
    answer = client.post(
        "/stepped/",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/cases/?x=1"},
    )
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == "/accounts/2fa/reauthenticate/?next=%2Fcases%2F"


def test_errors_of_the_domain_become_answers(ana):
    client = client_of(ana)
    assert client.get("/moved-on/").status_code == 409
    answer = client.get("/refused/")
    assert answer.status_code == 403
    assert "a second person decides" in answer.content.decode()
    assert client.get("/nothing/").status_code == 404


def test_every_answer_has_its_headers(ana):
    for client, address in (
        (client_of(ana), "/"),
        (Client(), "/accounts/login/"),
        (Client(), "/x"),
    ):
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer["Cache-Control"] == "no-store, private"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_report_of_the_browser_is_taken_without_its_address(caplog):
    body = '{"csp-report": {"effective-directive": "img-src", "document-uri": "/cases/SECRET"}}'
    answer = Client().post("/csp-report/", body, content_type="application/csp-report")
    assert answer.status_code == 204
    assert "SECRET" not in caplog.text


@pytest.fixture
def demo(tmp_path, settings):
    settings.FIU_HOME = tmp_path
    people.mark_demo_installation({"people": ["ana"]})


def run(*command: str) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_signin_prints_a_link_and_a_code_in_a_demo(ana, demo):
    people.give_second_factor(ana)
    link, code = run("signin", "ana").splitlines()
    assert link.startswith("link http://localhost:8000/accounts/link/")
    assert code == f"code {code_of(ana)}"
    assert run("signin", "ana", "--code").strip() == code_of(ana)
    assert '"link"' in run("signin", "ana", "--json")


def test_signin_for_all_prints_no_codes(ana, officer, demo):
    lines = run("signin", "--all").splitlines()[2:]
    assert [line.split()[0] for line in lines] == ["ana", "lia"]
    assert all("/accounts/link/" in line for line in lines)


def test_signin_is_refused_outside_a_demo(ana, tmp_path, settings):
    settings.FIU_HOME = tmp_path
    for command in (("signin", "ana"), ("signin", "ana", "--code")):
        with pytest.raises(CommandError, match="demo"):
            run(*command)


def test_signin_is_refused_where_others_can_reach_us(ana, demo, settings):
    settings.FIU_ORIGIN = "https://fiu.example"
    with pytest.raises(CommandError, match="loopback"):
        run("signin", "ana")


def test_the_first_admin_gets_in_by_a_link_and_sets_a_password(tmp_path, settings):
    settings.FIU_HOME = tmp_path
    link = run("create_admin", "root", "root@example.org").splitlines()[0]
    user = User.objects.get(username="root")
    assert (user.role, user.has_usable_password()) == ("admin", False)
    client = Client()
    answer = client.post(link.removeprefix("http://localhost:8000"))
    assert answer.headers["Location"] == "/accounts/password/set/"
    assert client.get("/accounts/password/set/").status_code == 200
    password = "correct horse battery staple"
    client.post("/accounts/password/set/", {"password1": password, "password2": password})
    user.refresh_from_db()
    assert user.has_usable_password()
    assert client.get("/").headers["Location"].startswith("/accounts/2fa/totp/activate/")
    with pytest.raises(CommandError):
        run("signin", "root")
