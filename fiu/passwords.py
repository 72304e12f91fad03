"""Which passwords are refused because attackers have them, offline (S3).

Long ones of well-known leaks come along (fiu/vendor/breached-passwords); the shorter ones are
refused by their length. Whoever wants all that ever leaked gives the file of Have I Been Pwned,
as its downloader writes it: `FIU_BREACHED_PASSWORDS_FILE`.
"""

import hashlib
import mmap
import re
from bisect import bisect_left
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from fiu.models import User

SHIPPED = Path(__file__).parent / "vendor" / "breached-passwords" / "sha1-prefixes.bin"
PREFIX_BYTES = 5
LINE = re.compile(rb"[0-9A-F]{40}(:\d+)?\r?")
LONGEST_LINE = 64


class BreachedPasswordValidator:
    """Refuses what is in the lists, as typed or in small letters.

    Cost: two binary searches a list, under a millisecond; nothing is read into memory.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        digests = {_sha1(each) for each in (password, password.lower())}
        if any(is_shipped(each) or is_in_file(each) for each in digests):
            raise ValidationError(self._sentence(), code="password_breached")

    def get_help_text(self) -> str:
        return self._sentence()

    def _sentence(self) -> str:
        return _("A password must not stand in a list of leaked ones.")


def is_shipped(digest: bytes) -> bool:
    """Whether a SHA-1 is one of those that come along."""
    wanted = digest[:PREFIX_BYTES]
    with SHIPPED.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as rows:
        starts = range(0, len(rows), PREFIX_BYTES)
        place = bisect_left(starts, wanted, key=lambda at: rows[at : at + PREFIX_BYTES])
        return place < len(starts) and rows[starts[place] : starts[place] + PREFIX_BYTES] == wanted


def is_in_file(digest: bytes) -> bool:
    """Whether a SHA-1 stands in the file of `FIU_BREACHED_PASSWORDS_FILE`; False without one.

    Lines `SHA1:COUNT` in capital letters, sorted. Raises ValidationError where it cannot be read:
    no password is set unchecked.
    """
    if not settings.BREACHED_PASSWORDS_FILE:
        return False
    wanted = digest.hex().upper().encode()
    try:
        with open(settings.BREACHED_PASSWORDS_FILE, "rb") as file:
            low, high = 0, file.seek(0, 2)
            while low < high:  # the first line that begins at `low` or after it
                middle = (low + high) // 2
                file.seek(max(middle - 1, 0))
                if middle:
                    file.readline(LONGEST_LINE)
                line = file.readline(LONGEST_LINE).rstrip(b"\n")
                if line and not LINE.fullmatch(line):
                    raise ValueError
                if line and line[:40] < wanted:
                    low = middle + 1
                else:
                    high = middle
            file.seek(max(low - 1, 0))
            if low:
                file.readline(LONGEST_LINE)
            return file.readline(LONGEST_LINE)[:40] == wanted
    except (OSError, ValueError) as error:
        raise ValidationError(
            _("The list of leaked passwords cannot be read: tell an administrator."),
            code="password_list_unreadable",
        ) from error


def _sha1(password: str) -> bytes:
    return hashlib.sha1(password.encode(), usedforsecurity=False).digest()
