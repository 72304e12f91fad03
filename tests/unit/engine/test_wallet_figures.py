"""Figures of a wallet: by hand on a small ledger, without its own tags, and as of a moment."""

import numpy as np

from cases.detection.wallet_features import GROUPS, WALLET_NAMES
from tracing.engine.ledger import MemoryLedger, memory_ledger
from tracing.engine.wallet_figures import wallet_figures

DAY = 86_400
CODES = {name: [number] for number, name in enumerate(GROUPS, 1)}


def small() -> MemoryLedger:
    """M pays X, X pays W twice; W sweeps, then pays E and S; S pays M; J pays W."""
    return memory_ledger([
        ("a", 1, 0, [], [("M", 1_000_000)]),
        ("b", 2, DAY, [("a", 0)], [("X", 990_000)]),
        ("c", 3, 2 * DAY, [("b", 0)], [("W1", 300_000), ("W2", 300_000), ("X", 380_000)]),
        ("d", 4, 2 * DAY + 3_600, [("c", 0), ("c", 1)], [("W1", 590_000)]),
        ("e", 5, 4 * DAY, [("d", 0)], [("E", 200_000), ("S", 200_000), ("W2", 180_000)]),
        ("f", 6, 5 * DAY, [("e", 1)], [("M", 190_000)]),
        ("g", 7, 6 * DAY, [], [("J", 400_000)]),
        ("h", 8, 7 * DAY, [("g", 0)], [("W1", 400_000)]),
    ])  # fmt: skip


def figures(until: int = 10 * DAY, **said: str) -> dict[str, int]:
    """Those of W, with the groups that addresses are said to be of."""
    ledger = small()
    codes = np.zeros(ledger.num_addresses, np.uint16)
    for address, group in said.items():
        codes[ledger.find_address(address) or 0] = CODES[group][0]
    numbers = [ledger.find_address(each) or 0 for each in ("W1", "W2")]
    found = wallet_figures(ledger, numbers, codes, CODES, until)
    assert found is not None
    assert not found.is_cut
    return found.figures


def test_the_figures_are_those_of_the_table() -> None:
    assert set(figures()) == set(WALLET_NAMES)


def test_what_others_paid_and_what_it_paid() -> None:
    found = figures(M="crime", E="keepers")
    assert found["num_received"] == 3
    assert found["sat_received"] == 1_000_000
    assert found["largest_received"] == 400_000
    assert found["permille_alike"] == 666
    assert found["permille_round"] == 1_000
    assert found["most_received_in_a_day"] == 2
    assert (found["num_payers"], found["num_payees"]) == (2, 2)
    assert (found["num_spends"], found["num_sweeps"]) == (2, 1)
    assert (found["most_spent_at_once"], found["most_paid_at_once"]) == (2, 2)
    assert found["permille_quick"] == 600
    assert found["permille_kept"] == 400
    assert found["seconds_held"] == 3_600
    assert found["seconds_alive"] == 5 * DAY
    # X got its coins from M: the second hand of 600,000 of 1,000,000.
    assert found["permille_from_crime_near"] == 0
    assert found["permille_from_crime_far"] == 600
    assert found["permille_to_keepers_near"] == 500
    assert found["permille_to_crime_far"] == 500


def test_what_is_said_of_itself_is_no_figure_of_it() -> None:
    assert figures(W1="crime", W2="crime") == figures()


def test_nothing_later_counts() -> None:
    early = figures(3 * DAY, M="crime", E="keepers")
    assert early["num_received"] == 2
    assert early["permille_from_crime_far"] == 1_000
    assert early["permille_to_keepers_near"] == 0
    assert early["num_spends"] == 1
    ledger = small()
    numbers = [ledger.find_address("W1") or 0]
    none = np.zeros(ledger.num_addresses, np.uint16)
    assert wallet_figures(ledger, numbers, none, CODES, DAY) is None
