"""A question to others: drafted, approved by compliance, sent, answered, closed or withdrawn.

It stands in a case of the whole unit or in a sealed one, and goes to an exchange or to an agency
whose only officer comes and goes.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from cases.models import OutboundRequest
from cases.policy import Actor
from cases.services.outbound import (
    answer_outbound,
    approve_outbound,
    draft_outbound,
    end_outbound,
    outbound_hash_of,
    send_outbound,
)
from fiu.models import User
from tests.casework import make_agency, make_case
from tests.machines.small import WHY, Step, StepWalk
from tests.machines.walk import COMPLIANCE, WORKERS, Try, cast, same
from tests.officer_desk import make_officer

NUMBERS = itertools.count(1)
ON_SEALED = ("ana", *COMPLIANCE)
SENT = ("sent", "answered", "closed")


class OutboundWalk(StepWalk):
    table = "cases_outboundrequest"
    steps = {
        "approve": Step(COMPLIANCE, ("draft",), "approved", ("drafted",), "approved", True),
        "send": Step(WORKERS, ("approved",), "sent", (), "sent"),
        "answer": Step(WORKERS, ("sent",), "answered"),
        "withdraw": Step(WORKERS, ("draft", "approved"), "withdrawn"),
        "close": Step(WORKERS, ("sent", "answered"), "closed"),
    }
    columns = {"drafted_by_id": "drafted", "approved_by_id": "approved", "sent_by_id": "sent"}
    ends = ("withdraw", "close")
    moves = {
        ("approve", "draft"), ("send", "approved"), ("answer", "sent"), ("withdraw", "draft"),
        ("withdraw", "approved"), ("close", "sent"), ("close", "answered"),
        ("officer goes", "draft"), ("officer comes", "approved"),
    }  # fmt: skip
    refusals = {
        ("approve", "person: drafted"), ("approve", "factor"), ("approve", "content"),
        ("approve", "supervisor"), ("approve", "state"), ("send", "state"),
        ("send", "rule: nobody verified"), ("send", "person: not on the case"),
        ("send", "auditor"), ("answer", "state"), ("answer", "admin"), ("close", "state"),
        ("withdraw", "state"), ("withdraw", "auditor"),
    }  # fmt: skip

    @classmethod
    def prepare(cls) -> None:
        cls.people = cast()
        cls.cases = {
            how: make_case(cls.people["ana"], started=True, visibility=how)
            for how in ("unit", "sealed")
        }
        cls.officer = make_officer(agency=make_agency())

    def begin(self, choice: int) -> None:
        drafted = ("ana", "cora", "cleo")[choice % 3]
        self.is_sealed, self.is_agency = choice // 3 % 3 == 2, choice // 3 % 3 == 1
        told: dict[str, Any] = {"kind": "exchange", "recipient": "Southquay"}
        if self.is_agency:
            told = {"kind": "agency", "recipient": "", "agency_id": self.officer.agency_id}
        self.row = draft_outbound(
            self.cases["sealed" if self.is_sealed else "unit"], **told, way="email",
            legal_basis="Art. 5", subject="A question", text=f"Is no. {next(NUMBERS)} yours?",
            due_on=timezone.now().date() + timedelta(days=10), by=self.people[drafted],
        )  # fmt: skip
        self.state, self.parts, self.answer = "draft", {"drafted": drafted}, ""
        self._let_officer(come=True)

    def _let_officer(self, *, come: bool) -> None:
        User.objects.filter(pk=self.officer.pk).update(is_active=come)
        self.is_there = come

    def more(self, what: str) -> tuple[bool, str]:
        is_alone = self.is_agency and not self.is_there
        return what == "send" and is_alone, "rule: nobody verified"

    def tries(self) -> Iterator[Try]:
        # One call ends it either way: only as what it is by now.
        other = "withdraw" if self.state in SENT else "close"
        for each in super().tries():
            if each.what != other:
                yield self._on_the_case(each)
        if self.state == "draft":
            for who in COMPLIANCE:
                if who != self.parts["drafted"]:
                    yield Try("approve", who, "old content", ("content",))
        if self.is_agency and self.state in ("draft", "approved"):
            what = "officer goes" if self.is_there else "officer comes"
            yield Try(what, "", moves=False)

    def _on_the_case(self, a: Try) -> Try:
        if not self.is_sealed or a.who in ON_SEALED:
            return a
        return replace(a, grounds=(*a.grounds, "person: not on the case"))

    def call(self, a: Try) -> None:
        if not a.who:
            self._let_officer(come=a.what == "officer comes")
        elif a.how == "old content":
            row = OutboundRequest.objects.get(pk=self.row.pk)
            approve_outbound(row, content_hash="0" * 64, reason=WHY, by=self.people[a.who])
        else:
            super().call(a)

    def call_step(self, what: str, by: Actor) -> None:
        row = OutboundRequest.objects.get(pk=self.row.pk)
        match what:
            case "approve":
                approve_outbound(row, content_hash=row.content_hash, reason=WHY, by=by)
            case "send":
                send_outbound(row, reason=WHY, by=by)
            case "answer":
                answer_outbound(row, text=f"Told to {by.person}.", by=by)
            case _:
                end_outbound(row, reason=WHY, by=by)

    def note(self, a: Try) -> None:
        if not a.who:
            return
        super().note(a)
        if a.what == "answer":
            self.answer = f"Told to {self.people[a.who].person}."

    def compare(self) -> None:
        super().compare()
        row = OutboundRequest.objects.get(pk=self.row.pk)
        same((row.answer, row.answered_at is not None), (self.answer, bool(self.answer)), "answer")
        for part, at in (("approved", row.approved_at), ("sent", row.sent_at)):
            same(at is not None, bool(self.parts.get(part)), f"when it was {part}")
        same(outbound_hash_of(row), self.row.content_hash, "words")
