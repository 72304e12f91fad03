"""Agencies and their officers as two people know them: proposed, verified, ended, replaced."""

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from cases.models import AgencyEntry, OfficerEntry
from cases.policy import Actor
from cases.services.agencies import approve_agency, propose_agency, reject_agency
from cases.services.officers import (
    OfficerSpec,
    expire_officers,
    propose_officer,
    reject_officer,
    suspend_officer,
    verify_officer,
)
from fiu.models import Agency, User
from tests.casework import make_agency
from tests.machines.proposals import ProposalWalk
from tests.machines.small import WHY, Step
from tests.machines.walk import COMPLIANCE, SENIORS, Try, same
from tests.officer_desk import PAPER, OfficerDesk

NUMBERS = itertools.count(1)


class AgencyWalk(ProposalWalk):
    """What is known of a new agency or of one that is there; another may take its name first."""

    table = "cases_agencyentry"
    model = AgencyEntry
    moves = ProposalWalk.moves | {("name is taken", "proposed")}
    refusals = ProposalWalk.refusals | {("approve", "rule: name is taken")}

    def begin(self, choice: int) -> None:
        self.name = f"Harbour {next(NUMBERS)}"
        is_there = choice // 3 % 2 == 1
        self.agency_id = make_agency().pk if is_there else None
        self.is_ready = True
        super().begin(choice)

    def _propose(self, by: Actor) -> AgencyEntry:
        number = next(NUMBERS)
        return propose_agency(
            agency_id=self.agency_id, name=self.name, short_name=self.name[-16:], kind="police",
            country="TW", domains=[f"d{number}.example"], call_back_number=f"+886 2 {number:07d}",
            number_source="A directory.", reason=WHY, by=by,
        )  # fmt: skip

    def _approve(self, row: Any, shown: str, by: Actor) -> None:
        approve_agency(row, content_hash=shown, reason=WHY, by=by)

    def _reject(self, row: Any, by: Actor) -> None:
        reject_agency(row, reason=WHY, by=by)

    def more(self, what: str) -> tuple[bool, str]:
        return what == "approve" and not self.is_ready, "rule: name is taken"

    def tries(self) -> Iterator[Try]:
        yield from super().tries()
        if self.state == "proposed" and self.is_ready:
            yield Try("name is taken", "", moves=False)

    def call(self, a: Try) -> None:
        if a.who:
            super().call(a)
        else:
            make_agency(name=self.name)

    def note(self, a: Try) -> None:
        if not a.who:
            self.is_ready = False
            return
        super().note(a)
        self.agency_id = self.agency_id or self._fresh().agency_id

    def compare(self) -> None:
        super().compare()
        holds = self.state in ("in_force", "superseded")
        same(self._fresh().agency_id, self.agency_id, "agency")
        known = AgencyEntry.objects.filter(agency_id=self.agency_id or 0, state="in_force")
        same(known.count(), int(holds), "entries in force")
        named = Agency.objects.filter(name=self.name)
        same(named.count(), int(holds or not self.is_ready), "agencies of the name")
        if holds:
            same(named.get().domain, known.get().domains[0], "domain")


class OfficerWalk(ProposalWalk):
    """A new officer, one whose account is renewed, or a stranger; the agency moves meanwhile."""

    table = "cases_officerentry"
    model = OfficerEntry
    steps = {
        "approve": Step(COMPLIANCE, ("proposed",), "verified", ("proposed",), "decided", True),
        "reject": Step(COMPLIANCE, ("proposed",), "rejected", ("proposed",), "decided", True),
        "suspend": Step(SENIORS, ("verified",), "suspended", (), "ended"),
        "replace": Step(COMPLIANCE, ("verified", "suspended", "expired"), "replaced"),
    }
    columns = ProposalWalk.columns | {"ended_by_id": "ended"}
    ends = ("replace",)
    moves = {
        ("approve", "proposed"), ("reject", "proposed"), ("suspend", "verified"),
        ("expire", "verified"), ("replace", "verified"), ("replace", "suspended"),
        ("replace", "expired"), ("agency moves", "proposed"),
    }  # fmt: skip
    refusals = ProposalWalk.refusals | {
        ("approve", "rule: not theirs"), ("suspend", "analyst"), ("suspend", "auditor"),
        ("suspend", "state"),
    }  # fmt: skip

    before: OfficerEntry | None

    def begin(self, choice: int) -> None:
        number = next(NUMBERS)
        how = ("new", "renewed", "stranger")[choice // 3 % 3]
        self.username, self.domain = f"lin{number}", f"hp{number}.example"
        self.desk = OfficerDesk(*(self.people[who] for who in ("sam", "cora", "cleo")))
        names = {"name": f"Police {number}", "short_name": f"P{number}"}
        self.agency_id = self.desk.known(**names, domains=[self.domain]).agency_id
        self.names = names | {"agency_id": self.agency_id}
        self.before, self.is_ready, self.is_ended = None, True, False
        expire_officers(date.max)  # of the walk before it
        if how == "renewed":
            first = self._propose(self.people["sam"])
            self.before = verify_officer(
                first, content_hash=first.content_hash, reason=WHY, by=self.people["cora"]
            )
        if how == "stranger":
            self.domain, self.is_ready = f"hp{number}-example.org", False
        super().begin(choice)

    def _propose(self, by: Actor) -> OfficerEntry:
        now = timezone.now()
        return propose_officer(
            OfficerSpec(
                agency_id=self.agency_id, username=self.username, first_name="Mei",
                last_name="Lin", position="Inspector", email=f"lin@{self.domain}",
                spoke_with="The desk", called_at=now, document=PAPER, reason=WHY,
                valid_until=now.date() + timedelta(days=30 + next(NUMBERS) % 300),
            ),
            by=by,
        )  # fmt: skip

    def _approve(self, row: Any, shown: str, by: Actor) -> None:
        verify_officer(row, content_hash=shown, reason=WHY, by=by)

    def _reject(self, row: Any, by: Actor) -> None:
        reject_officer(row, reason=WHY, by=by)

    def more(self, what: str) -> tuple[bool, str]:
        return what == "approve" and not self.is_ready, "rule: not theirs"

    def tries(self) -> Iterator[Try]:
        yield from super().tries()
        if self.state == "verified":
            yield Try("expire", "", moves=False)
        if self.state == "proposed" and self.is_ready:
            yield Try("agency moves", "", "domain", moves=False)
            yield Try("agency moves", "", "number", moves=False)

    def call(self, a: Try) -> None:
        if a.what == "expire":
            last = self._fresh().valid_until
            assert expire_officers(last) == 0
            assert expire_officers(last + timedelta(days=1)) == 1
        elif a.what == "agency moves":
            moved = {"domain": {"domains": ["elsewhere.example"]}, "number": {
                "domains": [self.domain], "call_back_number": "+886 2 5550 0199"}}  # fmt: skip
            self.desk.known(**self.names, **moved[a.how])
        else:
            super().call(a)

    def call_step(self, what: str, by: Actor) -> None:
        if what == "suspend":
            suspend_officer(self._fresh(), reason=WHY, by=by)
        else:
            super().call_step(what, by)

    def note(self, a: Try) -> None:
        if a.what == "expire":
            self.state, self.is_ended = "expired", True
        elif a.what == "agency moves":
            self.is_ready = False
        else:
            super().note(a)
            self.is_ended |= a.what == "suspend"

    def compare(self) -> None:
        super().compare()
        row = self._fresh()
        was_open = self.state not in ("proposed", "rejected")
        entries = OfficerEntry.objects.filter(username=self.username, state="verified")
        account = User.objects.filter(username=self.username).first()
        same(account is not None, was_open or self.before is not None, "account")
        if self.before is not None:
            self.before.refresh_from_db()
            same(self.before.state, "replaced" if was_open else "verified", "the entry before")
        is_open = account is not None and self.state not in ("suspended", "expired")
        same(entries.count(), int(is_open), "verified entries")
        same(row.ended_at is not None, self.is_ended, "end")
        if account is not None:
            same(account.is_active, is_open, "open account")
            same((account.role, account.agency_id), ("liaison", self.agency_id), "whose account")
        if account is not None and account.access_until is not None and is_open:
            same(account.access_until.date(), entries.get().valid_until, "last day")
