"""The program that calls our bags valid, judged by the conformance suite of the standard itself."""

import shutil
from pathlib import Path

import bagit
import pytest

from tests.shared_data import schema_path

pytestmark = pytest.mark.once


def test_who_calls_it_valid_knows_the_bags_of_the_standards_own_suite(tmp_path: Path) -> None:
    """Else its word about ours says little. The one it misses is known (whitespace)."""
    suite = schema_path("bagit/bagit-conformance-suite-9ab4870.tar.gz")
    shutil.unpack_archive(suite, tmp_path)
    judged = {
        kind: [_is_valid(bag) for bag in sorted(tmp_path.glob(f"v*/{kind}/*")) if bag.is_dir()]
        for kind in ("valid", "invalid")
    }
    assert (len(judged["valid"]), len(judged["invalid"])) == (13, 15)
    assert all(judged["valid"])
    assert judged["invalid"].count(True) <= 1


def _is_valid(bag: Path) -> bool:
    try:
        bagit.Bag(str(bag)).validate()
    except (bagit.BagError, UnicodeError, OSError):
        return False
    return True
