"""A finding: drafted, changed, reviewed by a second person who saw what speaks against it."""

from collections.abc import Iterator

from cases.models import Finding
from cases.policy import Actor
from cases.services.findings import (
    add_counter_evidence,
    approve_finding,
    edit_finding,
    mark_seen,
    reject_finding,
    return_finding,
    submit_finding,
    withdraw_finding,
)
from tests.casework import make_case, make_finding
from tests.machines.walk import (
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

MOST_AGAINST = 3


class FindingWalk(Walk):
    table = "cases_finding"
    ends = ("reject",)
    moves = {
        ("edit", "draft"), ("edit", "submitted"), ("add against", "submitted"),
        ("submit", "draft"), ("see", "submitted"), ("return", "submitted"),
        ("reject", "submitted"), ("approve", "submitted"), ("withdraw", "approved"),
    }  # fmt: skip
    refusals = {
        ("submit", "rule: sent back"), ("approve", "rule: unseen"), ("approve", "factor"),
        ("approve", "content"), ("approve", "state"),
        ("reject", "person: drafted and edited"),
        ("return", "person: submitted"), ("reject", "person: edited"), ("withdraw", "state"),
        ("submit", "state"),
        ("edit", "state"), ("edit", "auditor"),
    }  # fmt: skip

    @classmethod
    def prepare(cls) -> None:
        cls.people = cast()
        cls.case_row = make_case(cls.people["ana"])

    def begin(self, choice: int) -> None:
        self.drafted = self.edited = WORKERS[choice % 3 * 2]
        self.row = make_finding(self.case_row, self.people[self.drafted])
        self.state, self.submitted, self.reviewed = "draft", "", ""
        self.content = 0
        self.sent_back: set[int] = set()  # contents that were decided on
        self.num_signed = 0
        self.seen: list[str] = [""]  # by piece of counter-evidence, who opened it

    def tries(self) -> Iterator[Try]:
        is_open = self.state in ("draft", "submitted")
        is_waiting = self.state == "submitted"
        for who in (*WORKERS, *OTHERS):
            not_a_worker = (who in OTHERS, "role")
            for what in ("edit", "add against"):
                if what == "edit" or len(self.seen) < MOST_AGAINST:
                    why = grounds(not_a_worker, (not is_open, "state"))
                    yield Try(what, who, grounds=why, moves=False)
            yield Try("submit", who, grounds=grounds(
                not_a_worker, (self.state != "draft", "state"),
                (self.state == "draft" and self.content in self.sent_back, "rule: sent back"),
            ))  # fmt: skip
            first = is_one_of(
                who, drafted=self.drafted, edited=self.edited, submitted=self.submitted
            )
            review = ((who not in SENIORS, "role"), first, (not is_waiting, "state"))
            if self.seen != [who] * len(self.seen):
                yield Try("see", who, grounds=grounds(*review), moves=False)
            for what in ("return", "reject"):
                yield Try(what, who, grounds=grounds(*review))
            unseen = (is_waiting and any(each != who for each in self.seen), "rule: unseen")
            yield Try("approve", who, grounds=grounds(*review, unseen))
            yield Try("approve", who, "old factor", grounds(*review, unseen, (True, "factor")))
            if is_waiting:
                why = grounds(*review, unseen, (True, "content"))
                yield Try("approve", who, "old content", why)
            yield Try("withdraw", who, grounds=grounds(
                (who not in SENIORS, "role"), first, (self.state != "approved", "state"),
            ))  # fmt: skip

    def call(self, a: Try) -> None:
        row, by = Finding.objects.get(pk=self.row.pk), self.people[a.who]
        if a.what == "edit":
            edit_finding(row, version=row.version, by=by, assumptions=f"As of {self.content + 1}.")
        elif a.what == "add against":
            add_counter_evidence(row, "commingling", f"Also {self.content + 1}.", by=by)
        elif a.what == "submit":
            submit_finding(row, by=by)
        elif a.what == "see":
            for each in row.counter_evidence.all():
                mark_seen(each.pk, finding=row, by=by)
        elif a.what == "approve":
            self._approve(row, a.how, by)
        else:
            decide = {
                "return": return_finding, "reject": reject_finding, "withdraw": withdraw_finding,
            }[a.what]  # fmt: skip
            decide(row, reason="So it is.", by=by)

    def _approve(self, row: Finding, how: str, by: Actor) -> None:
        shown = "0" * 64 if how == "old content" else row.content_hash
        by = old_factor(by) if how == "old factor" else by
        approve_finding(row, content_hash=shown, reason="Checked.", by=by)

    def note(self, a: Try) -> None:
        if a.what in ("edit", "add against"):
            self.content += 1
            if self.state == "submitted":
                self.state, self.submitted = "draft", ""
            self.edited = a.who
            self.seen = [""] * (len(self.seen) + (a.what == "add against"))
        elif a.what == "submit":
            self.state, self.submitted, self.reviewed = "submitted", a.who, ""
        elif a.what == "see":
            self.seen = [a.who] * len(self.seen)
        elif a.what == "withdraw":
            self.state = "withdrawn"
        else:
            self.num_signed += 1
            self.sent_back.add(self.content)
            self.state = {"return": "draft", "reject": "rejected", "approve": "approved"}[a.what]
            if a.what == "return":
                self.seen = [""] * len(self.seen)
            else:
                self.reviewed = a.who

    def compare(self) -> None:
        row = Finding.objects.get(pk=self.row.pk)
        number = {name: each.user_id for name, each in self.people.items()} | {"": None}
        same(
            (row.state, row.drafted_by_id, row.last_edited_by_id),
            (self.state, number[self.drafted], number[self.edited]),
            "finding",
        )
        if self.state != "draft":
            same(row.submitted_by_id, number[self.submitted], "submitted by")
            same(row.reviewed_by_id, number[self.reviewed], "reviewed by")
        seen = row.counter_evidence.order_by("pk").values_list("seen_by_id", flat=True)
        same(list(seen), [number[each] for each in self.seen], "seen by")
        same(row.approvals.count(), self.num_signed, "signatures")
