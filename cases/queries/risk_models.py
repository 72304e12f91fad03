"""The learned score as its pages show it: champion and challenger, the card, drift, top scores."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, QuerySet

from cases.detection.risk_model import BY_NAME, MOVED, STABLE, WALLET, ModelError, RiskModel
from cases.models import Alert, RiskScore, TrainedModel
from cases.models.risk_models import LIVE_MODELS
from cases.policy import Actor
from cases.states import OPEN_ALERT_STATES, AlertState, PolicyState

MOST_SHOWN = 25
MOST_OLD = 20
MOST_DRIFT = 8
CHAMPION = PolicyState.IN_FORCE.value


@dataclass(frozen=True)
class Since:
    """How a model's points stood beside what people decided after it was trained.

    `right` of `pairs`: a customer whose alert led to a case has more points than one whose did not,
    or a wallet tied to crime than one of a keeper.
    """

    pairs: int
    right: int

    @property
    def percent(self) -> int | None:
        return self.right * 100 // self.pairs if self.pairs else None


@dataclass(frozen=True)
class Moved:
    """How far a figure moved since training; `level` is ok, watch or train."""

    words: str
    index: str
    level: str


@dataclass(frozen=True)
class ModelRow:
    """One model with its measures."""

    model: TrainedModel
    since: Since
    drift: list[Moved]

    @property
    def is_champion(self) -> bool:
        return self.model.state == CHAMPION


@dataclass(frozen=True)
class ModelsPage:
    """Those that score, those that are over, and the highest points without an open alert."""

    live: list[ModelRow]
    over: list[TrainedModel]
    highest: list[RiskScore]


def champion_points(actor: Actor) -> "Prefetch[Any]":
    """What the champion says of an alert's account, as `champion_scores`: 1 query for a page.

    Without the model itself, which is large: each row would read it anew.
    """
    scores = RiskScore.objects.visible_to(actor).filter(model__state=CHAMPION)
    return Prefetch(
        "account__risk_scores",
        queryset=scores.select_related("model").defer(
            "model__content", "model__card", "model__drift"
        ),
        to_attr="champion_scores",
    )  # fmt: skip


def models(actor: Actor) -> QuerySet[TrainedModel]:
    """Models of the house, the newest first."""
    rows = TrainedModel.objects.visible_to(actor)
    return rows.select_related("proposed_by", "decided_by").order_by("-number")


def models_page(actor: Actor) -> ModelsPage:
    """At most 7 queries."""
    rows = models(actor)
    live = [model_row(model, actor) for model in rows.filter(state__in=LIVE_MODELS)]
    waiting = Alert.objects.visible_to(actor).filter(state__in=OPEN_ALERT_STATES)
    alerted = waiting.values("account_id")
    highest = (
        RiskScore.objects.visible_to(actor).filter(model__state=CHAMPION)
        .exclude(account__in=alerted).select_related("account").order_by("-points", "account_id")
    )  # fmt: skip
    return ModelsPage(
        sorted(live, key=lambda row: (row.model.subject, not row.is_champion)),
        list(rows.exclude(state__in=LIVE_MODELS).defer("content")[:MOST_OLD]),
        list(highest[:MOST_SHOWN]),
    )


def model_row(model: TrainedModel, actor: Actor) -> ModelRow:
    """One model: 2 queries."""
    return ModelRow(model, _since(model, actor), drift_of(model))


def drift_of(model: TrainedModel) -> list[Moved]:
    """What moved most since training, by the newest run over all accounts."""
    counts = model.drift.get("counts")
    if not counts:
        return []
    try:
        found = RiskModel(model.content).drift(counts)
    except ModelError:
        return []
    return [
        Moved(
            BY_NAME[name].words,
            f"{index:.2f}",
            "ok" if index < STABLE else "watch" if index < MOVED else "train",
        )
        for name, index in list(found.items())[:MOST_DRIFT]
    ]


def _since(model: TrainedModel, actor: Actor) -> Since:
    """Only outcomes that the training cannot have seen; of wallets as the last measure found."""
    if model.subject == WALLET:
        right, pairs = model.drift.get("since", (0, 0))
        return Since(pairs, right)
    points = dict(
        RiskScore.objects.visible_to(actor).filter(model=model).values_list("account_id", "points")
    )
    decided: dict[bool, list[int]] = {True: [], False: []}
    rows = Alert.objects.visible_to(actor).filter(
        merged_into=None, closed_at__gt=model.proposed_at,
        state__in=[AlertState.LINKED, AlertState.DISMISSED],
    )  # fmt: skip
    for account, state in rows.order_by("pk").values_list("account_id", "state"):
        if account in points:
            decided[state == AlertState.LINKED].append(points[account])
    right, pairs = _pairs(decided[True], decided[False])
    return Since(pairs, right)


def _pairs(yes: Iterable[int], no: Iterable[int]) -> tuple[int, int]:
    below = sorted(no)
    right = pairs = 0
    for each in yes:
        right += sum(other < each for other in below)
        pairs += len(below)
    return right, pairs


def card_words(card: dict[str, Any]) -> list[tuple[str, str]]:
    """The most used figures of a model with their share of the gain, in words."""
    return [
        (BY_NAME[name].words, f"{share:.0%}")
        for name, share in card.get("weights", [])
        if name in BY_NAME
    ]
