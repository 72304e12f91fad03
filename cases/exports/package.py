"""The release as one file to download: a BagIt bag (RFC 8493) in a ZIP, with its own verifier.

The same files give the same bytes: fixed order, times of the seal, nothing compressed, so that no
version of a library makes a difference. Source: FORMATS.md 9, RFC 8493, RFC 6962, APPNOTE.TXT
6.3.10.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import rfc8785

from cases.dossier import Dossier
from cases.exports.merkle import root_of

MIME = "application/zip"
PAYLOAD = "data/"
LISTING = "manifest-sha256.txt"
MANIFEST = "manifest.json"
MERKLE = "merkle.json"
CHECKPOINT = "checkpoint.json"
STAMP = "dossier.tsr"
VERIFY = "verify.py"
README = "README.txt"
DOWNLOAD = "download.txt"
ALGORITHMS = ("sha256", "sha512")
# As verify.py reads it.
OWN_DIGEST = "# sha256 of the lines above: "
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
ORGANISATION = "Financial intelligence unit of the exchange"
REGULAR_FILE = 0o100644 << 16
UNIX = 3
WORDS = """\
{referral}, release {number}, for {agency}
Copy {watermark}. TLP:{tlp}, {handling}

A bag of files (BagIt 1.0, RFC 8493).

data/dossier.json          the release itself, canonical JSON (RFC 8785)
data/*.csv                 its tables
data/grants.csv            each account and personal field granted or not: law, decision, reason
data/release-*             the same to read and to print
data/flow.svg              the money flow as a picture
data/trace-*.json          the seal and the balance sheet of each trace
data/custody.json          who did what to this release, as a chain of hashes
data/exhibit-*             files that findings cite, as they were taken in
data/exhibits.json         the custody of each of them, as a chain of hashes
data/manifest.json         size and SHA-256 of each file, and where the sender's record stood
manifest-sha256.txt        every file of data/:   sha256sum -c manifest-sha256.txt
tagmanifest-sha256.txt     every file beside it:  sha256sum -c tagmanifest-sha256.txt
merkle.json                one hash over all of it (RFC 6962)
dossier.tsr                where it is there: a time stamp of dossier.json (RFC 3161):
                           openssl ts -verify -data data/dossier.json -in dossier.tsr
                           -CAfile CERTIFICATE-OF-THE-AUTHORITY
verify.py                  checks all of it offline:  python3 verify.py
                           It needs Python 3.8 or newer and nothing else.

A changed byte is named with its file. verify.py cannot vouch for itself: sha256sum does.
"""


def name_of(dossier: Dossier, watermark: str) -> str:
    """The file name of one officer's package: ASCII, no path part."""
    return f"{_number(dossier)}-{watermark}.zip"


def render(
    dossier: Dossier,
    files: Mapping[str, bytes],
    manifest: bytes,
    *,
    watermark: str,
    stamp: bytes = b"",
) -> bytes:
    """One officer's bag of `files`; their manifest lies beside them as manifest.json.

    `stamp` is the answer of a time-stamping authority, as it came.
    """
    content = bag(dossier, {**files, MANIFEST: manifest}, watermark=watermark, stamp=stamp)
    at = sealed_at(dossier).timetuple()[:6]
    folder = name_of(dossier, watermark).removesuffix(".zip")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(content):
            archive.writestr(_entry(f"{folder}/{name}", at), content[name])
    return out.getvalue()


def bag(
    dossier: Dossier, payload: Mapping[str, bytes], *, watermark: str, stamp: bytes = b""
) -> dict[str, bytes]:
    """The files of the bag by their path."""
    data = {f"{PAYLOAD}{name}": content for name, content in payload.items()}
    lists = {f"manifest-{name}.txt": _listing(name, data) for name in ALGORITHMS}
    leaves = lists[LISTING].splitlines()
    seal = dossier.seal
    tags = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": _info(dossier, data),
        CHECKPOINT: rfc8785.dumps(
            {
                "audit_seq": seal.audit_seq if seal else None,
                "audit_hash": seal.audit_hash if seal else None,
            }
        ),
        MERKLE: rfc8785.dumps(
            {
                "algorithm": "RFC 6962 with SHA-256; each leaf is a line of manifest-sha256.txt",
                "leaves": len(leaves),
                "root": root_of(leaves).hex(),
            }
        ),
        VERIFY: Path(__file__).with_name(VERIFY).read_bytes(),
        README: _readme(dossier, watermark),
        **lists,
    }
    if stamp:
        tags[STAMP] = stamp
    tag_lists = {f"tagmanifest-{name}.txt": _listing(name, tags) for name in ALGORITHMS}
    return data | tags | tag_lists


def with_download(content: bytes, lines: Mapping[str, str]) -> bytes:
    """The package with a slip that names this one download; every sealed byte stays as it is.

    Bags may hold files that no list names (RFC 8493, 2.2.4); the slip carries its own digest.
    """
    body = "".join(f"{name}: {value}\n" for name, value in lines.items())
    slip = f"{body}{OWN_DIGEST}{hashlib.sha256(body.encode()).hexdigest()}\n"
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_STORED) as archive:
        first = archive.infolist()[0]
        folder = first.filename.partition("/")[0]
        archive.writestr(_entry(f"{folder}/{DOWNLOAD}", first.date_time), slip.encode())
    return out.getvalue()


def _entry(path: str, at: tuple[int, ...]) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, at)  # type: ignore[arg-type]  # six numbers, always
    entry.create_system = UNIX
    entry.external_attr = REGULAR_FILE
    return entry


def _listing(algorithm: str, files: Mapping[str, bytes]) -> bytes:
    return "".join(
        f"{hashlib.new(algorithm, content).hexdigest()}  {name}\n"
        for name, content in sorted(files.items())
    ).encode()


def _info(dossier: Dossier, data: Mapping[str, bytes]) -> bytes:
    lines = {
        "Source-Organization": ORGANISATION,
        "External-Identifier": dossier.referral,
        "Internal-Sender-Identifier": _number(dossier),
        "Bagging-Date": sealed_at(dossier).date().isoformat(),
        "Payload-Oxum": f"{sum(len(content) for content in data.values())}.{len(data)}",
        "Bag-Software-Agent": "Tracehold",
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items()).encode()


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


def sealed_at(dossier: Dossier) -> datetime:
    """The time all entries carry: of the seal, in UTC, or the first one a ZIP can hold."""
    if dossier.seal is None:
        return datetime(1980, 1, 1, tzinfo=UTC)
    return datetime.fromisoformat(dossier.seal.sealed_at).astimezone(UTC)
