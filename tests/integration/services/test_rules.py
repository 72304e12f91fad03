"""Rules change by two people, after a trial on history; runs go on where they stopped."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from time import monotonic

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.models import Alert, DetectionRun, ExchangeAccount, ExchangeRecord, Rule, RuleChange
from cases.policy import SYSTEM, Actor, PermissionDenied, StepUpRequired
from cases.queries.rules import rule_page, rules_page, trial_view
from cases.services import detection_runs
from cases.services.alerts import link_alert
from cases.services.audit import verify_chains
from cases.services.detection import install_rules
from cases.services.detection_runs import (
    Fenced,
    detect_now,
    queue_detection,
    queue_due_runs,
    work_on_due_runs,
    work_on_run,
)
from cases.services.errors import CaseworkError, ContentChanged, NotFound
from cases.services.rules import (
    approve_rule_change,
    propose_rule_change,
    reject_rule_change,
)
from cases.states import InvalidTransition
from tests.casework import make_case, person
from tests.report_desk import make_alert

pytestmark = pytest.mark.django_db


@pytest.fixture
def senior() -> Actor:
    return person("supervisor")


@pytest.fixture
def office() -> Actor:
    return person("compliance")


def propose(by: Actor, **changed: object) -> RuleChange:
    values = {
        "parameters": {"share_pct": 99}, "severity": "high", "switch_on": True,
        "reason": "Too many false alarms.",
    }  # fmt: skip
    return propose_rule_change("privacy_swap", **(values | changed), by=by)  # type: ignore[arg-type]


def named_in_trial(change: RuleChange, who: Actor) -> list[str]:
    view = trial_view(change, who)
    assert view is not None
    assert view.told["lost"] == 1
    return [row["masked"] for row in view.shown]


def test_a_change_is_tried_and_then_put_in_force_by_a_second_person(
    senior: Actor, office: Actor
) -> None:
    alert = make_alert()
    change = propose(senior)
    with pytest.raises(CaseworkError, match="not tried"):
        approve_rule_change(change, content_hash=change.content_hash, reason="Good.", by=office)
    trial = DetectionRun.objects.get(change=change)
    assert work_on_run(trial.pk)
    trial.refresh_from_db()
    told = {name: trial.result[name] for name in ("now", "then", "added", "lost")}
    assert told == {"now": 1, "then": 0, "added": 0, "lost": 1}
    assert trial.result["shown"][0]["account"] == alert.account_id
    author = person("analyst")
    assert named_in_trial(change, senior) == [alert.account.masked]
    link_alert(alert, make_case(author, visibility="sealed"), by=author)
    assert named_in_trial(change, senior) == [], "the case of that alert is not for these eyes"
    assert named_in_trial(change, author) == [alert.account.masked]
    approve_rule_change(change, content_hash=change.content_hash, reason="Good.", by=office)
    old, new = Rule.objects.filter(code="privacy_swap").order_by("version")
    assert (old.is_on, new.is_on, new.version) == (False, True, 2)
    assert new.parameters["share_pct"] == 99
    assert change.made_id == new.pk
    alert.refresh_from_db()
    assert alert.rule_id == old.pk
    with pytest.raises(InvalidTransition):
        approve_rule_change(change, content_hash=change.content_hash, reason="Twice.", by=office)
    assert verify_chains().breaks == []


def test_nobody_puts_the_own_proposal_in_force(office: Actor) -> None:
    change = propose(office)
    work_on_due_runs(5)
    with pytest.raises(PermissionDenied, match="second person"):
        approve_rule_change(change, content_hash=change.content_hash, reason="Mine.", by=office)
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleChange.objects.filter(pk=change.pk).update(
            state="rejected", decided_by_id=office.person
        )


def test_the_database_keeps_an_untried_change_from_going_live(senior: Actor, office: Actor) -> None:
    change = propose(senior)
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleChange.objects.filter(pk=change.pk).update(
            state="in_force", decided_by_id=office.person, made_id=change.rule_id
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleChange.objects.filter(pk=change.pk).update(parameters={"share_pct": 1})


def test_the_database_keeps_who_decided_on_a_change_and_when(senior: Actor, office: Actor) -> None:
    change = propose(senior)
    reject_rule_change(change, reason="Too loud.", by=office)
    row = RuleChange.objects.filter(pk=change.pk)
    for values in ({"decided_by_id": None}, {"decided_at": timezone.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            row.update(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.delete()
    assert RuleChange.objects.get(pk=change.pk).decided_by_id == office.user_id


def test_who_may_not_change_rules_changes_none(senior: Actor) -> None:
    for role in ("analyst", "auditor", "liaison"):
        with pytest.raises(PermissionDenied):
            propose(person(role))
    change = propose(senior)
    with pytest.raises(PermissionDenied):
        reject_rule_change(change, reason="No.", by=person("supervisor"))
    stale = replace(person("compliance"), mfa_at=timezone.now() - timedelta(minutes=6))
    with pytest.raises(StepUpRequired):
        reject_rule_change(change, reason="No.", by=stale)


def test_a_rejected_change_leaves_the_rule_and_another_may_be_proposed(
    senior: Actor, office: Actor
) -> None:
    change = propose(senior)
    with pytest.raises(CaseworkError, match="already waits"):
        propose(senior)
    reject_rule_change(change, reason="Not yet.", by=office)
    assert Rule.objects.get(code="privacy_swap").version == 1
    again = propose(senior)
    with pytest.raises(ContentChanged):
        approve_rule_change(again, content_hash="0" * 64, reason="Good.", by=office)


def test_a_rule_is_switched_off_without_a_trial(senior: Actor, office: Actor) -> None:
    change = propose(senior, switch_on=False, parameters={})
    assert not change.trials.exists()
    approve_rule_change(change, content_hash=change.content_hash, reason="Quiet.", by=office)
    assert not Rule.objects.filter(code="privacy_swap", is_on=True).exists()
    page = rule_page("privacy_swap", senior)
    assert page is not None
    assert not page.row.is_on


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"parameters": {"share_pct": 80}}, "changes nothing"),
        ({"parameters": {"colour": 3}}, "no figure colour"),
        ({"parameters": {"share_pct": "many"}}, "share pct is a number"),
        ({"parameters": {"share_pct": "1.5"}}, "share pct is a whole number"),
        ({"parameters": {"privacy_assets": " , "}}, "privacy assets is a list"),
        ({"parameters": {"privacy_assets": ["XMR\0"]}}, "privacy assets is a list"),
        ({"severity": "boring"}, "severity"),
    ],
    ids=["same", "unknown", "word", "fraction", "list", "nul", "severity"],
)
def test_a_change_that_is_none_is_refused_in_a_sentence(
    senior: Actor, changed: dict[str, object], words: str
) -> None:
    with pytest.raises(CaseworkError, match=words):
        propose(senior, **changed)
    with pytest.raises(NotFound):
        propose_rule_change(
            "no_rule", parameters={}, severity="low", switch_on=True, reason="?", by=senior
        )


def test_a_rule_with_a_word_among_its_figures_is_changed_like_any_other(senior: Actor) -> None:
    figures = {"terms": "carding, fullz"}
    change = propose_rule_change(
        "words_of_crime", parameters=figures, severity="high", switch_on=True, reason="Fewer.",
        by=senior,
    )  # fmt: skip
    assert change.parameters["terms"] == ["carding", "fullz"]
    assert change.parameters["lexicon"] == "default"


def test_figures_keep_their_kinds(senior: Actor) -> None:
    change = propose(
        senior, parameters={"min_fiat": "2500.50", "privacy_assets": "XMR, ZEC", "share_pct": "70"}
    )
    assert change.parameters == {
        "privacy_assets": ["XMR", "ZEC"], "window_hours": 24, "share_pct": 70,
        "min_fiat": "2500.50",
    }  # fmt: skip


def test_precision_comes_from_how_alerts_ended(senior: Actor) -> None:
    alert = make_alert()
    Alert.objects.filter(pk=alert.pk).update(
        state="dismissed", disposition="false_positive", proposed_by_id=senior.pk,
        dismissed_by_id=person("compliance").pk,
    )  # fmt: skip
    rows = {row.spec.code: row for row in rules_page(senior).rows}
    hits = rows["privacy_swap"].hits
    assert (hits.fired, hits.false, hits.linked, hits.precision.of) == (1, 1, 0, 1)
    assert rows["fan_in"].hits.precision.of == 0
    assert not rows["pile_and_sweep"].is_on
    assert rule_page("nonsense", senior) is None


# --- Runs ---


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(detection_runs, "ACCOUNTS_AT_ONCE", 1)
    return iter(())


def two_accounts() -> None:
    """Two accounts with the pattern and no alert: their records came after the last run."""
    for uid in ("NQ-1", "NQ-2"):
        make_alert(uid)
    install_rules()
    for shift, account in enumerate(ExchangeAccount.objects.order_by("pk")):
        for row in ExchangeRecord.objects.filter(account=account):
            row.pk, row.ref, row.at = None, f"{row.ref}-{shift}", row.at + timedelta(days=60)
            row.save(force_insert=True)


def test_a_run_that_stops_goes_on_behind_its_last_batch(small_batches: None) -> None:
    two_accounts()
    run = queue_detection("full")
    assert not work_on_run(run.pk, until=monotonic())
    run.refresh_from_db()
    assert (run.state, run.num_accounts) == ("queued", 1)
    assert Alert.objects.filter(state="merged").count() == 1
    assert work_on_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.num_accounts, run.lease_until) == ("done", 2, None)
    assert run.result["num_merged"] == 2
    assert not work_on_run(run.pk)
    assert Alert.objects.filter(state="merged").count() == 2


def test_who_lost_the_run_writes_nothing_more(small_batches: None) -> None:
    two_accounts()
    run = queue_detection("full")
    DetectionRun.objects.filter(pk=run.pk).update(
        state="running", attempt=1, lease_until=timezone.now() + timedelta(minutes=5)
    )
    run.refresh_from_db()
    job = detection_runs._Raising(run, detection_runs._Held(run.pk, 1))
    DetectionRun.objects.filter(pk=run.pk).update(attempt=2)
    [first, *_rest] = job.batches()
    with pytest.raises(Fenced):
        job.do(first)
    assert not Alert.objects.filter(state="merged").exists()
    assert not work_on_run(run.pk)  # its lease is somebody else's


def test_a_dead_run_is_taken_up_again_and_given_up_after_five_deaths() -> None:
    run = queue_detection("full")
    dead = {"state": "running", "lease_until": timezone.now() - timedelta(seconds=1)}
    DetectionRun.objects.filter(pk=run.pk).update(**dead)
    assert work_on_run(run.pk)
    other = queue_detection("full")
    DetectionRun.objects.filter(pk=other.pk).update(**dead, num_tries_left=0)
    work_on_due_runs(5)
    other.refresh_from_db()
    assert (other.state, other.ended_at is None) == ("failed", False)
    assert other.error.startswith("It ended five times")


def test_new_records_are_looked_at_by_themselves_and_only_their_accounts() -> None:
    two_accounts()
    detect_now(by=SYSTEM)
    queue_due_runs()
    assert not DetectionRun.objects.filter(kind="new").exists()
    account = ExchangeAccount.objects.order_by("pk").first()
    assert account is not None
    for row in ExchangeRecord.objects.filter(account=account, at__month=3):
        row.pk, row.ref, row.at = None, f"{row.ref}-new", row.at + timedelta(days=90)
        row.save(force_insert=True)
    assert not work_on_due_runs(5)
    run = DetectionRun.objects.get(kind="new")
    assert (run.state, run.num_accounts, run.result["num_merged"]) == ("done", 1, 1)
    queue_due_runs()
    assert DetectionRun.objects.filter(kind="new").count() == 1


def test_one_run_of_a_kind_waits_at_a_time() -> None:
    assert queue_detection("full") == queue_detection("full")
    with pytest.raises(PermissionDenied):
        detect_now(by=person("analyst"))
