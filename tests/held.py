"""A freeze that stands, for tests of what comes after: extensions, releases, screens, totals."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from cases.models import Case, FreezeLine, FreezeRelease, FreezeRequest, OutboxMessage
from cases.policy import Actor
from cases.services import outbox
from cases.services.freezes import (
    LineSpec,
    approve_freeze,
    approve_release,
    content_hash_of,
    request_freeze,
    request_release,
    submit_freeze,
    triage_freeze,
)
from tests.casework import (
    BTC,
    USDT,
    make_account,
    make_approved_finding,
    make_asset,
    make_case,
    make_price,
    person,
)
from tests.fakes import FakeExchange


@dataclass
class Held:
    """A freeze in force over two lines: 3 BTC and 5 USDT."""

    analyst: Actor
    compliance: Actor
    case: Case
    freeze: FreezeRequest
    exchange: FakeExchange

    def send(self) -> None:
        OutboxMessage.objects.update(not_before=None)
        outbox.send_due_messages(self.exchange)
        self.freeze.refresh_from_db()

    def line(self, asset: str = BTC) -> FreezeLine:
        return self.freeze.lines.get(asset_id=asset)

    def ask(self, amount: int = 100_000_000, asset: str = BTC, **fields: Any) -> FreezeRelease:
        values = {"amounts": {self.line(asset).pk: amount}, "reason": "Order HDIB-7."}
        return request_release(self.freeze, **(values | fields), by=self.analyst)

    def approve(self, release: FreezeRelease, by: Actor | None = None) -> FreezeRelease:
        return approve_release(
            release, content_hash=release.content_hash, reason="Proven.", by=by or self.compliance
        )


def make_held(uid: str = "77001234") -> Held:
    """A freeze in force, of the ordinary services and the fake exchange."""
    make_asset()
    make_asset(USDT, "USDT", 6)
    make_price(BTC, "100000")
    make_price(USDT, "1")
    analyst, compliance = person("analyst"), person("compliance")
    case, account = make_case(analyst), make_account(uid)
    finding = make_approved_finding(case, analyst)
    freeze = request_freeze(
        case, legal_basis="internal_suspicion", restriction="all", urgency="routine",
        agency_id=None, reason="Proceeds.", expires_at=timezone.now() + timedelta(days=90),
        lines=[
            LineSpec(account.pk, BTC, 300_000_000, finding.pk),
            LineSpec(account.pk, USDT, 5_000_000, finding.pk),
        ],
        by=analyst,
    )  # fmt: skip
    submit_freeze(freeze, by=analyst)
    triage_freeze(freeze, by=analyst)
    approve_freeze(freeze, content_hash=content_hash_of(freeze), reason="Yes.", by=compliance)
    exchange = FakeExchange(free={(account.uid, BTC): 500_000_000, (account.uid, USDT): 7_000_000})
    made = Held(analyst, compliance, case, freeze, exchange)
    made.send()
    assert made.freeze.state == "active"
    return made
