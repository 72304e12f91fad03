"""The freeze lines of one account: a state is said once, and twice only where two differ."""

from types import SimpleNamespace
from uuid import UUID

import pytest
from django.template.loader import render_to_string


def lines_page(line: str, freeze: str) -> str:
    case = SimpleNamespace(public_id=UUID(int=1), reference="CASE-2026-000001")
    one = SimpleNamespace(
        state=line, requested=100, held=100,
        freeze=SimpleNamespace(
            public_id=UUID(int=2), reference="FRZ-2026-000001", state=freeze, case=case
        ),
    )  # fmt: skip
    parts = SimpleNamespace(lines=[one], asset=SimpleNamespace(symbol="BTC", decimals=8))
    return render_to_string("cases/case_account_lines.html", {"parts": parts, "case": case})


@pytest.mark.parametrize(
    ("line", "freeze", "num_badges"),
    [("held", "active", 1), ("held", "decision_due", 2), ("released", "active", 2)],
)
def test_a_held_line_of_an_active_freeze_is_called_frozen_once(
    line: str, freeze: str, num_badges: int
) -> None:
    assert lines_page(line, freeze).count('class="badge') == num_badges
