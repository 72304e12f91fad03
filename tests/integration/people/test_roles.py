"""Roles of PostgreSQL: the liaison door has no grant on any table, and its work goes on."""

# ruff: noqa: S608  # the SQL of an intruder, made of constants

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.exports import pdf
from cases.models import AuditEvent, Case, InformationRequest, ReadEvent
from cases.services.audit import verify_chains
from cases.services.requests import ask_agency, start_verification
from fiu.models import User
from fiu.people import give_second_factor
from fiu.roles import SCHEMA, WINDOWS, RolesError, install_roles, lift_roles
from tests.casework import make_actor, make_case, make_user
from tests.integration.services.test_requests import ADDRESS
from tests.integration.web.referral_desk import Desk, make_desk

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db, pytest.mark.owner]

WORD = "open 'sesame' 100% ü"
VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


@dataclass(frozen=True)
class Roles:
    """Two roles of this test alone; they go with its transaction."""

    app: str
    liaison: str

    def install(self) -> None:
        install_roles(app=self.app, app_password=WORD, liaison=self.liaison, liaison_password=WORD)


@pytest.fixture
def roles() -> Roles:
    mark = uuid4().hex[:8]
    made = Roles(f"app_{mark}", f"door_{mark}")
    made.install()
    return made


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(pdf, "is_available", lambda: False)
    return make_desk(title="Operation Canary")


@contextmanager
def acting(role: str, search_path: str) -> Iterator[None]:
    """This connection as that role; what was deferred is checked before it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        before = cursor.fetchone()[0]
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(f"SET LOCAL ROLE {role}")
        cursor.execute(f"SET LOCAL search_path = {search_path}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("RESET ROLE")
        cursor.execute(f"SET LOCAL search_path = {before}")


@contextmanager
def at_the_door(roles: Roles) -> Iterator[None]:
    with acting(roles.liaison, SCHEMA):
        yield


def run(sql: str, *arguments: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return list(cursor.fetchall()) if cursor.description else []


def refused(sql: str, match: str = "permission denied") -> None:
    with pytest.raises(DatabaseError, match=match), transaction.atomic():
        run(sql)


def tables() -> list[str]:
    return [
        name
        for (name,) in run(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"
            " AND relnamespace = 'public'::regnamespace"
        )
    ]


def test_the_liaison_role_has_no_grant_on_any_table_not_even_on_one_made_tomorrow(
    roles: Roles,
) -> None:
    run("CREATE TABLE made_tomorrow (id int)")
    names = tables()
    assert {"cases_case", "cases_sharedrelease", "fiu_user", "made_tomorrow"} <= set(names)
    assert len(names) > 60
    of_tables = "r.oid, c.oid"
    granted = run(
        "SELECT relname, verb FROM pg_roles r, pg_class c, unnest(%s) verb"
        f" WHERE rolname = %s AND c.relname = ANY(%s) AND relkind <> 'S'"
        f" AND (has_table_privilege({of_tables}, verb) OR (verb IN ('SELECT', 'INSERT', 'UPDATE',"
        f" 'REFERENCES') AND has_any_column_privilege({of_tables}, verb)))"
        " AND relnamespace = 'public'::regnamespace",
        list(VERBS), roles.liaison, names,
    )  # fmt: skip
    assert granted == []
    with at_the_door(roles):
        for name in names:
            refused(f'SELECT * FROM public."{name}"')
        for name in ("cases_case", "cases_suspect", "cases_finding", "cases_auditevent"):
            refused(f"SELECT id FROM public.{name}")
            refused(f"SELECT count(*) FROM public.{name}")
            refused(f"DELETE FROM public.{name}")
            refused(f"TRUNCATE public.{name}")
            refused(f"UPDATE public.{name} SET id = 1")
            refused(f"COPY public.{name} TO STDOUT")


def test_the_role_can_make_nothing_and_become_nobody(roles: Roles) -> None:
    owner, database = run("SELECT session_user, current_database()")[0]
    assert run(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication, rolcanlogin"
        " FROM pg_roles WHERE rolname = %s",
        roles.liaison,
    ) == [(False, False, False, False, False, True)]
    may = "SELECT pg_has_role(%s, %s, 'MEMBER'), has_database_privilege(%s, %s, 'CREATE')"
    for other in (owner, roles.app):
        assert run(may, roles.liaison, other, roles.liaison, database) == [(False, False)]
    with at_the_door(roles):
        for schema in ("public", SCHEMA):
            refused(f"CREATE TABLE {schema}.mine (id int)")
        refused("SELECT * FROM pg_authid")


def test_the_door_shows_of_a_case_which_one_it_is_and_nothing_else(
    roles: Roles, desk: Desk
) -> None:
    release = desk.release()
    make_case(title="Nobody was told of this one")
    with at_the_door(roles):
        (row,) = Case.objects.values()
        shown = {name for name, value in row.items() if value is not None}
        assert shown == {"id", "public_id", "updated_at"}
        assert row["id"] == desk.case.pk
        refused("UPDATE cases_case SET title = 'x'", match="cannot update column")
        refused("DELETE FROM cases_case")
        refused("SELECT data FROM cases_auditevent")
        refused("SELECT object FROM cases_readevent")
        refused("UPDATE cases_sharegrant SET expires_at = now()")
        refused("UPDATE cases_sharedrelease SET state = 'recalled'")
        assert run("SELECT count(*) FROM cases_sharedrelease") == [(1,)]
    desk.referral("packaged")
    type(release).objects.filter(pk=release.pk).update(state="recalled")
    with at_the_door(roles):
        for table in ("case", "referral", "sharedrelease", "sharegrant", "releasefile"):
            assert run(f"SELECT count(*) FROM cases_{table}") == [(0,)], table


def signed_in(user: User) -> Client:
    """By password and code, as a browser does."""
    client = Client()
    user.set_password("a long enough password")
    user.save(update_fields=["password"])
    words = {"login": user.username, "password": "a long enough password"}
    assert client.post("/accounts/login/", words).status_code == 302
    factor = Authenticator.objects.get(user=user, type="totp")
    code = format_hotp_value(hotp_value(decrypt(factor.data["secret"]), int(time.time()) // 30))
    answer = client.post("/accounts/2fa/authenticate/", {"code": code})
    assert answer.status_code == 302
    if user.role == "liaison":
        del client.cookies[settings.SESSION_COOKIE_NAME]  # a browser drops what was cleared
    return client


def test_people_of_the_house_their_factors_and_their_sessions_are_not_there(roles: Roles) -> None:
    analyst, officer = make_user("analyst"), make_user("liaison")
    keys_of = []
    for person in (analyst, officer):
        give_second_factor(person)
        client = signed_in(person)
        cookies = (settings.LIAISON_COOKIE_NAME, settings.SESSION_COOKIE_NAME)
        keys_of.append(next(client.cookies[n].value for n in cookies if n in client.cookies))
    house, door = keys_of
    with at_the_door(roles):
        assert run("SELECT id FROM fiu_user") == [(officer.pk,)]
        assert set(run("SELECT user_id FROM mfa_authenticator")) == {(officer.pk,)}
        keys = {key for (key,) in run("SELECT session_key FROM django_session")}
        assert door in keys
        assert house not in keys
        refused(
            "INSERT INTO mfa_authenticator (user_id, type, data, created_at)"
            f" VALUES ({analyst.pk}, 'webauthn', '{{}}', now())",
            match="check option",
        )


def test_of_an_account_the_door_writes_what_signing_in_writes_and_nothing_else(
    roles: Roles,
) -> None:
    officer = make_user("liaison")
    written = {"last_login", "password", "language", "shows_utc", "theme"}
    columns = {field.column for field in User._meta.concrete_fields}
    assert {"access_until", "role", "agency_id", "is_active", "email", "username"} <= columns
    with at_the_door(roles):
        for column in sorted(columns - written):
            refused(f"UPDATE fiu_user SET {column} = {column}")  # even to what it is already
        refused("UPDATE fiu_user SET access_until = NULL")
        refused("INSERT INTO fiu_user (username) VALUES ('x')")
        refused("DELETE FROM fiu_user")
        refused("UPDATE fiu_agency SET domain = 'x'")
        assert User.objects.filter(pk=officer.pk).update(language="fr", shows_utc=True) == 1


def test_an_officer_sets_a_first_password_through_the_door(
    roles: Roles,
) -> None:
    officer = make_user("liaison")
    with at_the_door(roles):
        get_adapter().set_password(officer, "a long enough first password")
    officer.refresh_from_db()
    assert officer.check_password("a long enough first password")


def test_a_chain_of_a_case_that_was_never_shared_takes_no_line_from_the_door(
    roles: Roles, desk: Desk
) -> None:
    desk.release()
    other = make_case()
    last = other.events.order_by("-seq")[0]
    line = (
        "INSERT INTO cases_auditevent (case_id, seq, at, actor_ip, action, object, reason, data,"
        f" prev_hash, hash) VALUES ({{}}, {last.seq + 1}, now(), '', 'x', 'x', '', '{{{{}}}}',"
        f" '{last.hash}', '{'c' * 64}')"
    )
    with at_the_door(roles):
        refused(line.format(other.pk), match="check option")
        with pytest.raises(DatabaseError, match="continue its chain"), transaction.atomic():
            run(line.format(desk.case.pk))


def posted() -> dict[str, Any]:
    day = timezone.now().date()
    return {
        "instrument_type": "court_order", "instrument_number": "114-0093",
        "issued_by": "Court", "issued_on": str(day), "agency_ref": "HDIB-17",
        "legal_basis": "Art. 230", "offences": "Trade in narcotics",
        "identifiers": f"{ADDRESS}\nno address here 123\n", "datasets": ["balances"],
        "urgency": "routine", "due_on": str(day + timedelta(days=9)),
    }  # fmt: skip


def test_the_journey_of_an_officer_goes_through_the_views_alone(
    roles: Roles, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FIU_DOOR", "liaison")
    release = desk.release()
    give_second_factor(desk.officer)
    page = reverse("liaison_release", args=[release.public_id])
    with at_the_door(roles):
        client = signed_in(desk.officer)
        assert release.number in client.get("/liaison/").content.decode()
        shown = client.get(page)
        assert shown.status_code == 200
        for file in shown.context["view"].files:
            address = reverse("liaison_download", args=[release.public_id, file.name])
            assert client.get(address).status_code == 200
        ask = reverse("liaison_ask", args=[release.public_id])
        assert client.post(ask, {"about": "F1", "text": "How sure?"})["Location"] == page
        outcome = {"kind": "arrest", "number": 1, "happened_on": "2025-06-01"}
        told = client.post(reverse("liaison_outcome", args=[release.public_id]), outcome)
        assert told["Location"] == page
        acknowledge = reverse("liaison_acknowledge", args=[release.public_id])
        for _time in range(2):
            assert client.post(acknowledge)["Location"] == page
        assert "You acknowledged this release already." in client.get(page).content.decode()

        filed = client.post(reverse("liaison_request_new"), posted())
        assert filed.status_code == 302
        assert "HDIB-17" in client.get(reverse("liaison_requests")).content.decode()
        assert "no address here 123" in client.get(filed["Location"]).content.decode()
    asked = InformationRequest.objects.get()
    desk_officer = make_actor(desk.analyst)
    start_verification(asked, by=desk_officer)
    ask_agency(asked, text="Which account?", reason="Unclear.", by=desk_officer)
    with at_the_door(roles):
        answer = reverse("liaison_request_answer", args=[asked.public_id])
        assert client.post(answer, {"text": "The first."}).status_code == 302
        assert "The first." in client.get(filed["Location"]).content.decode()
        theme = {"theme": "dark", "next": "/liaison/"}
        assert client.post(reverse("liaison_theme"), theme)["Location"] == "/liaison/"
        assert client.get("/accounts/sessions/").status_code == 200
        assert client.get("/accounts/2fa/").status_code == 200
        assert client.get(f"/liaison/releases/{uuid4()}/").status_code == 404
        client.post("/accounts/logout/")
        assert client.get(page).status_code == 302

    release.referral.refresh_from_db()
    assert release.referral.state == "acknowledged"
    last = AuditEvent.objects.filter(case=desk.case).latest("seq")
    assert (last.action, last.actor_id) == ("acknowledge_referral", desk.officer.pk)
    reads = ReadEvent.objects.filter(actor=desk.officer, case=desk.case)
    assert reads.filter(action="download_release").count() == len(shown.context["view"].files)
    assert verify_chains().is_whole


def test_the_house_changes_rows_but_neither_tables_nor_what_is_append_only(
    roles: Roles, desk: Desk
) -> None:
    with acting(roles.app, "public"):
        desk.release()
        refused("DELETE FROM cases_auditevent")
        refused("UPDATE cases_auditevent SET reason = 'x'")
        refused("UPDATE cases_freezeapproval SET reason = 'x'")
        refused("DELETE FROM django_migrations")
        refused("TRUNCATE cases_case CASCADE")
        refused("DROP TABLE cases_case", match="must be owner")
        refused("ALTER TABLE cases_auditevent DISABLE TRIGGER ALL", match="must be owner")
        refused("CREATE TABLE public.mine (id int)")


def test_setting_up_twice_changes_nothing_and_lifting_closes_the_door(roles: Roles) -> None:
    grants = (
        "SELECT table_name, column_name, privilege_type FROM information_schema.column_privileges"
        f" WHERE grantee = '{roles.liaison}' ORDER BY 1, 2, 3"
    )
    before = run(grants)
    run(f"GRANT SELECT ON cases_case TO {roles.liaison}")
    run(f"GRANT SELECT (id) ON cases_suspect TO {roles.liaison}")
    roles.install()
    assert run(grants) == before
    assert {table for table, _, _ in before} == {window.table for window in WINDOWS}
    lift_roles()
    with connection.cursor() as cursor:  # what held a migration up is gone
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE cases_case ALTER COLUMN title TYPE text")
    with at_the_door(roles):
        refused("SELECT id FROM cases_case", match="does not exist")


def test_what_cannot_be_set_up_is_one_sentence(roles: Roles, tmp_path: Any) -> None:
    with pytest.raises(RolesError, match="more than a door may"):
        install_roles(
            app=roles.app, app_password="", liaison=run("SELECT current_user")[0][0],
            liaison_password="",
        )  # fmt: skip
    with pytest.raises(CommandError, match="need two roles"):
        call_command("install_roles", "--app", "x", "--liaison", "x")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("install_roles", "--app-password-file", str(tmp_path / "absent"))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("prepare_database", "--liaison-password-file", str(tmp_path / "absent"))
    views = run(f"SELECT count(*) FROM pg_views WHERE schemaname = '{SCHEMA}'")[0][0]
    assert views == len(WINDOWS), "it began without a password"
    with acting(roles.app, "public"), pytest.raises(RolesError, match="may not create it"):
        install_roles(app="nobody_1", app_password="", liaison="nobody_2", liaison_password="")
