"""Repeating sealed runs: on the snapshot and walls of their seal, or on those of now.

The first says whether a result still comes out as it was sealed; the second, whether anybody who
asked today would be told something else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tracing.engine.difference import Change, differences
from tracing.engine.seal import code_hash, is_intact
from tracing.engine.spec import TraceParameters
from tracing.errors import LedgerError, ParametersError
from tracing.follow import Known, repeat
from tracing.models import TraceResult, TraceRun, WallSet
from tracing.run_views import result
from tracing.states import RunState

LEAST_LETTERS = 8
REPEATS_LOOKED_AT = 20
"""Newest done runs among which `repeat_newest` looks for one it can compare."""


class WallsNotKept(LedgerError):
    """The run was sealed before the walls of each seal were kept."""


@dataclass(frozen=True)
class Replay:
    """A sealed run asked again.

    Args:
        is_intact: nothing of the stored result was changed since it was sealed.
        is_same_code: the engine that answered now is the one that answered then.
        changes: what came out otherwise; of the snapshot and walls too, where it was asked of now.
    """

    run: UUID
    ledger: str
    is_intact: bool
    is_same_code: bool
    sealed: dict[str, Any]
    again: dict[str, Any]
    changes: tuple[Change, ...]

    @property
    def is_identical(self) -> bool:
        """The same question on the same ledger gave the same answer."""
        return not self.changes

    @property
    def conclusions(self) -> tuple[Change, ...]:
        """What of the answer came out otherwise, whatever it was asked of."""
        return tuple(change for change in self.changes if change.kind != "seal")

    def to_json(self) -> dict[str, Any]:
        """Everything for a program; amounts are strings."""
        return {
            "run": str(self.run),
            "ledger": self.ledger,
            "identical": self.is_identical,
            "intact": self.is_intact,
            "same_code": self.is_same_code,
            "sealed": self.sealed["seal"],
            "again": self.again["seal"],
            "counts": dict(Counter(change.kind for change in self.changes)),
            "changes": [
                {"kind": each.kind, "key": each.key, "before": each.before, "after": each.after}
                for each in self.changes
            ],
        }


def replay(run: UUID, *, of_now: bool = False) -> Replay:
    """Ask a done run's question again: as it was sealed, or of the ledger and walls of now.

    Raises LedgerError where it is not done, its snapshot is gone or its walls were not kept.
    Cost: that of the run.
    """
    stored = result(run)
    if stored is None:
        raise LedgerError(f"the run {run} has no result to repeat: it is not done")
    asked = TraceRun.objects.get(public_id=run)
    parameters = TraceParameters.from_json(asked.parameters)
    seal = stored["seal"]
    if of_now:
        again = repeat(parameters)
    else:
        walls = WallSet.objects.of(seal["boundaries_sha256"])
        if walls is None:
            raise WallsNotKept(
                f"the walls of the run {run} were not kept (it was sealed by an earlier version); "
                "--now asks with those of today"
            )
        snapshot = seal["snapshot"]
        known = Known(walls, seal.get("tag_set", ""))
        again = repeat(parameters, (snapshot["epoch"], snapshot["block_hash"]), known)
    return Replay(
        run=run,
        ledger=asked.ledger,
        is_intact=is_intact(stored),
        is_same_code=seal.get("code_hash") == code_hash(),
        sealed=stored,
        again=again,
        changes=tuple(differences(stored, again)),
    )


def find_run(name: str) -> UUID:
    """The done run of an id, or of the beginning of its result's hash: 1 or 2 queries.

    Raises ParametersError where none or several are meant.
    """
    text = name.strip().lower()
    try:
        return TraceRun.objects.values_list("public_id", flat=True).get(public_id=UUID(text))
    except (ValueError, TraceRun.DoesNotExist):
        pass
    if len(text) < LEAST_LETTERS:
        raise ParametersError(
            f"name the run by its id, or by its result's hash or at least {LEAST_LETTERS} "
            f"characters of it, not {name!r}"
        )
    hashed = TraceResult.objects.filter(result_sha256__startswith=text)
    found = list(hashed.values_list("run__public_id", flat=True)[:2])
    if len(found) != 1:
        what = "several results begin" if found else "no run is called, and no result's hash begins"
        raise ParametersError(f"{what} so: {name!r}")
    return found[0]


def repeats(run: UUID) -> bool | None:
    """Whether a done run gives the same sealed result again; None where that cannot be compared.

    Sealed by other code, or its walls were not kept. Cost: that of the run, nothing for other code.
    Raises LedgerError where its snapshot is gone.
    """
    stored = result(run)
    if stored is None or stored["seal"].get("code_hash") != code_hash():
        return None
    try:
        return replay(run).is_identical
    except WallsNotKept:
        return None


def repeat_newest() -> tuple[UUID, bool] | None:
    """The newest done run that `repeats` can compare, and its answer; None without any."""
    done = TraceRun.objects.filter(state=RunState.DONE).order_by("-finished_at", "-pk")
    for run in done.values_list("public_id", flat=True)[:REPEATS_LOOKED_AT]:
        if (is_same := repeats(run)) is not None:
            return run, is_same
    return None
