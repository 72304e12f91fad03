"""The page for monitoring: right numbers, for who may scrape, and nothing of any case (P5, P6)."""

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from cases.models import OutboxMessage
from fiu import health, metrics
from tests.casework import make_user
from tests.conftest import client_of
from tests.integration.jobs.support import queued
from tests.integration.services.test_outbox import make_hold

pytestmark = pytest.mark.django_db
TOKEN = "of the tests, forty characters and a bit"
Numbers = dict[tuple[str, ...], float]


def scrape() -> Numbers:
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer["Content-Type"]) == (200, metrics.MEDIA_TYPE)
    return {
        (sample.name.removeprefix("tracehold_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_the_numbers_are_those_of_the_rows(settings: Settings) -> None:
    before = scrape()
    assert before["runs", "queued"] == before["orders", "unknown"] == 0
    assert before["order_wait_seconds",] == before["run_wait_seconds",] == 0
    queued()
    make_hold()
    (settings.FIU_HOME / "dispatcher.round").touch()
    after = scrape()
    assert (after["runs", "queued"], after["runs", "running"]) == (1, 0)
    assert after["orders", "pending"] == 1
    OutboxMessage.objects.update(state="sending", lease_until=timezone.now())
    assert scrape()["orders", "sending"] == 1
    ages = ("run_wait_seconds", "order_wait_seconds", "audit_event_age_seconds")
    assert all(0 <= after[name,] < 60 for name in (*ages, "dispatcher_age_seconds"))
    assert after["state_free_bytes",] > 0


def test_it_asks_little(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(5):
        list(metrics.samples())


def test_the_token_opens_it_and_no_session_does() -> None:
    assert client_of(make_user("admin")).get("/metrics").status_code == 404
    for wrong in (
        "",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        "Bearer \xe4",
    ):
        assert Client().get("/metrics", headers={"Authorization": wrong}).status_code == 404


def test_without_a_token_only_this_machine_reads_it(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert Client().get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="::1").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="192.0.2.7").get("/metrics").status_code == 404
    assert Client(REMOTE_ADDR="").get("/metrics").status_code == 404
    proxied = Client().get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"})
    assert proxied.status_code == 404


def test_the_liaison_process_has_no_such_page(settings: Settings) -> None:
    settings.FIU_DOOR = "liaison"
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 404


def test_health_says_so_when_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}

    class Away:
        def cursor(self) -> None:
            raise OperationalError("could not connect to db.internal")

    monkeypatch.setattr(health, "connection", Away())
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "database away"})
