"""An account is closed and its sessions end: at the next request, and in the audit trail."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from cases.models import AuditEvent
from cases.services.audit import verify_chains
from fiu import links
from fiu.models import User
from tests.casework import make_user
from tests.conftest import client_of

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> dict[str, object]:
    out = io.StringIO()
    call_command("close_account", *arguments, "--json", stdout=out)
    answer: dict[str, object] = json.loads(out.getvalue())
    return answer


def is_in(client: Client) -> bool:
    return client.get("/cases/").status_code == 200


def test_a_closed_account_is_out_with_the_next_request_and_stays_out() -> None:
    ana, other = make_user("analyst"), make_user("analyst")
    here, there, bystander = client_of(ana), client_of(ana), client_of(other)
    link = links.make_sign_in_link(ana, "")
    assert is_in(here)
    assert is_in(there)
    told = run(ana.username, "--reason", "Left the company.")
    assert told == {"name": ana.username, "closed": True, "num_sessions": 2}
    assert not is_in(here)
    assert not is_in(there)
    assert is_in(bystander)
    assert Client().post(link).status_code == 410
    event = AuditEvent.objects.get(case=None, action="close_account")
    assert (event.object, event.reason) == (f"user:{ana.pk}", "Left the company.")
    assert verify_chains().is_whole


def test_ended_sessions_leave_the_account_open() -> None:
    ana = make_user("analyst")
    client = client_of(ana)
    assert run(ana.username, "--sessions-only", "--reason", "A lost laptop.")["num_sessions"] == 1
    assert not is_in(client)
    assert is_in(client_of(ana))
    assert AuditEvent.objects.filter(case=None, action="end_sessions").count() == 1


def test_a_liaison_is_signed_out_of_the_other_door() -> None:
    officer = make_user("liaison")
    client = client_of(officer)
    assert client.get("/liaison/").status_code == 200
    run(officer.username, "--reason", "The agency says so.")
    assert client.get("/liaison/").status_code == 302


@pytest.mark.parametrize("wrong", ["nobody", "closed", "last admin", "no reason"])
def test_what_cannot_be_closed_is_refused_in_a_sentence(wrong: str) -> None:
    person = make_user("admin" if wrong == "last admin" else "analyst", is_active=wrong != "closed")
    name = "nobody" if wrong == "nobody" else person.username
    with pytest.raises(CommandError, match=r"\.$"):
        run(name, "--reason", " " if wrong == "no reason" else "Left.")
    assert not AuditEvent.objects.filter(case=None).exists()


def test_an_administrator_beside_another_is_closed() -> None:
    first, _second = make_user("admin"), make_user("admin")
    run(first.username, "--reason", "Left.")
    assert not User.objects.get(pk=first.pk).is_active
