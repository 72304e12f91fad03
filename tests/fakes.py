"""Stand-ins that satisfy the same protocols as the real thing."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone

from cases.gateways.exchange import (
    CoreBalance,
    ExchangeGateway,
    GatewayRefused,
    GatewayTimeout,
    Receipt,
    ReceiptPart,
    Refusal,
)

_references = itertools.count(1)


@dataclass
class FakeExchange:
    """An exchange in memory: acts once per key, and can lose a question or its answer.

    `script` says what happens to the next calls: "ok", "lost" (never arrived), "late" (executed,
    but the answer got lost), "refuse". An empty script means "ok".
    """

    free: dict[tuple[str, str], int] = field(default_factory=dict)
    stopped: dict[tuple[str, str], int] = field(default_factory=dict)  # pending withdrawals
    held: dict[tuple[str, str], int] = field(default_factory=dict)
    seized: dict[tuple[str, str], int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)  # by address
    script: list[str] = field(default_factory=list)
    is_deaf: bool = False  # no answer even to questions by key
    calls: list[tuple[str, UUID, str]] = field(default_factory=list)
    answers: dict[UUID, Receipt | Refusal] = field(default_factory=dict)
    now: Callable[[], datetime] = timezone.now
    depth: int = 0  # savepoints that the test itself stands in

    def freeze(
        self, key: UUID, account: str, asset: str, amount: int | None, reference: str
    ) -> Receipt:
        return self._once("freeze", key, account, asset, amount, reference)

    def release(
        self, key: UUID, account: str, asset: str, amount: int | None, reference: str
    ) -> Receipt:
        return self._once("release", key, account, asset, amount, reference)

    def seize(
        self, key: UUID, account: str, asset: str, amount: int | None, reference: str
    ) -> Receipt:
        return self._once("seizure", key, account, asset, amount, reference)

    def transfer(
        self,
        key: UUID,
        account: str,
        asset: str,
        amount: int | None,
        reference: str,
        destination: str,
    ) -> Receipt:
        before = self.seized.get((account, asset), 0)
        try:
            return self._once("transfer", key, account, asset, amount, reference)
        finally:
            moved = before - self.seized.get((account, asset), 0)
            self.gone[destination] = self.gone.get(destination, 0) + moved

    def find(self, key: UUID) -> Receipt | Refusal | None:
        self._outside_transactions()
        if self.is_deaf:
            raise GatewayTimeout("deaf")
        return self.answers.get(key)

    def balances(self, account: str) -> list[CoreBalance]:
        return [
            CoreBalance(asset, free, self.held.get((owner, asset), 0))
            for (owner, asset), free in sorted(self.free.items())
            if owner == account
        ]

    def _outside_transactions(self) -> None:
        """A call inside a transaction would hold its locks while the exchange thinks."""
        assert len(connection.savepoint_ids) <= self.depth, "called inside a transaction"

    def _once(
        self, kind: str, key: UUID, account: str, asset: str, amount: int | None, reference: str
    ) -> Receipt:
        self._outside_transactions()
        self.calls.append((kind, key, f"{account} {asset} {amount} {reference}"))
        what = self.script.pop(0) if self.script else "ok"
        if what == "lost":
            raise GatewayTimeout("lost")
        if key not in self.answers:
            self.answers[key] = (
                Refusal("account_closed")
                if what == "refuse"
                else self._move(kind, (account, asset), amount)
            )
        if what == "late":
            raise GatewayTimeout("late")
        answer = self.answers[key]
        if isinstance(answer, Refusal):
            raise GatewayRefused(answer.reason)
        return answer

    def _move(self, kind: str, at: tuple[str, str], amount: int | None) -> Receipt | Refusal:
        number = next(_references)
        if kind in ("seizure", "transfer"):
            store = self.held if kind == "seizure" else self.seized
            done = min(store.get(at, 0), store.get(at, 0) if amount is None else amount)
            if not done:
                return Refusal("nothing_there")
            store[at] -= done
            if kind == "transfer":
                return Receipt(f"T-{number}", done, self.now(), txid=f"{number:064x}")
            self.seized[at] = self.seized.get(at, 0) + done
            return Receipt(f"S-{number}", done, self.now())
        if kind == "release":
            done = min(self.held.get(at, 0), self.held.get(at, 0) if amount is None else amount)
            self.held[at] = self.held.get(at, 0) - done
            self.free[at] = self.free.get(at, 0) + done
            return Receipt(f"L-{number}", done, self.now())
        wanted = self.free.get(at, 0) + self.stopped.get(at, 0) if amount is None else amount
        parts = []
        for source, store in (("balance", self.free), ("withdrawal", self.stopped)):
            took = min(store.get(at, 0), wanted - sum(part.base for part in parts))
            if took:
                store[at] -= took
                parts.append(ReceiptPart(f"H-{number}-{source}", source, took))
        done = sum(part.base for part in parts)
        if not done:
            return Refusal("nothing_there")
        self.held[at] = self.held.get(at, 0) + done
        return Receipt(f"H-{number}", done, self.now(), tuple(parts))


_: type[ExchangeGateway] = FakeExchange  # the same protocol, checked by mypy
