"""Access to a case: taken back, walls raised and lifted, glass broken and looked at."""

from datetime import datetime, timedelta
from itertools import product

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from cases.models import Case, CaseAccess, CaseBlock, EmergencyAccess, Suspect
from cases.policy import PermissionDenied, Role, StepUpRequired, writable_cases
from cases.queries.access import Right, people_of_case
from cases.queries.inbox import inbox_numbers
from cases.services.access import break_glass, lift_block, look_at_emergency, revoke_access
from cases.services.audit import verify_chains
from cases.services.cases import block_user, edit_case, grant_access, start_case
from cases.services.errors import CaseworkError, NotFound
from tests.casework import make_case, make_suspect, person, stale
from tests.inbox_rows import inbox

pytestmark = pytest.mark.django_db


def actions(case: Case) -> list[str]:
    return list(case.events.order_by("seq").values_list("action", flat=True))


def waits(actor: object) -> int:
    return len([row for row in inbox(actor) if row.kind == "emergency"])  # type: ignore[arg-type]


def may_by_the_rule(
    role: str, visibility: str, level: str, expires: datetime | None, is_blocked: bool, write: bool
) -> bool:
    """The rule of `visible_cases` and `writable_cases` in plain Python."""
    named = level in (("write", "lead") if write else ("read", "write", "lead"))
    named = named and (expires is None or expires > timezone.now())
    if is_blocked or role not in ("analyst", "supervisor", "compliance"):
        return False
    return role == "compliance" or visibility == "unit" or named


def test_the_row_filters_say_what_the_rule_says_for_every_kind_of_case() -> None:
    now = timezone.now()
    ends = (None, now - timedelta(minutes=1), now + timedelta(minutes=1))
    kinds = list(
        product(
            ("unit", "team", "sealed"),
            [("", None), *product(("read", "write", "lead"), ends)],
            (False, True),
        )
    )
    owner, other = person("analyst"), person("analyst")
    cases = [make_case(owner, visibility=visibility) for visibility, _named, _blocked in kinds]
    for case in cases:
        make_suspect(case, owner)
        CaseBlock.objects.create(case=case, user_id=other.user_id, reason="Not one of those asked.")
    people = {role: person(role) for role in Role if role != Role.SYSTEM}
    for actor in people.values():
        for case, (_visibility, (level, expires), is_blocked) in zip(cases, kinds, strict=True):
            if level:
                CaseAccess.objects.create(
                    case=case, user_id=actor.user_id, level=level, expires_at=expires
                )
            if is_blocked:
                CaseBlock.objects.create(case=case, user_id=actor.user_id, reason="A relative.")
    for role, actor in people.items():
        told = [
            [kind for kind, case in zip(kinds, cases, strict=True) if case.pk in seen]
            for seen in (
                set(Case.objects.visible_to(actor).values_list("pk", flat=True)),
                set(Suspect.objects.visible_to(actor).values_list("case", flat=True)),
                set(Case.objects.filter(writable_cases(actor)).values_list("pk", flat=True)),
            )
        ]
        rule = [
            [
                (visibility, named, is_blocked)
                for visibility, named, is_blocked in kinds
                if may_by_the_rule(role, visibility, *named, is_blocked, write)
            ]
            for write in (False, False, True)
        ]
        assert told == rule


def test_access_taken_back_is_gone_at_once() -> None:
    boss, reader = person("compliance"), person("analyst")
    case = make_case(visibility="sealed")
    grant_access(case, reader.person, "read", by=boss)
    assert Case.objects.visible_to(reader).exists()
    revoke_access(case, reader.person, reason="Moved to another team.", by=boss)
    assert not Case.objects.visible_to(reader).exists()
    assert actions(case)[-1] == "revoke_access"


def test_access_is_taken_back_only_by_those_who_give_it_and_with_a_reason() -> None:
    by, reader, boss = person("analyst"), person("analyst"), person("compliance")
    case = make_case(by, visibility="team")
    grant_access(case, reader.person, "write", by=boss)
    with pytest.raises(PermissionDenied):
        revoke_access(case, reader.person, reason="Why not.", by=by)
    with pytest.raises(CaseworkError):
        revoke_access(case, reader.person, reason=" ", by=boss)
    with pytest.raises(NotFound):
        revoke_access(case, person("analyst").person, reason="Never named.", by=boss)
    assert Case.objects.visible_to(reader).exists()


def test_the_owner_is_not_locked_out_of_the_own_case() -> None:
    by, boss, heir = person("analyst"), person("compliance"), person("analyst")
    case = make_case(by, visibility="sealed")
    with pytest.raises(CaseworkError, match="another owner"):
        revoke_access(case, by.person, reason="Left.", by=boss)
    edit_case(case, version=1, owner_by_id=heir.person, by=boss)
    revoke_access(case, by.person, reason="Left.", by=boss)
    assert not Case.objects.visible_to(by).exists()
    assert Case.objects.visible_to(heir).exists()


def test_a_wall_takes_the_case_from_its_owner() -> None:
    by, boss = person("analyst"), person("supervisor")
    case = make_case(by)
    block = block_user(case, by.person, "A relative.", by=boss)
    case.refresh_from_db()
    assert case.owner_by_id is None
    assert (block.blocked_by_id, block.blocked_at is None) == (boss.user_id, False)


def test_somebody_of_compliance_always_sees_a_case() -> None:
    first, second, boss = person("compliance"), person("compliance"), person("supervisor")
    case = make_case()
    block_user(case, first.person, "A relative.", by=boss)
    with pytest.raises(CaseworkError, match="Nobody else"):
        block_user(case, second.person, "A relative too.", by=boss)
    assert Case.objects.visible_to(second).exists()


def test_a_wall_is_lifted_by_compliance_and_not_by_who_raised_it() -> None:
    by, raised, other = person("analyst"), person("compliance"), person("compliance")
    case = make_case(visibility="team")
    grant_access(case, by.person, "write", by=raised)
    block_user(case, by.person, "A relative.", by=raised)
    with pytest.raises(PermissionDenied):
        lift_block(case, by.person, reason="A mistake.", by=person("supervisor"))
    with pytest.raises(PermissionDenied, match="second person"):
        lift_block(case, by.person, reason="A mistake.", by=raised)
    lift_block(case, by.person, reason="Another person of that name.", by=other)
    assert not CaseBlock.objects.filter(case=case).exists()
    assert not Case.objects.visible_to(by).exists(), "access by name comes back only by a new grant"
    grant_access(case, by.person, "read", by=other)
    assert Case.objects.visible_to(by).exists()
    with pytest.raises(NotFound):
        lift_block(case, by.person, reason="Again.", by=other)


def test_broken_glass_opens_the_case_to_read_for_an_hour() -> None:
    hurried = person("supervisor")
    case = make_case(visibility="sealed")
    emergency = break_glass(f" {case.reference.lower()} ", reason="Money moves now.", by=hurried)
    assert Case.objects.visible_to(hurried).get() == case
    assert emergency.ends_at - emergency.opened_at == timedelta(minutes=60)
    with pytest.raises(PermissionDenied):
        start_case(case, by=hurried)
    with pytest.raises(PermissionDenied):
        grant_access(case, hurried.person, "lead", by=hurried)
    past = timezone.now() - timedelta(seconds=1)
    CaseAccess.objects.filter(user_id=hurried.person).update(expires_at=past)
    assert not Case.objects.visible_to(hurried).exists()
    assert actions(case)[-1] == "break_glass"
    assert verify_chains().is_whole


@pytest.mark.parametrize("role", ["analyst", "compliance", "auditor", "admin", "liaison"])
def test_only_a_supervisor_breaks_glass(role: str) -> None:
    case = make_case(visibility="sealed")
    with pytest.raises(PermissionDenied):
        break_glass(case.reference, reason="Money moves now.", by=person(role))


def test_glass_is_broken_with_a_fresh_second_factor_and_a_reason() -> None:
    hurried, case = person("supervisor"), make_case(visibility="sealed")
    with pytest.raises(StepUpRequired):
        break_glass(case.reference, reason="Money moves now.", by=stale(hurried))
    with pytest.raises(CaseworkError):
        break_glass(case.reference, reason=" ", by=hurried)
    with pytest.raises(CaseworkError, match="already"):
        break_glass(make_case().reference, reason="Money moves now.", by=hurried)
    assert not EmergencyAccess.objects.exists()


def test_no_emergency_reaches_across_a_wall_and_the_trial_is_kept() -> None:
    walled, boss = person("supervisor"), person("compliance")
    case = make_case(visibility="sealed")
    block_user(case, walled.person, "A relative.", by=boss)
    with pytest.raises(NotFound) as at_the_wall:
        break_glass(case.reference, reason="Money moves now.", by=walled)
    with pytest.raises(NotFound) as nothing_there:
        break_glass("CASE-1999-000001", reason="Money moves now.", by=walled)
    assert str(at_the_wall.value) == str(nothing_there.value)
    assert not Case.objects.visible_to(walled).exists()
    assert not EmergencyAccess.objects.exists()
    assert actions(case)[-1] == "refuse_break_glass"


def test_an_emergency_waits_for_each_of_compliance_and_the_owner_until_they_looked() -> None:
    owner, first, second = person("analyst"), person("compliance"), person("compliance")
    member, hurried = person("analyst"), person("supervisor")
    case = make_case(owner, visibility="sealed")
    grant_access(case, member.person, "write", by=first)
    emergency = break_glass(case.reference, reason="Money moves now.", by=hurried)
    assert [waits(each) for each in (owner, first, second, member, hurried)] == [1, 1, 1, 0, 0]
    assert inbox_numbers(first)["inbox"] == len(inbox(first))
    look_at_emergency(emergency, by=first)
    look_at_emergency(emergency, by=first)
    assert [waits(each) for each in (owner, first, second)] == [1, 0, 1]
    assert actions(case).count("look_at_emergency") == 1
    for nobody in (member, hurried):
        with pytest.raises(PermissionDenied):
            look_at_emergency(emergency, by=nobody)


@pytest.mark.owner
def test_the_database_keeps_what_was_opened_in_an_emergency() -> None:
    case = make_case(visibility="sealed")
    emergency = break_glass(case.reference, reason="Now.", by=person("supervisor"))
    rows = EmergencyAccess.objects.filter(pk=emergency.pk)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.update(reason="Something else.")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.delete()


def test_the_screen_says_who_sees_the_case_and_by_which_right() -> None:
    owner, boss, hurried = person("analyst"), person("compliance"), person("supervisor")
    walled, was_here = person("analyst"), person("analyst")
    case = make_case(owner, visibility="sealed")
    block_user(case, walled.person, "A relative.", by=boss)
    grant_access(case, was_here.person, "read", by=boss)
    CaseAccess.objects.filter(user_id=was_here.person).update(
        expires_at=timezone.now() - timedelta(days=1)
    )
    break_glass(case.reference, reason="Now.", by=hurried)
    people = people_of_case(case, boss)
    assert {row.person.pk: row.right for row in people.rows} == {
        owner.user_id: Right.NAMED,
        boss.user_id: Right.OFFICE,
        hurried.user_id: Right.EMERGENCY,
        was_here.user_id: Right.ENDED,
    }
    assert people.rows[0].is_owner
    assert [wall.user_id for wall in people.walls] == [walled.user_id]
    assert people_of_case(case, owner).walls == [], "who is walled off is not for everybody"


def test_an_open_case_lists_the_unit() -> None:
    case, colleague = make_case(), person("supervisor")
    rights = {row.person.pk: row.right for row in people_of_case(case, colleague).rows}
    assert rights[colleague.user_id] == Right.UNIT
