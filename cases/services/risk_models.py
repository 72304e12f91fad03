"""The learned score: training from outcomes, champion and challenger, and scores of each run.

One training and one decision serve customers and wallets; services/wallet_scores.py has the rows
of wallets.

A score orders what people look at. It raises nothing, closes nothing and blocks nothing.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.detection import Account, Movement
from cases.detection.features import Figures, figures_of
from cases.detection.risk_model import CUSTOMER, WALLET, ModelError, RiskModel
from cases.models import Alert, ExchangeAccount, RiskScore, TrainedModel
from cases.models.risk_models import LIVE_MODELS
from cases.policy import Action, Actor, require
from cases.queries.detection import Inputs
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError
from cases.services.proposals import decide_proposal, enter_proposal, require_as_shown, supersede
from cases.services.validation import require_reason
from cases.services.wallet_scores import wallet_rows
from cases.states import OPEN_ALERT_STATES, POLICY, AlertState, PolicyAction, PolicyState

ACCOUNTS_AT_ONCE: Final = 2_000
SHOWN_FROM: Final = 200  # points: from here a score is kept though no alert of the account is open
NEGATIVE: Final = ("false_positive", "insufficient")
NEEDED: Final = ("sklearn",)


@transaction.atomic
def train_model(
    *, reason: str, subject: str = CUSTOMER, quiet: int = 3, seed: int = 7, by: Actor
) -> TrainedModel:
    """Train a challenger on how alerts ended, or on what is known of wallets; nothing of it is
    shown before a second person makes it the champion.

    Args:
        subject: customer or wallet, each with a champion and a challenger of its own.
        quiet: so many customers without any alert for each that was decided, or wallets of which
            nobody says anything for each that is named, taken as no case.

    Raises PermissionDenied, CaseworkError where scikit-learn or outcomes are missing.
    """
    require(by, Action.TRAIN_MODEL)
    words = require_reason(reason)
    if any(find_spec(name) is None for name in NEEDED):
        raise CaseworkError(_("Training needs packages of its own: run make learn once."))
    if TrainedModel.objects.filter(subject=subject, state=PolicyState.PROPOSED).exists():
        raise CaseworkError(_("A challenger waits already: put it in force or reject it first."))
    training: Any = import_module("cases.detection.training")
    try:
        rows = wallet_rows if subject == WALLET else labelled_rows
        content = training.train(rows(training.Labelled, quiet), subject=subject, seed=seed)
    except training.CannotTrain as error:
        raise CaseworkError(str(error)) from None
    card = content.pop("card") | {"quiet": quiet}
    number = (TrainedModel.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    try:
        with transaction.atomic():
            model = TrainedModel.objects.create(
                number=number, subject=subject, content=content, card=card,
                content_hash=content_digest(content), reason=words,
                proposed_by_id=by.person, proposed_at=timezone.now(),
            )  # fmt: skip
    except IntegrityError as error:
        raise CaseworkError(_("Somebody else trained a model at the same time.")) from error
    _note("train_model", model, words, by=by)
    return model


def labelled_rows(labelled: Any, quiet: int) -> list[Any]:
    """Figures of decided alerts' accounts as they were then, and how each ended.

    An account counts once, by its last decided alert; a merged firing or one known already says
    nothing. Quiet customers are taken evenly, at the end of the records. O(accounts named).
    """
    decided: dict[int, tuple[Any, bool, Any]] = {}
    rows = Alert.objects.filter(merged_into=None, closed_at__isnull=False).order_by("closed_at")
    for holder, state, how, until, closed in rows.values_list(
        "account_id", "state", "disposition", "window_to", "closed_at"
    ):
        if state == AlertState.LINKED or (state == AlertState.DISMISSED and how in NEGATIVE):
            decided[holder] = (until, state == AlertState.LINKED, closed)
    alerted = set(Alert.objects.values_list("account_id", flat=True))
    others = [
        pk for pk in ExchangeAccount.objects.order_by("pk").values_list("pk", flat=True)
        if pk not in alerted
    ]  # fmt: skip
    step = max(len(others) // max(quiet * len(decided), 1), 1) if quiet else 0
    calm = others[::step][: quiet * len(decided)] if step else []
    inputs = Inputs(with_ledger=True, with_events=True)
    # Spread over the span of the others' outcomes, so that older and newer rows hold both.
    times = sorted(closed for _until, _led, closed in decided.values())
    spread = {
        pk: (inputs.known_to, False, times[place * len(times) // max(len(calm), 1)])
        for place, pk in enumerate(calm)
    }
    wanted = decided | spread
    found = []
    numbers = sorted(wanted)
    for start in range(0, len(numbers), ACCOUNTS_AT_ONCE):
        for pk, account, movements in inputs.histories(numbers[start : start + ACCOUNTS_AT_ONCE]):
            until, led, closed = wanted[pk]
            found.append(labelled(figures_of(account, movements, until), led, closed))
    return found


@transaction.atomic
def approve_model(
    model: TrainedModel, *, content_hash: str, reason: str, by: Actor
) -> TrainedModel:
    """Make the challenger the champion as a second person; the one before is superseded.

    Raises PermissionDenied, StepUpRequired, ContentChanged, InvalidTransition.
    """
    enter_proposal(model, Action.DECIDE_RULE, POLICY, PolicyAction.APPROVE, by=by)
    words = require_reason(reason)
    require_as_shown(model, content_hash, content_digest(model.content))
    before = TrainedModel.objects.filter(subject=model.subject, state=PolicyState.IN_FORCE)
    ended = supersede(before, "this model")
    decide_proposal(model, PolicyAction.APPROVE, words, by=by, decision_reason=words)
    _note("approve_model", model, words, by=by, data=ended)
    return model


@transaction.atomic
def reject_model(model: TrainedModel, *, reason: str, by: Actor) -> TrainedModel:
    """Refuse a challenger as a second person; the champion stays, and its scores go."""
    enter_proposal(model, Action.DECIDE_RULE, POLICY, PolicyAction.REJECT, by=by)
    words = require_reason(reason)
    decide_proposal(model, PolicyAction.REJECT, words, by=by, decision_reason=words)
    RiskScore.objects.filter(model=model).delete()
    _note("reject_model", model, words, by=by)
    return model


def _note(
    action: str,
    model: TrainedModel,
    reason: str,
    *,
    by: Actor,
    data: Mapping[str, Any] | None = None,
) -> None:
    told = {
        "subject": model.subject, "content_hash": model.content_hash,
        "num_rows": model.card["num_rows"], **(data or {}),
    }  # fmt: skip
    record_event(None, action, f"model:{model.number}", by=by, reason=reason, data=told)


class Scorer:
    """Scores the accounts of a run in passing: `see` each, then `write` a batch of them.

    Both champion and challenger score, over the same figures. Without any model nothing is done.
    """

    def __init__(self, run: int | None = None) -> None:
        """`run` is a run over all accounts: its figures are the measure of drift."""
        self.run = run
        self.models: list[tuple[TrainedModel, RiskModel]] = []
        live = TrainedModel.objects.filter(subject=CUSTOMER, state__in=LIVE_MODELS)
        for row in live.order_by("pk"):
            try:
                self.models.append((row, RiskModel(row.content)))
            except ModelError:
                continue  # of another version of this program: its page says so
        self._rows: list[tuple[int, Figures]] = []

    def see(self, pk: int, account: Account, rows: Sequence[Movement]) -> None:
        """Keep the figures of an account that moved."""
        if self.models and rows:
            self._rows.append((pk, figures_of(account, rows)))

    def write(self, batch: Sequence[int]) -> None:
        """Put the scores of a batch in place of its earlier ones; within a transaction.

        4 queries a model, however many accounts.
        """
        rows, self._rows = self._rows, []
        if not rows:
            return
        low, high = min(batch), max(batch)
        alerted = set(
            Alert.objects.filter(
                state__in=OPEN_ALERT_STATES, account__gte=low, account__lte=high
            ).values_list("account_id", flat=True)
        )
        now, seen = timezone.now(), {pk for pk, _figures in rows}
        for model, reader in self.models:
            matrix = reader.matrix([figures for _pk, figures in rows])
            scored = [
                RiskScore(
                    account_id=pk, model=model, points=points, at=now,
                    reasons=[reason.tell() for reason in reader.reasons(figures)],
                )
                for (pk, figures), points in zip(rows, reader.points(matrix), strict=True)
                if pk in alerted or points >= SHOWN_FROM
            ]  # fmt: skip
            old = RiskScore.objects.filter(model=model, account__gte=low, account__lte=high)
            gone = [pk for pk in old.values_list("account_id", flat=True) if pk in seen]
            old.filter(account__in=gone).delete()
            RiskScore.objects.bulk_create(scored)
            if self.run is not None:
                self._count(model, reader.counts(matrix))

    def _count(self, model: TrainedModel, counts: list[list[int]]) -> None:
        told = TrainedModel.objects.values_list("drift", flat=True).get(pk=model.pk)
        if told.get("run") == self.run:
            counts = [
                [one + other for one, other in zip(*pair, strict=True)]
                for pair in zip(told["counts"], counts, strict=True)
            ]
        kept = {"run": self.run, "at": timezone.now().isoformat(), "counts": counts}
        TrainedModel.objects.filter(pk=model.pk).update(drift=kept)
