"""A webhook's delivery: sent by workers that die, to a host that answers, refuses or keeps silent.

What a worker writes counts only while nobody took the row after it.
"""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cases.gateways.webhooks import WebhookFailed
from cases.models import Webhook, WebhookDelivery
from cases.services import webhooks
from cases.services.webhooks import MOST_TRIES, redeliver, send_due_deliveries, switch_webhook
from tests.machines.walk import COMPLIANCE, OTHERS, WORKERS, Try, Walk, cast, grounds, same

NUMBERS = itertools.count(1)


class Died(BaseException):
    """The worker is gone: nothing after the call is written."""


class DeliveryWalk(Walk):
    table = "cases_webhookdelivery"
    moves = {
        ("send", "pending"), ("send", "sending"), ("look", "pending"), ("look", "sending"),
        ("look", "delivered"), ("time passes", "pending"), ("time passes", "sending"),
        ("stop", "pending"), ("start", "pending"), ("redeliver", "delivered"),
        ("redeliver", "failed"),
    }  # fmt: skip
    refusals = {
        ("redeliver", "state"),
        ("redeliver", "supervisor"),
        ("redeliver", "analyst"),
        ("redeliver", "auditor"),
    }

    @classmethod
    def prepare(cls) -> None:
        cls.people = cast()

    def begin(self, choice: int) -> None:
        now = timezone.now()
        self.hook = Webhook.objects.create(
            name=f"Core {next(NUMBERS)}", url="https://core.example/", events=["freeze"],
            added_at=now,
        )  # fmt: skip
        # Of a row that was tried often already, the next silence is the last one.
        self.num_tries = (0, MOST_TRIES - 2, MOST_TRIES - 1)[choice % 3]
        self.row = WebhookDelivery.objects.create(
            webhook=self.hook, event="freeze", subject=uuid4(), created_at=now,
            num_tries=self.num_tries,
        )  # fmt: skip
        self.state, self.is_on, self.waits = "pending", True, False

    def tries(self) -> Iterator[Try]:
        if self.is_on and self.state in ("pending", "sending") and not self.waits:
            for how in ("answers", "refuses", "dies", "is overtaken"):
                yield Try("send", "", how, moves=False)
        else:
            yield Try("look", "", moves=False)
        if self.waits:
            yield Try("time passes", "", moves=False)
        yield Try("stop" if self.is_on else "start", "", moves=False)
        for who in (*WORKERS, *OTHERS):
            yield Try("redeliver", who, grounds=grounds(
                (who not in COMPLIANCE, "role"),
                (self.state not in ("delivered", "failed"), "state"),
            ))  # fmt: skip

    def call(self, a: Try) -> None:
        match a.what:
            case "send":
                self._send(a.how)
            case "look":
                assert send_due_deliveries() == 0
            case "time passes":
                self._let_time_pass()
            case "stop" | "start":
                switch_webhook(self.hook.name, is_on=a.what == "start")
            case _:
                redeliver(WebhookDelivery.objects.get(pk=self.row.pk), by=self.people[a.who])

    def _let_time_pass(self) -> None:
        past = timezone.now() - timedelta(seconds=1)
        rows = WebhookDelivery.objects.filter(pk=self.row.pk)
        rows.filter(state="sending").update(lease_until=past)
        rows.filter(state="pending").update(not_before=past)

    def _send(self, how: str) -> None:
        """The worker's call to the host; while one is overtaken another one hears a refusal."""
        told: list[str] = []

        def host(_url: str, said: dict[str, Any], *_signed: object) -> int:
            told.append(said["id"])
            if how == "is overtaken" and len(told) == 1:
                self._let_time_pass()
                assert send_due_deliveries() == 1
                return 204
            if how == "dies":
                raise Died
            if how != "answers":
                raise WebhookFailed("It says no.", 503)
            return 204

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(webhooks, "send_webhook", host)
            try:
                assert send_due_deliveries() == 1
            except Died:
                assert how == "dies"
        same(set(told), {str(self.row.pk)}, "what was told")

    def note(self, a: Try) -> None:
        if a.what == "send":
            self.num_tries += 2 if a.how == "is overtaken" else 1
            is_last = self.num_tries >= MOST_TRIES
            refused = "failed" if is_last else "pending"
            self.state = {"answers": "delivered", "dies": "sending"}.get(a.how, refused)
            self.waits = self.state in ("pending", "sending")
        elif a.what == "time passes":
            self.waits = False
        elif a.what == "redeliver":
            self.state, self.num_tries, self.waits = "pending", 0, False
        elif a.what in ("stop", "start"):
            self.is_on = a.what == "start"

    def compare(self) -> None:
        row = WebhookDelivery.objects.get(pk=self.row.pk)
        same(row.state, self.state, self.table)
        same(row.num_tries, self.num_tries, "tries")
        same(row.delivered_at is not None, self.state == "delivered", "delivered")
        same(row.lease_until is not None, self.state == "sending", "lease")
        ahead = row.lease_until or row.not_before
        same(ahead is not None and ahead > timezone.now(), self.waits, "waits")
