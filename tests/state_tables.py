"""Draws docs/states.md from cases/states.py: `python -m tests.state_tables > docs/states.md`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cases import states

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "states.md"
TABLES: Mapping[str, Mapping[Any, Any]] = {
    "Operation": states.OPERATION,
    "Case": states.CASE,
    "Task": states.TASK,
    "Evidence": states.EVIDENCE,
    "Finding": states.FINDING,
    "Tag of the house": states.TAG,
    "Identity link": states.IDENTITY,
    "Freeze request": states.FREEZE,
    "Freeze line": states.LINE,
    "Extension of a freeze": states.EXTENSION,
    "Release of a freeze": states.FREEZE_RELEASE,
    "Seizure": states.SEIZURE,
    "Referral": states.REFERRAL,
    "Shared release": states.RELEASE,
    "Information request": states.REQUEST,
    "Preservation": states.PRESERVATION,
    "Request to others": states.OUTBOUND,
    "Alert": states.ALERT,
    "Suspicion report": states.REPORT,
    "Approval policy, change of a rule": states.POLICY,
    "Officer of an agency": states.OFFICER,
    "Run of the detection rules": states.DETECTION,
    "Order to the exchange": states.OUTBOX,
    "Delivery of a webhook": states.DELIVERY,
}


def drawn() -> str:
    """The whole document."""
    parts = [
        "# States",
        "",
        "Drawn from `cases/states.py`; a test holds the two equal. What is not listed is refused,",
        "by the services and by the database itself (`cases/guards/`). Who may act stands in",
        "`cases/policy.py`.",
    ]
    for name, table in TABLES.items():
        first = next(iter(table))[0]
        parts += ["", f"## {name}", "", f"Begins as `{first}`.", ""]
        parts += ["| from | action | to |", "| --- | --- | --- |"]
        parts += [f"| {start} | `{action}` | {to} |" for (start, action), to in table.items()]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(drawn(), end="")
