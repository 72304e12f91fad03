"""What the machines share: people, what each may try now, and the comparison with a plain model.

A machine names every call that anybody could make at this moment, and for each the grounds on which
it has to be refused, as the model sees them; none, and it has to work. The model is written down
here once more, on purpose without the tables of `cases.states` and `cases.policy`: a fault there
must not be a fault here too.

Hypothesis draws who does what next. Beside the drawn step each ground of refusal is tried once in
each state, by the first person it is the only ground for, and each move of a state once against
somebody who is faster. Nothing here looks at the clock: windows and leases end by a step that moves
them into the past.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from cases.models import AuditEvent
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.services.audit import verify_chains
from cases.services.errors import CaseworkError, ContentChanged, NotFound, VersionChanged
from cases.services.verification import altered_contents
from cases.states import InvalidTransition
from tests.casework import person, stale

ANALYSTS, SUPERVISORS, COMPLIANCE = ("ana", "ben"), ("sue", "sam"), ("cora", "cleo")
SENIORS = (*SUPERVISORS, *COMPLIANCE)
WORKERS = (*ANALYSTS, *SENIORS)
OTHERS = ("aud", "zed")
ROLES = {
    **dict.fromkeys(ANALYSTS, "analyst"),
    **dict.fromkeys(SUPERVISORS, "supervisor"),
    **dict.fromkeys(COMPLIANCE, "compliance"),
    "aud": "auditor",
    "zed": "admin",
}

# What a ground is told by. Exactly this type: a sentence of another kind would mislead the person.
REFUSALS: dict[str, type[Exception]] = {
    "role": PermissionDenied,
    "person": PermissionDenied,
    "factor": StepUpRequired,
    "state": InvalidTransition,
    "content": ContentChanged,
    "version": VersionChanged,
    "rule": CaseworkError,
    "missing": NotFound,
}


@dataclass(frozen=True)
class Try:
    """One call somebody could make now. `grounds` are those it must be refused on."""

    what: str
    who: str
    how: str = ""
    grounds: tuple[str, ...] = ()
    moves: bool = True  # the state of the row itself: somebody faster makes it impossible

    def __str__(self) -> str:
        return " ".join(part for part in (self.who, self.what, self.how) if part)


@dataclass
class Score:
    """What a run of many walks tried, so that a test can say that it tried everything."""

    worked: Counter[tuple[str, str]] = field(default_factory=Counter)  # by action and state
    refused: Counter[tuple[str, ...]] = field(default_factory=Counter)
    overtaken: Counter[tuple[str, str]] = field(default_factory=Counter)
    chosen: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    orders: dict[tuple[tuple[int, int], ...], list[tuple[str, str]]] = field(default_factory=dict)

    def summary(self) -> str:
        """How much was tried, for a person."""
        return (
            f"{self.worked.total()} steps over {len(self.worked)} moves, {self.refused.total()}"
            f" refusals of {len(self.refused)} kinds, {self.overtaken.total()} lost races"
        )


class _NobodyElse(Exception):
    """Undoes a race; with a cause, it was none."""


class Walk(RuleBasedStateMachine):
    """A walk of several people through the states of one object, beside its model."""

    people: ClassVar[dict[str, Actor]]
    score: ClassVar[Score]
    tables: ClassVar[dict[str, str]] = {}  # whose state an action moves, where not the first one's
    table: ClassVar[str]
    ends: ClassVar[tuple[str, ...]] = ()  # after which little is left to do: tried late
    moves: ClassVar[set[tuple[str, str]]]  # what has to be come to at least, by state
    refusals: ClassVar[set[tuple[str, str]]] = set()  # and what has to be refused, by ground
    state: str

    # --- what each machine says ---------------------------------------------------------

    @classmethod
    def prepare(cls) -> None:
        """Make the people and what every walk stands on, once."""
        raise NotImplementedError

    def begin(self, choice: int) -> None:
        """Make the object; `choice` decides between its variants."""
        raise NotImplementedError

    def tries(self) -> Iterator[Try]:
        """Every call that somebody could make now."""
        raise NotImplementedError

    def call(self, a: Try) -> None:
        """The call itself, on rows read for it."""
        raise NotImplementedError

    def note(self, a: Try) -> None:
        """What the model says afterwards."""
        raise NotImplementedError

    def compare(self) -> None:
        """The rows against the model."""
        raise NotImplementedError

    # --- what all machines do -----------------------------------------------------------

    def __init__(self) -> None:
        super().__init__()
        self._atomic = transaction.atomic()
        self._atomic.__enter__()
        now = timezone.now()
        self.people = {name: replace(each, mfa_at=now) for name, each in type(self).people.items()}

    @initialize(choice=st.integers(0, 59))
    def start(self, choice: int) -> None:
        self._drawn: tuple[tuple[int, int], ...] = ((choice, 0),)
        self.begin(choice)
        self.compare()
        self._try_refusals()

    @rule(pick=st.integers(0, 3), who=st.integers(0, 7))
    def somebody_acts(self, pick: int, who: int) -> None:
        allowed = [each for each in self.tries() if not each.grounds]
        if not allowed:  # this one is over: another one
            self.begin(8 * pick + who)
            allowed = [each for each in self.tries() if not each.grounds]
        chosen = self._choose(allowed, pick, who)
        self._try_overtaken(chosen, allowed)
        before, state = self._num_events(), self.state
        self._do(chosen)
        self.note(chosen)
        try:
            self.compare()
        except AssertionError as error:
            error.add_note(f"after: {chosen}, in {state}")
            raise
        assert not chosen.who or self._num_events() > before, f"{chosen}: no event"
        self.score.worked[chosen.what, state] += 1
        self._try_refusals(8 * pick + who)

    def _choose(self, allowed: Sequence[Try], pick: int, who: int) -> Try:
        """First what, then who. Small numbers, which Hypothesis likes, take what was tried least.

        Hypothesis plays a failure again, and by then more was tried: so the order is remembered.
        """
        self._drawn += ((pick, who),)
        kinds = self.score.orders.get(self._drawn)
        if kinds is None:
            kinds = sorted({(each.what, each.how) for each in allowed}, key=self._tried)
            first = kinds[0][0] in self.ends
            kinds = kinds[:1] if first else [each for each in kinds if each[0] not in self.ends]
            self.score.orders[self._drawn] = kinds
        kind = kinds[pick % len(kinds)]
        self.score.chosen[(*kind, self.state)] += 1
        able = [each for each in allowed if (each.what, each.how) == kind]
        return able[(who + self._drawn[0][0]) % len(able)]

    def _tried(self, kind: tuple[str, str]) -> tuple[int, tuple[str, str]]:
        times = self.score.chosen[(*kind, self.state)]
        return 6 * times + 1 if kind[0] in self.ends else times, kind

    def _try_refusals(self, pick: int = 0) -> None:
        """Each kind of refusal once in each state, and one more of all; nothing of them stays.

        What failed is not counted, so that the replay of a failure tries it again.
        """
        refused = [each for each in self.tries() if len(each.grounds) == 1]
        first: dict[tuple[str, ...], Try] = {}
        for each in refused:
            if not self.score.refused[self._kind(each)]:
                first.setdefault(self._kind(each), each)
        chosen = [*first.values(), *refused[pick % max(1, len(refused)) :][:1]]
        before = self._num_events()
        for each in chosen:
            self._refuse(each)
        assert self._num_events() == before, "something was refused, and left an event"
        self.compare()
        self.score.refused.update(self._kind(each) for each in chosen)

    def _kind(self, a: Try) -> tuple[str, ...]:
        """Roles are refused before anything else is looked at: once each, not in each state."""
        ground = a.grounds[0]
        return (a.what, ROLES.get(a.who, "liaison")) if ground == "role" else (
            a.what, self.state, ground,
        )  # fmt: skip

    def _refuse(self, a: Try) -> None:
        expected = REFUSALS[a.grounds[0].partition(":")[0]]
        try:
            self.call(a)
        except expected as error:
            if type(error) is expected:
                return
            wrong: Exception = error
        except tuple(REFUSALS.values()) as error:
            wrong = error
        else:
            raise AssertionError(f"{a} in {self.state} worked, despite: {a.grounds[0]}")
        raise AssertionError(f"{a} in {self.state}: refused by {type(wrong).__name__}") from wrong

    def _do(self, a: Try) -> None:
        try:
            self.call(a)
        except tuple(REFUSALS.values()) as error:
            raise AssertionError(f"{a} in {self.state} was refused: {error}") from error

    def _try_overtaken(self, a: Try, allowed: Sequence[Try]) -> None:
        """Between looking and writing somebody else moves the row: the second one loses."""
        if not a.moves or not a.who or self.score.overtaken[a.what, self.state]:
            return
        table = self.tables.get(a.what, self.table)
        rivals = [
            each
            for each in allowed
            if each.moves and each.who and self.tables.get(each.what, self.table) == table
        ]
        winner = next((each for each in rivals if each.who != a.who), a)

        def win() -> None:
            try:
                self.call(winner)
            except tuple(REFUSALS.values()) as error:
                raise _NobodyElse from error

        told = False
        try:
            with transaction.atomic(), overtake(table, win) as done:
                try:
                    self.call(a)
                except InvalidTransition:
                    told = True
                assert done, f"{a}: nothing was moved in {table}"
                raise _NobodyElse  # either way nothing of it stays
        except _NobodyElse as end:
            if end.__cause__ is not None:
                return  # the one person who could be faster signed it already
        assert told, f"{winner} was faster than {a} in {self.state}, and both won"
        self.compare()
        self.score.overtaken[a.what, self.state] += 1

    def _num_events(self) -> int:
        return AuditEvent.objects.count()

    def teardown(self) -> None:
        try:
            assert verify_chains().is_whole
            assert altered_contents() == []
        finally:
            transaction.set_rollback(True)
            self._atomic.__exit__(None, None, None)


@contextmanager
def overtake(table: str, faster: Callable[[], object]) -> Iterator[list[bool]]:
    """Let `faster` run right before the first statement that moves a state in `table`.

    On the same connection, so that nothing waits for a lock, and no thread has to be waited for.
    """
    done: list[bool] = []
    moves = f'UPDATE "{table}" SET "state"'  # noqa: S608  # only looked for

    def before(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not done and moves in sql:
            done.append(True)
            faster()
        return execute(sql, *rest)

    with connection.execute_wrapper(before):
        yield done


def grounds(*pairs: tuple[bool, str]) -> tuple[str, ...]:
    """The words whose condition holds."""
    return tuple(word for holds, word in pairs if holds)


def same(found: object, model: object, what: str) -> None:
    """Raise AssertionError with both, where the rows say something else than the model."""
    assert found == model, f"{what}: the rows say {found}, the model {model}"


def is_one_of(who: str, **people: str) -> tuple[bool, str]:
    """The ground that `who` took part: as whom, since each part has to be refused by itself."""
    parts = [part for part, name in people.items() if name == who]
    return bool(parts), f"person: {' and '.join(parts)}"


def cast(**more: Actor) -> dict[str, Actor]:
    """Two people of each role that works on cases, and one of each that does not."""
    return {name: person(role) for name, role in ROLES.items()} | more


def old_factor(actor: Actor) -> Actor:
    return stale(actor)


def play(machine: type[Walk], *, examples: int, steps: int, shrinks: bool = False) -> Score:
    """Walk `examples` times; the same walks each time. Returns what was tried.

    The database stands ready, with `machine.people` in it; nothing of a walk stays there.
    """
    machine.score = Score()
    phases = [Phase.generate, *([Phase.shrink] if shrinks else [])]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # hypothesis gives it no types
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return machine.score
