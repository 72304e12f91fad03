"""A case: worked on, on hold, taken to the seniors, decided, closed, reopened, merged; its task."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from cases.models import Case, Task
from cases.policy import Actor
from cases.services.case_clocks import (
    answer_escalation,
    escalate_case,
    escalate_late_cases,
    hold_case,
    resume_case,
    set_due,
)
from cases.services.cases import (
    close_case,
    decide_case,
    reopen_case,
    return_case,
    start_case,
    submit_case,
)
from cases.services.holds import clear_legal_hold, set_legal_hold
from cases.services.relations import merge_case, relate_case
from cases.services.tasks import add_task, drop_task, finish_task
from tests.casework import make_case
from tests.machines.walk import (
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

OVER = ("closed", "merged")
WORK = {
    "start": ("intake",), "pause": ("intake", "investigating"), "resume": ("on_hold",),
    "submit": ("investigating",),
}  # fmt: skip
DAY = timedelta(days=1)


class CaseWalk(Walk):
    table = "cases_case"
    tables = {"finish": "cases_task", "drop": "cases_task"}
    ends = ("merge",)
    moves = {
        ("start", "intake"), ("pause", "intake"), ("pause", "investigating"),
        ("resume", "on_hold"), ("submit", "investigating"), ("return", "in_review"),
        ("decide", "in_review"), ("close", "decided"), ("reopen", "decided"),
        ("reopen", "closed"), ("merge", "intake"), ("merge", "investigating"),
        ("due", "investigating"), ("escalate", "investigating"), ("answer", "investigating"),
        ("clock", "investigating"), ("add task", "investigating"), ("finish", "investigating"),
        ("legal hold", "investigating"),
    }  # fmt: skip
    refusals = {
        ("start", "state"), ("start", "auditor"), ("submit", "state"), ("pause", "rule: past day"),
        ("resume", "state"), ("return", "person: submitted"), ("decide", "person: submitted"),
        ("decide", "analyst"), ("close", "person: submitted"), ("close", "rule: open task"),
        ("close", "supervisor"), ("reopen", "state"), ("merge", "person: said"),
        ("merge", "person: submitted"), ("merge", "supervisor"),
        ("merge", "rule: open task"), ("due", "analyst"), ("due", "rule: past"),
        ("answer", "person: escalated"), ("answer", "state"), ("escalate", "state"),
        ("answer", "rule: no date"), ("lift hold", "person: set"), ("lift hold", "factor"),
        ("finish", "state"),
    }  # fmt: skip

    @classmethod
    def prepare(cls) -> None:
        cls.people = cast()
        cls.twin = make_case(cls.people["ben"])

    def begin(self, choice: int) -> None:
        self.row = make_case(self.people["ana"])
        self.said = ("ben", "sue", "cora")[choice % 3]
        by = self.people[self.said]
        relate_case(self.row, self.twin, kind="duplicate", reason="The same.", by=by)
        self.state, self.submitted, self.decided = "intake", "", ""
        self.decisions: list[str] = []
        self.due = self.escalated = self.held = ""  # due: ahead or late; who took it; who set
        self.is_escalated = False
        self.tasks: list[str] = []

    # --- what could be done -------------------------------------------------------------

    def tries(self) -> Iterator[Try]:
        for who in (*WORKERS, *OTHERS):
            worker = (who in OTHERS, "role")
            for what, wanted in WORK.items():
                why = (worker, (self.state not in wanted, "state"))
                yield Try(what, who, grounds=grounds(*why))
                if what == "pause":
                    yield Try(what, who, "past day", grounds(*why, (True, "rule: past day")))
            yield from self._deciding(who)
            yield from self._on_time(who)
            yield from self._on_task(who)
            yield from self._on_hold(who)
        if self.due and self.state not in (*OVER, "on_hold") and not self.is_escalated:
            yield Try("clock", "", moves=False)

    def _deciding(self, who: str) -> Iterator[Try]:
        senior = (who not in SENIORS, "role")
        first = is_one_of(who, submitted=self.submitted)
        why = (senior, first, (self.state != "in_review", "state"))
        yield Try("return", who, grounds=grounds(*why))
        for how in ("no_action", "refer"):
            yield Try("decide", who, how, grounds(*why))
        is_open = "open" in self.tasks
        office = (who not in COMPLIANCE and "refer" in self.decisions, "role")
        may_close = (who not in SENIORS or office[0], "role")
        decided = self.state == "decided"
        yield Try("close", who, grounds=grounds(
            may_close, first, (not decided, "state"), (decided and is_open, "rule: open task"),
        ))  # fmt: skip
        yield Try("reopen", who, grounds=grounds(
            senior, (self.state not in ("decided", "closed"), "state"),
        ))  # fmt: skip
        said = is_one_of(who, said=self.said, submitted=self.submitted)
        yield Try("merge", who, grounds=grounds(
            (senior[0] or (office[0] and self.state != "merged"), "role"),
            said if self.state != "merged" else (False, ""), (self.state in OVER, "state"),
            (is_open and self.state != "merged", "rule: open task"),
        ))  # fmt: skip

    def _on_time(self, who: str) -> Iterator[Try]:
        worker, over = (who in OTHERS, "role"), (self.state in OVER, "state")
        may_later = (who not in SENIORS, "role")
        yield Try("due", who, "past", grounds(worker, over, (True, "rule: past")), moves=False)
        if self.due == "ahead":
            yield Try("due", who, "sooner", grounds(worker, over), moves=False)
        later = may_later if self.due and not over[0] else worker
        yield Try("due", who, "later", grounds(later, over), moves=False)
        yield Try("escalate", who, moves=False, grounds=grounds(
            worker, (self.state in OVER or self.is_escalated, "state"),
        ))  # fmt: skip
        is_late = self.due == "late" and self.state not in (*OVER, "on_hold")
        why = (
            (who not in SENIORS, "role"), is_one_of(who, escalated=self.escalated),
            (not self.is_escalated, "state"),
        )  # fmt: skip
        yield Try("answer", who, "with a date", grounds(*why), moves=False)
        late = (is_late, "rule: no date")
        yield Try("answer", who, "in words", grounds(*why, late), moves=False)

    def _on_task(self, who: str) -> Iterator[Try]:
        worker, merged = (who in OTHERS, "role"), (self.state == "merged", "state")
        if "open" not in self.tasks:
            yield Try("add task", who, grounds=grounds(worker, merged), moves=False)
        if self.tasks:
            ended = (merged[0] or self.tasks[-1] != "open", "state")
            for what in ("finish", "drop"):
                yield Try(what, who, grounds=grounds(worker, ended))

    def _on_hold(self, who: str) -> Iterator[Try]:
        office = (who not in COMPLIANCE, "role")
        yield Try("legal hold", who, moves=False, grounds=grounds(
            office, (bool(self.held), "state")
        ))  # fmt: skip
        why = (office, is_one_of(who, set=self.held), (not self.held, "state"))
        yield Try("lift hold", who, grounds=grounds(*why), moves=False)
        if self.held:
            yield Try("lift hold", who, "old factor", grounds(*why, (True, "factor")), moves=False)

    # --- the calls ----------------------------------------------------------------------

    def call(self, a: Try) -> None:
        row, now = Case.objects.get(pk=self.row.pk), timezone.now()
        if not a.who:
            Case.objects.filter(pk=row.pk).update(due_at=now - DAY)
            escalate_late_cases()
            return
        by = self.people[a.who]
        by = old_factor(by) if a.how == "old factor" else by
        match a.what:
            case "start":
                start_case(row, by=by)
            case "pause":
                day = now.date() if a.how == "past day" else (now + 3 * DAY).date()
                hold_case(row, resume_on=day, reason="Waits.", by=by)
            case "due":
                set_due(row, due_at=self._date(row, a.how), reason="So it is.", by=by)
            case "answer":
                due_at = now + 40 * DAY if a.how == "with a date" else None
                answer_escalation(row, reason="Go on.", due_at=due_at, by=by)
            case "decide":
                decide_case(row, decisions=[a.how], reason="So it is.", by=by)
            case "close":
                close_case(row, closure_reason="insufficient", reason="Done.", by=by)
            case "merge":
                merge_case(row, into=self.twin.public_id, reason="One matter.", by=by)
            case "add task" | "finish" | "drop":
                self._call_task(a.what, row, by)
            case _:
                calls = {
                    "resume": resume_case, "submit": submit_case, "return": return_case,
                    "reopen": reopen_case, "escalate": escalate_case,
                    "legal hold": set_legal_hold, "lift hold": clear_legal_hold,
                }  # fmt: skip
                calls[a.what](row, reason="So it is.", by=by)

    def _call_task(self, what: str, row: Case, by: Actor) -> None:
        if what == "add task":
            add_task(row, title="Ask the bank", due_at=timezone.now() + DAY, by=by)
            return
        task = Task.objects.filter(case=row).latest("pk")
        if what == "finish":
            finish_task(task, by=by)
        else:
            drop_task(task, reason="Not needed.", by=by)

    @staticmethod
    def _date(row: Case, how: str) -> object:
        now = timezone.now()
        if how == "past":
            return now - DAY
        if how == "sooner":
            return now + (row.due_at - now) / 2  # type: ignore[operator]  # it has one
        return (row.due_at or now) + 400 * DAY

    # --- the model ----------------------------------------------------------------------

    def note(self, a: Try) -> None:
        match a.what:
            case "start" | "resume" | "return":
                self.state = "investigating"
            case "pause":
                self.state = "on_hold"
            case "submit":
                self.state, self.submitted, self.decided = "in_review", a.who, ""
            case "decide":
                self.state, self.decided, self.decisions = "decided", a.who, [a.how]
            case "close" | "merge":
                self.state = {"close": "closed", "merge": "merged"}[a.what]
                self.is_escalated, self.escalated = False, ""
            case "reopen":
                self.state, self.submitted, self.decided = "investigating", "", ""
            case "due":
                self.due = "ahead"
            case "escalate":
                self.is_escalated, self.escalated = True, a.who
            case "clock":
                self.is_escalated, self.due = True, "late"
            case "answer":
                self.is_escalated, self.escalated = False, ""
                self.due = "ahead" if a.how == "with a date" else self.due
            case "add task":
                self.tasks.append("open")
            case "finish" | "drop":
                self.tasks[-1] = {"finish": "done", "drop": "dropped"}[a.what]
            case "legal hold":
                self.held = a.who
            case "lift hold":
                self.held = ""

    def compare(self) -> None:
        row = Case.objects.get(pk=self.row.pk)
        number = {name: each.user_id for name, each in self.people.items()} | {"": None}
        same(
            (row.state, row.submitted_by_id, row.decided_by_id, row.legal_hold),
            (self.state, number[self.submitted], number[self.decided], bool(self.held)),
            "case",
        )
        same(
            (row.closed_at is not None, row.retention_until is not None, row.resume_on is not None),
            (self.state in OVER, self.state in OVER, self.state == "on_hold"),
            "times",
        )
        late = row.due_at is not None and row.due_at <= timezone.now()
        same(
            (row.escalated_at is not None, row.escalated_by_id, late),
            (self.is_escalated, number[self.escalated], self.due == "late"),
            "clock",
        )
        states = row.tasks.order_by("pk").values_list("state", flat=True)
        same(list(states), self.tasks, "tasks")
