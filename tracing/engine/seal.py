"""The seal of a result: what pins it, and the hash that tells whether it is unchanged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final, Protocol, cast

from tracing.engine.spec import Json, Snapshot, canonical_sha256

ENGINE_VERSION: Final = "1.0.0"


class Pinned(Protocol):
    """A ledger of any kind at one snapshot."""

    name: str
    chain: str
    height: int
    tip_hash: str
    epoch: int


def snapshot_of(ledger: Pinned) -> Snapshot:
    """The snapshot a ledger is pinned to."""
    return Snapshot(ledger.name, ledger.chain, ledger.height, ledger.tip_hash, ledger.epoch)


@cache
def code_hash() -> str:
    """SHA-256 over the engine's source files by name: name, NUL, length, NUL, bytes."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted(here.rglob("*.py")):
        source = path.read_bytes()
        digest.update(path.relative_to(here).as_posix().encode())
        digest.update(b"\0%d\0" % len(source))
        digest.update(source)
    return digest.hexdigest()


def boundaries_sha256(boundaries: Iterable[tuple[str, str]]) -> str:
    """Hash over the walls a run knew: (address, kind) rows, sorted, each once."""
    return canonical_sha256([list(row) for row in sorted(set(boundaries))])


def sealed(
    body: Mapping[str, object],
    *,
    ledger: Pinned,
    parameters: Mapping[str, object],
    boundaries: str,
    tag_set: str = "",
) -> Json:
    """The result with its seal in front.

    Args:
        tag_set: version of the tags known to who asked; results sealed without one name none.

    `result_sha256` covers the RFC 8785 canonical JSON of the whole result, the other fields of the
    seal included, so no figure, parameter or snapshot can change unseen.
    """
    seal: Json = {
        "snapshot": snapshot_of(ledger).to_json(),
        "engine_version": ENGINE_VERSION,
        "code_hash": code_hash(),
        "parameters": dict(parameters),
        "boundaries_sha256": boundaries,
    }
    if tag_set:
        seal["tag_set"] = tag_set
    result: Json = {"seal": seal, **body}
    seal["result_sha256"] = result_sha256(result)
    return result


def result_sha256(result: Mapping[str, object]) -> str:
    """The hash a sealed result must carry: over everything but the hash itself."""
    seal = dict(cast("Mapping[str, object]", result["seal"]))
    seal.pop("result_sha256", None)
    return canonical_sha256({**result, "seal": seal})


def is_intact(result: Mapping[str, object]) -> bool:
    """True if nothing of a sealed result was changed since it was sealed."""
    seal = cast("Mapping[str, object]", result["seal"])
    return seal.get("result_sha256") == result_sha256(result)
