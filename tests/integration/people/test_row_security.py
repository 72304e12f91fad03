"""The second wall (A10): what a query forgot to leave out is not there for PostgreSQL either."""

# ruff: noqa: S608  # the names are ours

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from cases.acting import acting_as
from cases.exports import pdf
from cases.guards import missing_policies
from cases.guards.row_security import (
    OPEN,
    POLICIES,
    RowSecurityError,
    install_row_security,
    remove_row_security,
)
from cases.models import Alert, Case, Finding, Operation
from cases.models.base import CaseScopedQuerySet
from cases.policy import SYSTEM, Actor
from cases.services.cases import block_user, grant_access
from cases.services.operations import open_operation, put_case
from cases.services.requests import link_request, record_request
from fiu.postgresql.base import ActingCursor
from fiu.roles import grant_house, make_role
from tests.casework import make_actor, make_case, make_finding, person
from tests.conftest import client_of
from tests.integration.services.test_requests import spec
from tests.integration.web.referral_desk import Desk, make_desk
from tests.report_desk import make_alert, make_report_desk

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db, pytest.mark.owner]

SCOPED = [m for m in apps.get_app_config("cases").get_models()
          if hasattr(getattr(m, "objects", None), "visible_to")]  # fmt: skip


@dataclass
class World:
    """A case that the unit sees, one that is sealed, one with a wall, and what hangs on them."""

    desk: Desk
    sealed: Case
    walled: Case
    people: dict[str, Actor]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(pdf, "is_available", lambda: False)
    desk = make_desk()
    desk.release()
    compliance, outsider = make_actor(desk.compliance), person("analyst")
    sealed = make_case(compliance, title="Sealed", visibility="sealed")
    walled = make_case(compliance, title="Walled")
    make_finding(sealed, compliance)
    make_finding(walled, compliance)
    named, walled_off = person("analyst"), person("compliance")
    assert named.user_id is not None
    assert walled_off.user_id is not None
    grant_access(sealed, named.user_id, "read", by=compliance)
    report = make_report_desk()
    report.draft()
    for who in (outsider, walled_off):
        assert who.user_id is not None
        block_user(walled, who.user_id, "Related.", by=compliance)
        block_user(report.case, who.user_id, "Related.", by=compliance)
    # An operation with a case behind the wall, an alert merged into one of a hidden case.
    operation = open_operation(
        name="O", code_name="OBELISK", starts_on=date(2026, 1, 1), by=compliance
    )
    for case in (walled, desk.case):
        put_case(case, operation, reason="R.", by=compliance)
    later = make_alert(shift=40)
    Alert.objects.filter(pk=later.pk).update(state="merged", merged_into=report.alert)
    for case in (None, sealed):
        request = record_request(spec(agency_ref=f"A-{case}"), by=make_actor(desk.officer))
        if case is not None:
            link_request(request, case, by=compliance)
    return World(
        desk, sealed, walled,
        {
            "analyst": make_actor(desk.analyst), "outsider": outsider, "named": named,
            "supervisor": make_actor(desk.supervisor), "compliance": compliance,
            "walled off": walled_off, "officer": make_actor(desk.officer),
            "other officer": person("liaison"), "auditor": person("auditor"),
            "reports": report.author,
        },
    )  # fmt: skip


@contextmanager
def under_the_wall() -> Iterator[None]:
    """Policies, the house's role, and the cursor that names the actor: as FIU_RLS=1 has them."""
    role = f"house_{uuid4().hex[:8]}"
    install_row_security(connection)
    with connection.cursor() as cursor:
        make_role(cursor, role, "")
        grant_house(cursor, role)
        cursor.execute(f"SET LOCAL ROLE {role}")
    raw = connection.connection
    before, raw.cursor_factory = raw.cursor_factory, ActingCursor
    try:
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE NONE")
    finally:
        raw.cursor_factory = before


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def test_every_table_of_casework_is_decided_and_a_new_one_fails_the_check() -> None:
    install_row_security(connection)
    tables = {n for n in connection.introspection.table_names() if n.startswith("cases_")}
    assert tables == set(POLICIES) | set(OPEN)
    assert not set(POLICIES) & set(OPEN)
    assert missing_policies(connection) == []
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE cases_tomorrow (id int)")
        cursor.execute("ALTER TABLE cases_note NO FORCE ROW LEVEL SECURITY")
        cursor.execute("DROP POLICY wall ON cases_task")
        cursor.execute("CREATE POLICY wall ON cases_task USING (true)")
    assert missing_policies(connection) == ["cases_note", "cases_task", "cases_tomorrow"]
    install_row_security(connection)
    assert missing_policies(connection) == ["cases_tomorrow"]
    remove_row_security(connection)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relrowsecurity")
        assert cursor.fetchone() == (0,)


def test_for_nobody_there_is_no_row_and_for_the_installation_every_one(world: World) -> None:
    whole = {table: count(table) for table in POLICIES}
    assert sum(1 for number in whole.values() if number) > 24
    with under_the_wall():
        with acting_as(SYSTEM):
            assert {table: count(table) for table in POLICIES} == whole
        with acting_as(None):
            assert {table: count(table) for table in POLICIES} == dict.fromkeys(POLICIES, 0)
            assert count("cases_exchangeaccount") > 0  # of no case


# Rows that the wall shows beyond `visible_to`, on purpose; each reason stands in row_security.py.
COARSER = {
    "Case": ("auditor", "officer"),
    "SharedRelease": ("officer",),
    "Referral": ("officer",),
    "ShareGrant": (
        "analyst",
        "outsider",
        "named",
        "supervisor",
        "compliance",
        "walled off",
        "reports",
    ),
}


# And less: no door shows an officer the trail.
NARROWER = {"AuditEvent": ("officer",)}


def test_a_forgotten_filter_reads_what_the_filter_would_have_left(world: World) -> None:
    """Every model with a filter, every person: the wall is as high, and never in the way."""
    seen_by = {
        (model, name): set(model.objects.visible_to(actor).values_list("pk", flat=True))
        for model in SCOPED
        for name, actor in world.people.items()
    }
    with under_the_wall():
        for (model, name), seen in seen_by.items():
            with acting_as(world.people[name]):
                filtered = set(model.objects.visible_to(world.people[name]).values_list("pk"))
                whole = {pk for (pk,) in model.objects.values_list("pk")}
            filtered = {pk for (pk,) in filtered}
            if name in NARROWER.get(model.__name__, ()):
                assert not whole
                continue
            assert filtered == seen, (model, name)
            assert filtered <= whole, (model, name)
            if name not in COARSER.get(model.__name__, ()):
                assert whole == filtered, (model, name, whole - filtered)
    assert sum(map(len, seen_by.values())) > 100


def test_no_page_shows_a_hidden_case_although_every_filter_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(world.desk.analyst)
    secret = reverse("case_detail", args=[world.sealed.public_id])
    monkeypatch.setattr(CaseScopedQuerySet, "visible_to", lambda self, actor: self.all())
    assert client.get(secret).status_code == 200, "without a wall the forgotten filter is a leak"
    with under_the_wall():
        assert client.get(secret).status_code == 404
        page = client.get(reverse("case_list")).content.decode()
        assert world.desk.case.reference in page
        assert world.sealed.reference not in page
        assert world.walled.reference in page


def test_hidden_rows_can_neither_be_written_nor_added_to(world: World) -> None:
    values = Finding.objects.filter(case=world.sealed).values().get() | {"reference": "FIND-X"}
    values |= {"public_id": uuid4(), "state": "draft", "id": None}
    with under_the_wall(), acting_as(world.people["outsider"]):
        assert Finding.objects.filter(case=world.sealed).update(confidence=1) == 0
        assert Case.objects.filter(pk=world.sealed.pk).update(title="x") == 0
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Finding.objects.create(**values)
    with under_the_wall(), acting_as(world.people["compliance"]):
        assert Finding.objects.filter(case=world.sealed).update(severity="low") == 1


def test_every_statement_names_its_own_actor_and_the_connection_keeps_none(world: World) -> None:
    with under_the_wall():
        seen = []
        for name in ("compliance", "outsider", "compliance"):
            with acting_as(world.people[name]):
                seen.append(Case.objects.filter(pk=world.sealed.pk).exists())
        assert seen == [True, False, True]
        with acting_as(world.people["named"]), transaction.atomic():
            assert Case.objects.filter(pk=world.sealed.pk).exists()
            with acting_as(None):
                assert not Case.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::text", ["100 % of 'it'"])
            assert cursor.fetchone() == ("100 % of 'it'",)
            assert cursor.cursor.query == b"SELECT '100 % of ''it'''::text"
            cursor.executemany("UPDATE fiu_user SET title = %s WHERE id = %s", [("x", 0), ("y", 0)])
            cursor.execute("SAVEPOINT plain")
            assert cursor.cursor.query == b"SAVEPOINT plain"


def test_an_access_that_ran_out_and_a_wall_count_at_once(world: World) -> None:
    named = world.people["named"]
    with under_the_wall():
        with acting_as(named):
            assert Case.objects.filter(pk=world.sealed.pk).exists()
        world.sealed.accesses.filter(user_id=named.user_id).update(
            expires_at=timezone.now() - timedelta(seconds=1)
        )
        with acting_as(named):
            assert not Case.objects.filter(pk=world.sealed.pk).exists()
        with acting_as(world.people["walled off"]):
            assert not Case.objects.filter(pk=world.walled.pk).exists()
            assert not Operation.objects.exists()
            assert not Alert.objects.filter(state="merged").exists()


def test_what_stands_in_the_way_is_one_sentence(world: World) -> None:
    with under_the_wall(), pytest.raises(RowSecurityError, match="BYPASSRLS"):
        install_row_security(connection)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    started = subprocess.run(
        [sys.executable, "-c", "import fiu.settings"],
        env={**clean, "FIU_RLS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode == 1
    assert "FIU_RLS needs PostgreSQL" in started.stderr
