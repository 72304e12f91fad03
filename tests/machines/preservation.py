"""Data kept for an agency: begun and renewed by the desk, ended by who decides, begun anew.

Its request is taken up and refused meanwhile; one in a sealed case is only for those named there.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from django.utils import timezone

from cases.models import InformationRequest, Preservation
from cases.policy import Actor
from cases.services.requests import (
    RequestSpec,
    end_preservation,
    link_request,
    record_request,
    refuse_request,
    renew_preservation,
    start_preservation,
    start_verification,
)
from tests.casework import make_agency, make_case, person
from tests.machines.small import WHY, Step, StepWalk
from tests.machines.walk import COMPLIANCE, SENIORS, WORKERS, Try, cast, same

NUMBERS = itertools.count(1)
DAY = timedelta(days=1)
LENGTH, MOST = 90, 366  # days of one time, and of all of them from today
ON_SEALED = ("ana", *COMPLIANCE)


class PreservationWalk(StepWalk):
    table = "cases_preservation"
    steps = {
        "start": Step(WORKERS, ("none", "ended"), "active", (), "started", ends=("ended",)),
        "renew": Step(WORKERS, ("active",), "active"),
        "end": Step(SENIORS, ("active",), "ended", (), "ended", True),
    }
    columns = {"started_by_id": "started", "ended_by_id": "ended"}
    ends = ("refuse",)
    moves = {
        ("take up", "none"), ("start", "none"), ("start", "ended"), ("renew", "active"),
        ("end", "active"), ("refuse", "none"), ("refuse", "active"),
    }  # fmt: skip
    refusals = {
        ("start", "rule: not taken up"), ("start", "rule: over"), ("start", "state"),
        ("start", "auditor"), ("start", "liaison"), ("start", "person: not on the case"),
        ("renew", "rule: a year"), ("renew", "state"), ("renew", "admin"),
        ("renew", "person: not on the case"), ("end", "factor"), ("end", "analyst"),
        ("end", "state"), ("end", "person: not on the case"),
    }  # fmt: skip

    @classmethod
    def prepare(cls) -> None:
        cls.agency = make_agency(country="TW")
        cls.people = cast(lia=person("liaison", agency=cls.agency))
        cls.sealed = make_case(cls.people["ana"], started=True, visibility="sealed")

    def begin(self, choice: int) -> None:
        now = timezone.now()
        self.request = record_request(
            RequestSpec(
                agency_ref=f"file {next(NUMBERS)}", instrument_type="court_order",
                instrument_number="114-0093", issued_by="Harbour District Court",
                issued_on=date(2026, 1, 5), legal_basis="Art. 230", offences="Fraud",
                identifiers="ab" * 32, datasets=("balances",), due_at=now + 10 * DAY,
            ),
            by=self.people["lia"],
        )  # fmt: skip
        self.state, self.asked, self.taken = "none", "received", ""
        self.parts = {}
        self.num_rows = self.num_renewals = self.days = 0
        self.is_sealed = choice % 3 == 1
        if self.is_sealed:
            link_request(self.request, self.sealed, by=self.people["ana"])
        if choice % 3 == 2:  # one whose time was over before anybody looked
            start_verification(self._asked(), by=self.people["ben"])
            Preservation.objects.create(
                request=self.request, starts_at=now - 95 * DAY, until=now - 5 * DAY,
                source="A law.", started_by_id=self.people["ben"].person,
            )  # fmt: skip
            self.state, self.asked, self.taken = "active", "verifying", "ben"
            self.parts = {"started": "ben"}
            self.num_rows, self.days = 1, -5

    def _asked(self) -> InformationRequest:
        return InformationRequest.objects.get(pk=self.request.pk)

    def _kept(self) -> Preservation | None:
        return Preservation.objects.filter(request=self.request).order_by("-pk").first()

    def more(self, what: str) -> tuple[bool, str]:
        if what == "start" and self.asked != "verifying":
            return True, "rule: over" if self.asked == "refused" else "rule: not taken up"
        return what == "renew" and max(0, self.days) + LENGTH > MOST, "rule: a year"

    def tries(self) -> Iterator[Try]:
        for each in self._tries():
            if self.is_sealed and each.who not in (*ON_SEALED, "lia"):
                yield replace(each, grounds=(*each.grounds, "person: not on the case"))
            else:
                yield each

    def _tries(self) -> Iterator[Try]:
        for each in super().tries():
            if each.what == "start":  # a row of its own: its index tells the second one
                over = self.state == "active" and self.asked == "refused"
                yield replace(
                    each, moves=False, grounds=(*each.grounds, *(("rule: over",) if over else ()))
                )
            elif self.num_rows:
                yield each
        for what in ("start", "renew", "end")[: 3 if self.num_rows else 1]:
            yield Try(what, "lia", grounds=("role",), moves=False)
        # What else happens to the request has a machine of its own: here only what works.
        for who in ON_SEALED if self.is_sealed else WORKERS:
            if self.asked == "received":
                yield Try("take up", who, moves=False)
            elif self.asked == "verifying" and who in SENIORS and who != self.taken:
                yield Try("refuse", who, moves=False)

    def _try_overtaken(self, a: Try, allowed: Sequence[Try]) -> None:
        # Whoever ends it after a renewal loses nothing; whoever renews it then saw another end.
        rivals = [each for each in allowed if a.what == "renew" or each.what == "end"]
        super()._try_overtaken(a, rivals)

    def call_step(self, what: str, by: Actor) -> None:
        kept = self._kept()
        match what:
            case "take up":
                start_verification(self._asked(), by=by)
            case "refuse":
                row = self._asked()
                refuse_request(
                    row, words="We cannot.", content_hash=row.content_hash, reason=WHY, by=by
                )
            case "start":
                start_preservation(self._asked(), reason=WHY, by=by)
            case "renew":
                assert kept is not None
                renew_preservation(kept, until=kept.until, reason=WHY, by=by)
            case _:
                assert kept is not None
                end_preservation(kept, reason=WHY, by=by)

    def note(self, a: Try) -> None:
        if a.what == "take up":
            self.asked, self.taken = "verifying", a.who
            return
        if a.what == "refuse":
            self.asked = "refused"
            return
        super().note(a)
        if a.what == "start":
            self.num_rows, self.num_renewals, self.days = self.num_rows + 1, 0, LENGTH
        elif a.what == "renew":
            self.num_renewals, self.days = self.num_renewals + 1, max(0, self.days) + LENGTH

    def compare(self) -> None:
        same(self._asked().state, self.asked, "request")
        same(Preservation.objects.filter(request=self.request).count(), self.num_rows, "rows")
        row = self._kept()
        if row is None:
            return
        self.row = row
        super().compare()
        same(row.num_renewals, self.num_renewals, "renewals")
        same(round((row.until - timezone.now()) / DAY), self.days, "days from now")
        is_over = self.state == "ended"
        same((row.ended_at is not None, row.end_reason), (is_over, WHY * is_over), "end")
