"""Webhooks: a row with the change, signed, sent again, given up, to the named hosts alone."""

import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.gateways.webhooks import WebhookFailed, send_webhook
from cases.models import AuditEvent, Webhook, WebhookDelivery
from cases.policy import PermissionDenied
from cases.services.errors import CaseworkError
from cases.services.findings import submit_finding
from cases.services.requests import (
    RequestSpec,
    announce_officers_acts,
    answer_agency,
    ask_agency,
    record_request,
    start_verification,
)
from cases.services.webhooks import (
    MOST_TRIES,
    add_webhook,
    announce,
    redeliver,
    renew_webhook,
    secret_of,
    send_due_deliveries,
    switch_webhook,
)
from cases.states import InvalidTransition
from cases.times import iso
from tests.casework import make_agency, make_case, make_finding, make_user, person
from tests.conftest import client_of

pytestmark = pytest.mark.django_db


@dataclass
class Host:
    """A receiver on loopback: what came, and what it answers next."""

    url: str
    status: int = 204
    came: list[tuple[str, bytes]] = field(default_factory=list)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Host]:
    host = Host("")

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            host.came.append((self.headers["Tracehold-Signature"], body))
            self.send_response(host.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nothing on the console."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    host.url = f"http://127.0.0.1:{server.server_port}/told"
    with override_settings(WEBHOOK_HOSTS=["127.0.0.1"]):
        yield host
    server.shutdown()
    server.server_close()


@pytest.fixture
def host(receiver: Host) -> Host:
    receiver.came.clear()
    receiver.status = 204
    return receiver


@pytest.fixture
def hook(host: Host) -> Webhook:
    return add_webhook("Core", host.url, ["freeze", "finding"])


def told(hook: Webhook) -> WebhookDelivery:
    announce("freeze", uuid4())
    return WebhookDelivery.objects.filter(webhook=hook).latest("created_at")


def wait_over(row: WebhookDelivery) -> None:
    WebhookDelivery.objects.filter(pk=row.pk).update(not_before=None)


def test_a_change_writes_its_row_and_the_host_learns_ids_alone(host: Host, hook: Webhook) -> None:
    analyst = person("analyst")
    finding = make_finding(make_case(analyst), analyst)
    WebhookDelivery.objects.all().delete()
    with transaction.atomic():
        submit_finding(finding, by=analyst)
        transaction.set_rollback(True)
    finding.refresh_from_db()
    assert not WebhookDelivery.objects.exists(), "no change, no row"
    submit_finding(finding, by=analyst)
    row = WebhookDelivery.objects.get()
    assert (send_due_deliveries(), send_due_deliveries()) == (1, 0)
    (signed, body), = host.came  # fmt: skip
    assert json.loads(body) == {
        "id": str(row.pk), "event": "finding.changed", "subject": str(finding.public_id),
        "at": iso(row.created_at),
    }  # fmt: skip
    at, mac = (part.partition("=")[2] for part in signed.split(","))
    mine = hmac.new(secret_of(hook).encode(), f"{at}.".encode() + body, hashlib.sha256)
    assert mac == mine.hexdigest()
    row.refresh_from_db()
    assert (row.state, row.status, row.num_tries) == ("delivered", 204, 1)


def test_what_is_not_taken_is_sent_again_later_and_at_last_given_up(
    host: Host, hook: Webhook
) -> None:
    row, host.status = told(hook), 302
    pauses = []
    for _number in range(MOST_TRIES):
        assert send_due_deliveries() == 1
        assert send_due_deliveries() == 0, "not before its pause is over"
        row.refresh_from_db()
        if row.not_before is not None:
            pauses.append(round((row.not_before - timezone.now()).total_seconds() / 30))
        wait_over(row)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 720]
    assert (row.state, row.error) == ("failed", "The host answers 302.")
    assert len(host.came) == MOST_TRIES
    assert len({body for _signed, body in host.came}) == 1


def test_a_silent_host_does_not_hold_up_the_others(host: Host, hook: Webhook) -> None:
    Webhook.objects.create(
        name="Gone", url="http://127.0.0.1:9/", events=["freeze"], added_at=timezone.now()
    )
    for _number in range(3):
        announce("freeze", uuid4())
    assert send_due_deliveries() == 4, "three to the one that answers, one to the silent one"
    assert len(host.came) == 3


def test_a_sender_that_died_leaves_its_row_to_the_next(host: Host, hook: Webhook) -> None:
    row = told(hook)
    WebhookDelivery.objects.filter(pk=row.pk).update(
        state="sending", lease_until=timezone.now() + timedelta(seconds=30), num_tries=1
    )
    assert send_due_deliveries() == 0
    WebhookDelivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert send_due_deliveries() == 1
    row.refresh_from_db()
    assert (row.state, row.num_tries) == ("delivered", 2)


def test_of_two_senders_at_once_the_row_itself_lets_one_take_it(host: Host, hook: Webhook) -> None:
    told(hook)
    with CaptureQueriesContext(connection) as queries:
        send_due_deliveries()
    take = next(each["sql"] for each in queries if each["sql"].startswith("UPDATE"))
    where = take.partition(" WHERE ")[2]
    # Inside a subquery over the same table PostgreSQL would not look at the state again after
    # waiting for the other sender.
    assert '_webhookdelivery" U0' not in where
    assert '_webhookdelivery"."state"' in where


def test_compliance_sends_one_again_under_the_same_id(host: Host, hook: Webhook) -> None:
    row, by = told(hook), person("compliance")
    with pytest.raises(InvalidTransition):
        redeliver(row, by=by)
    send_due_deliveries()
    with pytest.raises(PermissionDenied):
        redeliver(row, by=person("supervisor"))
    redeliver(row, by=by)
    send_due_deliveries()
    ids = [json.loads(body)["id"] for _signed, body in host.came]
    assert ids == [str(row.pk)] * 2
    assert AuditEvent.objects.filter(case=None, action="redeliver").count() == 1


def test_only_named_hosts_are_told(host: Host) -> None:
    for url, words in (
        ("https://elsewhere.example/", "FIU_WEBHOOK_HOSTS"),
        ("http://elsewhere.example/", "https://"),
        ("https://me:word@127.0.0.1/", "user"),
        ("https://127.0.0.1:port/", "cannot be read"),
        ("https://127.0.0.1/\r\nX: y", "cannot be read"),
    ):
        with pytest.raises(CaseworkError, match=words):
            add_webhook("Other", url, ["freeze"])
    with pytest.raises(CaseworkError, match="Choose events"):
        add_webhook("Other", host.url, ["report"])
    with (
        override_settings(WEBHOOK_HOSTS=[]),
        pytest.raises(WebhookFailed, match="FIU_WEBHOOK_HOSTS"),
    ):
        send_webhook(host.url, {}, b"s", 1)
    assert host.came == []


def test_a_webhook_is_switched_and_its_secret_renewed(hook: Webhook) -> None:
    before = secret_of(hook)
    assert secret_of(renew_webhook("Core")) != before
    switch_webhook("Core", is_on=False)
    announce("freeze", uuid4())
    assert not WebhookDelivery.objects.exists()
    with pytest.raises(CommandError, match="No webhook is called"):
        call_command("webhook", "off", "Nobody")


def test_a_delivery_stays_what_it_was_written_for(hook: Webhook) -> None:
    row = told(hook)
    for change in ({"subject": uuid4()}, {"event": "run"}, {"state": "delivered"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            WebhookDelivery.objects.filter(pk=row.pk).update(**change)


def test_the_page_lists_deliveries_and_sends_again(
    host: Host, hook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    row = told(hook)
    send_due_deliveries()
    client: Any = client_of(make_user("compliance"))
    page = client.get(reverse("webhook_list")).content.decode()
    assert str(row.pk) in page
    assert host.url in page
    client.post(reverse("delivery_redeliver", args=[row.pk]))
    row.refresh_from_db()
    assert row.state == "pending"
    call_command("webhook", "list", "--json")
    assert "secret" not in capsys.readouterr().out


def test_a_request_is_told_with_its_change_and_an_officers_act_a_little_later(host: Host) -> None:
    agency = make_agency()
    officer = person("liaison", agency=agency)
    spec = RequestSpec(
        agency_ref="file 7", instrument_type="court_order", instrument_number="1",
        issued_by="Court", issued_on=date(2026, 1, 5), legal_basis="Art. 230", offences="Fraud",
        identifiers="ab" * 32, datasets=("balances",), due_at=timezone.now() + timedelta(days=9),
    )  # fmt: skip
    assert announce_officers_acts() == 0  # nobody asked for it
    add_webhook("desk", host.url, ["request"])
    asked = record_request(spec, by=officer)
    assert not WebhookDelivery.objects.exists()
    assert (announce_officers_acts(), announce_officers_acts()) == (1, 0)
    start_verification(asked, by=person("analyst"))
    ask_agency(asked, text="Which year?", reason="Open.", by=person("analyst"))
    told = list(WebhookDelivery.objects.values_list("event", "subject"))
    assert told == [("request", asked.public_id)] * 3
    answer_agency(asked, text="2025", by=officer)
    assert (announce_officers_acts(), announce_officers_acts()) == (1, 0)
