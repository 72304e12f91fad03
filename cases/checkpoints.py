"""Checkpoints of the audit chains in files outside the database, best on another disk (H5, H6).

Each line of `audit-YYYY-MM.jsonl` is one checkpoint: the heads that changed since the one before,
the Merkle root over all heads, and the hash of the line before. The first line of a file has every
head, so the newest file suffices to know where each chain stood.

    hash = SHA-256("tracehold-checkpoint-v1\\0" + RFC 8785 form of the line without hash, signature)
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

PREFIX = b"tracehold-checkpoint-v1\0"
KEY_PREFIX = b"tracehold-checkpoint-key\0"
FIRST_PREVIOUS = "0" * 64
FILES = "audit-*.jsonl"

Head = tuple[int, str]
"""Number and hash of the last event of a chain."""


class CheckpointError(Exception):
    """A checkpoint cannot be written or read; the message is one sentence."""


@dataclass(frozen=True)
class Checkpoint:
    """Where every chain stood at a moment: `heads` by the case's public id, "" for the system's.

    `begun_again` is the reason where a person began the series anew, such as after a restore.
    `other` seals a chain that this file says nothing of.
    """

    n: int
    at: str
    prev: str
    heads: Mapping[str, Head]
    root: str
    other: str
    begun_again: str = ""
    hash: str = ""
    signature: str = ""
    key: str = ""

    @property
    def num_events(self) -> int:
        return sum(seq for seq, _ in self.heads.values())

    @property
    def taken_at(self) -> datetime:
        return datetime.fromisoformat(self.at)

    @property
    def name(self) -> str:
        """As people are told: number and time."""
        return f"checkpoint {self.n} of {self.at}"


@dataclass(frozen=True)
class Series:
    """What the files say: the newest checkpoint with all heads, and what does not hold in them."""

    newest: Checkpoint | None
    faults: tuple[str, ...] = ()
    num_unreadable: int = 0


def merkle_root(heads: Mapping[str, Head]) -> str:
    """RFC 6962 root over all heads by chain name, hex; of none it is the hash of nothing."""
    return root_of([chain, seq, sha256] for chain, (seq, sha256) in sorted(heads.items()))


def root_of(values: Iterable[list[str | int | None]]) -> str:
    """RFC 6962 root over values in their RFC 8785 form, hex."""
    return _root([hashlib.sha256(b"\0" + rfc8785.dumps(each)).digest() for each in values]).hex()


def _root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + _root(leaves[:split]) + _root(leaves[split:])).digest()


def public_key() -> str:
    """The key that verifies what this installation signs, hex: for auditors elsewhere."""
    return _signing_key().public_key().public_bytes_raw().hex()


def _signing_key() -> Ed25519PrivateKey:
    # From the secret key, which no database holds: who can change rows cannot sign a checkpoint.
    seed = hashlib.sha256(KEY_PREFIX + settings.SECRET_KEY.encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def folder_of_settings() -> Path:
    """Where checkpoints are written: FIU_AUDIT_CHECKPOINT_DIR."""
    return Path(settings.AUDIT_CHECKPOINT_DIR)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """One writer at a time. Raises CheckpointError where nothing can be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise CheckpointError(f"{folder}: no checkpoint was written: {error.strerror}.") from error


def append(folder: Path, before: Checkpoint | None, new: Checkpoint) -> Checkpoint:
    """Sign and write one line, durable when it returns; inside `writing`. Returns it signed."""
    path = folder / f"audit-{new.at[:7]}.jsonl"
    is_whole = not path.exists() or before is None or bool(new.begun_again)
    known = {} if is_whole or before is None else before.heads
    content: dict[str, Any] = {
        "n": new.n,
        "at": new.at,
        "prev": new.prev,
        "whole": is_whole,
        "chains": len(new.heads),
        "events": new.num_events,
        "heads": [
            [chain, *head] for chain, head in sorted(new.heads.items()) if known.get(chain) != head
        ],
        "root": new.root,
        "other": new.other,
        "begun_again": new.begun_again,
        "key": public_key(),
    }
    digest = _digest(content)
    signature = _signing_key().sign(bytes.fromhex(digest)).hex()
    line = rfc8785.dumps({**content, "hash": digest, "signature": signature}) + b"\n"
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        line = b"\n" + line  # a power cut tore the line before
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return replace(new, hash=digest, signature=signature, key=public_key())


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(PREFIX + rfc8785.dumps(dict(content))).hexdigest()


def read_series(place: Path, keys: Sequence[str] = ()) -> Series:
    """All checkpoints of a folder, or of one file, folded into the newest.

    `keys` are public keys whose signatures count, hex; none given: this installation's own.
    Cost: one pass over the lines, three small files' worth a year.
    """
    wanted = set(keys) or {public_key()}
    newest: Checkpoint | None = None
    faults: list[str] = []
    num_unreadable = 0
    for line in _lines(place):
        try:
            read = _read(line, newest)
        except (ValueError, KeyError, TypeError):
            num_unreadable += 1
            continue
        faults += _faults(read, newest, wanted)
        newest = read
    return Series(newest, tuple(faults), num_unreadable)


def last_checkpoint(folder: Path) -> tuple[int, datetime] | None:
    """Number and time of the newest checkpoint, from the end of the newest file; None without."""
    try:
        for path in sorted(folder.glob(FILES), reverse=True):
            for line in reversed(path.read_bytes().splitlines()[-3:]):
                try:
                    content = json.loads(line)
                    return int(content["n"]), datetime.fromisoformat(content["at"])
                except (ValueError, KeyError, TypeError):
                    continue
    except OSError:
        return None
    return None


def _lines(place: Path) -> Iterator[bytes]:
    paths = sorted(place.glob(FILES)) if place.is_dir() else [place]
    for path in paths:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
        yield from (line for line in content.split(b"\n") if line.strip())


def _read(line: bytes, before: Checkpoint | None) -> Checkpoint:
    content = json.loads(line)
    digest, signature = content.pop("hash"), content.pop("signature")
    if _digest(content) != digest:
        raise ValueError("the line was changed")
    changed = {str(chain): (int(seq), str(sha256)) for chain, seq, sha256 in content["heads"]}
    known = {} if content["whole"] or before is None else before.heads
    return Checkpoint(
        n=content["n"],
        at=content["at"],
        prev=content["prev"],
        heads={**known, **changed},
        root=content["root"],
        other=content["other"],
        begun_again=content["begun_again"],
        hash=digest,
        signature=signature,
        key=content["key"],
    )


def _faults(read: Checkpoint, before: Checkpoint | None, keys: set[str]) -> Iterator[str]:
    if before is not None and read.prev != before.hash:
        yield f"{read.name} does not continue the one before"
    if merkle_root(read.heads) != read.root:
        yield f"{read.name} does not fit its root: a line before it is missing"
    if read.key not in keys:
        yield f"{read.name} was signed with another key"
        return
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(read.key)).verify(
            bytes.fromhex(read.signature), bytes.fromhex(read.hash)
        )
    except (InvalidSignature, ValueError):
        yield f"{read.name} has a wrong signature"
