"""Files of the installation by their SHA-256, outside the web root (S8).

Written once, readable by the owner only, checked again at every reading.
"""

import hashlib
import os
import re
from pathlib import Path
from uuid import uuid4

from django.conf import settings

DIGEST = re.compile(r"[0-9a-f]{64}")


class FileDamaged(Exception):
    """A stored file is missing or is no longer what its SHA-256 says."""


def _path(sha256: str) -> Path:
    if not DIGEST.fullmatch(sha256):
        raise FileDamaged("a file is named by 64 hexadecimal digits")
    return Path(settings.FIU_HOME) / "files" / sha256[:2] / sha256


def store_bytes(content: bytes) -> str:
    """Keep the bytes and return their SHA-256; the same bytes are kept once."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = _path(sha256)
    if path.exists():
        return sha256
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{sha256}.{uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return sha256


def load_bytes(sha256: str) -> bytes:
    """The bytes behind a SHA-256. Raises FileDamaged if they are gone or changed."""
    try:
        content = _path(sha256).read_bytes()
    except OSError as error:
        raise FileDamaged(f"the stored file {sha256[:12]} cannot be read") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FileDamaged(f"the stored file {sha256[:12]} was changed")
    return content
