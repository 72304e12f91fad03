"""Stored files: what officers send at a door that may not write among the house's own (A9, S8)."""

import hashlib
import os
from pathlib import Path

import pytest
from pytest_django import Settings

from cases.files import SECONDS_KEPT_TWICE, FileDamaged, load_bytes, store_bytes, take_in_uploads

CONTENT = b"an order of a court"
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Path:
    settings.FIU_HOME, settings.FIU_DOOR = tmp_path, "liaison"
    return tmp_path


def test_the_liaison_door_writes_among_uploads_and_the_house_reads_them(
    home: Path, settings: Settings
) -> None:
    assert store_bytes(CONTENT) == NAME
    assert not (home / "files").exists()
    settings.FIU_DOOR = "house"
    assert load_bytes(NAME) == CONTENT


def test_uploads_are_taken_in_once_and_kept_twice_for_an_hour(home: Path) -> None:
    upload = home / "uploads" / NAME[:2] / NAME
    store_bytes(CONTENT)
    assert (take_in_uploads(), take_in_uploads()) == (1, 0)
    assert (home / "files" / NAME[:2] / NAME).read_bytes() == CONTENT
    assert upload.exists()
    os.utime(upload, (0, upload.stat().st_mtime - SECONDS_KEPT_TWICE - 1))
    assert take_in_uploads() == 0
    assert not upload.exists()
    assert load_bytes(NAME) == CONTENT
    store_bytes(CONTENT)  # sent again
    assert not upload.exists(), "it is kept already"


def test_an_upload_that_is_not_what_its_name_says_is_neither_read_nor_taken_in(home: Path) -> None:
    store_bytes(CONTENT)
    upload = home / "uploads" / NAME[:2] / NAME
    upload.write_bytes(b"another order")
    upload.with_name(f".{NAME}.draft").write_bytes(b"half of")
    upload.with_name("passwd").symlink_to("/etc/passwd")
    assert take_in_uploads() == 0
    assert not (home / "files").exists()
    with pytest.raises(FileDamaged, match="was changed"):
        load_bytes(NAME)
