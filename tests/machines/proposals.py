"""Rules of the house that one person proposes and another decides on: policies, clocks, detection.

What is in force another one may take the place of; a rule of detection is tried on history first.
"""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar

from cases.models import ApprovalPolicy, ClockRule, Rule, RuleChange
from cases.policy import Actor
from cases.services.approval_policies import approve_policy, propose_policy, reject_policy
from cases.services.clocks import approve_clock, propose_clock, reject_clock
from cases.services.detection_runs import work_on_run
from cases.services.rules import approve_rule_change, propose_rule_change, reject_rule_change
from tests.machines.small import WHY, Step, StepWalk
from tests.machines.walk import COMPLIANCE, Try, same

NUMBERS = itertools.count(1)


class ProposalWalk(StepWalk):
    """One proposal; `_propose` makes another one for the same, with other figures each time."""

    steps = {
        "approve": Step(COMPLIANCE, ("proposed",), "in_force", ("proposed",), "decided", True),
        "reject": Step(COMPLIANCE, ("proposed",), "rejected", ("proposed",), "decided", True),
        "replace": Step(COMPLIANCE, ("in_force",), "superseded"),
    }
    columns = {"proposed_by_id": "proposed", "decided_by_id": "decided"}
    moves = {("approve", "proposed"), ("reject", "proposed"), ("replace", "in_force")}
    refusals = {
        ("approve", "person: proposed"), ("approve", "factor"), ("approve", "supervisor"),
        ("approve", "state"), ("approve", "content"), ("reject", "person: proposed"),
        ("reject", "state"),
    }  # fmt: skip
    model: ClassVar[type[Any]]
    is_ready = True

    def _propose(self, by: Actor) -> Any:
        raise NotImplementedError

    def _approve(self, row: Any, shown: str, by: Actor) -> None:
        raise NotImplementedError

    def _reject(self, row: Any, by: Actor) -> None:
        raise NotImplementedError

    def begin(self, choice: int) -> None:
        proposed = ("cora", "sue", "cleo")[choice % 3]
        self.row = self._propose(self.people[proposed])
        self.state, self.parts = "proposed", {"proposed": proposed}

    def tries(self) -> Iterator[Try]:
        for each in super().tries():
            if each.what != "replace":
                yield each
            elif not each.grounds and not each.how:
                yield Try("replace", each.who, moves=False)  # a step of the one that follows
        if self.state == "proposed" and self.is_ready:
            for who in COMPLIANCE:
                if who != self.parts["proposed"]:
                    yield Try("approve", who, "old content", ("content",))

    def call(self, a: Try) -> None:
        if a.how == "old content":
            self._approve(self._fresh(), "0" * 64, self.people[a.who])
            return
        super().call(a)

    def call_step(self, what: str, by: Actor) -> None:
        row = self._fresh() if what != "replace" else self._propose(self.people["sue"])
        if what == "reject":
            self._reject(row, by)
        else:
            self._approve(row, row.content_hash, by)

    def _fresh(self) -> Any:
        return self.model.objects.get(pk=self.row.pk)


class PolicyWalk(ProposalWalk):
    """How many people approve a freeze over an amount."""

    table = "cases_approvalpolicy"
    model = ApprovalPolicy

    def begin(self, choice: int) -> None:
        self.over = Decimal(next(NUMBERS))
        super().begin(choice)

    def _propose(self, by: Actor) -> ApprovalPolicy:
        return propose_policy(
            action="approve_freeze", amount_over=self.over, min_approvals=2, expires_after=48,
            reason=WHY, by=by,
        )  # fmt: skip

    def _approve(self, row: Any, shown: str, by: Actor) -> None:
        approve_policy(row, content_hash=shown, reason=WHY, by=by)

    def _reject(self, row: Any, by: Actor) -> None:
        reject_policy(row, reason=WHY, by=by)


class ClockWalk(ProposalWalk):
    """How long one person alone may hold; of those in force for one country there is one."""

    table = "cases_clockrule"
    model = ClockRule

    def _propose(self, by: Actor) -> ClockRule:
        return propose_clock(
            act="provisional_hold", country="TW", length=1 + next(NUMBERS) % 72, unit="hours",
            source="A law.", warn_hours=(1,), reason=WHY, by=by,
        )  # fmt: skip

    def _approve(self, row: Any, shown: str, by: Actor) -> None:
        approve_clock(row, content_hash=shown, reason=WHY, by=by)

    def _reject(self, row: Any, by: Actor) -> None:
        reject_clock(row, reason=WHY, by=by)

    def compare(self) -> None:
        super().compare()
        in_force = ClockRule.objects.filter(country="TW", state="in_force").count()
        same(in_force > 1, False, "two in force")
        same(in_force == 0 and self.state in ("in_force", "superseded"), False, "none in force")


class RuleWalk(ProposalWalk):
    """Other figures for a rule of detection; nobody puts them in force before their trial."""

    table = "cases_rulechange"
    model = RuleChange
    moves = ProposalWalk.moves | {("try", "proposed")}
    refusals = ProposalWalk.refusals | {("approve", "rule: not tried")}
    code = "privacy_swap"

    def begin(self, choice: int) -> None:
        self.is_ready = False
        super().begin(choice)

    def _propose(self, by: Actor) -> RuleChange:
        return propose_rule_change(
            self.code, parameters={"min_fiat": 2_000 + next(NUMBERS)}, severity="high",
            switch_on=True, reason=WHY, by=by,  # a figure that none before had
        )  # fmt: skip

    def more(self, what: str) -> tuple[bool, str]:
        return what == "approve" and not self.is_ready, "rule: not tried"

    def tries(self) -> Iterator[Try]:
        yield from super().tries()
        if self.state == "proposed" and not self.is_ready:
            yield Try("try", "", moves=False)

    def call(self, a: Try) -> None:
        if a.what == "try":
            self._try_on_history(self._fresh())
        else:
            super().call(a)

    def call_step(self, what: str, by: Actor) -> None:
        if what == "replace":
            follower = self._propose(self.people["sue"])
            self._try_on_history(follower)
            self._approve(follower, follower.content_hash, by)
        else:
            super().call_step(what, by)

    @staticmethod
    def _try_on_history(row: Any) -> None:
        assert work_on_run(row.trials.get().pk)

    def note(self, a: Try) -> None:
        if a.what == "try":
            self.is_ready = True
        else:
            super().note(a)

    def _approve(self, row: Any, shown: str, by: Actor) -> None:
        approve_rule_change(row, content_hash=shown, reason=WHY, by=by)

    def _reject(self, row: Any, by: Actor) -> None:
        reject_rule_change(row, reason=WHY, by=by)

    def compare(self) -> None:
        super().compare()
        row = self._fresh()
        same(row.made_id is not None, self.state in ("in_force", "superseded"), "version made")
        on = Rule.objects.filter(code=self.code, is_on=True)
        same(on.count(), 1, "versions that run")
        if self.state == "in_force":
            same(on.get().pk, row.made_id, "the version that runs")
