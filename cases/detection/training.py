"""Training of the learned score, with scikit-learn: needs the packages of requirements-learn.txt.

No web or worker process loads this: a command does, by name. What it makes is plain data, the same
for the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from cases.detection.features import Figures
from cases.detection.risk_model import (
    CUSTOMER,
    FORMAT,
    Floats,
    RiskModel,
    all_figures,
    spread_of,
)

LEAST_OF_EACH: Final = 20
CALIBRATED_SHARE: Final = 0.3
TENTHS: Final = 10


class CannotTrain(ValueError):
    """The rows are not enough to learn from; the sentence says what is missing."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Figures as they were when the alert was raised, and how it ended: a case, or none.

    Of a wallet: its figures, whether it is tied to crime, and when its owner was first seen.
    """

    figures: Figures
    led_to_case: bool
    known_at: datetime


def train(
    rows: Sequence[Labelled],
    *,
    subject: str = CUSTOMER,
    seed: int = 7,
    num_trees: int = 100,
    depth: int = 3,
) -> dict[str, Any]:
    """A model as plain data, with the figures of its card under `card`.

    subject: customer or wallet; the figures of every row are those of its table.

    The oldest seven tenths of the rows, by when their outcome was known, teach the trees; the newer
    rest calibrates them, and never the other way round.

    Raises CannotTrain.
    Cost: some seconds for 100,000 rows.
    """
    # A second and a half to load: whoever only makes the rows does without.
    import sklearn  # noqa: PLC0415
    from sklearn.ensemble import GradientBoostingClassifier  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    words = "led to a case" if subject == CUSTOMER else "are tied to crime"
    ordered = sorted(rows, key=lambda row: row.known_at)
    cut = int(len(ordered) * (1 - CALIBRATED_SHARE))
    first, rest = ordered[:cut], ordered[cut:]
    for part, name in ((first, "older"), (rest, "newer")):
        yes = sum(row.led_to_case for row in part)
        if min(yes, len(part) - yes) < LEAST_OF_EACH:
            raise CannotTrain(
                f"Of the {name} outcomes {yes} {words}, {len(part) - yes} not:"
                f" {LEAST_OF_EACH} of each are needed."
            )
    names = all_figures(subject)
    learnt, answers = _arrays(first, names)
    forest = GradientBoostingClassifier(
        n_estimators=num_trees, max_depth=depth, learning_rate=0.1, subsample=0.8,
        min_samples_leaf=10, random_state=seed,
    )  # fmt: skip
    forest.fit(learnt, answers)
    edges, shares = spread_of(learnt)
    content: dict[str, Any] = {
        "format": FORMAT,
        "features": names,
        "start": _logit(forest.init_.class_prior_[1]),
        "calibration": [1.0, 0.0],
        "trees": [_as_data(each[0].tree_, forest.learning_rate) for each in forest.estimators_],
        "edges": edges,
        "shares": shares,
    }
    if subject != CUSTOMER:  # one of customers says nothing, as before there were others
        content["subject"] = subject
    held, truth = _arrays(rest, names)
    odds = RiskModel(content).odds(held)
    line = LogisticRegression(C=1e6, random_state=seed).fit(odds.reshape(-1, 1), truth)
    content["calibration"] = [float(line.coef_[0][0]), float(line.intercept_[0])]
    content["card"] = {
        "made_with": f"scikit-learn {sklearn.__version__}, gradient-boosted trees",
        "seed": seed, "num_trees": num_trees, "depth": depth,
        "num_rows": len(ordered), "num_learnt": len(first), "num_calibrated": len(rest),
        "num_led_to_case": sum(row.led_to_case for row in ordered),
        "known_from": ordered[0].known_at.isoformat(),
        "known_to": ordered[-1].known_at.isoformat(),
        "weights": _weights(forest, names),
        "held_out": measured(RiskModel(content).chances(held), truth),
    }  # fmt: skip
    return content


def measured(chances: Floats, truth: Floats) -> dict[str, Any]:
    """How well scores part cases from others, and how true they are, on rows not learnt from."""
    yes, no = chances[truth == 1], chances[truth == 0]
    ranks = np.searchsorted(np.sort(no), yes, "left") + np.searchsorted(np.sort(no), yes, "right")
    tenths = []
    for low in range(TENTHS):
        inside = (chances >= low / TENTHS) & ((chances < (low + 1) / TENTHS) | (low == TENTHS - 1))
        if inside.any():
            tenths.append({
                "said": round(float(chances[inside].mean()), 3),
                "true": round(float(truth[inside].mean()), 3), "rows": int(inside.sum()),
            })  # fmt: skip
    return {
        "rows": len(truth),
        "led_to_case": int(truth.sum()),
        "area_under_curve": round(float(ranks.sum()) / (2 * len(yes) * len(no)), 3),
        "mean_squared_error": round(float(((chances - truth) ** 2).mean()), 4),
        "calibration": tenths,
    }


def _arrays(rows: Sequence[Labelled], names: Sequence[str]) -> tuple[Floats, Floats]:
    figures = np.asarray([[row.figures[name] for name in names] for row in rows], np.float64)
    return figures, np.asarray([row.led_to_case for row in rows], np.float64)


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def _as_data(tree: Any, rate: float) -> dict[str, Any]:
    """One tree; a node between has the mean of what lies below, by the rows that came there."""
    left, right = tree.children_left.tolist(), tree.children_right.tolist()
    weight = tree.weighted_n_node_samples.tolist()
    value = [float(each) * rate for each in tree.value[:, 0, 0]]
    for node in range(len(left) - 1, -1, -1):  # children come after their parents
        if left[node] != -1:
            below = (left[node], right[node])
            value[node] = sum(value[each] * weight[each] for each in below) / sum(
                weight[each] for each in below
            )
    return {
        "feature": [max(int(each), -1) for each in tree.feature],
        "threshold": [float(each) if left[n] != -1 else 0.0
                      for n, each in enumerate(tree.threshold)],
        "left": left, "right": right, "value": value,
    }  # fmt: skip


def _weights(forest: Any, names: Sequence[str]) -> list[list[Any]]:
    """The figures that the trees used most, with their share of the gain."""
    pairs = sorted(zip(names, forest.feature_importances_, strict=True), key=lambda p: -p[1])
    return [[name, round(float(share), 3)] for name, share in pairs[:10] if share > 0]
