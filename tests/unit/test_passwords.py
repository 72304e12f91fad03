"""Which passwords are refused: too short, too long, leaked (S3)."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from fiu.passwords import PREFIX_BYTES, SHIPPED

pytestmark = pytest.mark.once


def refused(password: str) -> set[str]:
    try:
        validate_password(password)
    except ValidationError as error:
        return {str(each.code) for each in error.error_list}
    return set()


def sha1(word: str) -> str:
    return hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("fourteen chars", {"password_too_short"}),
        ("fifteen letters", set()),
        ("a" + "bc" * 64, {"password_too_long"}),
        ("passwordpassword", {"password_breached"}),
        ("iloveyouforever", {"password_breached"}),
        ("ILoveYouForever", {"password_breached"}),
        ("iloveyouforever, and more", set()),
    ],
)
def test_length_and_leaks_decide(password: str, codes: set[str]) -> None:
    assert refused(password) == codes


def test_the_list_that_comes_along_is_sorted_and_large() -> None:
    packed = SHIPPED.read_bytes()
    assert len(packed) == 341_044 * PREFIX_BYTES
    rows = [packed[at : at + PREFIX_BYTES] for at in range(0, len(packed), PREFIX_BYTES)]
    assert rows == sorted(set(rows))


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_every_line_of_a_file_of_all_leaks_is_found(
    tmp_path: Path, settings: Any, end: str
) -> None:
    words = [f"a password that leaked {number}" for number in range(17)]
    lines = sorted(f"{sha1(word)}:{number + 1}" for number, word in enumerate(words))
    settings.BREACHED_PASSWORDS_FILE = str(tmp_path / "leaks")
    (tmp_path / "leaks").write_bytes(((end or "\n").join(lines) + end).encode())
    assert [refused(word) for word in words] == [{"password_breached"}] * 17
    assert [refused(f"a password of mine {number}") for number in range(50)] == [set()] * 50


@pytest.mark.parametrize("content", ["no hashes at all\n" * 9, None])
def test_no_password_is_set_where_the_list_cannot_be_read(
    tmp_path: Path, settings: Any, content: str | None
) -> None:
    settings.BREACHED_PASSWORDS_FILE = str(tmp_path / "leaks")
    if content:
        (tmp_path / "leaks").write_text(content)
    assert refused("fifteen letters") == {"password_list_unreadable"}


def test_an_empty_list_refuses_nothing(tmp_path: Path, settings: Any) -> None:
    settings.BREACHED_PASSWORDS_FILE = str(tmp_path / "leaks")
    (tmp_path / "leaks").touch()
    assert refused("fifteen letters") == set()
