"""Suspects, their names and accounts, and the look behind an account."""

from typing import Any

import pytest

from cases.models import ReadEvent, Suspect
from cases.policy import SYSTEM, PermissionDenied
from cases.services.audit import verify_chains
from cases.services.errors import CaseworkError, NotFound
from cases.services.suspects import add_name, add_suspect, link_account, reveal_customer
from tests.casework import make_account, make_case, make_suspect, person

pytestmark = pytest.mark.django_db
FIELDS: dict[str, Any] = {
    "kind": "persona", "standing": "suspect", "role": "administrator",
    "names": [("ALIA", "Obelisk"), ("LEGL", "Ada Example")],
}  # fmt: skip


def test_a_suspect_has_number_and_names_and_none_of_them_in_the_chain() -> None:
    by = person("analyst")
    case = make_case(by)
    suspect = add_suspect(case, **FIELDS, by=by)
    assert suspect.reference.startswith("SUSP-")
    assert [name.full for name in suspect.names.order_by("pk")] == ["Obelisk", "Ada Example"]
    add_name(suspect, "BIRT", "Ada Earlier", by=by)
    chain = "".join(event.data for event in case.events.all())
    assert "Ada" not in chain
    assert "Obelisk" not in chain
    assert verify_chains().is_whole


@pytest.mark.parametrize(
    "wrong",
    [{"names": []}, {"names": [("ALIA", " ")]}, {"kind": "x"}, {"standing": "x"}, {"role": "x"},
     {"names": [("XXXX", "Ada")]}, {"names": [("ALIA", "Ada"), ("LEGL", "Ada")]},
     {"names": [("ALIA", "x" * 151)]}],
)  # fmt: skip
def test_wrong_fields_are_refused(wrong: dict[str, Any]) -> None:
    by = person("analyst")
    with pytest.raises(CaseworkError):
        add_suspect(make_case(by), **(FIELDS | wrong), by=by)
    assert not Suspect.objects.exists()


@pytest.mark.parametrize("role", ["auditor", "admin", "liaison"])
def test_a_wrong_role_adds_and_sees_nothing(role: str) -> None:
    by, other = person("analyst"), person(role)
    case = make_case(by)
    suspect = make_suspect(case, by)
    account = make_account()
    link_account(suspect, account.uid, "Own statement.", by=by)
    with pytest.raises(PermissionDenied):
        add_suspect(case, **FIELDS, by=other)
    with pytest.raises(PermissionDenied):
        add_name(suspect, "ALIA", "x", by=other)
    with pytest.raises(PermissionDenied):
        link_account(suspect, account.uid, "x", by=other)
    with pytest.raises(PermissionDenied):
        reveal_customer(case, account, "x", by=other)
    with pytest.raises(PermissionDenied):
        reveal_customer(case, account, "x", by=SYSTEM)


def test_a_name_or_an_account_comes_once() -> None:
    by = person("analyst")
    suspect = make_suspect(make_case(by), by)
    account = make_account()
    link_account(suspect, f" {account.uid} ", "Same device.", by=by)
    with pytest.raises(CaseworkError):
        link_account(suspect, account.uid, "Same device.", by=by)
    with pytest.raises(CaseworkError):
        add_name(suspect, "ALIA", " OP-1 ", by=by)


def test_an_unknown_account_is_not_linked() -> None:
    by = person("analyst")
    with pytest.raises(NotFound):
        link_account(make_suspect(make_case(by), by), "404", "x", by=by)


def test_a_look_behind_an_account_is_kept_with_its_purpose() -> None:
    by = person("analyst")
    case = make_case(by)
    account = make_account(holder_name="Ada Example")
    link_account(make_suspect(case, by), account.uid, "Same device.", by=by)
    customer = reveal_customer(case, account, "Freeze request of 3 May", by=by)
    assert customer.holder_name == "Ada Example"
    look = ReadEvent.objects.get()
    assert (look.purpose, look.actor_id) == ("Freeze request of 3 May", by.user_id)
    assert look.object == f"account:{account.public_id}"


def test_nobody_looks_without_a_purpose_or_outside_the_case() -> None:
    by = person("analyst")
    case = make_case(by)
    account = make_account()
    with pytest.raises(NotFound):
        reveal_customer(case, account, "Curious", by=by)
    link_account(make_suspect(case, by), account.uid, "Same device.", by=by)
    with pytest.raises(CaseworkError):
        reveal_customer(case, account, " ", by=by)
    assert not ReadEvent.objects.exists()


def test_an_account_of_another_case_stays_hidden() -> None:
    by = person("analyst")
    account = make_account()
    link_account(make_suspect(make_case(by), by), account.uid, "Same device.", by=by)
    with pytest.raises(NotFound):
        reveal_customer(make_case(by), account, "Curious", by=by)
