"""The learned score of wallets: taught by what is named, two people, shown, acting never."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.detection.training import Labelled
from cases.detection.wallet_features import GROUPS, WALLET_NAMES
from cases.models import Alert, AuditEvent, TrainedModel
from cases.policy import Actor
from cases.queries.risk_models import model_row
from cases.queries.wallet_scores import wallet_score
from cases.services import risk_models, wallet_scores
from cases.services.audit import content_digest
from cases.services.risk_models import approve_model, train_model
from fiu.models import User
from tests.casework import person
from tests.conftest import client_of
from tests.integration.services.test_tag_conflicts import load
from tests.integration.web.conftest import BANK, HOPS, LEDGER, Room, ledger_home, room
from tests.scored import CARD, make_model
from tracing import reads

__all__ = ["ledger_home", "room"]
pytestmark = pytest.mark.django_db


def make_wallet_model(*, by: Actor, number: int = 7, at: datetime | None = None) -> TrainedModel:
    """A challenger of one tree: what came from crime at first hand is tied to it."""
    tree = {
        "feature": [WALLET_NAMES.index("permille_from_crime_near"), -1, -1],
        "threshold": [500.0, 0.0, 0.0], "left": [1, -1, -1], "right": [2, -1, -1],
        "value": [0.0, -3.0, 3.0],
    }  # fmt: skip
    content: dict[str, Any] = {
        "format": 1, "subject": "wallet", "features": list(WALLET_NAMES), "start": 0.0,
        "calibration": [1.0, 0.0], "trees": [tree], "edges": [[0.0]] * len(WALLET_NAMES),
        "shares": [[0.5, 0.5]] * len(WALLET_NAMES),
    }  # fmt: skip
    made: TrainedModel = TrainedModel.objects.create(
        number=number, subject="wallet", content=content, content_hash=content_digest(content),
        card=CARD | {"weights": [["permille_from_crime_near", 1.0]]}, reason="First try.",
        proposed_by_id=by.person, proposed_at=at or timezone.now(),
    )  # fmt: skip
    return made


def test_a_wallet_has_its_figures_and_never_its_own_name(room: Room, tmp_path: Path) -> None:
    load(tmp_path, "A", "Obelisk", "market", BANK)
    bank = reads.wallet_look(LEDGER, BANK, GROUPS)
    first = reads.wallet_look(LEDGER, HOPS[0], GROUPS)
    second = reads.wallet_look(LEDGER, HOPS[1], GROUPS)
    assert bank is not None
    assert first is not None
    assert second is not None
    assert (bank.category, bank.owner) == ("market", "obelisk")
    assert bank.figures["permille_from_crime_near"] == 0
    assert first.figures["permille_from_crime_near"] == 1_000
    assert second.figures["permille_from_crime_far"] == 1_000
    assert first.category == ""
    assert [each.address for each in reads.named_wallets(LEDGER, GROUPS)] == [BANK]
    drawn = [each.address for each in reads.unnamed_wallets(LEDGER, 50, GROUPS)]
    assert HOPS[0] in drawn
    assert BANK not in drawn
    assert len(drawn) == len(set(drawn))


def test_rows_come_from_tags_and_findings_and_from_nothing_else(room: Room, tmp_path: Path) -> None:
    load(tmp_path, "A", "Obelisk", "market", BANK)
    load(tmp_path, "C", "Copperdice", "gambling", HOPS[1])
    load(tmp_path, "B", "Eastmere", "exchange", HOPS[2])
    rows = wallet_scores.wallet_rows(Labelled, 0)
    assert sorted(row.led_to_case for row in rows) == [False, True]
    with_calm = wallet_scores.wallet_rows(Labelled, 1)
    assert len(with_calm) == 4
    assert sum(row.led_to_case for row in with_calm) == 1


def test_wallets_have_a_champion_of_their_own(room: Room) -> None:
    senior, office = person("supervisor"), person("compliance")
    of_customers, of_wallets = make_model(by=senior), make_wallet_model(by=senior)
    approve_model(of_customers, content_hash=of_customers.content_hash, reason="Good.", by=office)
    approve_model(of_wallets, content_hash=of_wallets.content_hash, reason="Good.", by=office)
    assert set(TrainedModel.objects.values_list("subject", "state")) == {
        ("customer", "in_force"), ("wallet", "in_force"),
    }  # fmt: skip
    for spoilt in ({"subject": "customer"}, {"subject": "chain"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            TrainedModel.objects.filter(pk=of_wallets.pk).update(**spoilt)
    assert [each[0].number for each in risk_models.Scorer().models] == [of_customers.number]


def test_the_score_stands_on_its_page_and_does_nothing(room: Room, tmp_path: Path) -> None:
    load(tmp_path, "A", "Obelisk", "market", BANK)
    room.bank.address = HOPS[0]
    room.bank.save(update_fields=["address"])
    page = f"/wallets/{room.bank.public_id}/score/"
    senior, office = person("supervisor"), person("compliance")
    assert page in room.client.get(f"/wallets/{room.bank.public_id}/").text
    assert "No model of wallets is in force" in room.client.get(page).text
    model = make_wallet_model(by=senior)
    assert "No model of wallets is in force" in room.client.get(page).text
    assert room.client.get(f"/api/v1/wallets/{room.bank.public_id}/score").status_code == 404
    approve_model(model, content_hash=model.content_hash, reason="Good.", by=office)
    events, alerts = AuditEvent.objects.count(), Alert.objects.count()
    told = room.client.get(page).text
    assert "95.3 %" in told
    assert "Received from wallets tied to crime, at first hand" in told
    assert "100.0 %" in told
    answer = room.client.get(f"/api/v1/wallets/{room.bank.public_id}/score").json()
    assert (answer["points"], answer["model"]) == (953, f"M{model.number}")
    assert answer["reasons"][0]["way"] == "raises"
    assert (AuditEvent.objects.count(), Alert.objects.count()) == (events, alerts)
    assert room.outsider.get(page).status_code == 404
    room.bank.address = "bcrt1qnowhere"
    assert wallet_score(room.bank, room.by).figures == []
    assert wallet_score(room.bank, person("auditor")).model is None
    card = client_of(User.objects.get(pk=senior.person)).get(f"/risk-models/{model.public_id}/")
    assert "wallets that nobody named were taken for clean ones" in card.text


def test_a_ledger_is_measured_by_command_and_nothing_else_is_kept(
    room: Room, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="No model of wallets is live"):
        call_command("score_wallets")
    senior = person("supervisor")
    model = make_wallet_model(by=senior, at=datetime(2020, 1, 1, tzinfo=UTC))
    load(tmp_path, "A", "Obelisk", "market", HOPS[1])
    load(tmp_path, "B", "Scamco", "scam", HOPS[2])
    load(tmp_path, "C", "Eastmere", "exchange", BANK)
    out = StringIO()
    call_command("score_wallets", "--number", "20", "--top", "2", stdout=out)
    told = out.getvalue()
    assert "M7, challenger" in told
    assert "ordered rightly since: 50 %" in told  # HOPS[2] was paid by crime, HOPS[1] was not
    assert HOPS[3] in told
    model.refresh_from_db()
    row = model_row(model, senior)
    assert (row.since.right, row.since.pairs) == (1, 2)
    assert row.drift[0].level in ("ok", "watch", "train")
    out = StringIO()
    call_command("score_wallets", "--number", "20", "--json", stdout=out)
    assert '"highest"' in out.getvalue()
    with pytest.raises(CommandError, match="--number"):
        call_command("score_wallets", "--number", "0")


def test_wallets_train_by_the_same_command(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    user = User.objects.get(pk=person("supervisor").person)
    with pytest.raises(CommandError, match="Of the older outcomes 0 are tied to crime"):
        call_command("train_score", "--of", "wallet", by=user.username, reason="First.")
    figures = dict.fromkeys(WALLET_NAMES, 0)
    rows = [
        Labelled(figures | {"permille_from_crime_near": 900 * (n % 2)}, bool(n % 2),
                 datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=n))
        for n in range(160)
    ]  # fmt: skip
    monkeypatch.setattr(risk_models, "wallet_rows", lambda _labelled, _quiet: rows)
    out = StringIO()
    call_command("train_score", "--of", "wallet", by=user.username, reason="First.", stdout=out)
    assert "160 outcomes, 80 tied to crime" in out.getvalue()
    model = TrainedModel.objects.get()
    assert (model.subject, model.content["subject"]) == ("wallet", "wallet")
    with pytest.raises(Exception, match="challenger waits"):
        train_model(reason="Again.", subject="wallet", by=person("supervisor"))
