"""`make audit` counts only when every package was looked up (B4)."""

import runpy
from typing import Any

import pytest

from tests.architecture.test_house import ROOT

pytestmark = pytest.mark.once
GOOD = {"name": "django", "version": "5.2.19", "vulns": []}
BAD = {
    "name": "x", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}],
}  # fmt: skip
UNREAD = {"name": "y", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.mark.parametrize(
    ("packages", "status", "line"),
    [
        ([GOOD, GOOD], 0, "2 packages looked up, none has a known vulnerability."),
        ([GOOD, BAD], 1, "x 1.0: PYSEC-1, fixed in 1.1"),
        ([BAD, UNREAD], 1, "x 1.0: PYSEC-1, fixed in 1.1"),
        ([GOOD, UNREAD], 2, "Not audited: 1 of 2 packages could not be looked up"),
        ([UNREAD], 2, "Not audited: 1 of 1 packages"),
        ([], 2, "Not audited: 0 of 0 packages"),
    ],
)
def test_what_was_not_looked_up_is_not_called_good(packages: Any, status: int, line: str) -> None:
    verdict = runpy.run_path(str(ROOT / ".ci" / "audit.py"))["verdict"]
    ended, lines = verdict({"dependencies": packages})
    assert ended == status
    assert lines[0].startswith(line)


def test_no_report_at_all_is_no_good_one() -> None:
    verdict = runpy.run_path(str(ROOT / ".ci" / "audit.py"))["verdict"]
    assert verdict({})[0] == verdict([])[0] == 2
