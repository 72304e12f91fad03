"""A seizure: asked for, called back, two keys of two offices, then orders that get lost or not.

The books of the line and those of the exchange are compared to the base unit after every step.
"""

import copy
from collections.abc import Iterator
from datetime import date, timedelta

from django.db import connection
from django.utils import timezone

from cases.models import OutboxMessage, Seizure
from cases.policy import Actor
from cases.services import outbox
from cases.services.freezes import (
    approve_seizure,
    confirm_destination,
    reject_seizure,
    request_seizure,
    transfer_seizure,
)
from cases.services.instruments import record_instrument, verify_instrument
from cases.services.ledger import out_of_balance
from tests.casework import BTC, make_agency
from tests.held import make_held
from tests.machines.walk import (
    COMPLIANCE,
    OTHERS,
    ROLES,
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

AMOUNT = 10_000_001
ADDRESS = "bcrt1qauthority0000000000000000000000000000"
OVER = ("transferred", "failed", "rejected")


class SeizureWalk(Walk):
    table = "cases_seizure"
    ends = ("reject",)
    moves = {
        ("call back", "requested"), ("approve", "requested"), ("reject", "requested"),
        ("deliver", "approved"), ("deliver", "unknown"), ("transfer", "seized"),
        ("deliver", "transferring"), ("deliver", "transfer_unknown"),
    }  # fmt: skip
    refusals = {
        ("call back", "person: asked"), ("call back", "factor"), ("call back", "state"),
        ("approve", "person: asked"), ("approve", "factor"), ("approve", "content"),
        ("approve", "rule: no call back"), ("approve", "person: same office"),
        ("approve", "rule: signed"), ("approve", "analyst"), ("approve", "state"),
        ("reject", "person: asked"), ("reject", "state"), ("transfer", "supervisor"),
        ("transfer", "person: asked"), ("transfer", "factor"), ("transfer", "content"),
        ("transfer", "state"),
    }  # fmt: skip

    @classmethod
    def prepare(cls) -> None:
        cls.people = cast()
        cls.held = make_held()
        cls.paper = record_instrument(
            cls.held.case, type="court_order", number="C-1", agency_id=None, issued_by="Court",
            issued_on=date(2025, 1, 1), valid_until=None, jurisdiction="XX", document=None,
            by=cls.people["ana"],
        )  # fmt: skip
        verify_instrument(cls.paper, by=cls.people["sue"])
        cls.agency = make_agency()

    def begin(self, choice: int) -> None:
        if not hasattr(self, "exchange"):
            self.exchange = copy.deepcopy(self.held.exchange)
            self.exchange.depth = len(connection.savepoint_ids)
            self.seized = self.gone = 0  # of the whole walk, which may see several
        self.asked = ("ana", "sue", "cora")[choice % 3]
        line = self.held.line()
        self.uid = line.account.uid
        self.row = request_seizure(
            self.held.freeze, amounts={line.pk: AMOUNT}, agency_id=self.agency.pk,
            destination=ADDRESS, instrument_id=self.paper.pk, reason="Order C-1.",
            by=self.people[self.asked],
        )  # fmt: skip
        self.state, self.called = "requested", ""
        self.signed: list[str] = []
        self.order = ""  # of the exchange: pending, unknown, or nothing on its way
        self.has_acted = False

    # --- what could be done -------------------------------------------------------------

    def tries(self) -> Iterator[Try]:
        for who in (*WORKERS, *OTHERS):
            first = is_one_of(who, asked=self.asked)
            why = ((who not in SENIORS, "role"), first)
            is_waiting = self.state == "requested"
            called = (not is_waiting or bool(self.called), "state")
            yield from self._with_factor("call back", who, *why, called, moves=False)
            yield from self._keys(who, *why, (not is_waiting, "state"))
            signed = (is_waiting and who in self.signed, "rule: signed")
            yield from self._with_factor("reject", who, *why, (not is_waiting, "state"), signed)
            out = ((who not in COMPLIANCE, "role"), first)
            is_ready = self.state == "seized"
            if is_ready:
                yield Try("transfer", who, "old content", grounds(*out, (True, "content")))
            yield from self._with_factor("transfer", who, *out, (not is_ready, "state"))
        if self.order:
            hows = ("ok", "lost", "late", "refuse", *(("deaf",) if self.order == "unknown" else ()))
            for how in hows:
                yield Try("deliver", "", how, moves=False)

    def _with_factor(
        self, what: str, who: str, *why: tuple[bool, str], moves: bool = True
    ) -> Iterator[Try]:
        yield Try(what, who, grounds=grounds(*why), moves=moves)
        yield Try(what, who, "old factor", grounds(*why, (True, "factor")), moves=moves)

    def _keys(self, who: str, *why: tuple[bool, str]) -> Iterator[Try]:
        is_waiting = self.state == "requested"
        not_called = (is_waiting and not self.called, "rule: no call back")
        if is_waiting:
            yield Try("approve", who, "old content", grounds(*why, (True, "content")), moves=False)
        is_mine = is_waiting and who in self.signed
        offices = {ROLES[each] for each in self.signed}
        other = is_waiting and not is_mine and ROLES.get(who) in offices
        yield from self._with_factor(
            "approve", who, *why, not_called, (is_mine, "rule: signed"),
            (other, "person: same office"), moves=bool(self.signed),
        )  # fmt: skip

    # --- the calls ----------------------------------------------------------------------

    def call(self, a: Try) -> None:
        if not a.who:
            self._deliver(a.how)
            return
        row = Seizure.objects.select_related("freeze").get(pk=self.row.pk)
        by: Actor = self.people[a.who]
        by = old_factor(by) if a.how == "old factor" else by
        shown = "0" * 64 if a.how == "old content" else row.content_hash
        match a.what:
            case "call back":
                confirm_destination(row, reason="The desk, on the known number.", by=by)
            case "approve":
                approve_seizure(row, content_hash=shown, reason="Y.", by=by)
            case "transfer":
                transfer_seizure(row, content_hash=shown, reason="Now.", by=by)
            case _:
                reject_seizure(row, reason="N.", by=by)

    def _deliver(self, how: str) -> None:
        row = OutboxMessage.objects.filter(seizure=self.row.pk).latest("created_at")
        OutboxMessage.objects.filter(pk=row.pk).update(not_before=None)
        if row.state == "sending":
            past = timezone.now() - timedelta(seconds=1)
            OutboxMessage.objects.filter(pk=row.pk).update(lease_until=past)
        self.exchange.is_deaf = how == "deaf"
        self.exchange.script = [how] if how != "deaf" else []
        outbox.send_outbox_message(row.pk, gateway=self.exchange)
        self.exchange.script = []

    # --- the model ----------------------------------------------------------------------

    def note(self, a: Try) -> None:
        match a.what:
            case "call back":
                self.called = a.who
            case "approve":
                self.signed.append(a.who)
                if len(self.signed) == 2:
                    self.state, self.order, self.has_acted = "approved", "pending", False
            case "reject":
                self.state = "rejected"
            case "transfer":
                self.state, self.order, self.has_acted = "transferring", "pending", False
            case _:
                self._note_delivery(a.how)

    def _note_delivery(self, how: str) -> None:
        goes_out = self.state in ("transferring", "transfer_unknown")
        if self.order == "unknown":
            if how == "deaf":
                return
            if self.has_acted:
                how = "ok"
        if how in ("ok", "late") and not self.has_acted:
            self.has_acted = True
            if goes_out:
                self.gone += AMOUNT
            else:
                self.seized += AMOUNT
        if how in ("lost", "late"):
            self.order = "unknown"
            self.state = "transfer_unknown" if goes_out else "unknown"
        else:
            self.order = ""
            done, refused = ("transferred", "seized") if goes_out else ("seized", "failed")
            self.state = done if how == "ok" else refused

    def compare(self) -> None:
        row = Seizure.objects.get(pk=self.row.pk)
        number = {name: each.user_id for name, each in self.people.items()} | {"": None}
        same((row.state, row.confirmed_by_id), (self.state, number[self.called]), "seizure")
        line = self.held.line()
        pending = AMOUNT if self.has_acted and self.order == "unknown" else 0
        goes_out = self.state in ("transferring", "transfer_unknown")
        seized = self.seized - (0 if goes_out else pending)
        gone = self.gone - (pending if goes_out else 0)
        same(
            (int(line.executed), int(line.seized), int(line.transferred)),
            (300_000_000, seized, gone),
            "line",
        )
        at = (self.uid, BTC)
        same(
            (self.exchange.held[at], self.exchange.seized.get(at, 0), self.exchange.gone),
            (300_000_000 - self.seized, self.seized - self.gone,
             {ADDRESS: self.gone} if self.exchange.gone else {}),
            "exchange",
        )  # fmt: skip
        same(out_of_balance(), [], "books")
