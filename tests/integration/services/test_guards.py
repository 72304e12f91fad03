"""Raw SQL against the guards: whatever the code does, the database holds the rules."""

# ruff: noqa: S608  # the SQL of an intruder, made of constants

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cases.guards import GUARDS, install_guards, missing_guards
from cases.models import (
    AuditEvent,
    BookRun,
    Case,
    Finding,
    FindingApproval,
    FreezeApproval,
    FreezeLine,
    FreezeRequest,
    LegalInstrument,
    Referral,
    SelfLookup,
    SharedRelease,
)
from cases.policy import Actor
from cases.services.audit import record_read
from cases.services.findings import return_finding, submit_finding
from tests.casework import (
    BTC,
    make_account,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    make_finding,
    person,
)

pytestmark = [pytest.mark.django_db, pytest.mark.owner]


def refused(sql: str, *arguments: Any) -> None:
    """The database refuses this statement and says why."""
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, arguments)


def accepted(sql: str, *arguments: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        assert cursor.rowcount == 1


@dataclass
class World:
    analyst: Actor
    compliance: Actor
    case: Case
    finding: Finding
    freeze: FreezeRequest
    line: FreezeLine


@pytest.fixture
def world() -> World:
    """A draft freeze with one line that cites an approved finding."""
    analyst, compliance = person("analyst"), person("compliance")
    case = make_case(analyst)
    make_asset()
    finding = make_approved_finding(case, analyst)
    freeze = FreezeRequest.objects.create(
        reference="FRZ-2026-000001",
        case=case,
        legal_basis="internal_suspicion",
        reason="Why.",
        requested_by_id=analyst.user_id,
        requested_at=timezone.now(),
        last_edited_by_id=analyst.user_id,
        content_hash="a" * 64,
    )
    line = FreezeLine.objects.create(
        freeze=freeze, account=make_account(), asset_id=BTC, requested=5, finding=finding
    )
    return World(analyst, compliance, case, finding, freeze, line)


def move(freeze: FreezeRequest, *states: str) -> None:
    for state in states:
        FreezeRequest.objects.filter(pk=freeze.pk).update(state=state)


def sign(world: World) -> None:
    """The signature without which no freeze stands."""
    FreezeApproval.objects.create(
        freeze=world.freeze, user_id=world.compliance.person, decision="approve", reason="x",
        content_hash=world.freeze.content_hash, at=timezone.now(),
    )  # fmt: skip


def test_installing_twice_changes_nothing() -> None:
    assert install_guards() == install_guards()
    assert missing_guards(connection) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.owner
def test_tables_are_emptied_between_tests_and_every_guard_stands_after_it() -> None:
    make_case()
    assert AuditEvent.objects.exists()
    call_command("flush", verbosity=0, interactive=False)
    assert not AuditEvent.objects.exists()
    assert not Case.objects.exists()
    assert missing_guards(connection) == []


def test_the_check_fails_when_a_guard_is_missing_or_altered() -> None:
    assert not run_checks(databases=["default"], tags=["database"])
    name, table = "guard_freeze_evidence", "cases_freezerequest"
    on_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {name}" + ("" if on_sqlite else f" ON {table}"))
    (error,) = [e for e in run_checks(databases=["default"]) if e.id == "cases.E001"]
    assert name in error.msg
    with connection.cursor() as cursor:
        if on_sqlite:
            cursor.execute(f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} BEGIN SELECT 1; END")
        else:  # passed over by a session that replicates
            cursor.execute(
                f"CREATE TRIGGER {name} BEFORE UPDATE ON {table}"
                f" FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
    assert missing_guards(connection) == [name]
    call_command("install_guards", "--json")
    assert missing_guards(connection) == []


def test_each_connection_is_set_as_the_guards_need_it() -> None:
    """C5: read back, as a setting with a typing mistake is passed over in silence."""
    wanted = {"transaction_isolation": "read committed"}
    ask = "SHOW"
    if connection.vendor == "sqlite":
        ask = "PRAGMA"
        wanted = {
            "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1,
            "secure_delete": 1, "trusted_schema": 0, "busy_timeout": 20_000,
        }  # fmt: skip
    with connection.cursor() as cursor:
        for name, value in wanted.items():
            cursor.execute(f"{ask} {name}")
            assert (name, cursor.fetchone()[0]) == (name, value)


def test_names_of_guards_are_unique() -> None:
    assert len({guard.name for guard in GUARDS}) == len(GUARDS)


APPEND_ONLY: dict[str, Callable[[World], str]] = {
    "cases_auditevent": lambda world: "",
    "cases_readevent": lambda world: str(
        record_read(world.case, "view_case", "x", by=world.analyst).pk
    ),
    "cases_findingapproval": lambda world: "",
    "cases_bookrun": lambda world: str(
        BookRun.objects.create(
            case=world.case,
            what="held",
            result={},
            result_sha256="0" * 64,
            sealed_by_id=world.analyst.user_id,
            sealed_at=timezone.now(),
        ).pk
    ),
    "cases_freezeapproval": lambda world: str(
        FreezeApproval.objects.create(
            freeze=world.freeze,
            user_id=world.compliance.user_id,
            decision="approve",
            reason="x",
            content_hash="a" * 64,
            at=timezone.now(),
        ).pk
    ),
}


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_append_only_tables_are_append_only(world: World, table: str) -> None:
    APPEND_ONLY[table](world)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} LIMIT 1")
        row = cursor.fetchone()
        names = [column[0] for column in cursor.description]
    assert row
    refused(f"UPDATE {table} SET id = id")
    refused(f"DELETE FROM {table}")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        refused(f"TRUNCATE {table} CASCADE")
    else:
        marks = ", ".join(["%s"] * len(names))
        for verb in ("INSERT OR REPLACE", "REPLACE", "INSERT"):
            refused(f"{verb} INTO {table} ({', '.join(names)}) VALUES ({marks})", *row)
        with connection.cursor() as cursor:  # as a connection that fires no delete triggers
            cursor.execute("PRAGMA recursive_triggers=OFF")
        try:
            refused(
                f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({marks})",
                *row,
            )
        finally:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA recursive_triggers=ON")


@pytest.mark.parametrize(
    ("seq", "prev_hash"),
    [(1, None), (3, "b" * 64), (9, None), (0, None)],
    ids=["number taken", "wrong hash", "gap", "before the first"],
)
def test_an_event_that_does_not_continue_its_chain_is_refused(
    seq: int, prev_hash: str | None
) -> None:
    by = person("analyst")
    case = make_case(by, started=True)
    last = case.events.order_by("-seq")[0]
    assert last.seq == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.create(
            case=case, seq=seq, at=timezone.now(), action="x", object="x",
            prev_hash=prev_hash or last.hash, hash="c" * 64,
        )  # fmt: skip


def test_a_system_event_out_of_turn_is_refused() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.create(
            case=None, seq=2, at=timezone.now(), action="x", object="x",
            prev_hash="0" * 64, hash="c" * 64,
        )  # fmt: skip


@pytest.mark.parametrize("state", ["submitted", "approved", "active", "lapsed"])
def test_a_freeze_begins_as_a_draft(world: World, state: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        FreezeRequest.objects.create(
            reference="FRZ-2026-000009",
            case=world.case,
            legal_basis="court_order",
            reason="x",
            state=state,
            requested_by_id=world.analyst.user_id,
            requested_at=timezone.now(),
            last_edited_by_id=world.analyst.user_id,
            approved_by_id=world.compliance.user_id,
        )


def test_a_freeze_takes_no_step_that_the_table_does_not_have(world: World) -> None:
    for state in ("approved", "executing", "active", "in_review", "decision_due", "rejected"):
        refused(
            "UPDATE cases_freezerequest SET state = %s, approved_by_id = %s WHERE id = %s",
            state, world.compliance.user_id, world.freeze.pk,
        )  # fmt: skip
    move(world.freeze, "submitted", "in_review")
    refused("UPDATE cases_freezerequest SET state = 'draft' WHERE id = %s", world.freeze.pk)


def test_nobody_approves_what_they_asked_for(world: World) -> None:
    move(world.freeze, "submitted", "in_review")
    refused(
        "UPDATE cases_freezerequest SET state = 'approved', approved_by_id = %s WHERE id = %s",
        world.analyst.user_id, world.freeze.pk,
    )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        FreezeApproval.objects.create(
            freeze=world.freeze,
            user_id=world.analyst.user_id,
            decision="approve",
            reason="x",
            content_hash="a" * 64,
            at=timezone.now(),
        )
    refused("UPDATE cases_freezerequest SET state = 'approved' WHERE id = %s", world.freeze.pk)
    approve = "UPDATE cases_freezerequest SET state = 'approved', approved_by_id = %s WHERE id = %s"
    refused(approve, world.compliance.user_id, world.freeze.pk)  # nobody signed
    sign(world)
    accepted(approve, world.compliance.user_id, world.freeze.pk)
    refused(
        "UPDATE cases_freezerequest SET approved_by_id = %s WHERE id = %s",
        person("compliance").user_id, world.freeze.pk,
    )  # fmt: skip
    refused(
        "UPDATE cases_freezerequest SET content_hash = %s WHERE id = %s", "b" * 64, world.freeze.pk
    )


@pytest.mark.parametrize(
    "change",
    ["requested = '{amount}'", "account_id = {account}", "finding_id = NULL",
     "instrument_id = {instrument}", "asset_id = 'x'"],
)  # fmt: skip
def test_a_submitted_line_keeps_its_content(world: World, change: str) -> None:
    instrument = _instrument(world)
    sql = change.format(amount=f"{999:078d}", account=make_account().pk, instrument=instrument.pk)
    update = f"UPDATE cases_freezeline SET {sql} WHERE id = %s"
    if "asset_id" not in change:
        with transaction.atomic():
            accepted(update, world.line.pk)
            transaction.set_rollback(True)
    move(world.freeze, "submitted", "in_review")
    sign(world)
    FreezeRequest.objects.filter(pk=world.freeze.pk).update(
        state="approved", approved_by_id=world.compliance.user_id
    )
    refused(update, world.line.pk)
    refused("DELETE FROM cases_freezeline WHERE id = %s", world.line.pk)
    refused("UPDATE cases_freezeline SET state = 'held' WHERE id = %s", world.line.pk)


def test_a_submitted_freeze_takes_no_further_line(world: World) -> None:
    move(world.freeze, "submitted")
    with pytest.raises(IntegrityError), transaction.atomic():
        FreezeLine.objects.create(
            freeze=world.freeze, account=make_account(), asset_id=BTC, requested=1
        )
    refused("DELETE FROM cases_freezerequest WHERE id = %s", world.freeze.pk)


def test_a_changed_freeze_needs_a_new_hash(world: World) -> None:
    move(world.freeze, "submitted")
    sql = "UPDATE cases_freezerequest SET legal_basis = 'sanctions'"
    refused(f"{sql} WHERE id = %s", world.freeze.pk)
    accepted(f"{sql}, content_hash = %s WHERE id = %s", "b" * 64, world.freeze.pk)


def _instrument(world: World, *, is_verified: bool = False) -> LegalInstrument:
    return LegalInstrument.objects.create(
        case=world.case,
        type="court_order",
        number=f"O-{uuid.uuid4()}",
        issued_by="Court",
        issued_on=timezone.now().date(),
        jurisdiction="XX",
        recorded_by_id=world.analyst.user_id,
        recorded_at=timezone.now(),
        verified_by_id=world.compliance.user_id if is_verified else None,
        verified_at=timezone.now() if is_verified else None,
    )


def _hold_without_evidence(world: World) -> FreezeLine:
    FreezeLine.objects.filter(pk=world.line.pk).update(finding=None)
    FreezeRequest.objects.filter(pk=world.freeze.pk).update(state="submitted")
    FreezeRequest.objects.filter(pk=world.freeze.pk).update(
        state="provisional", provisional_until=timezone.now()
    )
    return world.line


RATIFY = "UPDATE cases_freezerequest SET state = 'active', approved_by_id = %s WHERE id = %s"


def test_a_hold_without_evidence_is_not_ratified(world: World) -> None:
    line = _hold_without_evidence(world)
    refused(RATIFY, world.compliance.user_id, world.freeze.pk)
    unproven = make_finding(world.case, world.analyst)
    accepted("UPDATE cases_freezeline SET finding_id = %s WHERE id = %s", unproven.pk, line.pk)
    refused(RATIFY, world.compliance.user_id, world.freeze.pk)
    refused("UPDATE cases_freezeline SET finding_id = %s WHERE id = %s", world.finding.pk, line.pk)


@pytest.mark.parametrize("is_verified", [False, True])
def test_only_a_verified_instrument_carries_a_hold(world: World, is_verified: bool) -> None:
    line = _hold_without_evidence(world)
    instrument = _instrument(world, is_verified=is_verified)
    accepted("UPDATE cases_freezeline SET instrument_id = %s WHERE id = %s", instrument.pk, line.pk)
    sign(world)
    arguments = (RATIFY, world.compliance.user_id, world.freeze.pk)
    (accepted if is_verified else refused)(*arguments)


def test_a_verified_instrument_stays_as_verified(world: World) -> None:
    instrument = _instrument(world, is_verified=True)
    refused("UPDATE cases_legalinstrument SET number = 'x' WHERE id = %s", instrument.pk)
    refused("UPDATE cases_legalinstrument SET verified_at = NULL WHERE id = %s", instrument.pk)


CONTENT = [
    ("cases_finding", "statement = 'x'", "id"),
    ("cases_finding", "tier = 0", "id"),
    ("cases_finding", "statement = 'x', content_hash = 'x'", "id"),
    ("cases_findingamount", f"base = '{1:078d}'", "finding_id"),
    ("cases_counterevidence", "text = 'x'", "finding_id"),
    ("cases_finding", "reviewed_by_id = NULL", "id"),
    ("cases_finding", "drafted_by_id = NULL", "id"),
]


@pytest.mark.parametrize(("table", "change", "link"), CONTENT)
def test_a_decided_finding_keeps_its_content(
    world: World, table: str, change: str, link: str
) -> None:
    refused(f"UPDATE {table} SET {change} WHERE {link} = %s", world.finding.pk)


def test_the_parts_of_a_submitted_finding_stay(world: World) -> None:
    finding = submit_finding(make_finding(world.case, world.analyst), by=world.analyst)
    refused("DELETE FROM cases_findingamount WHERE finding_id = %s", finding.pk)
    refused("DELETE FROM cases_counterevidence WHERE finding_id = %s", finding.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        finding.counter_evidence.create(kind="analyst", text="Later.")
    with pytest.raises(IntegrityError), transaction.atomic():
        finding.amounts.create(asset=BTC, value=1, base=1, low=1, high=1)


def test_who_drafted_a_finding_does_not_decide_on_it(world: World) -> None:
    drafter = person("supervisor")
    finding = submit_finding(make_finding(world.case, drafter), by=world.analyst)
    for user_id in (drafter.user_id, world.analyst.user_id):
        refused(
            "UPDATE cases_finding SET state = 'approved', reviewed_by_id = %s WHERE id = %s",
            user_id, finding.pk,
        )  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            _approval(finding, user_id, finding.content_hash)
    refused("UPDATE cases_finding SET state = 'approved' WHERE id = %s", finding.pk)


def test_an_approval_is_of_the_present_content(world: World) -> None:
    finding = submit_finding(make_finding(world.case, world.analyst), by=world.analyst)
    with pytest.raises(IntegrityError), transaction.atomic():
        _approval(finding, world.compliance.user_id, "f" * 64)
    return_finding(finding, reason="Look again.", by=world.compliance)
    with pytest.raises(IntegrityError), transaction.atomic():
        _approval(finding, world.compliance.user_id, finding.content_hash)


def _approval(finding: Finding, user_id: int | None, content_hash: str) -> None:
    FindingApproval.objects.create(
        finding=finding,
        user_id=user_id,
        decision="approve",
        reason="x",
        content_hash=content_hash,
        at=timezone.now(),
    )


def test_a_look_at_oneself_stays_and_is_seen_once(world: World) -> None:
    def look(**given: object) -> SelfLookup:
        return SelfLookup.objects.create(
            user_id=world.analyst.user_id, what="search", at=timezone.now(), **given
        )

    row, seen = look(), (world.compliance.user_id, timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        look(seen_by_id=seen[0], seen_at=seen[1])
    update = "UPDATE cases_selflookup SET seen_by_id = %s, seen_at = %s"
    accepted(update, *seen)
    refused(update, person("compliance").user_id, timezone.now())
    refused(update, None, None)
    for change in ("what = 'suspect'", "user_id = 0", "at = at || 'x'", f"id = {row.pk + 1}"):
        if connection.vendor == "sqlite" or "||" not in change:
            refused(f"UPDATE cases_selflookup SET {change}")
    refused("DELETE FROM cases_selflookup")
    if connection.vendor == "sqlite":
        columns = "id, public_id, user_id, what, at"
        refused(
            f"INSERT OR REPLACE INTO cases_selflookup ({columns})"
            f" SELECT {columns} FROM cases_selflookup"
        )
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        refused("TRUNCATE cases_selflookup")


def test_a_release_never_changes_but_in_its_state(world: World) -> None:
    agency = make_agency()
    referral = Referral.objects.create(
        reference="REF-2026-000001",
        case=world.case,
        agency=agency,
        subject="x",
        summary="x",
        purpose="x",
        drafted_by_id=world.analyst.user_id,
        drafted_at=timezone.now(),
        last_edited_by_id=world.analyst.user_id,
    )
    release = SharedRelease.objects.create(
        referral=referral,
        agency=agency,
        number="R-2026-000001",
        dossier="{}",
        sha256="a" * 64,
        manifest="{}",
        audit_seq=1,
        audit_hash=world.case.events.get(seq=1).hash,
        sealed_by_id=world.analyst.user_id,
        sealed_at=timezone.now(),
    )
    for change in ("dossier = 'x'", "agency_id = 0", "number = 'x'", "manifest = 'x'"):
        refused(f"UPDATE cases_sharedrelease SET {change} WHERE id = %s", release.pk)
    refused("DELETE FROM cases_sharedrelease WHERE id = %s", release.pk)
    refused("UPDATE cases_sharedrelease SET state = 'superseded' WHERE id = %s", release.pk)
    accepted("UPDATE cases_sharedrelease SET state = 'shared' WHERE id = %s", release.pk)
