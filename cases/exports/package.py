"""The release as one file to download: a ZIP with all of it, its lists of hashes, and verify.py.

The same files give the same bytes: fixed order, times of the seal, nothing compressed, so that no
version of a library makes a difference. Source: FORMATS.md 9, APPNOTE.TXT 6.3.10.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from cases.dossier import Dossier

MIME = "application/zip"
LISTING = "manifest-sha256.txt"
MANIFEST = "manifest.json"
VERIFY = "verify.py"
README = "README.txt"
# As verify.py reads it.
OWN_DIGEST = "# sha256 of the lines above: "
REGULAR_FILE = 0o100644 << 16
UNIX = 3
WORDS = """\
{referral}, release {number}, for {agency}
Copy {watermark}. TLP:{tlp}, {handling}

dossier.json          the release itself, canonical JSON (RFC 8785)
*.csv                 its tables
release-*.html, .pdf  the same to read and to print
manifest.json         size and SHA-256 of each file, and where the sender's audit chain stood
manifest-sha256.txt   the same list for:  sha256sum -c manifest-sha256.txt
verify.py             checks all of it offline:  python3 verify.py
                      It needs Python 3.8 or newer and nothing else.

A changed byte is named with its file. verify.py cannot vouch for itself: sha256sum does.
"""


def name_of(dossier: Dossier, watermark: str) -> str:
    """The file name of one officer's package: ASCII, no path part."""
    return f"{_number(dossier)}-{watermark}.zip"


def render(
    dossier: Dossier, files: Mapping[str, bytes], manifest: bytes, *, watermark: str
) -> bytes:
    """One officer's package of `files`; their manifest stands in it as manifest.json."""
    content = {
        **files,
        MANIFEST: manifest,
        VERIFY: Path(__file__).with_name(VERIFY).read_bytes(),
        README: _readme(dossier, watermark),
    }
    content[LISTING] = _listing(content)
    at = _sealed_at(dossier)
    folder = name_of(dossier, watermark).removesuffix(".zip")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(content):
            entry = zipfile.ZipInfo(f"{folder}/{name}", at.timetuple()[:6])
            entry.create_system = UNIX
            entry.external_attr = REGULAR_FILE
            archive.writestr(entry, content[name])
    return out.getvalue()


def _listing(files: Mapping[str, bytes]) -> bytes:
    """Lines for `sha256sum -c`, which skips the last one: the digest of the lines above it."""
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in sorted(files.items())
    )
    return f"{lines}{OWN_DIGEST}{hashlib.sha256(lines.encode()).hexdigest()}\n".encode()


def _readme(dossier: Dossier, watermark: str) -> bytes:
    return WORDS.format(
        referral=dossier.referral,
        number=_number(dossier),
        agency=dossier.agency,
        watermark=watermark,
        tlp=dossier.tlp,
        handling=dossier.handling_code,
    ).encode()


def _number(dossier: Dossier) -> str:
    return dossier.seal.number if dossier.seal else "preview"


def _sealed_at(dossier: Dossier) -> datetime:
    """The time all entries carry: of the seal, in UTC, or the first one a ZIP can hold."""
    if dossier.seal is None:
        return datetime(1980, 1, 1, tzinfo=UTC)
    return datetime.fromisoformat(dossier.seal.sealed_at).astimezone(UTC)
