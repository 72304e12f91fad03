"""The learned score: what it knows, how it is trained, that scoring repeats it, and its reasons."""

import gzip
import random
from datetime import timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from cases.detection.features import FEATURES, NAMES, Figures, figures_of
from cases.detection.risk_model import TABLES, ModelError, RiskModel
from cases.detection.training import CannotTrain, Labelled, train
from cases.models.risk_models import SUBJECTS
from tests.risk_trial import at_volume, found, judged, taught, world
from tests.risk_world import START

pytestmark = pytest.mark.once


def rows(number: int = 400) -> list[Labelled]:
    """Customers of whom those with many amounts just under the limit led to a case."""
    chance = random.Random(3)
    made = []
    for each in range(number):
        figures: Figures = {name: chance.randint(0, 50) for name in NAMES}
        figures["num_near_limit"] = chance.randint(0, 9)
        led = figures["num_near_limit"] + chance.randint(0, 3) > 8
        made.append(Labelled(figures, led, START + timedelta(days=each)))
    return made


@pytest.fixture(scope="module")
def content() -> dict[str, object]:
    return train(rows(), num_trees=20)


@pytest.fixture(scope="module")
def model(content: dict[str, object]) -> RiskModel:
    return RiskModel(content)


def test_the_same_rows_train_the_same_model(content: dict[str, object]) -> None:
    assert train(list(reversed(rows())), num_trees=20) == content


def test_a_model_orders_by_what_it_learnt_and_says_why(model: RiskModel) -> None:
    calm, busy = (dict.fromkeys(NAMES, 20) | {"num_near_limit": n} for n in (0, 9))
    low, high = model.points(model.matrix([calm, busy]))
    assert low < 300 < high <= 1_000
    reason = model.reasons(busy)[0]
    assert (reason.name, reason.value) == ("num_near_limit", 9)
    assert reason.tell()["way"] == "raises"
    assert reason.tell()["words"] == "amounts just under 10,000"


def test_reasons_add_up_to_the_score(model: RiskModel) -> None:
    for row in rows(20):
        odds = float(model.odds(model.matrix([row.figures]))[0])
        assert model.base_odds() + float(model.weights(row.figures).sum()) == pytest.approx(odds)
    assert len(model.reasons(row.figures)) <= 5


def test_drift_is_none_on_the_rows_of_training_and_seen_on_others(model: RiskModel) -> None:
    learnt = model.matrix([row.figures for row in rows()[:280]])
    assert max(model.drift(model.counts(learnt)).values()) < 0.01
    name, index = next(iter(model.drift(model.counts(learnt * 10)).items()))
    assert index > 0.25
    assert name in NAMES
    assert model.drift([[0] * len(each) for each in model.shares]) == {}


def test_the_tables_are_those_of_its_rows() -> None:
    assert set(SUBJECTS) == set(TABLES)


def test_too_few_outcomes_teach_nothing() -> None:
    with pytest.raises(CannotTrain, match="20 of each"):
        train(rows(30))


@pytest.mark.parametrize(
    "spoilt",
    [
        {"format": 9}, {"trees": []}, {"trees": [{}]}, {"features": ["height"]}, {"edges": []},
        {"calibration": ["a", "b"]},
        {"trees": [{"feature": [0], "threshold": [1.0], "left": [0], "right": [0], "value": [1]}]},
    ],
    ids=["format", "no trees", "no tree", "figure", "edges", "calibration", "circle"],
)  # fmt: skip
def test_data_that_are_no_model_are_refused(
    content: dict[str, object], spoilt: dict[str, object]
) -> None:
    with pytest.raises(ModelError):
        RiskModel(content | spoilt)


def test_nothing_after_the_day_counts() -> None:
    told = next(each for each in world(400) if each.way)
    account, early = told.until(150)
    at = START + timedelta(days=150)
    assert figures_of(account, early, at) == figures_of(told.account, list(told.rows), at)
    assert figures_of(told.account, list(told.rows)) != figures_of(account, early, at)
    assert set(figures_of(account, early)) == {feature.name for feature in FEATURES}


def test_the_score_beats_the_rules_at_equal_volume_and_nobody_is_on_both_sides() -> None:
    people = list(world(500, share_bad=0.4))
    rows_taught = taught(people)
    model = RiskModel(train(rows_taught, num_trees=40))
    later = judged(people, model, shipped=True)
    by_rules, by_score = at_volume(later, 20)
    assert len(by_rules) == len(by_score) == 20
    assert found(by_score).yes > found(by_rules).yes
    teachers = [each for each in people if each.number % 2 == 0]
    assert len(rows_taught) <= len(teachers)
    assert len(later) <= len(people) - len(teachers)


def test_the_elliptic_files_are_judged_by_their_split(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    lines, classes = [], ["txId,class"]
    for number in range(300):
        bad = number % 3 == 0
        step = 1 + number % 49
        values = chance.normal(3 if bad else 0, 1, 4)
        lines.append(",".join([str(number), str(step), *(f"{value:.4f}" for value in values)]))
        classes.append(f"{number},{'unknown' if number % 10 == 9 else '1' if bad else '2'}")
    (tmp_path / "elliptic_txs_features.csv").write_text("\n".join(lines))
    (tmp_path / "elliptic_txs_classes.csv").write_text("\n".join(classes))
    out = StringIO()
    call_command("elliptic", tmp_path, stdout=out)
    assert "270 transactions of known class" in out.getvalue()
    assert out.getvalue().count("precision 1.000") == 2
    (tmp_path / "elliptic_txs_classes.csv").write_bytes(gzip.compress(b"x"))
    with pytest.raises(CommandError, match="no CSV file"):
        call_command("elliptic", tmp_path)
