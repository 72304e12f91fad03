"""The learned score of wallets: the same training and form, no leakage, and what it adds."""

import pytest

from cases.detection.risk_model import BY_NAME, TABLES, WALLET, ModelError, RiskModel
from cases.detection.training import Labelled, train
from cases.detection.wallet_features import CRIME, GROUPS, KEEPERS, WALLET_FEATURES
from tests.wallet_trial import SPLIT, Row, at_volume, found, known_codes, sides, trial
from tests.wallet_world import DAY, START, build, ledger_of

pytestmark = pytest.mark.once


Trial = tuple[list[Labelled], list[Row], RiskModel]


@pytest.fixture(scope="module")
def tried() -> Trial:
    """A small world with many criminals, so that each part of the training has enough of them."""
    return trial(800, share_bad=0.25)


def test_every_figure_has_one_name_over_both_tables() -> None:
    assert len(BY_NAME) == sum(len(table) for table in TABLES.values())
    assert all(feature.words for feature in WALLET_FEATURES)
    assert not CRIME & KEEPERS
    assert not CRIME & (GROUPS["mixing"] | GROUPS["gambling"])
    assert {"market", "ransomware", "sanction", "scam"} <= CRIME


def test_no_wallet_teaches_and_judges_and_nobody_is_known_before_the_time() -> None:
    world = build(600, SPLIT, share_bad=0.3)
    ledger = ledger_of(world)
    teach, judge = sides(world, ledger)
    assert len(teach) + len(judge) <= 600
    assert all(row.known_at.timestamp() <= START + SPLIT * DAY for row in teach)
    codes = known_codes(world, ledger)
    for wallet, _figures in judge:
        numbers = [ledger.find_address(each) for each in wallet.addresses]
        assert not any(codes[each] for each in numbers if each is not None)


def test_the_score_finds_more_than_exposure_at_equal_volume(tried: Trial) -> None:
    teach, rows, model = tried
    assert model.subject == WALLET
    bad = sum(bool(row.way) for row in rows)
    by_exposure, by_score = at_volume(rows, bad)
    assert found(by_score).yes > found(by_exposure).yes
    row = teach[0].figures
    odds = float(model.odds(model.matrix([row]))[0])
    assert model.base_odds() + float(model.weights(row).sum()) == pytest.approx(odds)
    assert all(reason.tell()["words"] for reason in model.reasons(row))


def test_a_model_takes_only_the_figures_of_its_subject(tried: Trial) -> None:
    teach, _rows, _model = tried
    content = train(teach, subject=WALLET, num_trees=5)
    assert content["subject"] == "wallet"
    for subject in ("customer", "chain"):
        with pytest.raises(ModelError, match="does not know the figure"):
            RiskModel(content | {"subject": subject})
