"""A freeze with its orders, extensions and releases, and an exchange that loses what it likes.

The exchange is the test's own (`tests/fakes.py`): its truth is compared too. An order may be lost
on the way out or back, refused, filled in part, or die with its worker before or after the
exchange acted.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from cases.gateways.exchange import GatewayRefused, Receipt
from cases.models import FreezeExtension, FreezeRelease, FreezeRequest, OutboxMessage
from cases.policy import Actor
from cases.services import outbox
from cases.services.freezes import (
    LineSpec,
    approve_extension,
    approve_freeze,
    approve_release,
    cancel_freeze,
    cite_evidence,
    execute_freeze,
    flag_decisions_due,
    lapse_provisional_freezes,
    place_provisional_freeze,
    ratify_freeze,
    reject_extension,
    reject_freeze,
    reject_release,
    release_leftovers,
    request_extension,
    request_freeze,
    request_release,
    submit_freeze,
    triage_freeze,
)
from cases.services.freezes import decisions as freeze_decisions
from tests.casework import BTC, make_account, make_approved_finding, make_asset, make_case
from tests.fakes import FakeExchange
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

ENDED, STANDING = ("rejected", "lapsed"), ("active", "decision_due")
OPEN_RELEASE = ("requested", "approved", "unknown")
ON_THE_WAY = ("sent", "unknown")
ANSWERED = ("confirmed", "refused")
OUTCOMES = ("ok", "lost", "late", "refuse", "dies before", "dies after")


class Died(BaseException):
    """The worker is gone: whatever follows the call does not happen."""


class MortalExchange(FakeExchange):
    """As the fake one; besides it may take the worker that asks along with it."""

    def _once(
        self, kind: str, key: UUID, account: str, asset: str, amount: int | None, reference: str
    ) -> Receipt:
        what = self.script[0] if self.script else "ok"
        if what == "dies before":
            self.script.pop(0)
            raise Died
        if what == "dies after":
            self.script[0] = "ok"
            with suppress(GatewayRefused):
                super()._once(kind, key, account, asset, amount, reference)
            raise Died
        return super()._once(kind, key, account, asset, amount, reference)


@dataclass
class Line:
    """One account: `free` is what it has left, `truth` what the exchange holds of it."""

    account: str
    requested: int
    free: int
    truth: int = 0
    state: str = "planned"
    executed: int = 0
    released: int = 0

    @property
    def held(self) -> int:
        return self.executed - self.released


@dataclass
class Order:
    """`acted` is what the exchange did for its key: an amount, "refused", or None for nothing."""

    line: Line
    kind: str
    amount: int
    decision: "Asked | None" = None
    state: str = "pending"
    acted: int | str | None = None


@dataclass
class Asked:
    """An extension or a release, who asked for it and who decided."""

    who: str
    state: str = "requested"
    signed: str = ""


class FreezeWalk(Walk):
    table = "cases_freezerequest"
    moves = {
        ("submit", "draft"), ("cancel", "draft"), ("cancel", "submitted"),
        ("triage", "submitted"), ("place", "submitted"), ("place", "in_review"),
        ("cite", "provisional"), ("reject", "in_review"), ("reject", "provisional"),
        ("approve", "in_review"), ("ratify", "provisional"), ("execute", "failed"),
        ("deliver hold", "executing"), ("deliver hold", "provisional"),
        ("deliver release", "active"), ("ask extension", "active"),
        ("approve extension", "active"), ("reject extension", "active"),
        ("ask release", "active"), ("approve release", "active"),
        ("reject release", "active"), ("sweep", "provisional"), ("sweep", "active"),
    }  # fmt: skip
    refusals = {
        ("submit", "person"), ("submit", "state"), ("cancel", "person"), ("cancel", "state"),
        ("triage", "state"), ("place", "analyst"), ("place", "state"),
        ("place", "rule: not urgent"),
        ("approve", "person: requester and edited"), ("approve", "factor"),
        ("approve", "content"), ("approve", "state"),
        ("approve", "supervisor"), ("approve", "rule: no evidence"), ("ratify", "person: holder"),
        ("ratify", "factor"), ("ratify", "state"), ("reject", "person: holder"),
        ("reject", "factor"),
        ("execute", "state"), ("execute", "analyst"), ("ask extension", "state"),
        ("ask extension", "rule: no end"), ("ask extension", "rule: open"),
        ("approve extension", "supervisor"), ("approve extension", "factor"),
        ("approve extension", "content"), ("approve extension", "state"),
        ("ask release", "rule: open"), ("ask release", "rule: too much"),
        ("approve release", "supervisor"), ("approve release", "factor"),
        ("approve release", "content"), ("approve release", "state"),
    }  # fmt: skip
    ends = ("cancel", "reject", "let the window end")
    tables = dict.fromkeys(("approve extension", "reject extension"), "cases_freezeextension") | (
        dict.fromkeys(("approve release", "reject release"), "cases_freezerelease")
    )

    @classmethod
    def prepare(cls) -> None:
        cls.people = cast()
        make_asset()
        cls.case_row = make_case(cls.people["ana"])
        cls.finding = make_approved_finding(cls.case_row, cls.people["ana"], cls.people["sue"])
        cls.accounts = [make_account() for _ in range(2)]

    def begin(self, choice: int) -> None:
        freeze_decisions.AGAIN_AFTER = timedelta(0)  # an hour passes between any two steps
        self.requester = self.edited = (WORKERS[0], WORKERS[2], WORKERS[4])[choice % 3]
        self.is_urgent = choice % 3 != 1
        self.is_cited = not (self.is_urgent and choice % 5 < 4)
        self.has_end = choice % 5 != 3
        self.has_passed = self.is_over = False
        self.state, self.holder, self.approver = "draft", "", ""
        first, second = self.accounts
        free = ((100, 0), (100, 40), (0, 0), (100, 100))[choice % 4]
        self.lines = [Line(first.uid, 80, free[0]), Line(second.uid, 60, free[1])]
        self.signed: set[str] = set()
        self.orders: list[Order] = []
        self.extensions: list[Asked] = []
        self.releases: list[Asked] = []
        self.days = 30
        self.exchange = MortalExchange(
            free={(each.account, BTC): each.free for each in self.lines},
            depth=len(connection.savepoint_ids),
        )
        cited = self.finding.pk if self.is_cited else None
        self.row = request_freeze(
            self.case_row, legal_basis="internal_suspicion", restriction="all",
            urgency="urgent" if self.is_urgent else "routine", agency_id=None, reason="R.",
            expires_at=self._after(30) if self.has_end else None,
            lines=[
                LineSpec(account.pk, BTC, line.requested, cited)
                for account, line in zip(self.accounts, self.lines, strict=True)
            ],
            by=self.people[self.requester],
        )  # fmt: skip

    def _after(self, days: int) -> object:
        return timezone.now() + timedelta(days=days)

    # --- what may be tried --------------------------------------------------------------

    def tries(self) -> Iterator[Try]:
        for who in (*WORKERS, *OTHERS):
            yield from self._requests(who)
            yield from self._decisions(who)
            yield from self._afterwards(who)
        if self.state == "provisional" and not self.is_over:
            yield Try("let the window end", "", moves=False)
        if self.state == "active" and self.has_end and not self.has_passed:
            yield Try("let the end pass", "", moves=False)
        lapses = self.state == "provisional" and self.is_over
        is_left = self.state in ENDED and any(self._is_left(each) for each in self.lines)
        if lapses or is_left or (self.state == "active" and self.has_passed):
            yield Try("sweep", "", moves=False)
        if (order := self._due()) is not None:
            for outcome in OUTCOMES:
                yield Try(f"deliver {order.kind}", "", outcome, moves=False)
            if order.state in ON_THE_WAY or order.state == "sending":
                yield Try(f"deliver {order.kind}", "", "deaf", moves=False)

    def _requests(self, who: str) -> Iterator[Try]:
        state, worker = self.state, (who in OTHERS, "role")
        yield Try("submit", who, grounds=grounds(
            worker, (who not in OTHERS and who != self.requester, "person"),
            (state != "draft", "state"),
        ))  # fmt: skip
        junior = who not in OTHERS and who not in SENIORS
        is_not_theirs = junior and (who != self.requester or state == "failed")
        yield Try("cancel", who, grounds=grounds(
            worker, (is_not_theirs, "person"),
            (state not in ("draft", "submitted", "failed"), "state"),
        ))  # fmt: skip
        yield Try("triage", who, grounds=grounds(worker, (state != "submitted", "state")))
        yield Try("place", who, grounds=grounds(
            (who not in SENIORS, "role"), (not self.is_urgent, "rule: not urgent"),
            (state not in ("submitted", "in_review"), "state"),
        ))  # fmt: skip
        is_open = state in ("submitted", "in_review", "provisional")
        yield Try("cite", who, moves=False, grounds=grounds(
            worker, (not is_open or self.is_cited, "rule: nothing to cite"),
        ))  # fmt: skip

    def _decisions(self, who: str) -> Iterator[Try]:
        asked = is_one_of(who, requester=self.requester, edited=self.edited, holder=self.holder)
        decider = ((who not in COMPLIANCE, "role"), asked)
        lines = {each.state for each in self.lines}
        for what, wanted in (("approve", "in_review"), ("ratify", "provisional")):
            fits = self.state == wanted
            others = (
                *decider, (not fits, "state"),
                (fits and not self.is_cited, "rule: no evidence"),
                (fits and what == "ratify" and self.is_over, "state"),
                (fits and what == "ratify" and not lines & {"held", *ON_THE_WAY}, "rule: empty"),
            )  # fmt: skip
            yield Try(what, who, grounds=grounds(*others))
            yield Try(what, who, "old factor", grounds(*others, (True, "factor")))
            if fits:
                yield Try(what, who, "old content", grounds(*others, (True, "content")))
        late = self.state not in ("in_review", "provisional")
        refusal = (*decider, (late, "state"), (who in self.signed, "rule: signed"))
        yield Try("reject", who, grounds=grounds(*refusal))
        yield Try("reject", who, "old factor", grounds(*refusal, (True, "factor")))
        yield Try("execute", who, grounds=grounds(
            (who not in SENIORS, "role"), (self.state != "failed", "state"),
        ))  # fmt: skip

    def _afterwards(self, who: str) -> Iterator[Try]:
        stands, worker = self.state in STANDING, (who in OTHERS, "role")
        is_open = any(each.state == "requested" for each in self.extensions)
        yield Try("ask extension", who, moves=False, grounds=grounds(
            worker, (not stands, "state"), (stands and not self.has_end, "rule: no end"),
            (stands and self.has_end and is_open, "rule: open"),
        ))  # fmt: skip
        is_open = any(each.state in OPEN_RELEASE for each in self.releases)
        held = [each for each in self.lines if each.state == "held"]
        for how in ("half", "all", "too much"):
            if held or not stands:
                yield Try("ask release", who, how, moves=False, grounds=grounds(
                    worker, (not stands, "state"), (stands and is_open, "rule: open"),
                    (stands and how == "too much", "rule: too much"),
                ))  # fmt: skip
        for noun, rows in (("extension", self.extensions), ("release", self.releases)):
            if rows:
                yield from self._on(noun, rows[-1], who)

    def _on(self, noun: str, row: Asked, who: str) -> Iterator[Try]:
        stands = self.state in STANDING
        decider = ((who not in COMPLIANCE, "role"), is_one_of(who, requester=row.who))
        decided = (row.state != "requested", "state")
        approval = (*decider, decided, (row.state == "requested" and not stands, "state"))
        yield Try(f"approve {noun}", who, grounds=grounds(*approval))
        yield Try(f"approve {noun}", who, "old factor", grounds(*approval, (True, "factor")))
        if stands and row.state == "requested":
            yield Try(f"approve {noun}", who, "old content", grounds(*approval, (True, "content")))
        signed = (noun == "release" and who == row.signed, "rule: signed")
        refusal = (*decider, decided, signed)
        yield Try(f"reject {noun}", who, grounds=grounds(*refusal))
        yield Try(f"reject {noun}", who, "old factor", grounds(*refusal, (True, "factor")))

    # --- the calls ----------------------------------------------------------------------

    def call(self, a: Try) -> None:
        row = FreezeRequest.objects.get(pk=self.row.pk)
        if not a.who:
            self._call_clock(a, row)
            return
        by = self.people[a.who]
        by = old_factor(by) if a.how == "old factor" else by
        shown = "0" * 64 if a.how == "old content" else row.content_hash
        if a.what.endswith(("extension", "release")):
            self._call_afterwards(a, row, by)
        elif a.what in ("submit", "triage", "execute"):
            {"submit": submit_freeze, "triage": triage_freeze, "execute": execute_freeze}[a.what](
                row, by=by
            )
        elif a.what == "cite":
            cite_evidence(row, finding_id=self.finding.pk, by=by)
        elif a.what in ("approve", "ratify"):
            decide = approve_freeze if a.what == "approve" else ratify_freeze
            decide(row, content_hash=shown, reason="Y.", by=by)
        else:
            {"cancel": cancel_freeze, "place": place_provisional_freeze, "reject": reject_freeze}[
                a.what
            ](row, reason="So it is.", by=by)

    def _call_clock(self, a: Try, row: FreezeRequest) -> None:
        past = timezone.now() - timedelta(seconds=1)
        mine = FreezeRequest.objects.filter(pk=row.pk)
        if a.what == "let the window end":
            mine.update(provisional_until=past)
        elif a.what == "let the end pass":
            mine.update(expires_at=past)
        elif a.what == "sweep":
            lapse_provisional_freezes()
            flag_decisions_due()
            release_leftovers()
        else:
            self._deliver(a.how)

    def _deliver(self, how: str) -> None:
        order = self._due()
        assert order is not None
        row = self._orders()[self.orders.index(order)]
        OutboxMessage.objects.filter(pk=row.pk).update(not_before=None)
        if row.state == "sending":
            past = timezone.now() - timedelta(seconds=1)
            OutboxMessage.objects.filter(pk=row.pk).update(lease_until=past)
        self.exchange.is_deaf = how == "deaf"
        self.exchange.script = [how] if how != "deaf" else []
        try:
            outbox.send_outbox_message(row.pk, gateway=self.exchange)
        except Died:
            assert how.startswith("dies")
        self.exchange.script = []

    def _orders(self) -> list[OutboxMessage]:
        rows = OutboxMessage.objects.filter(line__freeze=self.row.pk)
        return list(rows.order_by("created_at", "pk"))

    def _call_afterwards(self, a: Try, row: FreezeRequest, by: Actor) -> None:
        if a.what == "ask extension":
            until = timezone.now() + timedelta(days=self.days + 30)
            request_extension(row, basis="internal_suspicion", until=until, reason="L.", by=by)
        elif a.what == "ask release":
            lines = {line.account.uid: line for line in row.lines.select_related("account")}
            amounts = {lines[uid].pk: amount for uid, amount in self._amounts(a.how).items()}
            request_release(row, amounts=amounts, reason="P.", by=by)
        elif a.what.endswith("extension"):
            extension = FreezeExtension.objects.select_related("freeze").latest("pk")
            shown = "0" * 64 if a.how == "old content" else extension.content_hash
            if a.what.startswith("approve"):
                approve_extension(extension, content_hash=shown, reason="Y.", by=by)
            else:
                reject_extension(extension, reason="N.", by=by)
        else:
            release = FreezeRelease.objects.select_related("freeze").latest("pk")
            shown = "0" * 64 if a.how == "old content" else release.content_hash
            if a.what.startswith("approve"):
                approve_release(release, content_hash=shown, reason="Y.", by=by)
            else:
                reject_release(release, reason="N.", by=by)

    def _amounts(self, how: str) -> dict[str, int]:
        held = [each for each in self.lines if each.state == "held"] or self.lines[:1]
        if how == "all":
            return {each.account: max(1, each.held) for each in held}
        wanted = held[0].held + 1 if how == "too much" else max(1, held[0].held // 2)
        return {held[0].account: wanted}

    # --- the model ----------------------------------------------------------------------

    def note(self, a: Try) -> None:
        if not a.who:
            self._note_clock(a)
            return
        if a.what in ("approve", "ratify", "reject"):
            self.signed.add(a.who)
        if a.what == "submit":
            self.state = "submitted"
        elif a.what == "cancel":
            self.state = "cancelled"
        elif a.what == "triage":
            self.state = "in_review"
        elif a.what == "place":
            self.state, self.holder = "provisional", a.who
            self._order_holds()
        elif a.what == "cite":
            self.is_cited, self.edited = True, a.who
        elif a.what in ("approve", "execute"):
            self.state, self.approver = "executing", self.approver or a.who
            self._order_holds()
        elif a.what == "ratify":
            self.state, self.approver = "active", a.who
        elif a.what == "reject":
            self.state = "rejected"
            self._order_leftovers()
        else:
            self._note_afterwards(a)

    def _note_clock(self, a: Try) -> None:
        if a.what == "let the window end":
            self.is_over = True
        elif a.what == "let the end pass":
            self.has_passed = True
        elif a.what == "sweep":
            if self.state == "provisional" and self.is_over:
                self.state = "lapsed"
                self._order_leftovers()
            if self.state == "active" and self.has_passed:
                self.state = "decision_due"
            if self.state in ENDED:
                self._order_leftovers()
        else:
            order = self._due()
            assert order is not None
            self._note_delivery(order, a.how)

    def _note_afterwards(self, a: Try) -> None:
        verb, noun = a.what.split(" ")
        rows = self.extensions if noun == "extension" else self.releases
        if verb == "ask":
            rows.append(Asked(a.who))
            if noun == "release":
                self.asked = self._amounts(a.how)
            return
        rows[-1].signed = a.who
        rows[-1].state = "approved" if verb == "approve" else "rejected"
        if verb == "approve" and noun == "extension":
            self.state, self.has_passed = "active", False
            self.days += 30
        elif verb == "approve":
            for line in self.lines:
                if line.account in self.asked:
                    self.orders.append(Order(line, "release", self.asked[line.account], rows[-1]))

    def _order_holds(self) -> None:
        for line in self.lines:
            if line.state in ("planned", "refused"):
                line.state = "sent"
                self.orders.append(Order(line, "hold", line.requested))

    def _order_leftovers(self) -> None:
        for line in filter(self._is_left, self.lines):
            self.orders.append(Order(line, "release", line.held))

    def _is_left(self, line: Line) -> bool:
        is_ordered = any(
            each.line is line and each.kind == "release" and each.state not in ANSWERED
            for each in self.orders
        )
        return line.state == "held" and line.held > 0 and not is_ordered

    def _due(self) -> Order | None:
        """The oldest order without an answer."""
        return next((each for each in self.orders if each.state not in ANSWERED), None)

    def _note_delivery(self, order: Order, how: str) -> None:
        if order.state == "sending":
            self._unknown(order)
        if order.state == "unknown":
            if how == "deaf":
                return
            if order.acted is not None:
                self._book(order)
                return
            order.state = "pending"
            if order.kind == "hold":
                order.line.state = "sent"
        if self._may_go_out(order):
            order.state = "sending"
            if how not in ("lost", "dies before"):
                order.acted = self._act(order, refuses=how == "refuse")
            if how.startswith("dies"):
                pass
            elif how in ("lost", "late"):
                self._unknown(order)
            else:
                self._book(order)
        else:
            self._refused(order)
        self._follow(order)

    def _may_go_out(self, order: Order) -> bool:
        if order.kind == "release":
            return True
        return bool(self.approver) or (self.state == "provisional" and not self.is_over)

    def _act(self, order: Order, *, refuses: bool) -> int | str:
        line = order.line
        have = line.free if order.kind == "hold" else line.truth
        done = 0 if refuses else min(order.amount, have)
        sign = 1 if order.kind == "hold" else -1
        line.free, line.truth = line.free - sign * done, line.truth + sign * done
        if refuses or (order.kind == "hold" and not done):
            return "refused"
        return done

    def _unknown(self, order: Order) -> None:
        order.state = "unknown"
        if order.kind == "hold":
            order.line.state = "unknown"
        self._follow(order)

    def _book(self, order: Order) -> None:
        line = order.line
        if order.acted == "refused":
            self._refused(order)
            return
        assert isinstance(order.acted, int)
        order.state = "confirmed"
        if order.kind == "hold":
            line.state, line.executed, line.released = "held", order.acted, 0
            self._settle()
        else:
            line.released += order.acted
            line.state = "held" if line.held else "released"
            self._close_if_empty()
        self._follow(order)

    def _refused(self, order: Order) -> None:
        order.state = "refused"
        if order.kind == "hold":
            order.line.state = "refused"
            self._settle()
        self._follow(order)

    def _settle(self) -> None:
        states = {each.state for each in self.lines}
        if self.state in ENDED:
            self._order_leftovers()
        elif states & {"planned", *ON_THE_WAY}:
            return
        elif self.state == "executing":
            self.state = "active" if "held" in states else "failed"
        else:
            self._close_if_empty()

    def _close_if_empty(self) -> None:
        is_empty = all(each.state in ("released", "refused") for each in self.lines)
        if self.state in STANDING and is_empty:
            self.state = "closed"

    def _follow(self, order: Order) -> None:
        if order.decision is None:
            return
        states = {each.state for each in self.orders if each.decision is order.decision}
        if "unknown" in states:
            order.decision.state = "unknown"
        elif states & {"pending", "sending"}:
            order.decision.state = "approved"
        else:
            order.decision.state = "failed" if "refused" in states else "executed"

    def compare(self) -> None:
        row = FreezeRequest.objects.get(pk=self.row.pk)
        number = {name: each.user_id for name, each in self.people.items()} | {"": None}
        same(
            (row.state, row.last_edited_by_id, row.provisional_by_id, row.approved_by_id),
            (self.state, number[self.edited], number[self.holder], number[self.approver]),
            "request",
        )
        same(
            [
                (each.state, int(each.executed), int(each.released))
                for each in row.lines.order_by("pk")
            ],
            [(each.state, each.executed, each.released) for each in self.lines],
            "lines",
        )
        for line in self.lines:
            same(self.exchange.held.get((line.account, BTC), 0), line.truth, "exchange")
        same(
            [(each.kind, each.state, each.payload["amount"]) for each in self._orders()],
            [(each.kind, each.state, str(each.amount)) for each in self.orders],
            "orders",
        )
        for rows, asked in ((row.extensions, self.extensions), (row.releases, self.releases)):
            states = list(rows.order_by("number").values_list("state", flat=True))
            same(states, [each.state for each in asked], "decisions")
