"""A suspicion report, which compliance decides alone among two."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from cases.models import ReportEvent, SuspicionReport
from cases.policy import Actor
from cases.services.reports import (
    approve_report,
    draft_report,
    file_report,
    return_report,
    review_report,
    validate_report,
    verify_report_chain,
)
from tests.casework import person
from tests.machines.small import WHY, Step, StepWalk
from tests.machines.walk import COMPLIANCE, Try, cast, same
from tests.report_desk import complete, make_report_desk, set_up_receiver

WRITERS = ("ana", *COMPLIANCE)  # of the analysts one alone has the right to reports


class ReportWalk(StepWalk):
    """A report with everything its receiver demands; its events stand in a chain of their own."""

    table = "cases_suspicionreport"
    steps = {
        "validate": Step(WRITERS, ("drafting",), "validated"),
        "review": Step(COMPLIANCE, ("validated",), "in_review"),
        "return": Step(COMPLIANCE, ("validated", "in_review"), "drafting"),
        "approve": Step(COMPLIANCE, ("in_review",), "approved", ("drafted",), "approved", True),
        "file": Step(COMPLIANCE, ("approved",), "filed", (), "filed"),
    }
    columns = {"drafted_by_id": "drafted", "approved_by_id": "approved", "filed_by_id": "filed"}
    ends = ("file",)
    moves = {
        ("validate", "drafting"), ("review", "validated"), ("return", "validated"),
        ("return", "in_review"), ("approve", "in_review"), ("file", "approved"),
    }  # fmt: skip
    refusals = {
        ("validate", "analyst"), ("validate", "state"), ("review", "supervisor"),
        ("review", "state"), ("return", "state"), ("approve", "person: drafted"),
        ("approve", "factor"), ("approve", "content"), ("approve", "analyst"),
        ("file", "state"), ("file", "supervisor"),
    }  # fmt: skip

    @classmethod
    def prepare(cls) -> None:
        cls.people = cast(ana=person("analyst", may_view_reports=True))
        set_up_receiver(Path(tempfile.mkdtemp(prefix="receiver-")))
        cls.desk = make_report_desk()

    def begin(self, choice: int) -> None:
        drafted = ("ana", "cora")[choice % 2]
        by = self.people[drafted]
        self.row = complete(draft_report(self.desk.case, [self.desk.alert], by=by), by)
        self.state, self.parts = "drafting", {"drafted": drafted}

    def tries(self) -> Iterator[Try]:
        yield from super().tries()
        if self.state == "in_review":
            for who in COMPLIANCE:
                if who != self.parts["drafted"]:
                    yield Try("approve", who, "old content", ("content",))

    def call(self, a: Try) -> None:
        if a.how == "old content":
            row = SuspicionReport.objects.get(pk=self.row.pk)
            approve_report(row, content_hash="0" * 64, reason=WHY, by=self.people[a.who])
            return
        super().call(a)

    def call_step(self, what: str, by: Actor) -> None:
        row = SuspicionReport.objects.get(pk=self.row.pk)
        match what:
            case "validate":
                validate_report(row, by=by)
            case "review":
                review_report(row, by=by)
            case "return":
                return_report(row, reason=WHY, by=by)
            case "approve":
                approve_report(row, content_hash=row.content_hash, reason=WHY, by=by)
            case _:
                file_report(row, transport="Portal", by=by)

    def compare(self) -> None:
        super().compare()
        row = SuspicionReport.objects.get(pk=self.row.pk)
        same(bool(row.file), self.state != "drafting", "file")
        same(verify_report_chain(), None, "chain of reports")

    def _num_events(self) -> int:
        return super()._num_events() + ReportEvent.objects.count()
