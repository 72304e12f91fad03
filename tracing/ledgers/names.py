"""The ledgers there are: their names, networks, CAIP-2 keys and first blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tracing.engine.addresses import Network
from tracing.engine.chains import BITCOIN_CHAIN
from tracing.errors import LedgerError, LedgerMissing

NETWORK: Final = {
    "bitcoin": Network.MAIN,
    "bitcoin-test": Network.TEST,
    "bitcoin-regtest": Network.REGTEST,
}
NAME: Final = {network: name for name, network in NETWORK.items()}
CHAIN: Final = {name: BITCOIN_CHAIN[network] for name, network in NETWORK.items()}
GENESIS: Final = {
    "bitcoin": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "bitcoin-test": "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
    "bitcoin-regtest": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
}
MANIFEST: Final = "manifest.json"


def folder(home: Path, name: str) -> Path:
    """Where a ledger lies."""
    return home / "ledgers" / name


def first_block(name: str) -> bytes:
    """Hash of the ledger's first block, in wire order."""
    return bytes.fromhex(GENESIS[name])[::-1]


def present(home: Path) -> list[str]:
    """Names of the ledgers loaded, main first."""
    return [name for name in NETWORK if (folder(home, name) / MANIFEST).exists()]


def resolve(home: Path, name: str) -> str:
    """The full name of a loaded ledger: plain `bitcoin` means the only one present, else main.

    Raises LedgerError for an unknown name, LedgerMissing if it is not loaded.
    """
    if name not in NETWORK:
        raise LedgerError(f"no ledger is called {name!r}; known are {', '.join(NETWORK)}")
    found = present(home)
    if name == "bitcoin" and len(found) == 1:
        return found[0]
    if name not in found:
        raise LedgerMissing(f"the ledger {name} is empty; load blocks into it with load_blocks")
    return name


def choose_for_load(home: Path, name: str, network: str | None, seen: Network | None) -> str:
    """The ledger to load into, from the name given, the network given, and what the files say.

    An explicit network wins; then a name with a network in it; then the magic of the files; then
    the only ledger present, else main. Blocks that turn out to be of another network are refused
    afterwards.
    """
    if name not in NETWORK:
        raise LedgerError(f"no ledger is called {name!r}; known are {', '.join(NETWORK)}")
    if network is not None:
        try:
            chosen = NAME[Network(network)]
        except ValueError:
            known = ", ".join(NAME)
            raise LedgerError(f"no network is called {network!r}; known are {known}") from None
        if name not in ("bitcoin", chosen):
            raise LedgerError(f"{name} is not a ledger of the network {network}")
        return chosen
    if name != "bitcoin":
        return name
    if seen is not None:
        return NAME[seen]
    # Regtest blocks show themselves by their difficulty, so these are of main or test.
    return "bitcoin-test" if present(home) == ["bitcoin-test"] else "bitcoin"
