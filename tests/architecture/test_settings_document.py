"""docs/operate/settings.md names every setting, and no other."""

import re
from pathlib import Path

from fiu.environment import KNOWN

TEXT = (Path(__file__).resolve().parents[2] / "docs/operate/settings.md").read_text("utf-8")


def test_every_setting_is_documented_and_no_other() -> None:
    rows = set(re.findall(r"^\| `(FIU_[A-Z_]+)` \|", TEXT, flags=re.MULTILINE))
    assert rows == set(KNOWN)
