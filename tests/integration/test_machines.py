"""T3: people walk an object through its states in any order, beside a plain model of it.

`python -m tests.machines` walks longer, on both databases.
"""

import os

import pytest

from cases.exports import pdf
from cases.services.freezes import decisions
from tests.machines.every import MACHINES
from tests.machines.walk import play

WALKS = int(os.environ.get("FIU_TEST_WALKS", "0"))
pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.slow]


@pytest.mark.parametrize("name", MACHINES)
def test_it_is_what_its_model_says_whoever_does_what(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moves work, are refused on every ground alone, and are lost against somebody faster.

    A walk that no longer comes to most of them fails too: it would prove less than it says.
    """
    monkeypatch.setattr(pdf, "is_available", lambda: False)
    monkeypatch.setattr(decisions, "AGAIN_AFTER", decisions.AGAIN_AFTER)  # put back afterwards
    machine, few = MACHINES[name]
    machine.prepare()
    score = play(machine, examples=WALKS or few, steps=30, shrinks=bool(WALKS))
    print(f"{name}: {score.summary()}")
    missed = machine.moves - set(score.worked)
    missed |= machine.refusals - {(kind[0], kind[-1]) for kind in score.refused}
    most = 0 if WALKS >= 50 else (len(machine.moves) + len(machine.refusals)) // 8
    assert len(missed) <= most, f"never came to {sorted(missed)}"
