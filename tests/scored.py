"""A trained model of one tree, made by hand: many amounts just under the limit lead to a case."""

from typing import Any

from django.utils import timezone

from cases.detection.features import NAMES
from cases.models import TrainedModel
from cases.policy import Actor
from cases.services.audit import content_digest

CARD = {
    "made_with": "by hand", "seed": 7, "num_rows": 80, "num_learnt": 56, "num_calibrated": 24,
    "num_led_to_case": 40, "quiet": 0, "weights": [["num_near_limit", 1.0]],
    "held_out": {
        "area_under_curve": 0.9, "mean_squared_error": 0.1,
        "calibration": [{"said": 0.1, "true": 0.0, "rows": 12}],
    },
}  # fmt: skip


def content() -> dict[str, Any]:
    """The model as plain data: log-odds of 3 from three such amounts on, else of -3."""
    tree = {
        "feature": [NAMES.index("num_near_limit"), -1, -1], "threshold": [2.5, 0.0, 0.0],
        "left": [1, -1, -1], "right": [2, -1, -1], "value": [0.0, -3.0, 3.0],
    }  # fmt: skip
    return {
        "format": 1, "features": list(NAMES), "start": 0.0, "calibration": [1.0, 0.0],
        "trees": [tree], "edges": [[0.0]] * len(NAMES), "shares": [[0.5, 0.5]] * len(NAMES),
    }  # fmt: skip


def make_model(*, by: Actor, number: int = 1) -> TrainedModel:
    """The challenger."""
    made: TrainedModel = TrainedModel.objects.create(
        number=number, content=content(), card=CARD, content_hash=content_digest(content()),
        reason="First try.", proposed_by_id=by.person, proposed_at=timezone.now(),
    )  # fmt: skip
    return made
