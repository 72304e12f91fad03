"""The freeze ledger stands to the base unit wherever the worker that sends its orders dies.

Here at a few statements; `python -m tests.ledger_trial` dies at every one, on both databases.
"""

import os

import pytest

from tests.ledger_story import play_all

EVERY, SEED = (int(os.environ.get(f"FIU_TEST_{name}", "0")) for name in ("EVERY", "SEED"))


@pytest.mark.django_db
def test_the_books_stand_wherever_the_worker_dies() -> None:
    """Spread over the whole story: the first deaths are at a hold, the last at the transfer."""
    num = play_all(SEED or 7, EVERY or 61, offset=1 if EVERY else 5)
    print(f"died {num} times, and every unit was there")
