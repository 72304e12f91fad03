"""Runs of the rules as durable jobs: nightly over all accounts, on new records, and as a trial.

A run goes on from its last batch of accounts after whatever ended it: what a batch raises and how
far the run is are one transaction, written only by who holds the attempt.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.detection import Hit
from cases.models import DetectionRun, ExchangeAccount, ExchangeRecord, Rule, RuleChange
from cases.models.detection_runs import LIVE
from cases.policy import SYSTEM, Action, Actor, require
from cases.queries.detection import accounts_moved
from cases.services.detection import (
    ACCOUNTS_AT_ONCE,
    DetectReport,
    Firing,
    firings_of,
    group_firings,
    inputs_of,
    install_rules,
    raise_alerts,
    run_detection,
)
from cases.services.errors import CaseworkError
from cases.services.risk_models import Scorer
from cases.states import DETECTION, DetectionAction, DetectionState, next_state

QUEUED, RUNNING = DetectionState.QUEUED, DetectionState.RUNNING
LEASE = timedelta(minutes=5)
TRIES = 5
MOST_SHOWN = 12


class Fenced(Exception):
    """Somebody else took the run: what this attempt wanted to write is void."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A run that this process holds, and with which attempt."""

    pk: int
    attempt: int


def detect_now(*, since: datetime | None = None, by: Actor) -> DetectReport:
    """Run the rules in the foreground: as the nightly job, or once over who moved since a time.

    Raises PermissionDenied, CaseworkError where a worker is on the nightly run already.
    """
    require(by, Action.RAISE_ALERT)
    if since is not None:
        return run_detection(since=since, by=by)
    run = queue_detection("full")
    if not work_on_run(run.pk):
        raise CaseworkError(_("Another process is on this run: it goes on there."))
    run.refresh_from_db()
    return DetectReport(**run.result)


def queue_detection(
    kind: str, change: RuleChange | None = None, by: int | None = None
) -> DetectionRun:
    """Ask for a run; one that waits or is under way already is given back instead: 3 queries."""
    live = DetectionRun.objects.filter(kind=kind, change=change, state__in=LIVE)
    found: DetectionRun | None = live.first()
    if found is not None:
        return found
    last = ExchangeRecord.objects.aggregate(last=Max("pk"))["last"] or 0
    try:
        with transaction.atomic():
            made: DetectionRun = DetectionRun.objects.create(
                kind=kind, change=change, queued_at=timezone.now(), queued_by_id=by,
                record_from=_seen_to() if kind == "new" else 0, record_to=last,
            )  # fmt: skip
            return made
    except IntegrityError:
        return live.get()  # another process was faster


def _seen_to() -> int:
    """The last record that a finished or waiting run over accounts is about."""
    rows = DetectionRun.objects.exclude(kind="trial").exclude(state=DetectionState.FAILED)
    return int(rows.aggregate(last=Max("record_to"))["last"] or 0)


def queue_due_runs() -> None:
    """Ask for the nightly run when it is due, or for one over records that came: 4 queries."""
    hours = settings.DETECT_HOURS
    full = DetectionRun.objects.filter(kind="full")
    if hours and not full.filter(queued_at__gt=timezone.now() - timedelta(hours=hours)).exists():
        queue_detection("full")
    elif (ExchangeRecord.objects.aggregate(last=Max("pk"))["last"] or 0) > _seen_to():
        queue_detection("new")


def work_on_due_runs(seconds: float) -> bool:
    """Queue what is due and work for a while, oldest first; whether some of it is left.

    Trials come first: a person waits for them.
    """
    _fail_exhausted()
    queue_due_runs()
    until = monotonic() + seconds
    for pk in list(
        _claimable()
        .order_by(F("change").desc(nulls_last=True), "queued_at")
        .values_list("pk", flat=True)
    ):
        if monotonic() >= until or not work_on_run(pk, until=until):
            break
    return bool(_claimable().exists())


def _waiting() -> Any:
    """Runs that nobody works on: those that wait, and those whose worker is gone."""
    return DetectionRun.objects.filter(Q(state=QUEUED) | Q(state=RUNNING, lease_until__lt=Now()))


def _claimable() -> Any:
    return _waiting().filter(num_tries_left__gt=0)


def _fail_exhausted() -> None:
    """A run that died five times without a further batch is given up, with a sentence."""
    for state in (QUEUED, RUNNING):
        _waiting().filter(num_tries_left=0, state=state).update(
            state=next_state(DETECTION, state, DetectionAction.FAIL), lease_until=None,
            ended_at=Now(),
            error=_("It ended five times without getting further. The worker's log says why."),
        )  # fmt: skip


def work_on_run(pk: int, *, until: float | None = None) -> bool:
    """Work on one run until it ends or the clock says `until`; whether it ended here.

    Somebody else's live run is left alone. May be called twice, and killed anywhere.
    """
    with transaction.atomic():
        claimed = sum(
            _claimable().filter(pk=pk, state=state).update(
                state=next_state(DETECTION, state, DetectionAction.CLAIM),
                attempt=F("attempt") + 1, num_tries_left=F("num_tries_left") - 1,
                lease_until=Now() + LEASE,
            )
            for state in (RUNNING, QUEUED)
        )  # fmt: skip
        if not claimed:
            return False
        run = DetectionRun.objects.select_related("change__rule").get(pk=pk)
    held = _Held(run.pk, run.attempt)
    try:
        job = _Trial(run, held) if run.change is not None else _Raising(run, held)
        for batch in job.batches():
            job.do(batch)
            if until is not None and monotonic() >= until:
                _steps(held, DetectionAction.YIELD)
                return False
        job.end()
    except Fenced:
        return False
    return True


def _write(held: _Held, **fields: object) -> None:
    """Write under the fence. Raises Fenced where the attempt is not ours any more."""
    mine = DetectionRun.objects.filter(pk=held.pk, attempt=held.attempt, state=RUNNING)
    if not mine.update(**fields):
        raise Fenced


def _steps(held: _Held, action: DetectionAction, **fields: object) -> None:
    """Leave the running state by its table, and the lease with it."""
    _write(held, state=next_state(DETECTION, RUNNING, action), lease_until=None, **fields)


def _goes_on(held: _Held, **fields: object) -> None:
    _write(held, lease_until=Now() + LEASE, num_tries_left=TRIES, **fields)


def _ends(held: _Held, **fields: object) -> None:
    _steps(held, DetectionAction.FINISH, ended_at=Now(), **fields)


class _Raising:
    """A run that raises alerts: over all accounts, or those with new records."""

    def __init__(self, run: DetectionRun, held: _Held) -> None:
        self.run, self.held = run, held
        self.rules = install_rules()
        self.scorer = Scorer(run.pk if run.kind == "full" else None)
        self.inputs = inputs_of(self.rules, self.scorer)
        fired = {rule.code: 0 for rule in self.rules}
        self.report = DetectReport(**run.result) if run.result else DetectReport()
        self.report.fired = {**fired, **self.report.fired}
        self.num_done = run.num_accounts

    def batches(self) -> Iterator[Sequence[int]]:
        if self.run.kind == "full":
            yield from self.inputs.batches(ACCOUNTS_AT_ONCE, self.run.done_to)
            return
        numbers = list(self._moved().filter(pk__gt=self.run.done_to).values_list("pk", flat=True))
        for start in range(0, len(numbers), ACCOUNTS_AT_ONCE):
            yield numbers[start : start + ACCOUNTS_AT_ONCE]

    def _moved(self) -> Any:
        moved = accounts_moved(after=self.run.record_from, to=self.run.record_to)
        return ExchangeAccount.objects.filter(moved).order_by("pk")

    def do(self, batch: Sequence[int]) -> None:
        found = firings_of(self.rules, self.inputs, batch, self.report, self.scorer)
        with transaction.atomic():
            raise_alerts(found, self.report, self.inputs, by=SYSTEM)
            self.scorer.write(batch)
            self.num_done += len(batch)
            _goes_on(
                self.held, done_to=batch[-1], num_accounts=self.num_done,
                result=asdict(self.report),
            )  # fmt: skip

    def end(self) -> None:
        among = None
        if self.run.kind != "full":
            among = frozenset(self._moved().values_list("pk", flat=True))
        found = group_firings(self.rules, self.inputs, self.report, among)
        with transaction.atomic():
            raise_alerts(found, self.report, self.inputs, by=SYSTEM)
            _ends(self.held, result=asdict(self.report))


class _Trial:
    """A run that raises nothing: what a change of a rule would fire on, beside what fires now."""

    def __init__(self, run: DetectionRun, held: _Held) -> None:
        assert run.change is not None
        self.run, self.held, change = run, held, run.change
        now = Rule.objects.filter(code=change.code, is_on=True).first()
        self.now = [now] if now is not None else []
        self.then = [
            Rule(
                code=change.code, parameters=change.parameters, severity=change.severity,
                title=change.rule.title, red_flags=change.rule.red_flags,
            )
        ] if change.switch_on else []  # fmt: skip
        self.inputs = inputs_of([*self.now, *self.then])
        empty = {
            "now": 0, "then": 0, "added": 0, "lost": 0, "accounts_now": 0, "accounts_then": 0,
            "shown": [],
        }  # fmt: skip
        self.result: dict[str, Any] = run.result or empty
        self.num_done = run.num_accounts

    def batches(self) -> Iterator[Sequence[int]]:
        return self.inputs.batches(ACCOUNTS_AT_ONCE, self.run.done_to)

    def do(self, batch: Sequence[int]) -> None:
        self._compare(*(self._fired(rules, batch) for rules in (self.now, self.then)))
        self.num_done += len(batch)
        _goes_on(self.held, done_to=batch[-1], num_accounts=self.num_done, result=self.result)

    def _fired(self, rules: Sequence[Rule], batch: Sequence[int]) -> list[Firing]:
        if not rules:
            return []
        return firings_of(rules, self.inputs, batch, _count(rules))

    def end(self) -> None:
        sides = (
            group_firings(rules, self.inputs, _count(rules)) for rules in (self.now, self.then)
        )
        self._compare(*sides)
        _ends(self.held, result=self.result)

    def _compare(self, now: Iterable[Firing], then: Iterable[Firing]) -> None:
        before = {firing.fingerprint: firing for firing in now}
        after = {firing.fingerprint: firing for firing in then}
        told = self.result
        told["now"] += len(before)
        told["then"] += len(after)
        told["added"] += len(after.keys() - before.keys())
        told["lost"] += len(before.keys() - after.keys())
        told["accounts_now"] += len({firing.account for firing in before.values()})
        told["accounts_then"] += len({firing.account for firing in after.values()})
        for word, some, others in (("added", after, before), ("lost", before, after)):
            for mark in sorted(some.keys() - others.keys()):
                if sum(row["what"] == word for row in told["shown"]) < MOST_SHOWN:
                    told["shown"].append(_shown(word, some[mark].account, some[mark].hit))


def _count(rules: Sequence[Rule]) -> DetectReport:
    return DetectReport(fired={rule.code: 0 for rule in rules})


def _shown(what: str, account: int, hit: Hit) -> dict[str, Any]:
    return {
        "what": what,
        "account": account,
        "at": hit.last_at.isoformat(),
        "fiat": f"{hit.fiat:.2f}",
        "why": "; ".join(f"{value.name}: {value.found}" for value in hit.values),
    }
