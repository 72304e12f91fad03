"""What an officer reports back: the amount to the base unit, and nothing dropped unsaid."""

from dataclasses import replace

import pytest

from cases.liaison.forms_releases import OutcomeForm
from tests.unit.exports.test_exports import DOSSIER

TOKEN = "eip155:1/erc20:0x00"
[FREEZE] = DOSSIER.freezes[:1]
LINE = replace(FREEZE.lines[0], asset=TOKEN, symbol="TOK", decimals=18)
HELD = replace(DOSSIER, freezes=(replace(FREEZE, lines=(LINE,)),))
SEIZED = {"kind": "seizure", "number": "1", "happened_on": "2025-06-01"}


def form(**fields: str) -> OutcomeForm:
    return OutcomeForm(HELD, SEIZED | fields)


def test_an_amount_of_more_than_28_digits_stays_exact() -> None:
    told = form(asset=TOKEN, amount="123456789012.123456789012345678")
    assert told.is_valid(), told.errors
    assert told.outcome()["base"] == 123456789012123456789012345678


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"amount": "5"}, "Choose the asset"),
        ({"asset": TOKEN, "amount": "0.0000000000000000001"}, "fewer decimal places"),
    ],
    ids=["assetless", "places"],
)
def test_what_is_no_amount_of_an_asset_is_refused(fields: dict[str, str], words: str) -> None:
    assert words in str(form(**fields).errors)


def test_one_symbol_on_two_chains_is_told_apart() -> None:
    other = replace(LINE, asset="tron:mainnet/trc20:T0")
    both = replace(DOSSIER, freezes=(replace(FREEZE, lines=(LINE, other)),))
    page = str(OutcomeForm(both)["asset"])
    assert f"TOK · {TOKEN}" in page
    assert f"TOK · {other.asset}" in page
    assert "·" not in str(form()["asset"])
