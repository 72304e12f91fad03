"""An agency's request: filed, verified point by point, asked back, decided, answered, closed."""

import itertools
from collections.abc import Iterator
from datetime import date, timedelta

from django.utils import timezone

from cases.models import InformationRequest
from cases.policy import Actor
from cases.request_words import CHECKS
from cases.services.requests import (
    RequestSpec,
    accept_request,
    answer_agency,
    ask_agency,
    check_request,
    close_request,
    mark_no_match,
    record_request,
    refuse_request,
    release_response,
    start_verification,
    verify_requester,
)
from tests.casework import make_agency, make_asset, make_case, person
from tests.integration.services.test_liaison import send
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
from tests.officer_desk import make_officer

NUMBERS = itertools.count(1)
ANSWERED = ("released", "no_match", "refused")


class RequestWalk(Walk):
    table = "cases_informationrequest"
    moves = {
        ("start", "received"), ("check", "verifying"), ("verify", "verifying"),
        ("ask", "verifying"), ("ask", "in_review"), ("answer", "clarification"),
        ("accept", "in_review"), ("no match", "in_review"), ("refuse", "verifying"),
        ("release", "collecting"), ("close", "released"), ("close", "refused"),
        ("close", "no_match"),
    }  # fmt: skip
    refusals = {
        ("start", "state"), ("start", "auditor"), ("check", "state"), ("verify", "state"),
        ("verify", "rule: not all checked"), ("ask", "state"), ("answer", "person"),
        ("answer", "state"), ("accept", "person: checked"), ("accept", "factor"),
        ("accept", "content"),
        ("accept", "analyst"), ("accept", "state"),
        ("release", "factor"), ("release", "state"), ("close", "state"),
    }  # fmt: skip
    ends = ("refuse", "no match", "close")

    @classmethod
    def prepare(cls) -> None:
        cls.agency = make_agency(country="TW")
        officer = make_officer(agency=cls.agency)
        cls.people = cast(lia=person("liaison", agency=cls.agency), out=person("liaison"))
        make_asset()
        cls.release = send(make_case(), cls.agency, officer).releases.get()
        grant = cls.release.grants.get()
        cls.people["lia"] = type(cls.people["lia"])(
            user_id=grant.liaison_id, role=cls.people["lia"].role, agency_id=cls.agency.pk
        )

    def begin(self, choice: int) -> None:
        self.state, self.round = "received", 1
        self.started = self.verified = ""
        self.checkers: set[str] = set()
        self.checked: list[str] = []
        self.num_signed = self.num_answers = 0
        self.row = record_request(
            RequestSpec(
                agency_ref=f"file {next(NUMBERS)}", instrument_type="court_order",
                instrument_number="114-0093",
                issued_by="Harbour District Court", issued_on=date(2026, 1, 5),
                legal_basis="Art. 230", offences="Trade in narcotics", identifiers="ab" * 32,
                datasets=("balances", "crypto_in"), due_at=timezone.now() + timedelta(days=10),
            ),
            by=self.people["lia"],
        )  # fmt: skip

    def tries(self) -> Iterator[Try]:
        for who in (*WORKERS, *OTHERS, "lia"):
            yield from self._at_the_desk(who)
            yield from self._deciding(who)
        for who in ("lia", "out", "ana"):
            yield Try("answer", who, grounds=grounds(
                (who == "ana", "role"), (who == "out", "person"),
                (self.state != "clarification", "state"),
            ))  # fmt: skip

    def _at_the_desk(self, who: str) -> Iterator[Try]:
        worker = (who not in WORKERS, "role")
        is_verifying = self.state == "verifying"
        yield Try("start", who, grounds=grounds(worker, (self.state != "received", "state")))
        for how in ("next", "all", "again")[: 3 if self.checked else 2]:
            is_again = how == "again" or len(self.checked) == len(CHECKS)
            yield Try("check", who, how, moves=False, grounds=grounds(
                worker, (not is_verifying or is_again, "state"),
            ))  # fmt: skip
        yield Try("verify", who, grounds=grounds(
            worker, (not is_verifying, "state"),
            (is_verifying and len(self.checked) < len(CHECKS), "rule: not all checked"),
        ))  # fmt: skip
        yield Try("ask", who, grounds=grounds(
            worker, (self.state not in ("verifying", "in_review"), "state"),
        ))  # fmt: skip
        yield Try("close", who, grounds=grounds(worker, (self.state not in ANSWERED, "state")))

    def _deciding(self, who: str) -> Iterator[Try]:
        checked = who if who in self.checkers else ""
        first = is_one_of(who, started=self.started, verified=self.verified, checked=checked)
        for what, wanted in (
            ("accept", ("in_review",)),
            ("no match", ("in_review",)),
            ("refuse", ("verifying", "in_review")),
            ("release", ("collecting",)),
        ):
            fits = self.state in wanted
            why = ((who not in SENIORS, "role"), first, (not fits, "state"))
            yield Try(what, who, grounds=grounds(*why))
            yield Try(what, who, "old factor", grounds(*why, (True, "factor")))
            if fits:
                yield Try(what, who, "old content", grounds(*why, (True, "content")))

    def call(self, a: Try) -> None:
        row = InformationRequest.objects.get(pk=self.row.pk)
        by = self.people[a.who]
        by = old_factor(by) if a.how == "old factor" else by
        if a.what == "start":
            start_verification(row, by=by)
        elif a.what == "check":
            for item in self._points(a.how):
                check_request(row, item=item, by=by)
        elif a.what == "verify":
            verify_requester(row, by=by)
        elif a.what == "ask":
            ask_agency(row, text="Which period?", reason="Open.", by=by)
        elif a.what == "answer":
            answer_agency(row, text=f"The year 2025 ({self.round}).", by=by)
        elif a.what == "close":
            close_request(row, reason="Done.", by=by)
        else:
            shown = "0" * 64 if a.how == "old content" else row.content_hash
            self._decide(a.what, row, shown, by)

    def _points(self, how: str) -> list[str]:
        if how == "again" and self.checked:
            return self.checked[:1]
        left = [each for each in CHECKS if each not in self.checked] or list(CHECKS)
        return left[:1] if how == "next" else left

    def _decide(self, what: str, row: InformationRequest, shown: str, by: Actor) -> None:
        if what == "accept":
            accept_request(
                row, datasets=row.datasets.split(), content_hash=shown, reason="Y.", by=by
            )
        elif what == "release":
            release_response(row, self.release, content_hash=shown, reason="Y.", by=by)
        else:
            decide = mark_no_match if what == "no match" else refuse_request
            decide(row, words="We cannot.", content_hash=shown, reason="R.", by=by)

    def note(self, a: Try) -> None:
        if a.what == "start":
            self.state, self.started = "verifying", a.who
        elif a.what == "check":
            self.checked += self._points(a.how)
            self.checkers.add(a.who)
        elif a.what == "verify":
            self.state, self.verified = "in_review", a.who
        elif a.what == "ask":
            self.state = "clarification"
        elif a.what == "answer":
            self.state, self.round = "verifying", self.round + 1
            self.started = self.verified = ""
            self.checked = []
            self.num_answers += 1
        elif a.what == "close":
            self.state = "closed"
        else:
            self.num_signed += 1
            self.state = {
                "accept": "collecting", "no match": "no_match", "refuse": "refused",
                "release": "released",
            }[a.what]  # fmt: skip

    def compare(self) -> None:
        row = InformationRequest.objects.get(pk=self.row.pk)
        number = {name: each.user_id for name, each in self.people.items()} | {"": None}
        same(
            (row.state, row.round, row.started_by_id, row.verified_by_id),
            (self.state, self.round, number[self.started], number[self.verified]),
            "request",
        )
        done = row.checks.filter(round=self.round).values_list("item", flat=True)
        same(sorted(done), sorted(self.checked), "checklist")
        same(row.decisions.count(), self.num_signed, "signatures")
        answers = row.messages.filter(from_agency=True)
        same(answers.count(), self.num_answers, "answers")
