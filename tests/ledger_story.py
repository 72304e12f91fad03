"""A freeze ledger from its approval to the transfer out, whose worker dies at a statement.

Played by tests/integration/services/test_ledger_faults.py; `python -m tests.ledger_trial` plays a
death at every statement on both databases.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cases.models import FreezeLine, OutboxMessage, Seizure
from cases.services import outbox
from cases.services.freezes import (
    LineSpec,
    approve_freeze,
    approve_release,
    approve_seizure,
    confirm_destination,
    content_hash_of,
    request_freeze,
    request_release,
    request_seizure,
    submit_freeze,
    transfer_seizure,
    triage_freeze,
)
from cases.services.instruments import record_instrument, verify_instrument
from cases.services.ledger import out_of_balance
from tests.casework import (
    BTC,
    USDT,
    make_account,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    make_price,
    person,
)
from tests.fakes import FakeExchange

ASKED, FREE, USDT_ASKED = 300_000_001, 299_999_999, 5_000_003  # the first is filled in part
RELEASED, SEIZED = 100_000_007, 50_000_011
FAULTS = ("ok", "ok", "lost", "late")
ROUNDS = 12  # of sending again; a fault ends in one or two
LAST = 240  # statement to die at: 156 come in every story, and one in three is as long as this
TELLINGS = 50  # of a story until it is long enough to die where it should


class Dead(BaseException):
    """The worker is gone at this statement."""


@dataclass
class Death:
    """At which statement of all those sent while orders go out; how many there were."""

    at: int
    num: int = 0
    has_come: bool = False

    @contextmanager
    def watching(self, connection: Any) -> Iterator[None]:
        def each(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                self.num += 1
                if self.num == self.at:
                    self.has_come = True
                    raise Dead
            return execute(sql, *rest)

        with connection.execute_wrapper(each):
            yield


@dataclass
class Story:
    """One freeze from its approval to the end, sent out by a worker that may die once."""

    death: Death
    rng: random.Random
    books: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def play(self) -> "Story":
        """The whole story. Raises AssertionError where a book does not stand."""
        self._ask_and_approve()
        self._send()
        assert self.freeze.state == "active", self.freeze.state
        release = request_release(
            self.freeze, amounts={self._line(BTC).pk: RELEASED}, reason="R.", by=self.analyst
        )
        shown = release.content_hash
        approve_release(release, content_hash=shown, reason="Y.", by=self.compliance)
        self._send()
        self._seize()
        self._send()
        seizure = Seizure.objects.get(freeze=self.freeze)
        assert seizure.state == "transferred", seizure.state
        self._compare(is_over=True)
        return self

    def _ask_and_approve(self) -> None:
        make_asset()
        make_asset(USDT, "USDT", 6)
        make_price(BTC, "100000")
        make_price(USDT, "1")
        self.analyst, self.compliance = person("analyst"), person("compliance")
        self.supervisor = person("supervisor")
        self.case, self.account = make_case(self.analyst), make_account()
        finding = make_approved_finding(self.case, self.analyst)
        self.freeze = request_freeze(
            self.case, legal_basis="internal_suspicion", restriction="all", urgency="routine",
            agency_id=None, reason="P.", expires_at=timezone.now() + timedelta(days=90),
            lines=[
                LineSpec(self.account.pk, BTC, ASKED, finding.pk),
                LineSpec(self.account.pk, USDT, USDT_ASKED, finding.pk),
            ],
            by=self.analyst,
        )  # fmt: skip
        submit_freeze(self.freeze, by=self.analyst)
        triage_freeze(self.freeze, by=self.analyst)
        self.exchange = FakeExchange(
            free={(self.account.uid, BTC): FREE, (self.account.uid, USDT): USDT_ASKED},
            depth=len(connection.savepoint_ids),
        )
        approve_freeze(
            self.freeze, content_hash=content_hash_of(self.freeze), reason="Y.", by=self.compliance
        )

    def _seize(self) -> None:
        paper = record_instrument(
            self.case, type="court_order", number="C-1", agency_id=None, issued_by="Court",
            issued_on=date(2025, 1, 1), valid_until=None, jurisdiction="XX", document=None,
            by=self.analyst,
        )  # fmt: skip
        verify_instrument(paper, by=self.supervisor)
        seizure = request_seizure(
            self.freeze, amounts={self._line(BTC).pk: SEIZED}, agency_id=make_agency().pk,
            destination="bcrt1qauthority0000000000000000000000000000", instrument_id=paper.pk,
            reason="Order.", by=self.analyst,
        )  # fmt: skip
        confirm_destination(seizure, reason="Called.", by=self.supervisor)
        shown = seizure.content_hash
        approve_seizure(seizure, content_hash=shown, reason="Y.", by=self.supervisor)
        approve_seizure(seizure, content_hash=shown, reason="Y.", by=self.compliance)
        self._send()
        seizure.refresh_from_db()
        assert seizure.state == "seized", seizure.state
        transfer_seizure(seizure, content_hash=shown, reason="Now.", by=self.compliance)

    def _send(self) -> None:
        """Send until every order is answered, with the faults of the seed and at most one death."""
        for _ in range(ROUNDS):
            past = timezone.now() - timedelta(seconds=1)
            OutboxMessage.objects.filter(not_before__isnull=False).update(not_before=None)
            OutboxMessage.objects.filter(state="sending").update(lease_until=past)
            waiting = OutboxMessage.objects.exclude(state__in=("confirmed", "refused"))
            if not waiting.exists():
                break
            self.exchange.script = [self.rng.choice(FAULTS) for _ in range(waiting.count())]
            try:
                with self.death.watching(connection):
                    outbox.send_due_messages(self.exchange)
            except Dead:
                pass
            self._compare()
        else:
            raise AssertionError("an order was never answered")
        self.freeze.refresh_from_db()

    def _line(self, asset: str) -> FreezeLine:
        return self.freeze.lines.get(asset_id=asset)

    def _compare(self, *, is_over: bool = False) -> None:
        """Ours is never ahead of the exchange's, and equal to it once everything is answered."""
        assert out_of_balance() == []
        for asset in (BTC, USDT):
            line, at = self._line(asset), (self.account.uid, asset)
            ours = tuple(
                int(getattr(line, name)) for name in ("executed", "released", "seized", "held")
            )
            held, seized = self.exchange.held.get(at, 0), self.exchange.seized.get(at, 0)
            gone = sum(self.exchange.gone.values()) if asset == BTC else 0
            assert ours[0] == ours[1] + ours[2] + ours[3]
            self.books[asset] = (*ours, int(line.transferred), held, seized, gone)
            if is_over:
                assert (ours[3], ours[2] - int(line.transferred)) == (held, seized), self.books


def play_all(seed: int, every: int, offset: int = 1) -> int:
    """Stories with a death at every `every`-th of LAST statements; returns how many died.

    How many a story has hangs on its faults: one that was over before its death is told again with
    others.

    Raises AssertionError where the books of one are not those of a story without a fault.
    """
    whole = _one(Death(0), random.Random(0), calm=True)
    places = range(offset, LAST + 1, every)
    for k in places:
        for told in range(TELLINGS):
            death = Death(k)
            story = _one(death, random.Random(f"{seed}:{k}:{told}"))
            assert story.books == whole.books, f"dead at {k}: {story.books}, not {whole.books}"
            if death.has_come:
                break
        else:
            raise AssertionError(f"no story has {k} statements")
    return len(places)


def _one(death: Death, rng: random.Random, *, calm: bool = False) -> Story:
    story = Story(death, rng)
    if calm:
        story.rng = _Calm()
    try:
        with transaction.atomic():
            story.play()
            raise _Undone
    except _Undone:
        return story


class _Undone(Exception):
    """Nothing of a story stays."""


class _Calm(random.Random):
    def choice(self, seq: Any) -> Any:
        return "ok"
