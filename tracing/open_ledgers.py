"""The newest snapshot of a ledger, opened once in each process and kept while nothing is loaded."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from tracing.engine.accounts.ledger import AccountLedger
from tracing.errors import LedgerError
from tracing.ledgers import StoredLedger, ledger_snapshot, names, open_ledger
from tracing.ledgers.accounts import open_account_ledger
from tracing.ledgers.manifest import read_manifest


def opened_ledger(name: str) -> StoredLedger:
    """A ledger of coins. Raises LedgerError, LedgerMissing. No SQL."""
    snapshot = ledger_snapshot(settings.FIU_HOME, name)
    return _coins(
        settings.FIU_HOME, names.resolve(settings.FIU_HOME, name), snapshot.epoch, snapshot.tip_hash
    )


def opened_accounts(ledger: str) -> AccountLedger:
    """A ledger of accounts. Raises LedgerError. No SQL."""
    full = names.resolve(settings.FIU_HOME, ledger)
    manifest = read_manifest(names.folder(settings.FIU_HOME, full), full)
    if manifest is None:
        raise LedgerError(f"the ledger {full} is empty")
    now = manifest.current
    return _accounts(settings.FIU_HOME, full, now.epoch, now.tip_hash)


# An epoch with its tip never changes, so that nothing here goes stale; the oldest are dropped.
@lru_cache(maxsize=4)
def _coins(home: Path, name: str, epoch: int, tip_hash: str) -> StoredLedger:
    opened = open_ledger(home, name, epoch, tip_hash)
    opened.maps.scatter()  # pages ask for single addresses
    return opened


@lru_cache(maxsize=4)
def _accounts(home: Path, name: str, epoch: int, tip_hash: str) -> AccountLedger:
    return open_account_ledger(home, name, epoch, tip_hash)
