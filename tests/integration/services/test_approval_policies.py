"""How many people an act needs: policies of two people, and what they ask of each freeze (E1)."""

# ruff: noqa: S608  # the SQL of an intruder, made of constants

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cases.models import (
    ApprovalPolicy,
    AuditEvent,
    FreezeApproval,
    FreezeRequest,
    OutboxMessage,
    Price,
)
from cases.policy import Action, Actor, PermissionDenied, StepUpRequired
from cases.queries.inbox import inbox
from cases.services.approval_policies import (
    DEFAULT,
    approve_policy,
    policy_hash_of,
    propose_policy,
    reject_policy,
    rule_for,
)
from cases.services.cases import block_user
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.freezes import (
    LineSpec,
    approve_extension,
    approve_freeze,
    content_hash_of,
    execute_freeze,
    place_hold,
    ratify_freeze,
    reject_freeze,
    request_extension,
    request_freeze,
    submit_freeze,
    triage_freeze,
)
from cases.services.freezes.content import approval_rule
from cases.services.prices import add_prices
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import (
    BTC,
    make_account,
    make_approved_finding,
    make_asset,
    make_case,
    make_price,
    person,
    stale,
)
from tests.held import Held, make_held

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Actor]:
    return [person("compliance") for _ in range(3)]


def propose(by: Actor, **fields: Any) -> ApprovalPolicy:
    values: dict[str, Any] = {
        "action": "approve_freeze", "amount_over": Decimal(0), "min_approvals": 2,
        "expires_after": 24, "reason": "Two of us.",
    }  # fmt: skip
    return propose_policy(**(values | fields), by=by)


def put_in_force(people: list[Actor], **fields: Any) -> ApprovalPolicy:
    policy = propose(people[0], **fields)
    return approve_policy(policy, content_hash=policy.content_hash, reason="Yes.", by=people[1])


def asked(by: Actor | None = None, **fields: Any) -> FreezeRequest:
    make_asset()
    make_price(BTC, "100000")
    by = by or person("analyst")
    case = make_case(by)
    finding = make_approved_finding(case, by)
    values: dict[str, Any] = {
        "legal_basis": "internal_suspicion", "restriction": "all", "urgency": "routine",
        "agency_id": None, "reason": "R.",
        "lines": [LineSpec(make_account().pk, BTC, 100_000_000, finding.pk)],
    }  # fmt: skip
    freeze = request_freeze(case, **(values | fields), by=by)
    return triage_freeze(submit_freeze(freeze, by=by), by=by)


def sign(freeze: FreezeRequest, by: Actor) -> str:
    approve_freeze(freeze, content_hash=content_hash_of(freeze), reason="Y.", by=by)
    freeze.refresh_from_db()
    return freeze.state


def test_without_a_policy_one_person_beside_the_requester_is_enough(people: list[Actor]) -> None:
    assert rule_for(Action.APPROVE_FREEZE, lambda: None) == DEFAULT
    assert sign(asked(), people[0]) == "executing"


def test_two_people_sign_where_the_policy_says_so_and_each_once(people: list[Actor]) -> None:
    put_in_force(people)
    freeze = asked()
    assert sign(freeze, people[0]) == "in_review"
    assert freeze.approved_by is None
    assert not OutboxMessage.objects.exists()
    with pytest.raises(CaseworkError, match="signed this content already"):
        sign(freeze, people[0])
    with pytest.raises(CaseworkError, match="signed this content already"):
        reject_freeze(freeze, reason="No.", by=people[0])
    assert sign(freeze, people[1]) == "executing"
    assert freeze.approved_by_id == people[1].user_id
    told = freeze.case.events.filter(action__in=["sign_freeze", "approve_freeze"]).order_by("seq")
    assert [each.action for each in told] == ["sign_freeze", "approve_freeze"]


def test_who_signed_no_longer_has_it_in_the_inbox(people: list[Actor]) -> None:
    put_in_force(people)
    sign(asked(), people[0])
    waits = [[row.kind for row in inbox(each)].count("freeze") for each in people]
    assert waits == [0, 1, 1]


def test_a_policy_of_large_amounts_holds_above_them_and_where_no_price_is(
    people: list[Actor],
) -> None:
    put_in_force(people, amount_over=Decimal(100_000))
    assert sign(asked(), people[0]) == "executing", "one bitcoin is not more than that"
    put_in_force(people, amount_over=Decimal(99_999))
    assert sign(asked(), people[0]) == "in_review"

    def rule(worth: str | None) -> int:
        value = None if worth is None else Decimal(worth)
        return rule_for(Action.APPROVE_FREEZE, lambda: value).min_approvals

    assert [rule("99999"), rule("99999.01"), rule("200000"), rule(None)] == [1, 2, 2, 2]


def test_one_officers_price_lowers_no_number_of_signatures(people: list[Actor]) -> None:
    put_in_force(people, amount_over=Decimal(99_999))
    freeze = asked()
    told = {"asset": BTC, "currency": "USD", "price": "0.01", "method": "spot"}
    at = (timezone.now() - timedelta(minutes=1)).isoformat()
    told |= {"at": at, "source": "Mine"}
    assert add_prices(prices=[told], by=people[0]).num_added == 1
    for each in people:
        rule = approval_rule(freeze, signers=[each.user_id])
        assert rule.min_approvals == 2, "the highest of all sources counts"
    Price.objects.filter(loaded_by=None).delete()
    assert approval_rule(freeze, signers=[people[0].user_id]).min_approvals == 2, "no own price"
    assert approval_rule(freeze, signers=[people[1].user_id]) == DEFAULT
    assert sign(freeze, people[0]) == "in_review"


def test_the_strictest_of_several_counts(people: list[Actor]) -> None:
    put_in_force(people, min_approvals=3, expires_after=48)
    put_in_force(people, amount_over=Decimal(10), min_approvals=2, expires_after=5)
    rule = rule_for(Action.APPROVE_FREEZE, lambda: Decimal(11))
    assert (rule.min_approvals, rule.lasts) == (3, timedelta(hours=5))
    assert rule_for(Action.RELEASE_FREEZE, lambda: Decimal(11)) == DEFAULT


@pytest.mark.parametrize("change", ["inactive", "role", "wall", "old", "content"])
def test_an_approval_that_no_longer_stands_does_not_count(people: list[Actor], change: str) -> None:
    put_in_force(people)
    freeze, first = asked(urgency="urgent"), people[0]
    sign(freeze, first)
    users = User.objects.filter(pk=first.user_id)
    match change:
        case "inactive":
            users.update(is_active=False)
        case "role":
            users.update(role="supervisor")
        case "wall":
            block_user(freeze.case, first.person, "Kin.", by=people[2])
        case "old":
            put_in_force(people[1:], expires_after=1)
            later = timezone.now() + timedelta(hours=2)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(timezone, "now", lambda: later)
                assert sign(freeze, _fresh(people[1], later)) == "in_review"
            return
        case "content":
            FreezeRequest.objects.filter(pk=freeze.pk).update(version=freeze.version + 1)
            freeze.refresh_from_db()
            changed = content_hash_of(freeze)
            FreezeRequest.objects.filter(pk=freeze.pk).update(content_hash=changed)
            freeze.refresh_from_db()
    assert sign(freeze, people[1]) == "in_review"
    assert sign(freeze, people[2]) == "executing"


def _fresh(actor: Actor, at: Any) -> Actor:
    return Actor(actor.user_id, actor.role, mfa_at=at)


def test_the_count_is_repeated_when_the_order_is_sent_again(people: list[Actor]) -> None:
    freeze = asked()
    assert sign(freeze, people[0]) == "executing"
    put_in_force(people)
    FreezeRequest.objects.filter(pk=freeze.pk).update(state="failed")
    with pytest.raises(CaseworkError, match="asks for more approvals than still stand"):
        execute_freeze(freeze, by=people[2])


def test_a_provisional_hold_is_ratified_by_as_many_people(people: list[Actor]) -> None:
    put_in_force(people)
    make_asset()
    supervisor = person("supervisor")
    case = make_case(supervisor)
    finding = make_approved_finding(case, supervisor)
    account = make_account()
    freeze = place_hold(
        case, lines=[LineSpec(account.pk, BTC, 5, finding.pk)], urgency="urgent", reason="R.",
        by=supervisor,
    )  # fmt: skip
    for by, state in ((people[0], "provisional"), (people[1], "active")):
        shown = content_hash_of(freeze)
        ratify_freeze(freeze, content_hash=shown, reason="Y.", by=by)
        assert freeze.state == state
    assert FreezeApproval.objects.filter(freeze=freeze).count() == 2


@pytest.fixture
def held() -> Held:
    return make_held()


def test_extensions_and_releases_follow_their_own_policies(held: Held, people: list[Actor]) -> None:
    put_in_force(people, action="extend_freeze")
    put_in_force(people, action="release_freeze")
    extension = request_extension(
        held.freeze, basis="internal_suspicion", until=timezone.now() + timedelta(days=200),
        reason="Longer.", by=held.analyst,
    )  # fmt: skip
    for by, state in ((people[0], "requested"), (people[1], "approved")):
        approve_extension(extension, content_hash=extension.content_hash, reason="Y.", by=by)
        assert extension.state == state
    release = held.ask()
    assert held.approve(release, people[0]).state == "requested"
    with pytest.raises(CaseworkError, match="signed this content already"):
        held.approve(release, people[0])
    assert held.approve(release, people[1]).state == "approved"
    held.send()
    release.refresh_from_db()
    assert release.state == "executed"


def test_the_database_counts_the_signatures_too(people: list[Actor]) -> None:
    """Whatever the amount; raw SQL that skips a person is refused."""
    put_in_force(people)
    freeze = asked()
    sign(freeze, people[0])
    with pytest.raises(IntegrityError, match="signatures"), transaction.atomic():
        FreezeRequest.objects.filter(pk=freeze.pk).update(
            state="approved", approved_by_id=people[1].user_id
        )
    freeze.refresh_from_db()
    assert freeze.state == "in_review"


# --- The policies themselves ---


def test_a_policy_takes_two_people_and_the_one_before_is_history(people: list[Actor]) -> None:
    first, second = put_in_force(people), propose(people[2], min_approvals=3)
    with pytest.raises(CaseworkError, match="already waits"):
        propose(people[0])
    with pytest.raises(PermissionDenied):
        approve_policy(second, content_hash=second.content_hash, reason="Mine.", by=people[2])
    with pytest.raises(PermissionDenied):
        approve_policy(
            second, content_hash=second.content_hash, reason="Y.", by=person("supervisor")
        )
    with pytest.raises(StepUpRequired):
        approve_policy(second, content_hash=second.content_hash, reason="Y.", by=stale(people[0]))
    with pytest.raises(ContentChanged):
        approve_policy(second, content_hash="0" * 64, reason="Y.", by=people[0])
    assert rule_for(Action.APPROVE_FREEZE, lambda: None).min_approvals == 2
    approve_policy(second, content_hash=second.content_hash, reason="Y.", by=people[0])
    first.refresh_from_db()
    assert (first.state, second.state) == ("superseded", "in_force")
    assert rule_for(Action.APPROVE_FREEZE, lambda: None).min_approvals == 3
    with pytest.raises(InvalidTransition):
        reject_policy(second, reason="Late.", by=people[1])
    told = AuditEvent.objects.filter(case=None, object__startswith="policy:").order_by("seq")
    assert [each.action for each in told] == [
        "propose_policy", "approve_policy", "propose_policy", "approve_policy",
    ]  # fmt: skip


def test_a_rejected_proposal_changes_nothing(people: list[Actor]) -> None:
    policy = propose(person("supervisor"))
    with pytest.raises(CaseworkError):
        reject_policy(policy, reason=" ", by=people[0])
    assert reject_policy(policy, reason="No.", by=people[0]).state == "rejected"
    assert rule_for(Action.APPROVE_FREEZE, lambda: None) == DEFAULT


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "approve_finding"}, {"min_approvals": 0}, {"min_approvals": 4},
        {"expires_after": 0}, {"expires_after": 169}, {"amount_over": Decimal(-1)},
        {"reason": " "},
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(CaseworkError):
        propose(person("compliance"), **fields)


def test_who_works_below_proposes_nothing() -> None:
    for role in ("analyst", "auditor", "liaison"):
        with pytest.raises(PermissionDenied):
            propose(person(role))


@pytest.mark.owner
def test_the_database_keeps_a_policy_as_two_people_made_it(people: list[Actor]) -> None:
    policy, me = put_in_force(people), people[0].user_id
    waiting = propose(people[0], amount_over=Decimal(5))
    table = "cases_approvalpolicy"
    for sql, values in (
        ("UPDATE cases_approvalpolicy SET min_approvals = %s", (1,)),
        (f"UPDATE {table} SET decided_by_id = %s WHERE id = %s", (me, policy.pk)),
        (
            f"UPDATE {table} SET state = 'in_force', decided_by_id = %s WHERE id = %s",
            (me, waiting.pk),
        ),
        (f"UPDATE {table} SET state = 'proposed' WHERE id = %s", (policy.pk,)),
        (f"DELETE FROM {table} WHERE id = %s", (policy.pk,)),
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
    assert policy_hash_of(ApprovalPolicy.objects.get(pk=policy.pk)) == policy.content_hash


def test_a_policy_may_open_the_decision_to_supervisors_and_no_further(people: list[Actor]) -> None:
    supervisor, analyst = person("supervisor"), person("analyst")
    freeze = asked()
    with pytest.raises(PermissionDenied, match="supervisor may not approve freeze"):
        sign(freeze, supervisor)
    put_in_force(people, roles="compliance supervisor", min_approvals=1)
    with pytest.raises(PermissionDenied):
        sign(freeze, analyst)
    with pytest.raises(StepUpRequired):
        sign(freeze, stale(supervisor))
    assert sign(freeze, supervisor) == "executing"
    held = make_held()
    with pytest.raises(PermissionDenied, match="supervisor may not extend freeze"):
        approve_extension(
            request_extension(
                held.freeze, basis="internal_suspicion", reason="L.", by=held.analyst,
                until=timezone.now() + timedelta(days=190),
            ),
            content_hash="0" * 64, reason="Y.", by=supervisor,
        )  # fmt: skip


def test_of_several_policies_only_the_roles_of_all_decide(people: list[Actor]) -> None:
    put_in_force(people, roles="compliance supervisor", min_approvals=1)
    put_in_force(people, amount_over=Decimal(10), min_approvals=1)
    low, high = (rule_for(Action.APPROVE_FREEZE, lambda n=n: Decimal(n)).roles for n in (10, 11))
    assert (len(low), high) == (2, DEFAULT.roles)
    with pytest.raises(CaseworkError, match="who may decide"):
        propose(people[0], roles="analyst")


def test_roles_count_in_what_is_put_in_force(people: list[Actor]) -> None:
    policy = propose(people[0])
    policy.roles = "compliance supervisor"
    assert policy_hash_of(policy) != policy.content_hash
    with pytest.raises(IntegrityError), transaction.atomic():
        policy.save(update_fields=["roles"])


def test_what_a_policy_opens_to_supervisors_stands_in_their_inbox(people: list[Actor]) -> None:
    supervisor, held = person("supervisor"), make_held()
    freeze = asked()  # 1 BTC: USD 100,000

    def waits() -> list[str]:
        return [row.kind for row in inbox(supervisor) if row.kind in ("freeze", "extension")]

    assert waits() == []
    put_in_force(people, roles="compliance supervisor")
    assert waits() == ["freeze"]
    put_in_force(people, amount_over=Decimal(100_001), min_approvals=3)
    assert waits() == ["freeze"], "worth less than what compliance keeps to itself"
    put_in_force(people, amount_over=Decimal(99_999), min_approvals=3)
    assert waits() == []
    put_in_force(people, amount_over=Decimal(99_999), roles="compliance supervisor")
    sign(freeze, supervisor)
    assert waits() == [], "signed already"
    request_extension(
        held.freeze, basis="internal_suspicion", reason="L.", by=held.analyst,
        until=timezone.now() + timedelta(days=190),
    )  # fmt: skip
    assert waits() == []
    put_in_force(people, action="extend_freeze", roles="compliance supervisor")
    assert waits() == ["extension"]
