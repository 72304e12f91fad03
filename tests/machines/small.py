"""Objects whose machine is a short table: operations, exhibits, tags, identities, alerts.

Each says its steps here, once more and by hand: who may, from which states, to which one, who of
those who took part may not, and whether the second factor must be fresh.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, ClassVar

from django.utils import timezone

from cases.models import Alert, Case, HouseTag, IdentityLink, Operation, Rule
from cases.policy import Actor
from cases.services.alerts import (
    assign_alert,
    dismiss_alert,
    link_alert,
    propose_dismissal,
    reopen_alert,
)
from cases.services.cases import close_case, decide_case, submit_case
from cases.services.disposal import dispose_evidence, keep_evidence, request_disposal
from cases.services.evidence import (
    acquire_evidence,
    export_evidence,
    hand_over_evidence,
    open_evidence,
    verify_evidence,
)
from cases.services.holds import clear_legal_hold, set_legal_hold
from cases.services.identities import (
    assert_identity,
    confirm_identity,
    refute_identity,
    review_identity,
)
from cases.services.instruments import UploadedBytes
from cases.services.operations import (
    close_operation,
    open_action_day,
    open_operation,
    publish_operation,
    put_case,
    start_operation,
)
from cases.services.tags import activate_tag, dispute_tag, propose_tag, refuse_tag, retract_tag
from cases.services.wallets import add_wallet
from tests.blockmaker import address
from tests.casework import make_account, make_case, make_suspect
from tests.machines.walk import (
    ANALYSTS,
    COMPLIANCE,
    OTHERS,
    SENIORS,
    WORKERS,
    Try,
    Walk,
    cast,
    grounds,
    is_one_of,
    old_factor,
    same,
)

NUMBERS = itertools.count(1)
WHY = "So it is."


@dataclass(frozen=True)
class Step:
    """One step: `to` None leaves the state; `part` is what who does it has been from then on."""

    who: tuple[str, ...]
    wanted: tuple[str, ...]
    to: str | None = None
    not_by: tuple[str, ...] = ()
    part: str = ""
    factor: bool = False
    ends: tuple[str, ...] = ()  # parts that are over with it
    else_is: str = "state"  # the ground where it does not start from here


class StepWalk(Walk):
    """A walk by a table of steps; `call_step` makes the call of one."""

    steps: ClassVar[Mapping[str, Step]]
    parts: dict[str, str]

    @classmethod
    def prepare(cls) -> None:
        cls.people = cast()

    def more(self, what: str) -> tuple[bool, str]:
        """A further ground against a step now, where the table does not say it all."""
        return False, ""

    def tries(self) -> Iterator[Try]:
        for (what, step), who in itertools.product(self.steps.items(), (*WORKERS, *OTHERS)):
            fits = self.state in step.wanted
            is_mine = is_one_of(who, **{part: self.parts.get(part, "") for part in step.not_by})
            why = (
                (who not in step.who, "role"), is_mine, (not fits, step.else_is),
                self.more(what) if fits else (False, ""),
            )  # fmt: skip
            moves = step.to is not None
            yield Try(what, who, grounds=grounds(*why), moves=moves)
            if step.factor:
                yield Try(what, who, "old factor", grounds(*why, (True, "factor")), moves=moves)

    def call(self, a: Try) -> None:
        by = self.people[a.who]
        self.call_step(a.what, old_factor(by) if a.how == "old factor" else by)

    def call_step(self, what: str, by: Actor) -> None:
        raise NotImplementedError

    def note(self, a: Try) -> None:
        step = self.steps[a.what]
        self.state = step.to or self.state
        for part in step.ends:
            self.parts[part] = ""
        if step.part:
            self.parts[step.part] = a.who

    def compare(self) -> None:
        row = type(self.row).objects.get(pk=self.row.pk)
        number = {name: each.user_id for name, each in self.people.items()} | {"": None}
        same(row.state, self.state, self.table)
        for column, part in self.columns.items():
            same(getattr(row, column), number[self.parts.get(part, "")], column)

    row: Any
    columns: ClassVar[Mapping[str, str]] = {}


class OperationWalk(StepWalk):
    table = "cases_operation"
    steps = {
        "start": Step(COMPLIANCE, ("planned",), "active", ("opened",), "started"),
        "action day": Step(COMPLIANCE, ("active",), "action_day", ("opened",)),
        "close": Step(SENIORS, ("active", "action_day"), "closed"),
        "publish": Step(COMPLIANCE, ("closed",), "published", ("opened",)),
    }
    columns = {"opened_by_id": "opened", "started_by_id": "started"}
    ends = ("close", "publish")
    moves = {
        ("start", "planned"), ("action day", "active"), ("close", "active"),
        ("close", "action_day"), ("publish", "closed"),
    }  # fmt: skip
    refusals = {
        ("start", "person: opened"), ("start", "supervisor"), ("start", "state"),
        ("action day", "person: opened"), ("close", "analyst"), ("close", "state"),
        ("publish", "person: opened"), ("publish", "supervisor"), ("publish", "state"),
    }  # fmt: skip

    def begin(self, choice: int) -> None:
        opened = SENIORS[choice % 4]
        number = next(NUMBERS)
        self.row: Operation = open_operation(
            name=f"Operation {number}", code_name=f"CODE{number}", starts_on=date(2026, 1, 5),
            by=self.people[opened],
        )  # fmt: skip
        a_case = make_case(self.people["ana"])
        put_case(a_case, self.row, reason=WHY, by=self.people[opened])
        self.state, self.parts = "planned", {"opened": opened}

    def call_step(self, what: str, by: Actor) -> None:
        calls: dict[str, Callable[..., object]] = {
            "start": start_operation, "action day": open_action_day, "close": close_operation,
            "publish": publish_operation,
        }  # fmt: skip
        calls[what](Operation.objects.get(pk=self.row.pk), reason=WHY, by=by)


class EvidenceWalk(StepWalk):
    """An exhibit of a closed case whose time is over; a legal hold comes and goes."""

    table = "cases_evidence"
    there = ("sealed", "disposal_requested")
    steps = {
        "view": Step(WORKERS, there, else_is="rule: gone"),
        "verify": Step(WORKERS, there, else_is="rule: gone"),
        "export": Step(SENIORS, there, None, ("acquired",), factor=True, else_is="rule: gone"),
        "hand over": Step(SENIORS, there, factor=True, else_is="rule: gone"),
        "ask": Step(SENIORS, ("sealed",), "disposal_requested", (), "asked"),
        "dispose": Step(
            COMPLIANCE, ("disposal_requested",), "disposed", ("asked",), "disposed", factor=True
        ),
        "keep": Step(COMPLIANCE, ("disposal_requested",), "sealed", ("asked",), ends=("asked",)),
        "hold": Step(COMPLIANCE, (*there, "disposed"), None, (), "held"),
        "lift": Step(
            COMPLIANCE, (*there, "disposed"), None, ("held",), ends=("held",), factor=True
        ),
    }
    columns = {"acquired_by_id": "acquired", "disposal_asked_by_id": "asked",
               "disposed_by_id": "disposed"}  # fmt: skip
    ends = ("dispose",)
    moves = {
        ("ask", "sealed"), ("dispose", "disposal_requested"), ("keep", "disposal_requested"),
        ("view", "sealed"), ("verify", "sealed"), ("hand over", "sealed"), ("hold", "sealed"),
        ("lift", "sealed"),
    }  # fmt: skip
    refusals = {
        ("ask", "rule: held"), ("dispose", "rule: held"), ("dispose", "person: asked"),
        ("dispose", "factor"), ("dispose", "supervisor"), ("export", "person: acquired"),
        ("export", "factor"), ("hand over", "factor"), ("view", "rule: gone"),
        ("lift", "person: held"), ("ask", "state"), ("keep", "state"), ("view", "auditor"),
        ("keep", "person: asked"),
    }  # fmt: skip

    @classmethod
    def prepare(cls) -> None:
        super().prepare()
        by, boss = cls.people["ana"], cls.people["sue"]
        case = submit_case(make_case(by, started=True), reason=WHY, by=by)
        case = decide_case(case, decisions=["no_action"], reason=WHY, by=boss)
        close_case(case, closure_reason="insufficient", reason=WHY, by=boss)
        yesterday = timezone.now().date() - timedelta(days=1)
        Case.objects.filter(pk=case.pk).update(retention_until=yesterday)
        cls.case_row = case

    def begin(self, choice: int) -> None:
        acquired = WORKERS[choice % 6]
        words = f"Letter {next(NUMBERS)}".encode()
        self.row = acquire_evidence(
            self.case_row, document=UploadedBytes("a.txt", words), kind="document", title="A",
            source="S", source_grade="A", information_grade="1", by=self.people[acquired],
        )  # fmt: skip
        self.state, self.parts = "sealed", {"acquired": acquired}
        if hold := self.case_row.holds.filter(cleared_at=None).first():  # of the walk before it
            names = {each.user_id: name for name, each in self.people.items()}
            self.parts["held"] = names[hold.set_by_id]
        self.log = ["acquire", "seal"]

    def more(self, what: str) -> tuple[bool, str]:
        is_held = bool(self.parts.get("held"))
        if what in ("ask", "dispose"):
            return is_held, "rule: held"
        if what == "hold":
            return is_held, "state"
        return what == "lift" and not is_held, "state"

    def call_step(self, what: str, by: Actor) -> None:
        row = type(self.row).objects.select_related("case").get(pk=self.row.pk)
        match what:
            case "view":
                open_evidence(row, by=by)
            case "verify":
                assert verify_evidence(row, by=by)
            case "export":
                export_evidence(row, reason=WHY, by=by)
            case "hand over":
                hand_over_evidence(row, act="transfer", party="Court", reason=WHY, by=by)
            case "hold":
                set_legal_hold(row.case, reason=WHY, by=by)
            case "lift":
                clear_legal_hold(row.case, reason=WHY, by=by)
            case _:
                calls = {"ask": request_disposal, "dispose": dispose_evidence,
                         "keep": keep_evidence}  # fmt: skip
                calls[what](row, reason=WHY, by=by)

    def note(self, a: Try) -> None:
        super().note(a)
        if a.what in ("view", "verify", "export", "hand over", "dispose"):
            self.log.append({"hand over": "transfer"}.get(a.what, a.what))

    def compare(self) -> None:
        super().compare()
        lines = self.row.custody.order_by("seq").values_list("action", flat=True)
        same(list(lines), self.log, "custody")

    def _num_events(self) -> int:
        return super()._num_events() + self.row.custody.count()  # a look stands there alone


class TagWalk(StepWalk):
    table = "cases_housetag"
    steps = {
        "activate": Step(SENIORS, ("proposed", "disputed"), "active", ("asked",), "decided"),
        "refuse": Step(SENIORS, ("proposed",), "refused", ("asked",), "decided"),
        "dispute": Step(WORKERS, ("active",), "disputed", (), "asked", ends=("decided",)),
        "retract": Step(SENIORS, ("disputed",), "retracted", ("asked",), "decided"),
    }
    columns = {"asked_by_id": "asked", "decided_by_id": "decided"}
    ends = ("refuse", "retract")
    moves = {
        ("activate", "proposed"), ("activate", "disputed"), ("refuse", "proposed"),
        ("dispute", "active"), ("retract", "disputed"),
    }  # fmt: skip
    refusals = {
        ("activate", "person: asked"), ("activate", "state"), ("activate", "analyst"),
        ("refuse", "person: asked"), ("dispute", "state"), ("retract", "person: asked"),
    }  # fmt: skip

    @classmethod
    def prepare(cls) -> None:
        super().prepare()
        case = make_case(cls.people["ana"])
        cls.wallet = add_wallet(
            case, address=address(7), role="unknown", label="", provenance="analyst",
            provenance_note="A letter.", by=cls.people["ana"],
        )  # fmt: skip

    def begin(self, choice: int) -> None:
        asked = WORKERS[choice % 6]
        self.row: HouseTag = propose_tag(
            self.wallet, label=f"Market {next(NUMBERS)}", category="market",
            confidence="forensic", source="A letter", reason=WHY, by=self.people[asked],
        )  # fmt: skip
        self.state, self.parts = "proposed", {"asked": asked}

    def call_step(self, what: str, by: Actor) -> None:
        calls: dict[str, Callable[..., object]] = {
            "activate": activate_tag, "refuse": refuse_tag, "dispute": dispute_tag,
            "retract": retract_tag,
        }  # fmt: skip
        calls[what](HouseTag.objects.get(pk=self.row.pk), reason=WHY, by=by)


class IdentityWalk(StepWalk):
    table = "cases_identitylink"
    steps = {
        "review": Step(WORKERS, ("asserted",), "reviewed", ("asserted",), "reviewed"),
        "confirm": Step(SENIORS, ("reviewed",), "confirmed", ("asserted",), "decided"),
        "refute": Step(WORKERS, ("asserted", "reviewed"), "refuted", (), "decided"),
        "take apart": Step(SENIORS, ("confirmed",), "refuted", (), "decided"),
    }
    columns = {
        "asserted_by_id": "asserted", "reviewed_by_id": "reviewed", "decided_by_id": "decided",
    }  # fmt: skip
    ends = ("refute", "take apart")
    moves = {
        ("review", "asserted"), ("confirm", "reviewed"), ("refute", "asserted"),
        ("refute", "reviewed"), ("take apart", "confirmed"),
    }  # fmt: skip
    refusals = {
        ("review", "person: asserted"), ("confirm", "person: asserted"), ("confirm", "analyst"),
        ("confirm", "state"), ("take apart", "analyst"), ("refute", "auditor"),
    }  # fmt: skip

    @classmethod
    def prepare(cls) -> None:
        super().prepare()
        cls.a_case = make_case(cls.people["ana"])

    def begin(self, choice: int) -> None:
        asserted = WORKERS[choice % 6]
        by = self.people[asserted]
        pair = [make_suspect(self.a_case, by, f"P{next(NUMBERS)}") for _ in range(2)]
        self.row: IdentityLink = assert_identity(
            *pair, basis="One passport.", source_grade="A", information_grade="1",
            confidence=80, by=by,
        )  # fmt: skip
        self.state, self.parts = "asserted", {"asserted": asserted}

    def tries(self) -> Iterator[Try]:
        # A confirmed link is refuted by the same call: only as that where it is one.
        other = "refute" if self.state == "confirmed" else "take apart"
        return (each for each in super().tries() if each.what != other)

    def call_step(self, what: str, by: Actor) -> None:
        calls: dict[str, Callable[..., object]] = {
            "review": review_identity, "confirm": confirm_identity, "refute": refute_identity,
            "take apart": refute_identity,
        }  # fmt: skip
        calls[what](IdentityLink.objects.get(pk=self.row.pk), reason=WHY, by=by)


class AlertWalk(StepWalk):
    """A grave alert, which two people dismiss; or one of less weight, which one does."""

    table = "cases_alert"
    waits = ("new", "assigned")
    steps = {
        "take": Step(WORKERS, ("new",), "assigned", (), "assigned"),
        "ask": Step(WORKERS, waits, None, (), "proposed"),
        "dismiss": Step(WORKERS, waits, "dismissed", ("proposed",), "dismissed"),
        "link": Step(WORKERS, waits, "linked"),
        "reopen": Step(
            SENIORS, ("dismissed",), "assigned", (), "assigned", ends=("proposed", "dismissed")
        ),
    }
    columns = {"assigned_to_id": "assigned", "proposed_by_id": "proposed",
               "dismissed_by_id": "dismissed"}  # fmt: skip
    ends = ("link",)
    moves = {
        ("take", "new"), ("ask", "new"), ("ask", "assigned"), ("dismiss", "new"),
        ("dismiss", "assigned"), ("link", "new"), ("link", "assigned"), ("reopen", "dismissed"),
    }  # fmt: skip
    refusals = {
        ("take", "state"), ("dismiss", "person: proposed"), ("dismiss", "rule: nobody asked"),
        ("dismiss", "analyst"), ("ask", "rule: light"), ("reopen", "analyst"),
        ("reopen", "state"), ("link", "state"), ("take", "auditor"),
    }  # fmt: skip

    @classmethod
    def prepare(cls) -> None:
        super().prepare()
        cls.a_case = make_case(cls.people["ana"])
        cls.account = make_account("NQ-112233")
        cls.rule = Rule.objects.create(
            code="WALK", red_flags=[], parameters={}, severity="low", title="A walk"
        )

    def begin(self, choice: int) -> None:
        now = timezone.now()
        self.is_grave = choice % 2 == 0
        self.row: Alert = Alert.objects.create(
            rule=self.rule, account=self.account, fingerprint=f"{next(NUMBERS):064d}", values=[],
            window_from=now, window_to=now, fiat=1, rank=1, score=1, raised_at=now,
            last_raised_at=now, severity="high" if self.is_grave else "low",
        )  # fmt: skip
        self.state, self.parts = "new", {}

    def tries(self) -> Iterator[Try]:
        for each in super().tries():
            if each.what == "dismiss" and self.is_grave and each.who in ANALYSTS:
                yield replace(each, grounds=("role", *each.grounds))
            elif each.what == "ask" and not self.is_grave and "rule: light" not in each.grounds:
                yield replace(each, grounds=(*each.grounds, "rule: light"))
            elif each.what == "reopen" and self.state == "linked" and each.who in SENIORS:
                yield replace(each, grounds=("role: in a case",))
            else:
                yield each

    def more(self, what: str) -> tuple[bool, str]:
        is_asked = bool(self.parts.get("proposed"))
        if what == "ask" and is_asked:
            return True, "state"
        if what == "dismiss":
            return self.is_grave and not is_asked, "rule: nobody asked"
        return what == "ask" and not self.is_grave, "rule: light"

    def call_step(self, what: str, by: Actor) -> None:
        row = Alert.objects.select_related("rule", "account").get(pk=self.row.pk)
        told = {"disposition": "false_positive", "reason": WHY}
        match what:
            case "take":
                assign_alert(row, by=by)
            case "ask":
                propose_dismissal(row, **told, by=by)
            case "dismiss":
                dismiss_alert(row, **told, by=by)
            case "link":
                link_alert(row, self.a_case, by=by)
            case _:
                reopen_alert(row, reason=WHY, by=by)
