"""People and casework for tests, made through the ordinary services wherever one exists."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from cases.models import (
    Asset,
    Balance,
    Case,
    DepositAddress,
    ExchangeAccount,
    Finding,
    Price,
    Suspect,
)
from cases.policy import Actor, Role
from cases.services.cases import open_case, start_case
from cases.services.findings import (
    AmountSpec,
    approve_finding,
    draft_finding,
    mark_seen,
    submit_finding,
)
from cases.services.suspects import add_suspect
from fiu.models import Agency, User
from tracing import leases
from tracing.models import TraceRun

BTC = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328/slip44:0"
USDT = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
LEDGER = "bitcoin-regtest"
_numbers = itertools.count(1)


def make_agency(**fields: Any) -> Agency:
    number = next(_numbers)
    values = {
        "name": f"Agency {number}",
        "short_name": f"AG{number}",
        "kind": "police",
        "country": "XX",
        "domain": f"agency{number}.example",
    }
    return Agency.objects.create(**(values | fields))


def make_user(role: str, **fields: Any) -> User:
    """A person of a role; liaisons get an agency."""
    number = next(_numbers)
    if role == "liaison" and "agency" not in fields:
        fields["agency"] = make_agency()
    values = {"username": f"{role}{number}", "email": f"{role}{number}@fiu.example"}
    return User.objects.create(role=role, **(values | fields))


def make_actor(user: User, *, mfa_age: timedelta | None = timedelta(0)) -> Actor:
    """The person as services know it, with a second factor `mfa_age` old."""
    return Actor(
        user_id=user.pk,
        role=Role(user.role),
        agency_id=user.agency_id,
        address="127.0.0.1",
        mfa_at=None if mfa_age is None else timezone.now() - mfa_age,
        may_view_reports=user.may_view_reports,
    )


def person(role: str, **fields: Any) -> Actor:
    """A new person of a role, with a fresh second factor."""
    return make_actor(make_user(role, **fields))


def stale(actor: Actor) -> Actor:
    """The same person with a second factor six minutes old."""
    return replace(actor, mfa_at=timezone.now() - timedelta(minutes=6))


def fresh(actor: Actor) -> Actor:
    """The same person after another look at the second factor."""
    return replace(actor, mfa_at=timezone.now())


def make_case(by: Actor | None = None, *, started: bool = False, **fields: Any) -> Case:
    by = by or person("analyst")
    values = {"title": "Lanternbox", "case_type": "darknet", "priority": "P2"}
    case = open_case(**(values | fields), by=by)
    return start_case(case, by=by) if started else case


def make_suspect(case: Case, by: Actor, name: str = "OP-1") -> Suspect:
    return add_suspect(
        case, kind="persona", standing="suspect", role="administrator",
        names=[("ALIA", name)], by=by,
    )  # fmt: skip


def make_asset(asset: str = BTC, symbol: str = "BTC", decimals: int = 8) -> Asset:
    return Asset.objects.get_or_create(
        asset=asset, defaults={"symbol": symbol, "decimals": decimals}
    )[0]


def make_account(uid: str = "", **fields: Any) -> ExchangeAccount:
    number = next(_numbers)
    values = {
        "uid": uid or f"1000{number:04d}",
        "customer": f"C{number}",
        "holder_name": f"Holder {number}",
        "country": "XX",
        "kyc_level": "full",
    }
    return ExchangeAccount.objects.create(**(values | fields))


def make_balance(account: ExchangeAccount, base: int, asset: str = BTC) -> Balance:
    make_asset(asset)
    return Balance.objects.create(account=account, asset_id=asset, base=base, at=timezone.now())


def make_price(asset: str = BTC, price: str = "100000", currency: str = "USD") -> Price:
    make_asset(asset)
    return Price.objects.create(
        asset_id=asset, currency=currency, price=price, at=timezone.now(), source="Test market"
    )


def make_deposit_address(
    account: ExchangeAccount,
    address: str,
    *,
    ledger: str = LEDGER,
    start: datetime = datetime(2020, 1, 1, tzinfo=UTC),
    end: datetime | None = None,
) -> DepositAddress:
    return DepositAddress.objects.create(
        ledger=ledger, address=address, account=account, assigned_from_at=start, assigned_to_at=end
    )


def finding_fields(**fields: Any) -> dict[str, Any]:
    """The arguments of draft_finding, with anything replaced."""
    return {
        "kind": "exposure",
        "severity": "high",
        "statement": "OP-1 received 8.60 BTC; of the traced origin low 6.20, FIFO 8.20, high 8.60.",
        "tier": 2,
        "confidence": 80,
        "confidence_reason": "Sealed run.",
        "assumptions": "FIFO.",
        "alternatives": "Sale of goods.",
        "amounts": [AmountSpec(BTC, 860_000_000, 820_180_000, 620_000_000, 860_000_000)],
        "counter_evidence": [("commingling", "Low is below high.")],
    } | fields


def make_finding(case: Case, by: Actor, **fields: Any) -> Finding:
    return draft_finding(case, **finding_fields(**fields), by=by)


def see_all(finding: Finding, by: Actor) -> None:
    for evidence in finding.counter_evidence.all():
        mark_seen(evidence.pk, finding=finding, by=by)


def approve(finding: Finding, by: Actor) -> Finding:
    """Submitted to approved by `by`, with all counter-evidence seen."""
    see_all(finding, by)
    return approve_finding(finding, content_hash=finding.content_hash, reason="Checked.", by=by)


def make_approved_finding(
    case: Case, by: Actor, reviewer: Actor | None = None, **fields: Any
) -> Finding:
    finding = submit_finding(make_finding(case, by, **fields), by=by)
    return approve(finding, reviewer or person("supervisor"))


def end(
    outpoint: str,
    address: str,
    *,
    value: int,
    amount: int | None = None,
    low: int | None = None,
    high: int | None = None,
    status: str = "exchange_boundary",
    at: str = "2025-01-06T00:10:00Z",
) -> dict[str, Any]:
    """One end of a trace result, as the engine writes it."""
    return {
        "outpoint": outpoint,
        "txid": outpoint.split(":")[0],
        "vout": int(outpoint.split(":")[1]),
        "address": address,
        "amount": str(value if amount is None else amount),
        "value": str(value),
        "status": status,
        "hops": 2,
        "low": str(value if low is None else low),
        "high": str(value if high is None else high),
        "height": 18_000,
        "at": at,
    }


def trace_result(ends: Iterable[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """A trace result with these ends and only what casework reads of it."""
    return {
        "seal": {
            "snapshot": {
                "ledger": LEDGER,
                "chain": BTC.split("/")[0],
                "height": 18_200,
                "block_hash": "00" * 32,
                "epoch": 1,
            },
            "result_sha256": "ab" * 32,
        },
        "policy": "fifo",
        "direction": "forward",
        "conserved": True,
        "ends": list(ends),
        "possible": [],
        "steps": [],
    } | fields


def finish_run(run: UUID, result: dict[str, Any]) -> None:
    """End a queued run as a worker does, with this result."""
    held = leases.claim(TraceRun.objects.get(public_id=run).pk, "test")
    assert held is not None
    leases.finish(held, result, {})
