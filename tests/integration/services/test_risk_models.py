"""The learned score: trained from outcomes, in force by two people, shown, acting never."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from cases.models import (
    Alert,
    Case,
    DetectionRun,
    ExchangeAccount,
    ExchangeRecord,
    RiskScore,
    Rule,
    TrainedModel,
)
from cases.policy import SYSTEM, Actor, PermissionDenied, StepUpRequired
from cases.queries.risk_models import drift_of, model_row, models_page
from cases.services.detection import install_rules
from cases.services.detection_runs import detect_now
from cases.services.errors import ContentChanged
from cases.services.risk_models import approve_model, reject_model, train_model
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import BTC, make_case, person, stale
from tests.conftest import client_of
from tests.report_desk import make_alert, make_prices
from tests.scored import make_model

pytestmark = pytest.mark.django_db
AT = datetime(2025, 5, 1, tzinfo=UTC)


def make_customers(number: int, *, near: int) -> list[ExchangeAccount]:
    """Customers with so many amounts just under the limit, days apart: no rule fires on them."""
    first = ExchangeAccount.objects.count()
    accounts = ExchangeAccount.objects.bulk_create(
        ExchangeAccount(
            uid=f"NQ-{first + n:06d}", customer=f"C{first + n}", holder_name="Ada Demoson",
            country="TW", opened_on=date(2020, 1, 1),
        )
        for n in range(number)
    )  # fmt: skip
    ExchangeRecord.objects.bulk_create(
        ExchangeRecord(
            ref=f"{account.uid}-{step}", kind="deposit", account=account, asset_id=BTC,
            base=(9_500 if step < near else 300) * 1_000, at=AT + timedelta(days=9 * step),
            status="completed",
        )
        for account in accounts
        for step in range(5)
    )  # fmt: skip
    return list(accounts)


def decide(accounts: list[ExchangeAccount], case: Case | None, *, by: Actor) -> None:
    """An alert each, decided a day apart: led to the case, or false alarms without one."""
    rule, now = Rule.objects.get(code="structuring"), timezone.now()
    made = Alert.objects.bulk_create(
        Alert(
            rule=rule, account=account, fingerprint=f"{account.pk:064d}", values=[],
            window_from=AT, window_to=AT + timedelta(days=90), fiat=1, severity="medium", rank=2,
            score=1, raised_at=now - timedelta(days=100 - n), last_raised_at=now,
        )
        for n, account in enumerate(accounts)
    )  # fmt: skip
    rows = Alert.objects.filter(pk__in=[alert.pk for alert in made])
    rows.update(state="assigned", assigned_to=by.person)
    if case is not None:
        rows.update(state="linked", case=case, closed_at=F("raised_at"))
    else:
        rows.update(
            state="dismissed", disposition="false_positive", dismissed_by=by.person,
            closed_at=F("raised_at"),
        )  # fmt: skip


def test_a_model_is_trained_from_outcomes_by_command() -> None:
    make_prices()
    install_rules()
    analyst = person("analyst")
    user = User.objects.get(pk=person("supervisor").pk)
    with pytest.raises(CommandError, match="Of the older outcomes 0 led to a case"):
        call_command("train_score", by=user.username, reason="First.")
    decide(make_customers(70, near=4), make_case(analyst), by=analyst)
    decide(make_customers(70, near=1), None, by=analyst)
    make_customers(10, near=0)
    out = StringIO()
    call_command("train_score", by=user.username, reason="First.", quiet=1, stdout=out)
    assert "M1: 150 outcomes, 70 led to a case" in out.getvalue()
    model = TrainedModel.objects.get()
    assert (model.state, model.proposed_by_id) == ("proposed", user.pk)
    assert model.card["held_out"]["area_under_curve"] == 1
    with pytest.raises(CommandError, match="challenger waits"):
        call_command("train_score", by=user.username, reason="Again.")
    with pytest.raises(PermissionDenied):
        train_model(reason="Mine.", by=analyst)
    with pytest.raises(CommandError, match="no active person"):
        call_command("train_score", by="nobody", reason="Mine.")


def test_a_second_person_makes_a_challenger_the_champion() -> None:
    senior, office = person("supervisor"), person("compliance")
    model = make_model(by=senior)
    with pytest.raises(PermissionDenied):
        approve_model(model, content_hash=model.content_hash, reason="Good.", by=senior)
    with pytest.raises(StepUpRequired):
        approve_model(model, content_hash=model.content_hash, reason="Good.", by=stale(office))
    with pytest.raises(ContentChanged):
        approve_model(model, content_hash="0" * 64, reason="Good.", by=office)
    approve_model(model, content_hash=model.content_hash, reason="Good.", by=office)
    with pytest.raises(InvalidTransition):
        reject_model(model, reason="Late.", by=office)
    second = make_model(by=senior, number=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_model(by=senior, number=3)
    approve_model(second, content_hash=second.content_hash, reason="Better.", by=office)
    assert [each.state for each in TrainedModel.objects.order_by("number")] == [
        "superseded", "in_force",
    ]  # fmt: skip
    for spoilt in ({"decided_by": senior.pk}, {"content": {}}, {"card": {}}, {"number": 9}):
        with pytest.raises(IntegrityError), transaction.atomic():
            TrainedModel.objects.filter(pk=second.pk).update(**spoilt)


def test_a_run_scores_in_passing_and_does_nothing_else() -> None:
    make_prices()
    senior, office = person("supervisor"), person("compliance")
    model = make_model(by=senior)
    make_customers(3, near=4)
    make_customers(2, near=0)
    detect_now(by=SYSTEM)
    assert Alert.objects.count() == 0
    assert list(RiskScore.objects.values_list("points", flat=True)) == [953] * 3
    score = RiskScore.objects.order_by("pk")[0]
    assert score.reasons[0]["words"] == "amounts just under 10,000"
    assert score.reasons[0]["value"] == "4"
    model.refresh_from_db()
    counted = model.drift["counts"][0]
    assert sum(counted) == 5
    DetectionRun.objects.update(queued_at=timezone.now() - timedelta(days=2))
    detect_now(by=SYSTEM)  # again: in place of what was there
    assert RiskScore.objects.count() == 3
    model.refresh_from_db()
    assert model.drift["counts"][0] == counted
    assert drift_of(model)[0].level == "train"
    assert models_page(senior).highest == []  # a challenger's points stand nowhere
    approve_model(model, content_hash=model.content_hash, reason="Good.", by=office)
    assert len(models_page(senior).highest) == 3
    assert RiskScore.objects.visible_to(person("auditor")).count() == 0
    assert model_row(model, senior).since.percent is None


def test_the_points_stand_at_the_alert_and_on_the_card() -> None:
    alert, senior, office = make_alert(), person("supervisor"), person("compliance")
    model = make_model(by=senior)
    DetectionRun.objects.update(queued_at=timezone.now() - timedelta(days=2))
    detect_now(by=SYSTEM)
    client = client_of(User.objects.get(pk=senior.pk))
    page = f"/alerts/{alert.public_id}/"
    assert "4.7 %" not in client.get(page).text
    approve_model(model, content_hash=model.content_hash, reason="Good.", by=office)
    for path in ("/alerts/", page):
        assert "4.7 %" in client.get(path).text, path
    told = client.get(f"/api/v1/alerts/{alert.public_id}").json()
    assert (told["learned"]["points"], told["learned"]["model"]) == (47, "M1")
    card = client.get(f"/risk-models/{model.public_id}/").text
    assert "customers whom no rule ever named" in card
    assert client.get("/risk-models/").status_code == 200
