"""What of the stored ledgers lasts: the manifest and the batches that a backup must hold.

Arrays are derived from the batches and are built again where they are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tracing.ledgers import names
from tracing.ledgers.accounts import open_account_ledger
from tracing.ledgers.load import open_ledger
from tracing.ledgers.manifest import read_manifest


@dataclass(frozen=True)
class LastingFiles:
    """A ledger as of one moment: the manifest's own bytes, and files that never change."""

    name: str
    folder: Path
    manifest: bytes
    batch_files: tuple[Path, ...]


def lasting_files(home: Path) -> list[LastingFiles]:
    """Every ledger under FIU_HOME. A load beside this does no harm: it only adds batches.

    Raises LedgerError for a manifest of another format.
    """
    found = []
    for name in names.present(home):
        folder = names.folder(home, name)
        # First the bytes, then what they name: a later manifest names more, never less.
        content = (folder / names.MANIFEST).read_bytes()
        manifest = read_manifest(folder, name)
        if manifest is None:
            continue
        named = [folder / "batches" / batch for batch in manifest.batches]
        files = tuple(path for batch in named for path in sorted(batch.iterdir()))
        found.append(LastingFiles(name, folder, content, files))
    return found


def open_all(home: Path) -> dict[str, str]:
    """Open every ledger at its newest snapshot: name to the hash of its last block.

    Raises LedgerError. Cost: builds arrays that are missing, 1 to 2 s a million transactions.
    """
    return {
        name: (open_account_ledger if names.is_account(name) else open_ledger)(home, name).tip_hash
        for name in names.present(home)
    }
