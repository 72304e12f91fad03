"""Wallets: one address, or a pasted list in which every line has its answer."""

from typing import Any

import pytest

from cases.models import Wallet
from cases.policy import SYSTEM, PermissionDenied
from cases.services.errors import CaseworkError
from cases.services.wallets import add_wallet, add_wallets
from tests.casework import make_case, person

pytestmark = pytest.mark.django_db
P2PKH = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TESTNET = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
FIELDS: dict[str, Any] = {
    "role": "bank", "label": "Market bank", "provenance": "document",
    "provenance_note": "Indictment, page 12",
}  # fmt: skip
PASTED: dict[str, Any] = {key: FIELDS[key] for key in FIELDS if key != "label"}


def test_the_ledger_is_read_from_the_address() -> None:
    by = person("analyst")
    case = make_case(by)
    assert add_wallet(case, address=f" {P2PKH} ", **FIELDS, by=by).ledger == "bitcoin"
    assert add_wallet(case, address=TESTNET, **FIELDS, by=by).ledger == "bitcoin-test"
    upper = add_wallet(case, address=SEGWIT.upper(), **FIELDS, is_cluster=True, by=by)
    assert (upper.address, upper.is_cluster) == (SEGWIT, True)
    assert P2PKH not in "".join(event.data for event in case.events.all())


@pytest.mark.parametrize("address", ["", "x", P2PKH[:-1] + "b", "0x" + "0" * 40])
def test_what_is_no_address_is_refused_with_its_reason(address: str) -> None:
    by = person("analyst")
    with pytest.raises(CaseworkError, match="no address"):
        add_wallet(make_case(by), address=address, **FIELDS, by=by)


@pytest.mark.parametrize(
    "wrong", [{"role": "x"}, {"provenance": "x"}, {"provenance_note": " "}, {"label": "x" * 81}]
)
def test_wrong_fields_are_refused(wrong: dict[str, str]) -> None:
    by = person("analyst")
    with pytest.raises(CaseworkError):
        add_wallet(make_case(by), address=P2PKH, **(FIELDS | wrong), by=by)
    assert not Wallet.objects.exists()


def test_a_wallet_comes_once_into_a_case() -> None:
    by = person("analyst")
    case = make_case(by)
    add_wallet(case, address=P2PKH, **FIELDS, by=by)
    with pytest.raises(CaseworkError, match="already"):
        add_wallet(case, address=P2PKH, **FIELDS, by=by)
    assert add_wallet(make_case(by), address=P2PKH, **FIELDS, by=by)


@pytest.mark.parametrize("role", ["auditor", "admin", "liaison"])
def test_a_wrong_role_adds_nothing(role: str) -> None:
    case = make_case()
    for by in (person(role), SYSTEM):
        with pytest.raises(PermissionDenied):
            add_wallet(case, address=P2PKH, **FIELDS, by=by)
        with pytest.raises(PermissionDenied):
            add_wallets(case, text=P2PKH, **PASTED, by=by)


def test_every_line_of_a_paste_has_its_answer() -> None:
    by = person("analyst")
    case = make_case(by)
    add_wallet(case, address=P2PKH, **FIELDS, by=by)
    text = f"{SEGWIT}\n\n{P2PKH}\nnonsense\n{TESTNET}\n{SEGWIT}\n{P2PKH[:-1]}b\n"
    report = add_wallets(case, text=text, **PASTED, by=by)
    assert [wallet.address for wallet in report.added] == [SEGWIT, TESTNET]
    assert [(line.number, line.text) for line in report.rejected] == [
        (3, P2PKH), (4, "nonsense"), (6, SEGWIT), (7, f"{P2PKH[:-1]}b"),
    ]  # fmt: skip
    assert all(line.reason for line in report.rejected)
    assert case.events.filter(action="add_wallet").count() == 3


def test_pasting_the_same_list_twice_adds_nothing() -> None:
    by = person("analyst")
    case = make_case(by)
    text = f"{P2PKH}\n{SEGWIT}"
    add_wallets(case, text=text, **PASTED, by=by)
    again = add_wallets(case, text=text, **PASTED, by=by)
    assert (again.added, len(again.rejected)) == ([], 2)


def test_a_paste_without_origin_or_with_a_wrong_role_adds_nothing() -> None:
    by = person("analyst")
    case = make_case(by)
    for wrong in ({"provenance_note": ""}, {"role": "x"}):
        with pytest.raises(CaseworkError):
            add_wallets(case, text=f"{P2PKH}\n{SEGWIT}", **(PASTED | wrong), by=by)
    with pytest.raises(CaseworkError, match="at most"):
        add_wallets(case, text="x\n" * 5001, **PASTED, by=by)
    assert not Wallet.objects.exists()
