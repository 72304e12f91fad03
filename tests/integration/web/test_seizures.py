"""A seizure on its pages: asked for, called back about, two keys, sent, and in the inbox."""

from typing import Any

import pytest
from django.urls import reverse

from cases.models import Seizure
from cases.queries import inbox as queries
from fiu.models import User
from tests.casework import make_actor, make_agency, make_user
from tests.conftest import client_of
from tests.held import make_held
from tests.integration.services.test_seizures import ADDRESS, order_of

pytestmark = pytest.mark.django_db


def test_a_seizure_walks_through_its_pages() -> None:
    held = make_held()
    analyst, boss = User.objects.get(pk=held.analyst.user_id), make_user("supervisor")
    head = User.objects.get(pk=held.compliance.user_id)
    line = held.line()
    asked = client_of(analyst).post(
        reverse("freeze_seize", args=[held.freeze.public_id]),
        {f"amount_{line.pk}": "1.5", "instrument": order_of(held).pk,
         "agency": make_agency(name="Federal Desk").pk, "destination": ADDRESS, "reason": "C-1."},
    )  # fmt: skip
    assert asked.status_code == 302
    seizure = Seizure.objects.get()
    assert seizure.lines.get().amount == 150_000_000

    def waits(user: User) -> list[str]:
        rows = queries.inbox(make_actor(user), "seizure")
        return [row.words for row in rows]

    assert waits(boss) == waits(head) == ["Call the authority back about its address"]
    assert waits(analyst) == []
    page = client_of(analyst).get(reverse("freeze_detail", args=[held.freeze.public_id]))
    assert "Waits for two keys" in page.content.decode()

    def act(user: User, name: str, **fields: Any) -> int:
        values = {"reason": "Desk.", "confirm": "1234", "content_hash": seizure.content_hash}
        address = reverse(f"seizure_{name}", args=[seizure.public_id])
        return client_of(user).post(address, values | fields).status_code

    assert act(boss, "approve") == 422  # nobody called back
    assert act(boss, "confirm") == 302
    assert act(boss, "approve", confirm="9999") == 422
    assert act(boss, "approve") == 302
    assert waits(boss) == []
    assert waits(head) == ["Turn a key for this seizure"]
    assert act(head, "approve") == 302
    held.send()
    assert waits(head) == ["Send what was seized to the authority"]
    assert act(head, "transfer") == 302
    held.send()
    shown = client_of(analyst).get(reverse("freeze_line", args=[line.public_id])).content.decode()
    assert "Sent to the authority" in shown
    register = client_of(analyst).get(reverse("freeze_register")).content.decode()
    assert "sent out" in register
