"""Files of the installation by their SHA-256, outside the web root (S8).

Written once, readable by the owner only, checked again at every reading.

The liaison door, where it is a process of its own, can read files and write none: what officers
send lies in `uploads` until the house takes it in. A name that is a checksum needs no trust.
"""

import hashlib
import os
import re
import time
from pathlib import Path
from uuid import uuid4

from django.conf import settings

DIGEST = re.compile(r"[0-9a-f]{64}")
FILES, UPLOADS = "files", "uploads"
SECONDS_KEPT_TWICE = 3600
"""A backup that runs meanwhile finds every upload at one of the two places."""


class FileDamaged(Exception):
    """A stored file is missing or is no longer what its SHA-256 says."""


def _path(sha256: str, folder: str = FILES) -> Path:
    if not DIGEST.fullmatch(sha256):
        raise FileDamaged("a file is named by 64 hexadecimal digits")
    return Path(settings.FIU_HOME) / folder / sha256[:2] / sha256


def store_bytes(content: bytes) -> str:
    """Keep the bytes and return their SHA-256; the same bytes are kept once."""
    sha256 = hashlib.sha256(content).hexdigest()
    if not _path(sha256).exists():
        _write(_path(sha256, UPLOADS if settings.FIU_DOOR == "liaison" else FILES), content)
    return sha256


def take_in_uploads() -> int:
    """Keep what came in at the liaison door among the house's own files; how many are new there.

    An upload that is not what its name says stays where it is and is never read.
    """
    num_taken = 0
    for path in sorted((Path(settings.FIU_HOME) / UPLOADS).glob("??/*")):
        if not DIGEST.fullmatch(path.name):
            continue  # still being written
        kept = _path(path.name)
        if kept.exists():
            if time.time() - path.stat().st_mtime > SECONDS_KEPT_TWICE:
                path.unlink(missing_ok=True)
            continue
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == path.name:
            _write(kept, content)
            num_taken += 1
    return num_taken


def _write(path: Path, content: bytes) -> None:
    """Under its name only when it is whole and on the disk."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load_bytes(sha256: str) -> bytes:
    """The bytes behind a SHA-256. Raises FileDamaged if they are gone or changed."""
    try:
        content = _read(sha256)
    except OSError as error:
        raise FileDamaged(f"the stored file {sha256[:12]} cannot be read") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FileDamaged(f"the stored file {sha256[:12]} was changed")
    return content


def is_stored(sha256: str) -> bool:
    """Whether there are bytes of this name, whole or not."""
    return any(_path(sha256, folder).exists() for folder in (FILES, UPLOADS))


def remove_bytes(sha256: str) -> None:
    """Destroy the bytes behind a SHA-256; nothing where they are gone already.

    Who calls it has asked whether anything else rests on them. Backups keep them for their time.
    """
    for folder in (FILES, UPLOADS):
        _path(sha256, folder).unlink(missing_ok=True)


def _read(sha256: str) -> bytes:
    for folder in (FILES, UPLOADS):
        try:
            return _path(sha256, folder).read_bytes()
        except FileNotFoundError:
            continue
    return _path(sha256).read_bytes()  # taken in between the two looks
